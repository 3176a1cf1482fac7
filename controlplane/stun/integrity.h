// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489 sections 14.5 to 14.7), over OpenSSL.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

#define STUN_SHA1_LENGTH 20u
#define STUN_SHA256_LENGTH 32u
#define STUN_SHA256_MIN 16u // of a MESSAGE-INTEGRITY-SHA256 that is cut down

// A key made ready once, so that a message costs no key setup: for HMAC-SHA1, and for HMAC-SHA256 too if
// it is no longer than their block of 64 bytes, as every key of the long-term mechanism is.
struct stun_hmac;

// Makes a state for `key`. The key is copied, wiped in stun_hmac_free() (which takes NULL).
int stun_hmac_new(struct stun_hmac **out, const uint8_t *key, size_t length);
// Gives an existing state another key: no allocation.
int stun_hmac_rekey(struct stun_hmac *h, const uint8_t *key, size_t length);
void stun_hmac_free(struct stun_hmac *h);

// HMAC-SHA1 of two pieces, the second may be empty.
int stun_hmac_sha1(struct stun_hmac *h, const void *a, size_t a_length, const void *b,
	size_t b_length, uint8_t out[STUN_SHA1_LENGTH]);
// HMAC-SHA256 likewise. -EINVAL under a longer key.
int stun_hmac_sha256(struct stun_hmac *h, const void *a, size_t a_length, const void *b,
	size_t b_length, uint8_t out[STUN_SHA256_LENGTH]);

// Whether MESSAGE-INTEGRITY is right under this key; compared in constant time. False when absent
// or not 20 bytes long. The header's length is taken as if MESSAGE-INTEGRITY were the last
// attribute.
bool stun_integrity_valid(const struct stun_message *m, struct stun_hmac *key);
// MESSAGE-INTEGRITY-SHA256 likewise (RFC 8489 section 14.6). One that is cut down counts as far as it
// goes; false when absent, or not 16 to 32 bytes in steps of 4.
bool stun_integrity_sha256_valid(const struct stun_message *m, struct stun_hmac *key);

// The FINGERPRINT of these bytes (CRC-32 of ITU V.42, XORed).
uint32_t stun_fingerprint(const uint8_t *bytes, size_t length);
