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
#define TEXT_LENGTH 16u // all of base64, the last character of which is not told
#define MAGIC "obMatJos2"

_Static_assert((TIME_LENGTH + MAC_LENGTH) * 4 / 3 == TEXT_LENGTH, "no padding in base64");
_Static_assert(AUTH_NONCE_COOKIE_LENGTH == sizeof(MAGIC) - 1 + 4, "");
_Static_assert(AUTH_NONCE_LENGTH == AUTH_NONCE_COOKIE_LENGTH + TEXT_LENGTH - 1, "");

void auth_nonces_init(struct auth_nonces *n, const uint8_t key[16], const void *context,
	size_t context_length, uint32_t features, uint32_t lifetime_s)
{
	const uint8_t bits[3] = {
		(uint8_t)(features >> 16), (uint8_t)(features >> 8), (uint8_t)features};

	memcpy(n->cookie, MAGIC, sizeof(MAGIC) - 1);
	EVP_EncodeBlock((uint8_t *)n->cookie + sizeof(MAGIC) - 1, bits, sizeof(bits));
	siphash128(key, context, context_length, n->key);
	n->lifetime_s = lifetime_s ? lifetime_s : LIFETIME_DEFAULT_S;
}

static void make_at(const struct auth_nonces *n, const struct tp_endpoint *from, uint32_t time,
	char out[AUTH_NONCE_LENGTH + 1])
{
	uint8_t input[sizeof(from->ip) + 2 + TIME_LENGTH];
	uint8_t raw[TIME_LENGTH + MAC_LENGTH];
	char text[TEXT_LENGTH + 1];

	for (unsigned int i = 0; i < TIME_LENGTH; i++)
		raw[i] = (uint8_t)(time >> (24 - 8 * i));
	memcpy(input, from->ip.b, sizeof(from->ip));
	input[sizeof(from->ip)] = (uint8_t)(from->port >> 8);
	input[sizeof(from->ip) + 1] = (uint8_t)from->port;
	memcpy(input + sizeof(from->ip) + 2, raw, TIME_LENGTH);
	siphash_store(raw + TIME_LENGTH, siphash64(n->key, input, sizeof(input)));
	EVP_EncodeBlock((uint8_t *)text, raw, sizeof(raw));
	memcpy(out, n->cookie, AUTH_NONCE_COOKIE_LENGTH);
	memcpy(out + AUTH_NONCE_COOKIE_LENGTH, text, TEXT_LENGTH - 1);
	out[AUTH_NONCE_LENGTH] = '\0';
}

void auth_nonces_make(const struct auth_nonces *n, const struct tp_endpoint *from, uint64_t now_s,
	char out[AUTH_NONCE_LENGTH + 1])
{
	make_at(n, from, (uint32_t)now_s, out);
}

enum auth_nonce_state auth_nonces_check(const struct auth_nonces *n, const struct stun_bytes *nonce,
	const struct tp_endpoint *from, uint64_t now_s)
{
	uint8_t raw[TIME_CHARACTERS / 4 * 3];
	char expected[AUTH_NONCE_LENGTH + 1];
	uint32_t time = 0;

	if (nonce->length != AUTH_NONCE_LENGTH ||
		EVP_DecodeBlock(raw, nonce->data + AUTH_NONCE_COOKIE_LENGTH, TIME_CHARACTERS) !=
			(int)sizeof(raw))
		return AUTH_NONCE_UNKNOWN;
	for (unsigned int i = 0; i < TIME_LENGTH; i++)
		time = time << 8 | raw[i];
	// Made again and compared as text: each nonce has one spelling.
	make_at(n, from, time, expected);
	if (CRYPTO_memcmp(expected, nonce->data, AUTH_NONCE_LENGTH) != 0)
		return AUTH_NONCE_UNKNOWN;
	// A time to come is stale too.
	return (uint32_t)now_s - time <= n->lifetime_s ? AUTH_NONCE_VALID : AUTH_NONCE_STALE;
}

bool auth_nonces_cookie(const struct auth_nonces *n, const struct stun_bytes *nonce)
{
	return nonce->length >= AUTH_NONCE_COOKIE_LENGTH &&
	       memcmp(nonce->data, n->cookie, AUTH_NONCE_COOKIE_LENGTH) == 0;
}
