// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Writing STUN messages (RFC 8489 section 5 and 14). The first write that does not fit sets
// `error`; the rest do nothing; stun_finish() reports it. So callers check once.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>
#include <turnpike/wire.h>

struct stun_hmac;

struct stun_writer {
	uint8_t *bytes;
	size_t capacity;
	size_t length; // so far, header included
	int error; // 0 or a negative errno
};

// Begins a message in `bytes`, which stays the caller's. `class_` is an enum tp_stun_class.
void stun_begin(struct stun_writer *w, uint8_t *bytes, size_t capacity, uint16_t method,
	uint8_t class_, const uint8_t tid[TP_STUN_TID]);
void stun_put(struct stun_writer *w, uint16_t type, const void *value, size_t length);
void stun_put_u32(struct stun_writer *w, uint16_t type, uint32_t value);
void stun_put_u64(struct stun_writer *w, uint16_t type, uint64_t value);
// XOR-MAPPED-ADDRESS, XOR-RELAYED-ADDRESS, XOR-PEER-ADDRESS (RFC 8489 section 14.2).
void stun_put_xor_address(struct stun_writer *w, uint16_t type, const struct tp_endpoint *e);
// ALTERNATE-SERVER, the address as it is (RFC 8489 sections 14.1 and 14.15).
void stun_put_address(struct stun_writer *w, uint16_t type, const struct tp_endpoint *e);
// ERROR-CODE with its reason phrase (RFC 8489 section 14.8).
void stun_put_error(struct stun_writer *w, unsigned int code, const char *reason);
// ADDRESS-ERROR-CODE: why this family was not given (RFC 8656 section 18.12).
void stun_put_address_error(
	struct stun_writer *w, enum tp_family family, unsigned int code, const char *reason);
void stun_put_unknown(struct stun_writer *w, const uint16_t *types, size_t n);
// MESSAGE-INTEGRITY over what was written so far (RFC 8489 section 14.5).
void stun_put_integrity(struct stun_writer *w, struct stun_hmac *key);
// MESSAGE-INTEGRITY-SHA256, whole (RFC 8489 section 14.6).
void stun_put_integrity_sha256(struct stun_writer *w, struct stun_hmac *key);
// FINGERPRINT, the last attribute (RFC 8489 section 14.7).
void stun_put_fingerprint(struct stun_writer *w);
// Sets the message length. Returns the bytes written, or the first error (-ENOSPC, -EINVAL).
int stun_finish(struct stun_writer *w);
