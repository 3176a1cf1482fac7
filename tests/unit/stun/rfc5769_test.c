// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <criterion/criterion.h>
#include <openssl/evp.h>

#include "../../../controlplane/stun/integrity.h"
#include "../../../controlplane/stun/writer.h"
#include "rfc5769.h"

static struct stun_hmac *keyed(const void *key, size_t length)
{
	struct stun_hmac *h = NULL;

	cr_assert(stun_hmac_new(&h, key, length) == 0);
	return h;
}

static struct stun_hmac *short_term(void)
{
	return keyed(RFC5769_PASSWORD, strlen(RFC5769_PASSWORD));
}

static struct stun_message parsed(const uint8_t *bytes, size_t length)
{
	struct stun_message m;

	cr_assert(stun_parse(&m, bytes, length) == 0);
	return m;
}

#define ASSERT_TEXT(piece, text) \
	do { \
		cr_assert((piece).length == strlen(text)); \
		cr_assert(memcmp((piece).data, text, strlen(text)) == 0); \
	} while (0)

Test(rfc5769, the_sample_request_is_read_and_verifies)
{
	struct stun_message m = parsed(rfc5769_request, sizeof(rfc5769_request));
	struct stun_hmac *key = short_term();

	cr_assert(m.method == TP_STUN_BINDING && m.class_ == TP_STUN_REQUEST);
	cr_assert(memcmp(m.tid, rfc5769_request + 8, TP_STUN_TID) == 0);
	ASSERT_TEXT(m.software, "STUN test client");
	ASSERT_TEXT(m.username, "evtj:h6vY");
	cr_assert(m.has == (STUN_HAS_USERNAME | STUN_HAS_INTEGRITY | STUN_HAS_FINGERPRINT));
	cr_assert(m.malformed == 0);
	cr_assert(m.fingerprint_valid);
	cr_assert(m.unknown_count == 1 && m.unknown[0] == 0x0024, "PRIORITY is ICE's");
	cr_assert(m.integrity_offset == 76);
	cr_assert(stun_integrity_valid(&m, key));
	stun_hmac_free(key);
}

Test(rfc5769, the_sample_responses_are_read_and_verify)
{
	struct stun_message m4 = parsed(rfc5769_response4, sizeof(rfc5769_response4));
	struct stun_message m6 = parsed(rfc5769_response6, sizeof(rfc5769_response6));
	struct stun_hmac *key = short_term();

	cr_assert(m4.class_ == TP_STUN_SUCCESS && m6.class_ == TP_STUN_SUCCESS);
	cr_assert(m4.fingerprint_valid && m6.fingerprint_valid);
	cr_assert(m4.unknown_count == 0 && m6.unknown_count == 0);
	cr_assert(stun_integrity_valid(&m4, key));
	cr_assert(stun_integrity_valid(&m6, key));
	stun_hmac_free(key);
}

Test(rfc5769, the_long_term_request_is_read_and_verifies)
{
	struct stun_message m = parsed(rfc5769_long_term, sizeof(rfc5769_long_term));
	static const char input[] = RFC5769_USER ":example.org:TheMatrIX";
	uint8_t md5[16];
	struct stun_hmac *key;

	cr_assert(EVP_Digest(input, strlen(input), md5, NULL, EVP_md5(), NULL) == 1);
	key = keyed(md5, sizeof(md5));
	ASSERT_TEXT(m.username, RFC5769_USER);
	ASSERT_TEXT(m.realm, "example.org");
	ASSERT_TEXT(m.nonce, "f//499k954d6OL34oL9FSTvy64sA");
	cr_assert(m.has ==
		  (STUN_HAS_USERNAME | STUN_HAS_REALM | STUN_HAS_NONCE | STUN_HAS_INTEGRITY));
	cr_assert(!m.fingerprint_valid);
	cr_assert(stun_integrity_valid(&m, key));
	stun_hmac_free(key);
}

// The RFC pads its short-term samples with spaces; the value plus padding is put as one here, and
// the length then set back, so that every byte can be compared.
static void put_padded(struct stun_writer *w, uint16_t type, const char *text, uint16_t length)
{
	size_t at = w->length;

	stun_put(w, type, text, strlen(text));
	cr_assert(strlen(text) % 4 == 0);
	w->bytes[at + 2] = (uint8_t)(length >> 8);
	w->bytes[at + 3] = (uint8_t)length;
}

Test(rfc5769, the_sample_request_is_written_byte_for_byte)
{
	struct stun_hmac *key = short_term();
	uint8_t out[sizeof(rfc5769_request)];
	struct stun_writer w;

	stun_begin(&w, out, sizeof(out), TP_STUN_BINDING, TP_STUN_REQUEST, rfc5769_request + 8);
	stun_put(&w, TP_ATTR_SOFTWARE, "STUN test client", 16);
	stun_put_u32(&w, 0x0024, 0x6e0001ff);
	stun_put(&w, 0x8029, "\x93\x2f\xf9\xb1\x51\x26\x3b\x36", 8);
	put_padded(&w, TP_ATTR_USERNAME, "evtj:h6vY   ", 9);
	stun_put_integrity(&w, key);
	stun_put_fingerprint(&w);
	cr_assert(stun_finish(&w) == (int)sizeof(rfc5769_request));
	cr_assert(memcmp(out, rfc5769_request, sizeof(out)) == 0);
	stun_hmac_free(key);
}

static void assert_response(
	const struct tp_endpoint *mapped, const uint8_t *expected, size_t length)
{
	struct stun_hmac *key = short_term();
	uint8_t out[128];
	struct stun_writer w;

	stun_begin(&w, out, sizeof(out), TP_STUN_BINDING, TP_STUN_SUCCESS, expected + 8);
	put_padded(&w, TP_ATTR_SOFTWARE, "test vector ", 11);
	stun_put_xor_address(&w, TP_ATTR_XOR_MAPPED_ADDRESS, mapped);
	stun_put_integrity(&w, key);
	stun_put_fingerprint(&w);
	cr_assert(stun_finish(&w) == (int)length);
	cr_assert(memcmp(out, expected, length) == 0);
	stun_hmac_free(key);
}

Test(rfc5769, the_sample_responses_are_written_byte_for_byte)
{
	const struct tp_endpoint v4 = {.ip = tp_ip4(TP_BE32(0xc0000201)), .port = 32853};
	const struct tp_endpoint v6 = {.ip.b = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78, 0,
					       0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77},
		.port = 32853};

	assert_response(&v4, rfc5769_response4, sizeof(rfc5769_response4));
	assert_response(&v6, rfc5769_response6, sizeof(rfc5769_response6));
}

Test(rfc5769, any_flipped_bit_is_seen_by_integrity_or_fingerprint)
{
	struct stun_hmac *key = short_term();

	for (size_t bit = 0; bit < 8 * sizeof(rfc5769_request); bit++) {
		uint8_t bytes[sizeof(rfc5769_request)];
		struct stun_message m;

		memcpy(bytes, rfc5769_request, sizeof(bytes));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (stun_parse(&m, bytes, sizeof(bytes)) < 0)
			continue;
		cr_assert(!m.fingerprint_valid, "bit %zu", bit);
		// After MESSAGE-INTEGRITY nothing is covered by it.
		if (bit / 8 < 100)
			cr_assert(!stun_integrity_valid(&m, key), "bit %zu", bit);
	}
	stun_hmac_free(key);
}
