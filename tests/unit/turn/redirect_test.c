// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// 300 Try Alternate (RFC 8489 section 10).
#include "suite.h"

static const struct tp_endpoint servers[] = {
	{.ip = {.w = {0, 0, TP_IP_MAPPED_PREFIX, TP_BE32(0xc0000209)}}, .port = 3478},
	{.ip = {.w = {TP_BE32(0x20010db8), 0, 0, TP_BE32(9)}}, .port = 5349},
	{.ip = {.w = {0, 0, TP_IP_MAPPED_PREFIX, TP_BE32(0xc000020a)}}, .port = 3479},
};

static void init(void)
{
	rig_defaults(&rig);
	rig.config.redirect = servers;
	rig.config.redirect_count = 3;
	rig.config.redirect_domain = "turn-2.example.org";
	rig_start(&rig);
}

TestSuite(turn_redirect, .init = init, .fini = suite_fini);

static const struct answer *allocate(const struct tp_endpoint *client, bool modern)
{
	static struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	q.client = *client;
	q.server = !tp_ip_is4(&client->ip);
	q.modern = modern;
	ask_transport(&q);
	return ask_send(&q);
}

// The ALTERNATE-SERVERs of an answer, as an index into `servers` each; returns how many.
static size_t alternates(const struct answer *a, size_t index[4])
{
	size_t n = 0;

	for (size_t at = TP_STUN_HEADER; at < a->length;) {
		const uint8_t *p = a->bytes + at;
		uint16_t length = (uint16_t)(p[2] << 8 | p[3]);

		for (size_t i = 0; p[0] == 0x80 && p[1] == 0x23 && i < 3; i++) {
			bool four = tp_ip_is4(&servers[i].ip);
			size_t size = four ? 4 : 16;

			if (length == 4 + size && p[4] == 0 && p[5] == (four ? 1 : 2) &&
				(p[6] << 8 | p[7]) == servers[i].port &&
				!memcmp(p + 8, servers[i].ip.b + 16 - size, size))
				index[n++] = i;
		}
		at += 4u + length + tp_pad4(length);
	}
	return n;
}

Test(turn_redirect, an_allocate_gets_300_with_its_own_family_first_and_the_other_behind)
{
	size_t index[4] = {9, 9};

	for (int i = 0; i < 8; i++) {
		const struct answer *a = allocate(&rig_client, i & 1);

		cr_assert_eq(answer_code(a), 300);
		cr_assert_eq(alternates(a, index), 2);
		cr_expect((index[0] == 0 || index[0] == 2) && index[1] == 1);
		cr_expect(i & 1 ? answer_signed_sha256(a, &rig.users[0])
				: answer_signed(a, &rig.users[0]));
		a = allocate(&rig_client6, i & 1);
		cr_assert_eq(answer_code(a), 300);
		cr_assert_eq(alternates(a, index), 2);
		cr_expect(index[0] == 1 && (index[1] == 0 || index[1] == 2));
	}
	expect_nothing();
}

Test(turn_redirect, servers_of_a_family_share_the_clients)
{
	unsigned int count[3] = {0};
	size_t index[4];

	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(alternates(allocate(&rig_client, false), index), 2);
		count[index[0]]++;
	}
	cr_expect(count[0] > 400 && count[2] > 400, "%u %u", count[0], count[2]);
}

Test(turn_redirect, the_domain_is_for_those_who_sign_by_sha_256)
{
	const struct answer *a;
	const uint8_t *p;
	uint16_t length;

	a = allocate(&rig_client, true);
	p = answer_attribute(a, TP_ATTR_ALTERNATE_DOMAIN, &length);
	cr_assert(p && length == 18 && !memcmp(p, "turn-2.example.org", 18));
	a = allocate(&rig_client, false);
	cr_expect_null(answer_attribute(a, TP_ATTR_ALTERNATE_DOMAIN, &length));
}

Test(turn_redirect, strangers_and_malformed_requests_hear_nothing_of_it)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	q.unsigned_ = true;
	cr_expect_eq(answer_code(ask_send(&q)), 401);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_family(&q, 3);
	cr_expect_eq(answer_code(ask_send(&q)), 440);
	ask(&rig, &q, TP_STUN_BINDING);
	q.unsigned_ = true;
	cr_expect_eq(answer_code(ask_send(&q)), 0);
}

// A server that begins to drain: its control plane starts again with a redirection.
Test(turn_redirect, what_is_allocated_stays_and_serves)
{
	struct tp_endpoint another = client_number(1);

	SUITE_CONFIGURED();
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	rig.config.redirect = servers;
	rig.config.redirect_count = 3;
	rig_restart(&rig);
	cr_expect_eq(ask_allocate(&rig, &another, 0), 300);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 437);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 600), 0);
	cr_expect_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 0), 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 300);
	expect_nothing();
}

// What a token stands for is nowhere else.
Test(turn_redirect, a_reservation_made_before_is_served_here)
{
	struct tp_endpoint another = client_number(1);
	struct ask q;
	uint64_t token;

	SUITE_CONFIGURED();
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_even(&q, true);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	token = answer_token(&rig.answer);
	rig.config.redirect = servers;
	rig.config.redirect_count = 3;
	rig_restart(&rig);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	q.client = another;
	ask_transport(&q);
	ask_token(&q, token);
	cr_expect_eq(answer_code(ask_send(&q)), 0);
}

Test(turn_redirect, a_quota_comes_first)
{
	SUITE_CONFIGURED(rig.table_config->limits.allocations_per_user = 1);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	rig.config.redirect = servers;
	rig.config.redirect_count = 3;
	rig_restart(&rig);
	cr_expect_eq(answer_code(allocate(&(struct tp_endpoint){rig_client.ip, 999}, false)), 486);
}

Test(turn_redirect, a_client_whose_family_no_server_has_is_served_here)
{
	SUITE_CONFIGURED(rig.config.redirect = servers + 1, rig.config.redirect_count = 1);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client6, 0), 300);
}

Test(turn_redirect, the_longest_answer_there_is_stays_within_548_bytes)
{
	char domain[TURN_DOMAIN_MAX + 1] = "", software[TURN_SOFTWARE_MAX + 1] = "";
	const struct answer *a;
	struct ask q;

	memset(domain, 'd', TURN_DOMAIN_MAX);
	memset(software, 's', TURN_SOFTWARE_MAX);
	SUITE_CONFIGURED(rig.config.redirect = servers, rig.config.redirect_count = 3,
		rig.config.redirect_domain = domain, rig.config.software = software);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	q.modern = q.fingerprint = true;
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 300);
	cr_expect_eq(a->length, 20u + 24 + 12 + 24 + 4 + 256 + 4 + 128 + 36 + 8);
	cr_expect_leq(a->length, 548u);
}
