// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which error an Allocate gets, and that of two the earlier rule's wins (RFC 8656 section 7.2).
#include "suite.h"

TestSuite(turn_order, .init = suite_init, .fini = suite_fini);

enum {
	NO_TRANSPORT = 1 << 0,
	TCP = 1 << 1,
	SHORT_TRANSPORT = 1 << 2,
	TOKEN = 1 << 3,
	EVEN = 1 << 4,
	EVEN_R = 1 << 5,
	RAF4 = 1 << 6,
	RAF6 = 1 << 7,
	RAF3 = 1 << 8,
	AAF4 = 1 << 9,
	AAF6 = 1 << 10,
	UNKNOWN = 1 << 11,
	UNSIGNED = 1 << 12,
	STALE = 1 << 13,
	WRONG_KEY = 1 << 14,
	IN_USE = 1 << 15,
	OVER_QUOTA = 1 << 16,
	NO_IPV6 = 1 << 17,
	SHORT_LIFETIME = 1 << 18,
	SHORT_FAMILY = 1 << 19,
	SHORT_TOKEN = 1 << 20,
	EMPTY_EVEN = 1 << 21,
};

static const struct tp_endpoint client = {
	.ip = {.w = {0, 0, TP_IP_MAPPED_PREFIX, TP_BE32(0xc6336408)}}, .port = 4444};

static void compose(struct ask *q, uint32_t what)
{
	ask(&rig, q, TP_STUN_ALLOCATE);
	q->client = client;
	if (what & TCP)
		ask_u32(q, TP_ATTR_REQUESTED_TRANSPORT, 6u << 24);
	else if (what & SHORT_TRANSPORT)
		ask_bytes(q, TP_ATTR_REQUESTED_TRANSPORT, "\x11", 1);
	else if (!(what & NO_TRANSPORT))
		ask_transport(q);
	if (what & TOKEN)
		ask_bytes(q, TP_ATTR_RESERVATION_TOKEN, "12345678", 8);
	if (what & SHORT_TOKEN)
		ask_bytes(q, TP_ATTR_RESERVATION_TOKEN, "1234", 4);
	if (what & (EVEN | EVEN_R))
		ask_bytes(q, TP_ATTR_EVEN_PORT, what & EVEN_R ? "\x80" : "", 1);
	if (what & EMPTY_EVEN)
		ask_bytes(q, TP_ATTR_EVEN_PORT, "", 0);
	if (what & RAF4)
		ask_family(q, 1);
	if (what & RAF6)
		ask_family(q, 2);
	if (what & RAF3)
		ask_family(q, 3);
	if (what & SHORT_FAMILY)
		ask_bytes(q, TP_ATTR_REQUESTED_ADDRESS_FAMILY, "\x01", 1);
	if (what & AAF4)
		ask_u32(q, TP_ATTR_ADDITIONAL_ADDRESS_FAMILY, 1u << 24);
	if (what & AAF6)
		ask_u32(q, TP_ATTR_ADDITIONAL_ADDRESS_FAMILY, 2u << 24);
	if (what & UNKNOWN)
		ask_u32(q, 0x7777, 1);
	if (what & SHORT_LIFETIME)
		ask_bytes(q, TP_ATTR_LIFETIME, "\x01\x01", 2);
	q->unsigned_ = what & UNSIGNED;
	if (what & STALE)
		q->nonce = "AAAAAAAAAAAAAAAA";
	if (what & WRONG_KEY)
		q->user = 2;
}

static int allocate(uint32_t what)
{
	struct stun_hmac *right = rig.users[2].key;
	struct ask q;
	int code;

	if (what & IN_USE)
		cr_assert_eq(ask_allocate(&rig, &client, 0), 0);
	compose(&q, what);
	if (what & WRONG_KEY)
		rig.users[2].key = rig.users[0].key; // carol, signed with alice's
	code = answer_code(ask_send(&q));
	rig.users[2].key = right;
	return code;
}

static void configure(uint32_t what)
{
	struct tp_endpoint another = client;

	another.port++;
	SUITE_CONFIGURED(rig.table_config->relays_count = what & NO_IPV6 ? 2 : 3,
		rig.table_config->limits.allocations_per_user = what & OVER_QUOTA ? 1 : 0);
	if (what & OVER_QUOTA)
		cr_assert_eq(ask_allocate(&rig, &another, 0), 0);
}

static void expect_code(uint32_t what, int code)
{
	uint32_t live, told;
	int got;

	configure(what);
	live = rig.table->live + !!(what & IN_USE);
	told = rig.told_count + !!(what & IN_USE);
	got = allocate(what);
	cr_expect_eq(got, code, "for 0x%x: %d, not %d", what, got, code);
	cr_expect_eq(rig.table->live, live);
	cr_expect_eq(rig.told_count, told, "0x%x: a command", what);
}

Test(turn_order, each_error_has_its_code)
{
	static const struct {
		uint32_t what;
		int code;
	} table[] = {
		{UNSIGNED, 401},
		{STALE, 438},
		{WRONG_KEY, 401},
		{UNKNOWN, 420},
		{IN_USE, 437},
		{NO_TRANSPORT, 400},
		{SHORT_TRANSPORT, 400},
		{TCP, 442},
		{TOKEN | EVEN, 400},
		{TOKEN | EVEN_R, 400},
		{TOKEN | RAF4, 400},
		{TOKEN | AAF6, 400},
		{TOKEN, 508},
		{SHORT_TOKEN, 400},
		{EMPTY_EVEN, 400},
		{RAF4 | AAF6, 400},
		{RAF6 | AAF6, 400},
		{RAF3, 440},
		{RAF6 | NO_IPV6, 440},
		{SHORT_FAMILY, 400},
		{SHORT_LIFETIME, 400},
		{EVEN_R | AAF6, 400},
		{AAF4, 400},
		{OVER_QUOTA, 486},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		expect_code(table[i].what, table[i].code);
}

Test(turn_order, of_two_errors_the_earlier_rule_wins)
{
	static const struct {
		uint32_t what;
		int code;
	} table[] = {
		// authentication before anything else
		{UNSIGNED | UNKNOWN, 401},
		{UNSIGNED | NO_TRANSPORT, 401},
		{UNSIGNED | IN_USE, 401},
		{STALE | WRONG_KEY, 438},
		{STALE | UNKNOWN, 438},
		{STALE | IN_USE, 438},
		{WRONG_KEY | IN_USE, 401},
		{WRONG_KEY | UNKNOWN, 401},
		{WRONG_KEY | TCP, 401},
		{WRONG_KEY | OVER_QUOTA, 401},
		// RFC 8489 section 6.3.1: unknown attributes before the method's own rules
		{UNKNOWN | IN_USE, 420},
		{UNKNOWN | TCP, 420},
		{UNKNOWN | NO_TRANSPORT, 420},
		// 437
		{IN_USE | NO_TRANSPORT, 437},
		{IN_USE | TCP, 437},
		{IN_USE | TOKEN | EVEN, 437},
		{IN_USE | RAF3, 437},
		{IN_USE | AAF4, 437},
		// transport
		{NO_TRANSPORT | RAF3, 400},
		{NO_TRANSPORT | TOKEN, 400},
		{NO_TRANSPORT | OVER_QUOTA, 400},
		{TCP | TOKEN | EVEN, 442},
		{TCP | RAF4 | AAF6, 442},
		{TCP | RAF3, 442},
		{TCP | AAF4, 442},
		{TCP | OVER_QUOTA, 442},
		// token
		{TOKEN | RAF3, 400},
		{TOKEN | EVEN | OVER_QUOTA, 400},
		{TOKEN | OVER_QUOTA, 508},
		// families
		{RAF3 | AAF6, 400},
		{RAF6 | AAF6 | NO_IPV6, 400},
		{RAF3 | EVEN_R, 440},
		{RAF3 | OVER_QUOTA, 440},
		{RAF6 | NO_IPV6 | EVEN_R, 440},
		{RAF6 | NO_IPV6 | OVER_QUOTA, 440},
		{EVEN_R | AAF4, 400},
		{EVEN_R | AAF6 | OVER_QUOTA, 400},
		{AAF4 | OVER_QUOTA, 400},
		{RAF4 | AAF6 | OVER_QUOTA, 400},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		expect_code(table[i].what, table[i].code);
}

Test(turn_order, clients_behind_teredo_and_6to4_get_403_once_they_have_shown_who_they_are)
{
	static const char *const tunnels[] = {
		"2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1", "2002:5db8:d822::1", "2002::"};

	for (size_t i = 0; i < 4; i++) {
		const struct tp_endpoint from = rig_at(tunnels[i], 4444);
		struct ask q;

		cr_expect_eq(ask_allocate(&rig, &from, 0), 403, "%s", tunnels[i]);
		ask(&rig, &q, TP_STUN_ALLOCATE);
		q.client = from;
		q.server = 1;
		q.unsigned_ = true;
		cr_expect_eq(answer_code(ask_send(&q)), 401);
		ask(&rig, &q, TP_STUN_BINDING);
		q.client = from;
		q.server = 1;
		q.unsigned_ = true;
		cr_expect_eq(answer_code(ask_send(&q)), 0);
	}
	cr_expect_eq(
		ask_allocate(&rig, (const struct tp_endpoint[]){rig_at("2001:1::1", 4444)}, 0), 0);
	cr_expect_eq(
		ask_allocate(&rig, (const struct tp_endpoint[]){rig_at("2003::1", 4444)}, 0), 0);
}

Test(turn_order, an_allocation_of_its_own_comes_before_the_quota)
{
	SUITE_CONFIGURED(rig.table_config->limits.allocations_per_user = 1);
	cr_expect_eq(allocate(IN_USE), 437);
}

Test(turn_order, a_420_names_every_unknown_attribute)
{
	const struct answer *a;
	struct ask q;
	const uint8_t *p;
	uint16_t length;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_u32(&q, 0x7777, 1);
	ask_u32(&q, 0xf777, 1); // optional: not told
	ask_u32(&q, 0x0777, 1);
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 420);
	p = answer_attribute(a, TP_ATTR_UNKNOWN_ATTRIBUTES, &length);
	cr_assert_not_null(p);
	cr_assert_eq(length, 4);
	cr_expect_arr_eq(p, "\x77\x77\x07\x77", 4);
	cr_expect(answer_signed(a, &rig.users[0]));
}

Test(turn_order, a_401_offers_realm_and_nonce_and_costs_nothing)
{
	const struct answer *a;
	struct ask q;
	const uint8_t *p;
	char nonce[AUTH_NONCE_MAX + 1] = "";
	uint16_t length;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	q.unsigned_ = true;
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 401);
	cr_expect_leq(a->length, 120u);
	p = answer_attribute(a, TP_ATTR_REALM, &length);
	cr_assert_not_null(p);
	cr_assert_eq(length, strlen(RIG_REALM));
	cr_expect_arr_eq(p, RIG_REALM, length);
	cr_expect_null(answer_attribute(a, TP_ATTR_SOFTWARE, &length));
	cr_expect_null(answer_attribute(a, TP_ATTR_MESSAGE_INTEGRITY, &length));
	p = answer_attribute(a, TP_ATTR_NONCE, &length);
	cr_assert_not_null(p);
	cr_assert_leq(length, AUTH_NONCE_MAX);
	memcpy(nonce, p, length);
	cr_expect_eq(rig.told_count, 1u); // the sweep
	expect_nothing();

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	q.nonce = nonce;
	cr_expect_eq(answer_code(ask_send(&q)), 0);
}

Test(turn_order, a_stale_nonce_is_answered_with_one_that_works)
{
	const struct answer *a;
	struct ask q;
	const uint8_t *p;
	char nonce[AUTH_NONCE_MAX + 1] = "";
	uint16_t length;

	compose(&q, STALE);
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 438);
	cr_expect_not_null(answer_attribute(a, TP_ATTR_REALM, &length));
	p = answer_attribute(a, TP_ATTR_NONCE, &length);
	cr_assert_not_null(p);
	memcpy(nonce, p, length);
	compose(&q, 0);
	q.nonce = nonce;
	cr_expect_eq(answer_code(ask_send(&q)), 0);
}

Test(turn_order, integrity_without_username_realm_or_nonce_is_400_without_realm)
{
	static const uint16_t parts[] = {TP_ATTR_USERNAME, TP_ATTR_REALM, TP_ATTR_NONCE};

	for (size_t missing = 0; missing < 3; missing++) {
		char nonce[AUTH_NONCE_MAX];
		const char *values[] = {"alice", RIG_REALM, nonce};
		const struct answer *a;
		struct ask q;
		uint16_t length;

		auth_nonce(rig.auth, &client, rig.wall_s, nonce);
		compose(&q, UNSIGNED);
		for (size_t i = 0; i < 3; i++) {
			if (i != missing)
				ask_bytes(&q, parts[i], values[i], strlen(values[i]));
		}
		stun_put_integrity(&q.w, rig.users[0].key);
		a = ask_send(&q);
		cr_expect_eq(answer_code(a), 400);
		cr_expect_null(answer_attribute(a, TP_ATTR_REALM, &length));
		cr_expect_null(answer_attribute(a, TP_ATTR_NONCE, &length));
		cr_expect_null(answer_attribute(a, TP_ATTR_MESSAGE_INTEGRITY, &length));
	}
	expect_nothing();
}

Test(turn_order, indications_and_responses_get_no_answer)
{
	static const uint8_t classes[] = {TP_STUN_INDICATION, TP_STUN_SUCCESS, TP_STUN_ERROR};

	for (size_t i = 0; i < 3; i++) {
		struct ask q;

		ask(&rig, &q, TP_STUN_ALLOCATE);
		stun_begin(&q.w, q.bytes, sizeof(q.bytes), TP_STUN_ALLOCATE, classes[i], q.tid);
		ask_transport(&q);
		cr_expect_null(ask_send(&q));
	}
	cr_expect_eq(counted(TP_CC_drop_indication), 3u);
	expect_nothing();
}

Test(turn_order, binding_needs_no_authentication)
{
	const struct answer *a;
	struct tp_endpoint mapped;
	struct ask q;

	ask(&rig, &q, TP_STUN_BINDING);
	q.unsigned_ = true;
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 0);
	mapped = answer_address(a, TP_ATTR_XOR_MAPPED_ADDRESS);
	cr_expect(tp_endpoint_equal(&mapped, &rig_client));
	ask(&rig, &q, TP_STUN_BINDING);
	q.unsigned_ = true;
	ask_u32(&q, 0x7777, 1);
	cr_expect_eq(answer_code(ask_send(&q)), 420);
}

Test(turn_order, a_wrong_fingerprint_gets_no_answer)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_BINDING);
	q.unsigned_ = true;
	ask_u32(&q, TP_ATTR_FINGERPRINT, 0x12345678);
	cr_expect_null(ask_send(&q));
	cr_expect_eq(counted(TP_CC_drop_fingerprint), 1u);
}
