// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>

#include <criterion/criterion.h>

#include "../../../controlplane/stun/integrity.h"
#include "../../../controlplane/stun/message.h"
#include "../../../controlplane/stun/writer.h"
#include "guard.h"
#include "rfc5769.h"

static const uint8_t tid[TP_STUN_TID] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

struct request {
	uint8_t bytes[4096];
	struct stun_writer w;
	struct stun_message m;
};

static void begin(struct request *r)
{
	stun_begin(&r->w, r->bytes, sizeof(r->bytes), TP_STUN_ALLOCATE, TP_STUN_REQUEST, tid);
}

static const struct stun_message *finish(struct request *r)
{
	int length = stun_finish(&r->w);

	cr_assert(length > 0);
	cr_assert(stun_parse(&r->m, r->bytes, (size_t)length) == 0);
	return &r->m;
}

static const struct stun_message *single(
	struct request *r, uint16_t type, const void *value, size_t length)
{
	begin(r);
	stun_put(&r->w, type, value, length);
	return finish(r);
}

Test(parse, a_type_is_method_and_class_for_all_16384)
{
	for (unsigned int method = 0; method < 0x1000; method++)
		for (unsigned int class_ = 0; class_ < 4; class_++) {
			uint8_t bytes[TP_STUN_HEADER];
			struct stun_writer w;
			struct stun_message m;

			stun_begin(
				&w, bytes, sizeof(bytes), (uint16_t)method, (uint8_t)class_, tid);
			cr_assert(stun_finish(&w) == 20);
			cr_assert(bytes[0] < 0x40);
			cr_assert(stun_parse(&m, bytes, 20) == 0);
			cr_assert(m.method == method && m.class_ == class_);
		}
}

Test(parse, the_types_of_the_rfc_are_packed_as_it_says)
{
	cr_assert(TP_STUN_TYPE(TP_STUN_BINDING, TP_STUN_SUCCESS) == 0x0101);
	cr_assert(TP_STUN_TYPE(TP_STUN_ALLOCATE, TP_STUN_ERROR) == 0x0113);
	cr_assert(TP_STUN_TYPE(TP_STUN_CHANNEL_BIND, TP_STUN_REQUEST) == 0x0009);
	cr_assert(TP_STUN_TYPE(TP_STUN_SEND, TP_STUN_INDICATION) == 0x0016);
	cr_assert(TP_STUN_TYPE(0xfff, 3) == 0x3fff);
}

Test(parse, a_message_cut_short_anywhere_is_refused_and_not_read_past)
{
	struct guard g = guard_new();
	struct stun_message m;

	for (size_t n = 0; n < sizeof(rfc5769_request); n++) {
		uint8_t bytes[sizeof(rfc5769_request)];

		cr_assert(stun_parse(&m, guard_copy(&g, rfc5769_request, n), n) == -EBADMSG);
		if (n < TP_STUN_HEADER)
			continue;
		// Again with a length that fits what is left: only whole attributes may pass.
		memcpy(bytes, rfc5769_request, n);
		bytes[2] = 0;
		bytes[3] = (uint8_t)(n - TP_STUN_HEADER);
		if (n == 20 || n == 40 || n == 48 || n == 60 || n == 76 || n == 100)
			cr_assert(stun_parse(&m, guard_copy(&g, bytes, n), n) == 0, "%zu", n);
		else
			cr_assert(
				stun_parse(&m, guard_copy(&g, bytes, n), n) == -EBADMSG, "%zu", n);
	}
}

Test(parse, bytes_after_the_message_are_refused)
{
	uint8_t bytes[sizeof(rfc5769_request) + 4] = {0};
	struct stun_message m;

	memcpy(bytes, rfc5769_request, sizeof(rfc5769_request));
	cr_assert(stun_parse(&m, bytes, sizeof(rfc5769_request)) == 0);
	cr_assert(stun_parse(&m, bytes, sizeof(rfc5769_request) + 4) == -EBADMSG);
}

Test(parse, a_wrong_cookie_or_first_bits_are_no_stun)
{
	for (size_t bit = 0; bit < 8 * 8; bit++) {
		uint8_t bytes[TP_STUN_HEADER] = {0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42};
		struct stun_message m;
		bool expected = bit / 8 < 2 && !(bit == 6 || bit == 7);

		cr_assert(stun_parse(&m, bytes, sizeof(bytes)) == 0);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert((stun_parse(&m, bytes, sizeof(bytes)) == 0) == expected, "%zu", bit);
	}
}

Test(parse, an_attribute_that_crosses_the_end_is_refused)
{
	struct guard g = guard_new();
	uint8_t bytes[28] = {0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42, [20] = 0x80, 0x22};
	struct stun_message m;

	for (unsigned int length = 0; length <= UINT16_MAX; length++) {
		bytes[22] = (uint8_t)(length >> 8);
		bytes[23] = (uint8_t)length;
		// 0 leaves an attribute of type 0, unknown but whole.
		cr_assert((stun_parse(&m, guard_copy(&g, bytes, 28), 28) == 0) == (length <= 4),
			"%u", length);
	}
}

Test(parse, a_message_of_the_largest_size_is_read_whole)
{
	struct guard g = guard_new();
	uint8_t *bytes = guard_room(&g, 65532);
	struct stun_writer w;
	struct stun_message m;

	stun_begin(&w, bytes, 65532, TP_STUN_SEND, TP_STUN_INDICATION, tid);
	stun_put(&w, TP_ATTR_DATA, guard_room(&g, 0) - 65508, 65508);
	cr_assert(stun_finish(&w) == 65532);
	cr_assert(stun_parse(&m, bytes, 65532) == 0);
	cr_assert(m.data.data == bytes + 24 && m.data.length == 65508);
}

struct sized {
	uint16_t type;
	uint32_t has;
	size_t min, max, step;
};

Test(parse, an_attribute_is_malformed_exactly_when_its_length_is_wrong)
{
	static const struct sized all[] = {
		{TP_ATTR_USERNAME, STUN_HAS_USERNAME, 0, 763, 1},
		{TP_ATTR_USERHASH, STUN_HAS_USERHASH, 32, 32, 1},
		{TP_ATTR_REALM, STUN_HAS_REALM, 0, 763, 1},
		{TP_ATTR_NONCE, STUN_HAS_NONCE, 0, 763, 1},
		{TP_ATTR_MESSAGE_INTEGRITY, STUN_HAS_INTEGRITY, 20, 20, 1},
		{TP_ATTR_MESSAGE_INTEGRITY_SHA256, STUN_HAS_INTEGRITY_SHA256, 16, 32, 4},
		{TP_ATTR_FINGERPRINT, STUN_HAS_FINGERPRINT, 4, 4, 1},
		{TP_ATTR_LIFETIME, STUN_HAS_LIFETIME, 4, 4, 1},
		{TP_ATTR_REQUESTED_TRANSPORT, STUN_HAS_REQUESTED_TRANSPORT, 4, 4, 1},
		{TP_ATTR_REQUESTED_ADDRESS_FAMILY, STUN_HAS_REQUESTED_FAMILY, 4, 4, 1},
		{TP_ATTR_ADDITIONAL_ADDRESS_FAMILY, STUN_HAS_ADDITIONAL_FAMILY, 4, 4, 1},
		{TP_ATTR_EVEN_PORT, STUN_HAS_EVEN_PORT, 1, 1, 1},
		{TP_ATTR_RESERVATION_TOKEN, STUN_HAS_RESERVATION_TOKEN, 8, 8, 1},
		{TP_ATTR_DONT_FRAGMENT, STUN_HAS_DONT_FRAGMENT, 0, 0, 1},
		{TP_ATTR_CHANNEL_NUMBER, STUN_HAS_CHANNEL_NUMBER, 4, 4, 1},
		{TP_ATTR_DATA, STUN_HAS_DATA, 0, 900, 1},
		{TP_ATTR_PASSWORD_ALGORITHM, STUN_HAS_PASSWORD_ALGORITHM, 4, 900, 1},
		{TP_ATTR_PASSWORD_ALGORITHMS, STUN_HAS_PASSWORD_ALGORITHMS, 4, 900, 4},
	};
	static const uint8_t zeros[900];
	struct request r;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (size_t n = 0; n <= sizeof(zeros); n++) {
			const struct stun_message *m = single(&r, all[i].type, zeros, n);
			bool sound = n >= all[i].min && n <= all[i].max && n % all[i].step == 0;

			cr_assert(m->has == all[i].has, "%04x", all[i].type);
			cr_assert(m->malformed == (sound ? 0 : all[i].has), "%04x %zu", all[i].type,
				n);
			cr_assert(m->unknown_count == 0);
		}
}

Test(parse, values_are_read_in_network_order)
{
	struct request r;
	const struct stun_message *m;

	begin(&r);
	stun_put_u32(&r.w, TP_ATTR_LIFETIME, 0x01020304);
	stun_put_u32(&r.w, TP_ATTR_REQUESTED_TRANSPORT, 0x11ffffff);
	stun_put_u32(&r.w, TP_ATTR_REQUESTED_ADDRESS_FAMILY, 0x02ffffff);
	stun_put_u32(&r.w, TP_ATTR_ADDITIONAL_ADDRESS_FAMILY, 0x01ffffff);
	stun_put(&r.w, TP_ATTR_EVEN_PORT, "\x80", 1);
	stun_put(&r.w, TP_ATTR_RESERVATION_TOKEN, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
	stun_put_u32(&r.w, TP_ATTR_CHANNEL_NUMBER, 0x4fffabcd);
	m = finish(&r);
	cr_assert(m->lifetime_s == 0x01020304);
	cr_assert(m->requested_transport == TP_PROTO_UDP);
	cr_assert(m->requested_family == TP_IPV6);
	cr_assert(m->additional_family == TP_IPV4);
	cr_assert(m->even_port_reserve);
	cr_assert(m->reservation_token == 0x0102030405060708);
	cr_assert(m->channel_number == 0x4fff);
	cr_assert(!single(&r, TP_ATTR_EVEN_PORT, "\x7f", 1)->even_port_reserve, "only R counts");
}

Test(parse, of_duplicates_the_first_counts)
{
	struct request r;
	const struct stun_message *m;

	begin(&r);
	stun_put_u32(&r.w, TP_ATTR_LIFETIME, 1);
	stun_put_u32(&r.w, TP_ATTR_LIFETIME, 2);
	stun_put(&r.w, TP_ATTR_USERNAME, "first", 5);
	stun_put(&r.w, TP_ATTR_USERNAME, "second", 6);
	stun_put(&r.w, TP_ATTR_LIFETIME, "123", 3);
	m = finish(&r);
	cr_assert(m->lifetime_s == 1);
	cr_assert(m->username.length == 5 && memcmp(m->username.data, "first", 5) == 0);
	cr_assert(m->malformed == 0);

	begin(&r);
	stun_put(&r.w, TP_ATTR_LIFETIME, "123", 3);
	stun_put_u32(&r.w, TP_ATTR_LIFETIME, 2);
	m = finish(&r);
	cr_assert(m->malformed == STUN_HAS_LIFETIME && m->lifetime_s == 0);
}

Test(parse, every_peer_address_is_kept_up_to_the_limit)
{
	struct request r;
	const struct stun_message *m;

	begin(&r);
	for (unsigned int i = 0; i < STUN_PEERS_MAX + 1; i++) {
		struct tp_endpoint e = {.ip = tp_ip4(TP_BE32(0x0a000000 + i)), .port = (uint16_t)i};

		m = finish(&r);
		cr_assert(m->peers_count == i && !m->peers_overflow);
		stun_put_xor_address(&r.w, TP_ATTR_XOR_PEER_ADDRESS, &e);
	}
	m = finish(&r);
	cr_assert(m->peers_count == STUN_PEERS_MAX && m->peers_overflow);
	cr_assert(m->malformed == 0);
	for (unsigned int i = 0; i < STUN_PEERS_MAX; i++) {
		struct tp_endpoint e = {.ip = tp_ip4(TP_BE32(0x0a000000 + i)), .port = (uint16_t)i};

		cr_assert(m->peers[i].family == TP_IPV4);
		cr_assert(tp_endpoint_equal(&m->peers[i].endpoint, &e));
	}
}

Test(parse, an_ipv6_peer_comes_back_as_it_was)
{
	const struct tp_endpoint e = {
		.ip.b = {0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		.port = 0xfffe};
	struct request r;
	const struct stun_message *m;

	begin(&r);
	stun_put_xor_address(&r.w, TP_ATTR_XOR_PEER_ADDRESS, &e);
	m = finish(&r);
	cr_assert(m->peers_count == 1 && m->peers[0].family == TP_IPV6);
	cr_assert(tp_endpoint_equal(&m->peers[0].endpoint, &e));
}

Test(parse, an_ipv4_mapped_peer_stays_ipv6)
{
	uint8_t value[20] = {0, TP_IPV6};
	struct request r;
	const struct stun_message *m;

	// ::ffff:10.0.0.1, XORed by hand.
	const uint8_t ip[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
	const uint8_t pad[16] = {0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

	for (size_t i = 0; i < 16; i++)
		value[4 + i] = ip[i] ^ pad[i];
	m = single(&r, TP_ATTR_XOR_PEER_ADDRESS, value, sizeof(value));
	cr_assert(m->peers[0].family == TP_IPV6 && tp_ip_is4(&m->peers[0].endpoint.ip));
}

Test(parse, a_peer_of_wrong_length_or_family_is_kept_as_invalid)
{
	struct request r;

	for (size_t n = 0; n <= 64; n++)
		for (unsigned int family = 0; family < 256; family++) {
			uint8_t value[64] = {0, (uint8_t)family};
			bool sound = (family == 1 && n == 8) || (family == 2 && n == 20);
			const struct stun_message *m = single(
				&r, TP_ATTR_XOR_PEER_ADDRESS, value, n);

			cr_assert(m->has == STUN_HAS_PEER_ADDRESS && m->peers_count == 1);
			cr_assert(m->peers[0].family == (sound ? family : 0));
			cr_assert(m->malformed == (sound ? 0 : STUN_HAS_PEER_ADDRESS));
		}
}

Test(parse, unknown_required_attributes_are_listed_once_each)
{
	struct request r;
	const struct stun_message *m;

	begin(&r);
	stun_put(&r.w, 0x7fff, "x", 1);
	stun_put(&r.w, 0x8000 | 0x7fff, "x", 1); // optional: ignored
	stun_put(&r.w, 0x0024, "1234", 4);
	stun_put(&r.w, 0x7fff, "y", 1);
	m = finish(&r);
	cr_assert(m->unknown_count == 2);
	cr_assert(m->unknown[0] == 0x7fff && m->unknown[1] == 0x0024);

	begin(&r);
	for (uint16_t i = 0; i < STUN_UNKNOWN_MAX + 3; i++)
		stun_put(&r.w, (uint16_t)(0x4000 + i), NULL, 0);
	m = finish(&r);
	cr_assert(m->unknown_count == STUN_UNKNOWN_MAX);
	for (uint16_t i = 0; i < STUN_UNKNOWN_MAX; i++)
		cr_assert(m->unknown[i] == 0x4000 + i);
}

Test(parse, known_required_attributes_are_never_unknown)
{
	static const uint16_t known[] = {0x01, 0x03, 0x06, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x12, 0x13,
		0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1c, 0x1d, 0x1e, 0x20, 0x22, 0x26, 0x27};
	struct request r;

	for (uint16_t type = 0, at = 0; type < 0x8000; type++) {
		bool is_known = at < sizeof(known) / sizeof(known[0]) && known[at] == type;
		const struct stun_message *m = single(&r, type, NULL, 0);

		at += is_known;
		cr_assert(m->unknown_count == (is_known ? 0 : 1), "%04x", type);
	}
}

Test(parse, nothing_counts_after_integrity_but_sha256_and_fingerprint)
{
	struct request r;
	const struct stun_message *m;

	begin(&r);
	stun_put(&r.w, TP_ATTR_MESSAGE_INTEGRITY, "01234567890123456789", 20);
	stun_put(&r.w, TP_ATTR_USERNAME, "late", 4);
	stun_put(&r.w, 0x7fff, "late", 4);
	stun_put(&r.w, TP_ATTR_MESSAGE_INTEGRITY, "late", 4);
	stun_put(&r.w, TP_ATTR_MESSAGE_INTEGRITY_SHA256, "0123456789012345", 16);
	stun_put(&r.w, TP_ATTR_MESSAGE_INTEGRITY_SHA256, "late", 4);
	stun_put(&r.w, TP_ATTR_REALM, "late", 4);
	stun_put_fingerprint(&r.w);
	m = finish(&r);
	cr_assert(
		m->has == (STUN_HAS_INTEGRITY | STUN_HAS_INTEGRITY_SHA256 | STUN_HAS_FINGERPRINT));
	cr_assert(m->malformed == 0 && m->unknown_count == 0);
	cr_assert(m->integrity_offset == 20 && m->integrity.data == r.bytes + 24);
	cr_assert(m->integrity_sha256_offset == 68 && m->integrity_sha256.length == 16);
	cr_assert(m->fingerprint_valid);
}

Test(parse, integrity_after_sha256_does_not_count)
{
	struct request r;
	const struct stun_message *m;

	begin(&r);
	stun_put(&r.w, TP_ATTR_MESSAGE_INTEGRITY_SHA256, "0123456789012345", 16);
	stun_put(&r.w, TP_ATTR_MESSAGE_INTEGRITY, "01234567890123456789", 20);
	m = finish(&r);
	cr_assert(m->has == STUN_HAS_INTEGRITY_SHA256);
}

Test(parse, a_fingerprint_that_is_not_last_is_not_valid)
{
	struct request r;
	const struct stun_message *m;
	uint32_t crc;

	begin(&r);
	stun_put_fingerprint(&r.w);
	cr_assert(finish(&r)->fingerprint_valid);
	stun_put(&r.w, TP_ATTR_USERNAME, "late", 4);
	m = finish(&r);
	cr_assert(!m->fingerprint_valid);
	cr_assert(m->has == STUN_HAS_FINGERPRINT && m->malformed == 0);
	// Nor when it is right for the length in the header.
	crc = stun_fingerprint(r.bytes, 20);
	for (unsigned int i = 0; i < 4; i++)
		r.bytes[24 + i] = (uint8_t)(crc >> (24 - 8 * i));
	cr_assert(!finish(&r)->fingerprint_valid);
}

Test(parse, the_first_byte_of_an_address_and_what_pads_a_value_are_ignored)
{
	uint8_t bytes[] = {0, 9, 0, 28, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0x12, 0, 8, 0xff, 1, 0x21, 0x13, 0x21, 0x12, 0xa4, 0x43, 0, 0x06, 0, 1, 'a',
		0xff, 0xff, 0xff, 0, 0x18, 0, 1, 0x80, 1, 2, 3};
	struct stun_message m;

	cr_assert(stun_parse(&m, bytes, sizeof(bytes)) == 0);
	cr_assert(m.malformed == 0 && m.peers_count == 1 && m.peers[0].family == TP_IPV4);
	cr_assert(m.peers[0].endpoint.port == 1);
	cr_assert(m.username.length == 1 && m.even_port_reserve);
}
