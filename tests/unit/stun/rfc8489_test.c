// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The test vector of RFC 8489, appendix B.1, as verified erratum 6268 corrects it: a long-term request with
// MESSAGE-INTEGRITY-SHA256 and USERHASH. The password is given as it is after its preparation.
#include <criterion/criterion.h>
#include <openssl/evp.h>

#include "../../../controlplane/stun/integrity.h"
#include "../../../controlplane/stun/writer.h"

#define USER "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9"
#define NONCE "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"
#define REALM "example.org"
#define PASSWORD "TheMatrIX"

static const uint8_t request[] = {0x00, 0x01, 0x00, 0x90, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34,
	0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29, 0xda, 0x41, 0x2e, 0x00, 0x1e, 0x00, 0x20, 0x4a, 0x3c,
	0xf3, 0x8f, 0xef, 0x69, 0x92, 0xbd, 0xa9, 0x52, 0xc6, 0x78, 0x04, 0x17, 0xda, 0x0f, 0x24,
	0x81, 0x94, 0x15, 0x56, 0x9e, 0x60, 0xb2, 0x05, 0xc4, 0x6e, 0x41, 0x40, 0x7f, 0x17, 0x04,
	0x00, 0x15, 0x00, 0x29, 0x6f, 0x62, 0x4d, 0x61, 0x74, 0x4a, 0x6f, 0x73, 0x32, 0x41, 0x41,
	0x41, 0x43, 0x66, 0x2f, 0x2f, 0x34, 0x39, 0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36, 0x4f,
	0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46, 0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41,
	0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e,
	0x6f, 0x72, 0x67, 0x00, 0x00, 0x1d, 0x00, 0x04, 0x00, 0x02, 0x00, 0x00, 0x00, 0x1c, 0x00,
	0x20, 0xb5, 0xc7, 0xbf, 0x00, 0x5b, 0x6c, 0x52, 0xa2, 0x1c, 0x51, 0xc5, 0xe8, 0x92, 0xf8,
	0x19, 0x24, 0x13, 0x62, 0x96, 0xcb, 0x92, 0x7c, 0x43, 0x14, 0x93, 0x09, 0x27, 0x8c, 0xc6,
	0x51, 0x8e, 0x65};

static struct stun_hmac *key_of_vector(void)
{
	static const char text[] = USER ":" REALM ":" PASSWORD;
	struct stun_hmac *h = NULL;
	uint8_t key[32];

	cr_assert(EVP_Digest(text, strlen(text), key, NULL, EVP_sha256(), NULL) == 1);
	cr_assert(stun_hmac_new(&h, key, sizeof(key)) == 0);
	return h;
}

Test(rfc8489, the_sample_request_is_read_and_verifies)
{
	static const char text[] = USER ":" REALM;
	struct stun_hmac *key = key_of_vector();
	struct stun_message m;
	uint8_t userhash[32];

	cr_assert(stun_parse(&m, request, sizeof(request)) == 0);
	cr_assert(m.method == TP_STUN_BINDING && m.class_ == TP_STUN_REQUEST);
	cr_assert(m.has == (STUN_HAS_USERHASH | STUN_HAS_NONCE | STUN_HAS_REALM |
				   STUN_HAS_PASSWORD_ALGORITHM | STUN_HAS_INTEGRITY_SHA256));
	cr_assert(m.malformed == 0 && m.unknown_count == 0);
	cr_assert(m.nonce.length == strlen(NONCE) && !memcmp(m.nonce.data, NONCE, m.nonce.length));
	cr_assert(m.realm.length == strlen(REALM) && !memcmp(m.realm.data, REALM, m.realm.length));
	cr_assert(EVP_Digest(text, strlen(text), userhash, NULL, EVP_sha256(), NULL) == 1);
	cr_assert(m.userhash.length == 32 && !memcmp(m.userhash.data, userhash, 32));
	cr_assert(m.password_algorithm.length == 4);
	cr_assert(!memcmp(m.password_algorithm.data, "\0\2\0\0", 4));
	cr_assert(m.integrity_sha256_offset == 128);
	cr_assert(stun_integrity_sha256_valid(&m, key));
	cr_assert(!stun_integrity_valid(&m, key), "there is no MESSAGE-INTEGRITY");
	stun_hmac_free(key);
}

Test(rfc8489, the_sample_request_is_written_byte_for_byte)
{
	struct stun_hmac *key = key_of_vector();
	uint8_t out[sizeof(request)];
	struct stun_writer w;

	stun_begin(&w, out, sizeof(out), TP_STUN_BINDING, TP_STUN_REQUEST, request + 8);
	stun_put(&w, TP_ATTR_USERHASH, request + 24, 32);
	stun_put(&w, TP_ATTR_NONCE, NONCE, strlen(NONCE));
	stun_put(&w, TP_ATTR_REALM, REALM, strlen(REALM));
	stun_put_u32(&w, TP_ATTR_PASSWORD_ALGORITHM, 2u << 16);
	stun_put_integrity_sha256(&w, key);
	cr_assert(stun_finish(&w) == (int)sizeof(request));
	cr_assert(memcmp(out, request, sizeof(out)) == 0);
	stun_hmac_free(key);
}

Test(rfc8489, any_flipped_bit_before_the_integrity_or_in_it_breaks_it)
{
	struct stun_hmac *key = key_of_vector();

	for (size_t bit = 0; bit < 8 * sizeof(request); bit++) {
		uint8_t bytes[sizeof(request)];
		struct stun_message m;

		memcpy(bytes, request, sizeof(bytes));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (stun_parse(&m, bytes, sizeof(bytes)) == 0)
			cr_assert(!stun_integrity_sha256_valid(&m, key), "bit %zu", bit);
	}
	stun_hmac_free(key);
}
