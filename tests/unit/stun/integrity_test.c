// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "../../../controlplane/stun/integrity.h"
#include "../../../controlplane/stun/writer.h"

static const uint8_t tid[TP_STUN_TID] = {1};

Test(integrity, hmac_is_that_of_openssl_for_every_key_length_and_split)
{
	uint8_t key[150], data[150], out[STUN_SHA1_LENGTH], expected[STUN_SHA1_LENGTH];
	struct stun_hmac *h = NULL;

	for (size_t i = 0; i < sizeof(key); i++) {
		key[i] = (uint8_t)(i * 7 + 1);
		data[i] = (uint8_t)(i * 13 + 5);
	}
	cr_assert(stun_hmac_new(&h, key, 1) == 0);
	for (size_t n = 1; n <= sizeof(key); n++) {
		cr_assert(stun_hmac_rekey(h, key, n) == 0);
		cr_assert(HMAC(EVP_sha1(), key, (int)n, data, n, expected, NULL));
		for (size_t split = 0; split <= n; split += 10) {
			cr_assert(
				stun_hmac_sha1(h, data, split, data + split, n - split, out) == 0);
			cr_assert(memcmp(out, expected, sizeof(out)) == 0, "%zu %zu", n, split);
		}
	}
	stun_hmac_free(h);
}

Test(integrity, an_empty_key_is_refused)
{
	struct stun_hmac *h = NULL;

	cr_assert(stun_hmac_new(&h, (const uint8_t *)"", 0) == -EINVAL);
	cr_assert(stun_hmac_new(&h, (const uint8_t *)"k", 1) == 0);
	cr_assert(stun_hmac_rekey(h, (const uint8_t *)"", 0) == -EINVAL);
	stun_hmac_free(h);
	stun_hmac_free(NULL);
}

Test(integrity, only_a_whole_and_right_value_under_the_right_key_is_valid)
{
	struct stun_hmac *key = NULL;
	uint8_t bytes[64];
	struct stun_writer w;
	struct stun_message m;

	cr_assert(stun_hmac_new(&key, (const uint8_t *)"right", 5) == 0);
	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_REFRESH, TP_STUN_REQUEST, tid);
	stun_put_integrity(&w, key);
	cr_assert(stun_finish(&w) == 44);
	cr_assert(stun_parse(&m, bytes, 44) == 0);
	cr_assert(stun_integrity_valid(&m, key));
	cr_assert(stun_integrity_valid(&m, key), "and again");

	cr_assert(stun_hmac_rekey(key, (const uint8_t *)"wrong", 5) == 0);
	cr_assert(!stun_integrity_valid(&m, key));
	cr_assert(stun_hmac_rekey(key, (const uint8_t *)"right", 5) == 0);
	cr_assert(stun_integrity_valid(&m, key));
	m.integrity.length = 19;
	cr_assert(!stun_integrity_valid(&m, key), "too short");
	m.integrity = (struct stun_bytes){0};
	cr_assert(!stun_integrity_valid(&m, key), "absent");
	stun_hmac_free(key);
}

Test(integrity, attributes_after_it_do_not_change_it)
{
	struct stun_hmac *key = NULL;
	uint8_t bytes[128];
	struct stun_writer w;
	struct stun_message m;
	int length;

	cr_assert(stun_hmac_new(&key, (const uint8_t *)"k", 1) == 0);
	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_REFRESH, TP_STUN_REQUEST, tid);
	stun_put_u32(&w, TP_ATTR_LIFETIME, 600);
	stun_put_integrity(&w, key);
	stun_put(&w, TP_ATTR_MESSAGE_INTEGRITY_SHA256, "01234567890123456789012345678901", 32);
	stun_put_fingerprint(&w);
	length = stun_finish(&w);
	cr_assert(length == 20 + 8 + 24 + 36 + 8);
	cr_assert(stun_parse(&m, bytes, (size_t)length) == 0);
	cr_assert(stun_integrity_valid(&m, key));
	stun_hmac_free(key);
}

Test(integrity, the_fingerprint_is_the_crc_of_itu_v42)
{
	// CRC-32's check value for "123456789" is 0xcbf43926.
	cr_assert(stun_fingerprint((const uint8_t *)"123456789", 9) ==
		  (0xcbf43926u ^ TP_STUN_FINGERPRINT_XOR));
}

Test(integrity, hmac_sha256_is_that_of_openssl_up_to_a_block_of_key)
{
	uint8_t key[65], data[150], out[STUN_SHA256_LENGTH], expected[STUN_SHA256_LENGTH];
	struct stun_hmac *h = NULL;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 13 + 5);
	memset(key, 7, sizeof(key));
	cr_assert(stun_hmac_new(&h, key, 1) == 0);
	for (size_t n = 1; n <= 64; n++) {
		cr_assert(stun_hmac_rekey(h, key, n) == 0);
		cr_assert(HMAC(EVP_sha256(), key, (int)n, data, 2 * n, expected, NULL));
		for (size_t split = 0; split <= 2 * n; split += 10) {
			cr_assert(stun_hmac_sha256(
					  h, data, split, data + split, 2 * n - split, out) == 0);
			cr_assert(memcmp(out, expected, sizeof(out)) == 0, "%zu %zu", n, split);
		}
	}
	cr_assert(stun_hmac_rekey(h, key, 65) == 0);
	cr_assert(stun_hmac_sha256(h, data, 1, NULL, 0, out) == -EINVAL, "a longer key");
	cr_assert(stun_hmac_rekey(h, key, 64) == 0);
	cr_assert(stun_hmac_sha256(h, data, 1, NULL, 0, out) == 0);
	stun_hmac_free(h);
}

Test(integrity, of_sha_256_is_valid_cut_down_and_before_a_fingerprint_but_not_beyond_its_bounds)
{
	struct stun_hmac *key = NULL;
	uint8_t bytes[128];
	struct stun_writer w;
	struct stun_message m;

	cr_assert(stun_hmac_new(&key, (const uint8_t *)"right", 5) == 0);
	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_REFRESH, TP_STUN_REQUEST, tid);
	stun_put_integrity(&w, key);
	stun_put_integrity_sha256(&w, key);
	stun_put_fingerprint(&w);
	cr_assert(stun_finish(&w) == 20 + 24 + 36 + 8);
	cr_assert(stun_parse(&m, bytes, 88) == 0);
	cr_assert(stun_integrity_sha256_valid(&m, key) && stun_integrity_valid(&m, key));
	cr_assert(m.fingerprint_valid);
	for (uint16_t n = 0; n <= 40; n++) {
		m.integrity_sha256.length = n;
		cr_assert(stun_integrity_sha256_valid(&m, key) == (n == 32), "%u", n);
	}
	m.integrity_sha256 = (struct stun_bytes){0};
	cr_assert(!stun_integrity_sha256_valid(&m, key), "absent");
	stun_hmac_free(key);
}
