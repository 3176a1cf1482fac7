// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "integrity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <zlib.h>

struct stun_hmac {
	EVP_MAC_CTX *ctx;
	bool fresh; // just keyed: the next message needs no reset
};

int stun_hmac_new(struct stun_hmac **out, const uint8_t *key, size_t length)
{
	char digest[] = "SHA1";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end()};
	struct stun_hmac *h;
	EVP_MAC *mac;
	int err;

	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	h->ctx = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac); // the context holds its own reference
	if (!h->ctx) {
		err = -ENOMEM;
		goto fail;
	}
	// Set once: rekeying then names no digest, and fetches nothing.
	if (EVP_MAC_CTX_set_params(h->ctx, params) != 1) {
		err = -ENOTSUP;
		goto fail;
	}
	err = stun_hmac_rekey(h, key, length);
	if (err < 0)
		goto fail;
	*out = h;
	return 0;
fail:
	stun_hmac_free(h);
	return err;
}

int stun_hmac_rekey(struct stun_hmac *h, const uint8_t *key, size_t length)
{
	h->fresh = false;
	if (!length)
		return -EINVAL; // OpenSSL would keep the former key
	if (EVP_MAC_init(h->ctx, key, length, NULL) != 1)
		return -EIO;
	h->fresh = true;
	return 0;
}

void stun_hmac_free(struct stun_hmac *h)
{
	if (!h)
		return;
	EVP_MAC_CTX_free(h->ctx); // wipes the key
	free(h);
}

int stun_hmac_sha1(struct stun_hmac *h, const void *a, size_t a_length, const void *b,
	size_t b_length, uint8_t out[STUN_SHA1_LENGTH])
{
	size_t length = 0;

	if (!h->fresh && EVP_MAC_init(h->ctx, NULL, 0, NULL) != 1)
		return -EIO;
	h->fresh = false;
	if (EVP_MAC_update(h->ctx, a, a_length) != 1 ||
		(b_length && EVP_MAC_update(h->ctx, b, b_length) != 1) ||
		EVP_MAC_final(h->ctx, out, &length, STUN_SHA1_LENGTH) != 1 ||
		length != STUN_SHA1_LENGTH)
		return -EIO;
	return 0;
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
