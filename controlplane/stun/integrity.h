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

// A key with its HMAC-SHA1 state made ready once, so that a message costs no key setup.
struct stun_hmac;

// Makes a state for `key`. The key is copied, wiped in stun_hmac_free() (which takes NULL).
int stun_hmac_new(struct stun_hmac **out, const uint8_t *key, size_t length);
// Gives an existing state another key: no allocation.
int stun_hmac_rekey(struct stun_hmac *h, const uint8_t *key, size_t length);
void stun_hmac_free(struct stun_hmac *h);

// HMAC-SHA1 of two pieces, the second may be empty.
int stun_hmac_sha1(struct stun_hmac *h, const void *a, size_t a_length, const void *b,
	size_t b_length, uint8_t out[STUN_SHA1_LENGTH]);

// Whether MESSAGE-INTEGRITY is right under this key; compared in constant time. False when absent
// or not 20 bytes long. The header's length is taken as if MESSAGE-INTEGRITY were the last
// attribute.
bool stun_integrity_valid(const struct stun_message *m, struct stun_hmac *key);

// The FINGERPRINT of these bytes (CRC-32 of ITU V.42, XORed).
uint32_t stun_fingerprint(const uint8_t *bytes, size_t length);
