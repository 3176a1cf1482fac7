// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "integrity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <zlib.h>

#define SHA1_BLOCK 64u

// HMAC (RFC 2104) over one digest context, reset for each of the two passes. EVP_MAC would save two
// compressions of the pads, but allocates whenever it is reset or rekeyed, which costs more.
struct stun_hmac {
	EVP_MD_CTX *ctx;
	uint8_t inner[SHA1_BLOCK]; // key XOR ipad
	uint8_t outer[SHA1_BLOCK]; // key XOR opad
};

int stun_hmac_new(struct stun_hmac **out, const uint8_t *key, size_t length)
{
	struct stun_hmac *h;
	EVP_MD *sha1;
	int err = -ENOMEM;

	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	if (!sha1) {
		err = -ENOTSUP;
		goto fail;
	}
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || EVP_DigestInit_ex2(h->ctx, sha1, NULL) != 1)
		goto fail;
	err = stun_hmac_rekey(h, key, length);
	if (err < 0)
		goto fail;
	EVP_MD_free(sha1); // the context holds its own reference
	*out = h;
	return 0;
fail:
	EVP_MD_free(sha1);
	stun_hmac_free(h);
	return err;
}

// One pass: a block of padded key, then the message in two pieces.
static int digest(struct stun_hmac *h, const uint8_t pad[SHA1_BLOCK], const void *a,
	size_t a_length, const void *b, size_t b_length, uint8_t out[STUN_SHA1_LENGTH])
{
	unsigned int length = 0;

	if (EVP_DigestInit_ex2(h->ctx, NULL, NULL) != 1 ||
		(pad && EVP_DigestUpdate(h->ctx, pad, SHA1_BLOCK) != 1) ||
		EVP_DigestUpdate(h->ctx, a, a_length) != 1 ||
		(b_length && EVP_DigestUpdate(h->ctx, b, b_length) != 1) ||
		EVP_DigestFinal_ex(h->ctx, out, &length) != 1 || length != STUN_SHA1_LENGTH)
		return -EIO;
	return 0;
}

int stun_hmac_rekey(struct stun_hmac *h, const uint8_t *key, size_t length)
{
	uint8_t short_key[STUN_SHA1_LENGTH];

	if (!length)
		return -EINVAL;
	if (length > SHA1_BLOCK) {
		int err = digest(h, NULL, key, length, NULL, 0, short_key);

		if (err < 0)
			return err;
		key = short_key;
		length = sizeof(short_key);
	}
	memset(h->inner, 0x36, SHA1_BLOCK);
	memset(h->outer, 0x5c, SHA1_BLOCK);
	for (size_t i = 0; i < length; i++) {
		h->inner[i] ^= key[i];
		h->outer[i] ^= key[i];
	}
	if (key == short_key)
		OPENSSL_cleanse(short_key, sizeof(short_key));
	return 0;
}

void stun_hmac_free(struct stun_hmac *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx); // wipes the digest's state
	OPENSSL_cleanse(h, sizeof(*h));
	free(h);
}

int stun_hmac_sha1(struct stun_hmac *h, const void *a, size_t a_length, const void *b,
	size_t b_length, uint8_t out[STUN_SHA1_LENGTH])
{
	uint8_t hash[STUN_SHA1_LENGTH];
	int err = digest(h, h->inner, a, a_length, b, b_length, hash);

	return err < 0 ? err : digest(h, h->outer, hash, sizeof(hash), NULL, 0, out);
}

bool stun_integrity_valid(const struct stun_message *m, struct stun_hmac *key)
{
	const size_t attribute = 4 + STUN_SHA1_LENGTH;
	const size_t covered = m->integrity_offset + attribute - TP_STUN_HEADER;
	uint8_t header[TP_STUN_HEADER];
	uint8_t expected[STUN_SHA1_LENGTH];

	if (!m->integrity.data || m->integrity.length != STUN_SHA1_LENGTH)
		return false;
	memcpy(header, m->bytes, sizeof(header));
	header[2] = (uint8_t)(covered >> 8);
	header[3] = (uint8_t)covered;
	if (stun_hmac_sha1(key, header, sizeof(header), m->bytes + sizeof(header),
		    m->integrity_offset - sizeof(header), expected) < 0)
		return false;
	return CRYPTO_memcmp(expected, m->integrity.data, sizeof(expected)) == 0;
}

uint32_t stun_fingerprint(const uint8_t *bytes, size_t length)
{
	return (uint32_t)crc32_z(0, bytes, length) ^ TP_STUN_FINGERPRINT_XOR;
}
