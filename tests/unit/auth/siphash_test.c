// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "../../../controlplane/auth/siphash.h"

static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

Test(siphash, the_vector_of_the_paper_s_appendix_comes_out)
{
	uint8_t input[15];

	for (uint8_t i = 0; i < sizeof(input); i++)
		input[i] = i;
	cr_assert(siphash64(key, input, sizeof(input)) == 0xa129ca6149be45e5);
}

static void openssl(const uint8_t *input, size_t length, uint8_t *out, size_t size)
{
	OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end()};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

	cr_assert(EVP_MAC_init(ctx, key, sizeof(key), params) == 1);
	cr_assert(EVP_MAC_update(ctx, input, length) == 1);
	cr_assert(EVP_MAC_final(ctx, out, &size, size) == 1);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
}

Test(siphash, is_that_of_openssl_for_every_length)
{
	uint8_t input[300], expected[16], got[16];

	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = (uint8_t)(i * 5);
	for (size_t n = 0; n <= sizeof(input); n++) {
		openssl(input, n, expected, 8);
		siphash_store(got, siphash64(key, input, n));
		cr_assert(memcmp(got, expected, 8) == 0, "%zu", n);
		openssl(input, n, expected, 16);
		siphash128(key, input, n, got);
		cr_assert(memcmp(got, expected, 16) == 0, "%zu", n);
	}
}
