// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// NAT behaviour discovery (RFC 5780).
#include "suite.h"

// Two IPv4 addresses with two ports each, one of them an alias of a relay address behind a NAT; one IPv6 address.
enum { HERE, HERE_PORT, THERE, THERE_PORT, SIX };

static void init(void)
{
	rig_defaults(&rig);
	rig.config.nat_discovery = true;
	rig.capabilities.servers = 5;
	rig.capabilities.server[HERE] = rig_at("203.0.113.1", 3478);
	rig.capabilities.server[HERE_PORT] = rig_at("203.0.113.1", 3479);
	rig.capabilities.server[THERE] = rig_at("10.0.0.5", 3478);
	rig.capabilities.server[THERE_PORT] = rig_at("10.0.0.5", 3479);
	rig.capabilities.server[SIX] = rig_at("2001:db8:2::1", 3478);
	rig_start(&rig);
}

TestSuite(turn_discovery, .init = init, .fini = suite_fini);

static void binding(struct ask *q, uint8_t server)
{
	ask(&rig, q, TP_STUN_BINDING);
	if (server == SIX)
		q->client = rig_client6;
	q->server = server;
	q->unsigned_ = q->elsewhere = true;
}

// An address that is not XORed (RFC 8489 section 14.1), as text.
static void expect_address(uint16_t type, const char *ip, uint16_t port)
{
	const struct tp_endpoint e = rig_at(ip, port);
	uint16_t length;
	const uint8_t *v = answer_attribute(&rig.answer, type, &length);

	cr_assert_not_null(v, "%#x", type);
	cr_assert_eq(length, tp_ip_is4(&e.ip) ? 8 : 20);
	cr_expect_eq(v[0], 0);
	cr_expect_eq(v[1], tp_ip_family(&e.ip));
	cr_expect_eq(v[2] << 8 | v[3], port);
	cr_expect_arr_eq(v + 4, tp_ip_is4(&e.ip) ? e.ip.b + 12 : e.ip.b, length - 4);
}

static bool has(uint16_t type)
{
	uint16_t length;

	return answer_attribute(&rig.answer, type, &length);
}

Test(turn_discovery, each_answer_says_where_it_comes_from_and_what_else_there_is)
{
	struct tp_endpoint mapped;
	struct ask q;

	binding(&q, HERE);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	cr_expect_eq(rig.answer.head.server, HERE);
	cr_expect(tp_endpoint_equal(&rig.answer.head.client, &rig_client));
	expect_address(TP_ATTR_MAPPED_ADDRESS, "198.51.100.7", rig_client.port);
	expect_address(TP_ATTR_RESPONSE_ORIGIN, "203.0.113.1", 3478);
	// In its public form.
	expect_address(TP_ATTR_OTHER_ADDRESS, "203.0.113.5", 3479);
	mapped = answer_address(&rig.answer, TP_ATTR_XOR_MAPPED_ADDRESS);
	cr_expect(tp_endpoint_equal(&mapped, &rig_client));
	cr_expect_leq(rig.answer.length, 120u);
}

Test(turn_discovery, change_request_has_each_address_and_port_answer_for_each)
{
	for (uint8_t server = HERE; server <= THERE_PORT; server++) {
		for (uint32_t change = 0; change < 8; change++) {
			struct ask q;
			uint8_t expected = server;

			if (change & 4)
				expected ^= 2; // the other address
			if (change & 2)
				expected ^= 1; // the other port
			binding(&q, server);
			ask_u32(&q, TP_ATTR_CHANGE_REQUEST, change);
			cr_assert_eq(answer_code(ask_send(&q)), 0);
			cr_expect_eq(rig.answer.head.server, expected, "%u by %u", server, change);
			expect_address(TP_ATTR_RESPONSE_ORIGIN,
				expected & 2 ? "203.0.113.5" : "203.0.113.1",
				expected & 1 ? 3479 : 3478);
			// It is the other one of where the request came, not of where the answer leaves.
			expect_address(TP_ATTR_OTHER_ADDRESS,
				server & 2 ? "203.0.113.1" : "203.0.113.5",
				server & 1 ? 3478 : 3479);
		}
	}
}

Test(turn_discovery, without_another_address_change_request_is_unknown_and_the_rest_is_not)
{
	struct ask q;
	uint16_t length;
	const uint8_t *unknown;

	binding(&q, SIX);
	ask_u32(&q, TP_ATTR_CHANGE_REQUEST, 6);
	cr_assert_eq(answer_code(ask_send(&q)), 420);
	unknown = answer_attribute(&rig.answer, TP_ATTR_UNKNOWN_ATTRIBUTES, &length);
	cr_assert_eq(length, 2);
	cr_expect_eq(unknown[0] << 8 | unknown[1], TP_ATTR_CHANGE_REQUEST);
	cr_expect_eq(rig.answer.head.server, SIX);

	binding(&q, SIX);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	cr_expect_not(has(TP_ATTR_OTHER_ADDRESS));
	expect_address(TP_ATTR_RESPONSE_ORIGIN, "2001:db8:2::1", 3478);
}

Test(turn_discovery, where_it_is_off_all_three_are_unknown_and_nothing_is_told)
{
	static const uint16_t types[] = {
		TP_ATTR_CHANGE_REQUEST, TP_ATTR_PADDING, TP_ATTR_RESPONSE_PORT};

	rig_stop(&rig);
	rig_defaults(&rig);
	rig_start(&rig);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct ask q;
		uint16_t length;
		const uint8_t *unknown;

		binding(&q, 0);
		ask_u32(&q, types[i], 0x1000000);
		cr_assert_eq(answer_code(ask_send(&q)), 420);
		unknown = answer_attribute(&rig.answer, TP_ATTR_UNKNOWN_ATTRIBUTES, &length);
		cr_assert_eq(length, 2);
		cr_expect_eq(unknown[0] << 8 | unknown[1], types[i]);
	}
	{
		struct ask q;

		binding(&q, 0);
		cr_assert_eq(answer_code(ask_send(&q)), 0);
		cr_expect_not(has(TP_ATTR_OTHER_ADDRESS) || has(TP_ATTR_RESPONSE_ORIGIN) ||
			      has(TP_ATTR_MAPPED_ADDRESS));
		cr_expect_eq(rig.answer.length, 32u);
	}
}

Test(turn_discovery, in_any_other_request_they_are_unknown)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_u32(&q, TP_ATTR_CHANGE_REQUEST, 0);
	cr_expect_eq(answer_code(ask_send(&q)), 420);
}

Test(turn_discovery, response_port_is_where_the_answer_goes)
{
	struct ask q;

	for (int bytes = 2; bytes <= 4; bytes += 2) {
		binding(&q, HERE);
		ask_bytes(&q, TP_ATTR_RESPONSE_PORT, "\x13\x88\0\0", (size_t)bytes);
		cr_assert_eq(answer_code(ask_send(&q)), 0);
		cr_expect_eq(rig.answer.head.client.port, 5000);
		cr_expect(tp_ip_equal(&rig.answer.head.client.ip, &rig_client.ip));
		// It tells where the request came from all the same.
		expect_address(TP_ATTR_MAPPED_ADDRESS, "198.51.100.7", rig_client.port);
	}
}

Test(turn_discovery, what_is_malformed_or_contradicts_itself_is_400)
{
	struct ask q;

	binding(&q, HERE);
	ask_bytes(&q, TP_ATTR_RESPONSE_PORT, "\0\0\0\0", 4);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	binding(&q, HERE);
	ask_bytes(&q, TP_ATTR_RESPONSE_PORT, "\1\1\1", 3);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	binding(&q, HERE);
	ask_bytes(&q, TP_ATTR_CHANGE_REQUEST, "\0\0", 2);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	binding(&q, HERE);
	ask_bytes(&q, TP_ATTR_PADDING, "", 0);
	ask_bytes(&q, TP_ATTR_RESPONSE_PORT, "\x13\x88\0\0", 4);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	cr_expect_eq(
		rig.answer.head.client.port, rig_client.port, "errors go where requests come from");
}

Test(turn_discovery, padding_makes_no_answer_longer_than_its_request)
{
	static const uint8_t zeros[1800];

	for (size_t n = 0; n <= sizeof(zeros); n += 100) {
		struct ask q;
		size_t asked;

		binding(&q, HERE);
		q.fingerprint = n % 200;
		ask_bytes(&q, TP_ATTR_PADDING, zeros, n);
		cr_assert_eq(answer_code(ask_send(&q)), 0);
		asked = q.w.length;
		cr_expect(has(TP_ATTR_PADDING));
		if (n >= 100)
			cr_expect_eq(rig.answer.length, asked, "%zu", n);
		else
			cr_expect_leq(rig.answer.length, 72u);
	}
}

Test(turn_discovery, of_one_prefix_only_so_many_are_answered)
{
	uint32_t answered = 0;

	rig_stop(&rig);
	rig_defaults(&rig);
	rig.config.nat_discovery = true;
	rig.auth_config.unauthenticated_per_second = 10;
	rig_start(&rig);
	for (int i = 0; i < 1000; i++) {
		struct ask q;

		binding(&q, 0);
		q.client.port = (uint16_t)(1000 + i);
		ask_bytes(&q, TP_ATTR_RESPONSE_PORT, "\x13\x88\0\0", 4);
		answered += ask_send(&q) != NULL;
	}
	cr_expect_leq(answered, 20u);
	cr_expect_geq(answered, 1u);
	cr_expect_eq(counted(TP_CC_drop_rate_limited), 1000u - answered);
}
