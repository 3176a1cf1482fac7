// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "integrity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <zlib.h>

#define BLOCK 64u // bytes, of both digests

// HMAC (RFC 2104) over one context for each digest, reset for each of the two passes. EVP_MAC would save two
// compressions of the pads, but allocates whenever it is reset or rekeyed, which costs more.
struct stun_hmac {
	EVP_MD_CTX *sha1;
	EVP_MD_CTX *sha256;
	uint8_t inner[BLOCK]; // key XOR ipad
	uint8_t outer[BLOCK]; // key XOR opad
	bool long_key; // the pads are of its SHA-1
};

static int new_context(EVP_MD_CTX **out, const char *name)
{
	EVP_MD *digest = EVP_MD_fetch(NULL, name, NULL);
	bool ready;

	if (!digest)
		return -ENOTSUP;
	*out = EVP_MD_CTX_new();
	ready = *out && EVP_DigestInit_ex2(*out, digest, NULL) == 1;
	EVP_MD_free(digest); // the context holds its own reference
	return ready ? 0 : -ENOMEM;
}

int stun_hmac_new(struct stun_hmac **out, const uint8_t *key, size_t length)
{
	struct stun_hmac *h;
	int err;

	// The pads are as good as the key: in OpenSSL's memory for such, where there is one.
	h = OPENSSL_secure_zalloc(sizeof(*h));
	if (!h)
		return -ENOMEM;
	err = new_context(&h->sha1, "SHA1");
	if (!err)
		err = new_context(&h->sha256, "SHA256");
	if (!err)
		err = stun_hmac_rekey(h, key, length);
	if (err < 0) {
		stun_hmac_free(h);
		return err;
	}
	*out = h;
	return 0;
}

// One pass: a block of padded key, then the message in two pieces. `size` is the digest's.
static int digest(EVP_MD_CTX *ctx, const uint8_t *pad, const void *a, size_t a_length,
	const void *b, size_t b_length, uint8_t *out, unsigned int size)
{
	unsigned int length = 0;

	if (EVP_DigestInit_ex2(ctx, NULL, NULL) != 1 ||
		(pad && EVP_DigestUpdate(ctx, pad, BLOCK) != 1) ||
		EVP_DigestUpdate(ctx, a, a_length) != 1 ||
		(b_length && EVP_DigestUpdate(ctx, b, b_length) != 1) ||
		EVP_DigestFinal_ex(ctx, out, &length) != 1 || length != size)
		return -EIO;
	return 0;
}

int stun_hmac_rekey(struct stun_hmac *h, const uint8_t *key, size_t length)
{
	uint8_t short_key[STUN_SHA1_LENGTH];

	if (!length)
		return -EINVAL;
	h->long_key = length > BLOCK;
	if (h->long_key) {
		int err = digest(h->sha1, NULL, key, length, NULL, 0, short_key, sizeof(short_key));

		if (err < 0)
			return err;
		key = short_key;
		length = sizeof(short_key);
	}
	memset(h->inner, 0x36, BLOCK);
	memset(h->outer, 0x5c, BLOCK);
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
	EVP_MD_CTX_free(h->sha1); // wipes the digest's state
	EVP_MD_CTX_free(h->sha256);
	OPENSSL_secure_clear_free(h, sizeof(*h));
}

int stun_hmac_sha1(struct stun_hmac *h, const void *a, size_t a_length, const void *b,
	size_t b_length, uint8_t out[STUN_SHA1_LENGTH])
{
	uint8_t hash[STUN_SHA1_LENGTH];
	int err = digest(h->sha1, h->inner, a, a_length, b, b_length, hash, sizeof(hash));

	return err < 0 ? err
		       : digest(h->sha1, h->outer, hash, sizeof(hash), NULL, 0, out, sizeof(hash));
}

int stun_hmac_sha256(struct stun_hmac *h, const void *a, size_t a_length, const void *b,
	size_t b_length, uint8_t out[STUN_SHA256_LENGTH])
{
	uint8_t hash[STUN_SHA256_LENGTH];
	int err;

	if (h->long_key)
		return -EINVAL;
	err = digest(h->sha256, h->inner, a, a_length, b, b_length, hash, sizeof(hash));
	return err < 0 ? err
		       : digest(h->sha256, h->outer, hash, sizeof(hash), NULL, 0, out,
				 sizeof(hash));
}

// The header as if the attribute at `offset`, with `length` bytes of value, were the last one.
static void header_up_to(
	const struct stun_message *m, size_t offset, size_t length, uint8_t header[TP_STUN_HEADER])
{
	const size_t covered = offset + 4 + length - TP_STUN_HEADER;

	memcpy(header, m->bytes, TP_STUN_HEADER);
	header[2] = (uint8_t)(covered >> 8);
	header[3] = (uint8_t)covered;
}

bool stun_integrity_valid(const struct stun_message *m, struct stun_hmac *key)
{
	uint8_t header[TP_STUN_HEADER];
	uint8_t expected[STUN_SHA1_LENGTH];

	if (!m->integrity.data || m->integrity.length != STUN_SHA1_LENGTH)
		return false;
	header_up_to(m, m->integrity_offset, STUN_SHA1_LENGTH, header);
	if (stun_hmac_sha1(key, header, sizeof(header), m->bytes + sizeof(header),
		    m->integrity_offset - sizeof(header), expected) < 0)
		return false;
	return CRYPTO_memcmp(expected, m->integrity.data, sizeof(expected)) == 0;
}

bool stun_integrity_sha256_valid(const struct stun_message *m, struct stun_hmac *key)
{
	const size_t length = m->integrity_sha256.length;
	uint8_t header[TP_STUN_HEADER];
	uint8_t expected[STUN_SHA256_LENGTH];

	if (!m->integrity_sha256.data || length < STUN_SHA256_MIN || length > STUN_SHA256_LENGTH ||
		length % 4)
		return false;
	header_up_to(m, m->integrity_sha256_offset, length, header);
	if (stun_hmac_sha256(key, header, sizeof(header), m->bytes + sizeof(header),
		    m->integrity_sha256_offset - sizeof(header), expected) < 0)
		return false;
	return CRYPTO_memcmp(expected, m->integrity_sha256.data, length) == 0;
}

uint32_t stun_fingerprint(const uint8_t *bytes, size_t length)
{
	return (uint32_t)crc32_z(0, bytes, length) ^ TP_STUN_FINGERPRINT_XOR;
}
