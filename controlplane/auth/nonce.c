// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "nonce.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "siphash.h"

#define LIFETIME_DEFAULT_S 3600u
#define TIME_LENGTH 4u // bytes: seconds, modulo 2^32
#define MAC_LENGTH 8u
#define TIME_CHARACTERS 8u // in base64, which hold the time's 4 bytes and 2 of the MAC

_Static_assert((TIME_LENGTH + MAC_LENGTH) * 4 / 3 == AUTH_NONCE_LENGTH, "no padding in base64");

void auth_nonces_init(
	struct auth_nonces *n, const uint8_t key[16], const char *realm, uint32_t lifetime_s)
{
	siphash128(key, realm, strlen(realm), n->key);
	n->lifetime_s = lifetime_s ? lifetime_s : LIFETIME_DEFAULT_S;
}

static void make_at(const struct auth_nonces *n, const struct tp_endpoint *from, uint32_t time,
	char out[AUTH_NONCE_LENGTH + 1])
{
	uint8_t input[sizeof(from->ip) + 2 + TIME_LENGTH];
	uint8_t raw[TIME_LENGTH + MAC_LENGTH];

	for (unsigned int i = 0; i < TIME_LENGTH; i++)
		raw[i] = (uint8_t)(time >> (24 - 8 * i));
	memcpy(input, from->ip.b, sizeof(from->ip));
	input[sizeof(from->ip)] = (uint8_t)(from->port >> 8);
	input[sizeof(from->ip) + 1] = (uint8_t)from->port;
	memcpy(input + sizeof(from->ip) + 2, raw, TIME_LENGTH);
	siphash_store(raw + TIME_LENGTH, siphash64(n->key, input, sizeof(input)));
	EVP_EncodeBlock((uint8_t *)out, raw, sizeof(raw));
}

void auth_nonces_make(const struct auth_nonces *n, const struct tp_endpoint *from, uint64_t now_s,
	char out[AUTH_NONCE_LENGTH + 1])
{
	make_at(n, from, (uint32_t)now_s, out);
}

bool auth_nonces_valid(const struct auth_nonces *n, const struct stun_bytes *nonce,
	const struct tp_endpoint *from, uint64_t now_s)
{
	uint8_t raw[TIME_CHARACTERS / 4 * 3];
	char expected[AUTH_NONCE_LENGTH + 1];
	uint32_t time = 0;

	if (nonce->length != AUTH_NONCE_LENGTH ||
		EVP_DecodeBlock(raw, nonce->data, TIME_CHARACTERS) != (int)sizeof(raw))
		return false;
	for (unsigned int i = 0; i < TIME_LENGTH; i++)
		time = time << 8 | raw[i];
	// Made again and compared as text: each nonce has one spelling. A time to come is stale
	// too.
	make_at(n, from, time, expected);
	return CRYPTO_memcmp(expected, nonce->data, AUTH_NONCE_LENGTH) == 0 &&
	       (uint32_t)now_s - time <= n->lifetime_s;
}
