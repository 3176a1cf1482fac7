// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// EVEN-PORT with R, and RESERVATION-TOKEN (RFC 8656 section 7.2).
#include <errno.h>

#include "suite.h"

TestSuite(turn_reserve, .init = suite_init, .fini = suite_fini);

static void compose(struct ask *q, uint16_t client)
{
	ask(&rig, q, TP_STUN_ALLOCATE);
	q->client = client_number(client);
	ask_transport(q);
}

static int reserve(uint16_t client)
{
	struct ask q;

	compose(&q, client);
	ask_even(&q, true);
	return answer_code(ask_send(&q));
}

static int use(uint16_t client, uint64_t token)
{
	struct ask q;

	compose(&q, client);
	ask_token(&q, token);
	return answer_code(ask_send(&q));
}

static int delete (uint16_t client)
{
	const struct tp_endpoint e = client_number(client);

	return ask_refresh(&rig, &e, 0);
}

static struct tp_endpoint relayed(void)
{
	return answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS);
}

Test(turn_reserve, gives_an_even_port_and_a_token_for_the_next)
{
	for (uint16_t i = 0; i < 16; i++) {
		struct tp_endpoint even, odd;
		uint64_t token;

		cr_assert_eq(reserve(2 * i), 0);
		even = relayed();
		token = answer_token(&rig.answer);
		cr_expect_eq(even.port & 1, 0);
		cr_expect_neq(token, 0u);
		cr_assert_eq(use(2 * i + 1, token), 0);
		odd = relayed();
		cr_expect_eq(odd.port, even.port + 1);
		cr_expect(tp_ip_equal(&odd.ip, &even.ip));
		cr_expect_eq(answer_token(&rig.answer), 0u);
		cr_expect_eq(use(100, token), 508);
	}
	cr_expect_eq(rig_check(&rig, true), 0);
	for (uint16_t i = 0; i < 32; i++)
		cr_assert_eq(delete (i), 0);
	expect_nothing();
}

Test(turn_reserve, reserves_ipv6_ports_too)
{
	struct tp_endpoint even;
	struct ask q;

	compose(&q, 1);
	ask_family(&q, TP_IPV6);
	ask_even(&q, true);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	even = relayed();
	cr_assert_eq(use(2, answer_token(&rig.answer)), 0);
	cr_expect_eq(relayed().port, even.port + 1);
	cr_expect_eq(tp_ip_family((const struct tp_ip[]){relayed().ip}), TP_IPV6);
}

Test(turn_reserve, an_even_port_alone_reserves_nothing)
{
	struct ask q;

	compose(&q, 1);
	ask_even(&q, false);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	cr_expect_eq(answer_token(&rig.answer), 0u);
	cr_expect_eq(rig.table->reservations.used, 0u);
}

Test(turn_reserve, keeps_the_port_from_everybody_for_30_seconds_and_then_not)
{
	uint64_t token;

	SUITE_CONFIGURED(rig.table_config->relays_count = 1,
		rig.table_config->port_max = rig.capabilities.port_max = RIG_PORT_MIN + 1);
	cr_assert_eq(reserve(1), 0);
	token = answer_token(&rig.answer);
	for (uint64_t ms = 0; ms <= 30000; ms += 5000) {
		const struct tp_endpoint other = client_number(2);

		cr_expect_eq(ask_allocate(&rig, &other, 1), 508);
		rig_tick(&rig, 5000);
	}
	rig_tick(&rig, 1100);
	cr_expect_eq(use(2, token), 508);
	cr_expect_eq(ask_allocate(&rig, (const struct tp_endpoint[]){client_number(2)}, 1), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_reserve, a_token_is_good_for_30_seconds_and_over_at_its_end_whatever_the_scan)
{
	uint64_t token;

	cr_assert_eq(reserve(1), 0);
	token = answer_token(&rig.answer);
	rig_pass(&rig, TURN_RESERVATION_MS);
	cr_expect_eq(use(2, token), 508);
	cr_assert_eq(reserve(3), 0);
	token = answer_token(&rig.answer);
	rig_pass(&rig, 30000);
	cr_expect_eq(use(4, token), 0);
	rig_tick(&rig, 1200);
	cr_expect_eq(rig.table->reservations.used, 0u);
}

Test(turn_reserve, a_token_is_good_for_its_user_alone)
{
	struct ask q;
	uint64_t token;

	cr_assert_eq(reserve(1), 0);
	token = answer_token(&rig.answer);
	compose(&q, 2);
	ask_token(&q, token);
	q.user = 1;
	cr_expect_eq(answer_code(ask_send(&q)), 508);
	for (int bit = 0; bit < 64; bit++)
		cr_expect_eq(use(3, token ^ 1ull << bit), 508);
	cr_expect_eq(use(3, token), 0);
}

Test(turn_reserve, outlives_the_allocation_that_made_it)
{
	uint64_t token;
	uint16_t port;

	cr_assert_eq(reserve(1), 0);
	port = relayed().port;
	token = answer_token(&rig.answer);
	cr_assert_eq(delete (1), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_assert_eq(use(1, token), 0);
	cr_expect_eq(relayed().port, port + 1);
	cr_assert_eq(delete (1), 0);
	expect_nothing();
}

Test(turn_reserve, counts_in_the_quotas_until_it_is_used_or_over)
{
	uint64_t token;

	SUITE_CONFIGURED(rig.table_config->limits.allocations_per_user = 2);
	cr_assert_eq(reserve(1), 0);
	token = answer_token(&rig.answer);
	cr_expect_eq(ask_allocate(&rig, (const struct tp_endpoint[]){client_number(2)}, 1), 486);
	cr_assert_eq(use(2, token), 0);
	cr_expect_eq(ask_allocate(&rig, (const struct tp_endpoint[]){client_number(3)}, 1), 486);
	cr_assert_eq(delete (1), 0);
	// One is left, of two that this would take.
	cr_expect_eq(reserve(1), 486);
	cr_assert_eq(delete (2), 0);
	cr_assert_eq(reserve(1), 0);
	cr_assert_eq(delete (1), 0);
	cr_expect_neq(rig.table->holders.used, 0u);
	rig_tick(&rig, TURN_RESERVATION_MS + 1100);
	expect_nothing();
}

Test(turn_reserve, without_a_pair_of_ports_is_508)
{
	SUITE_CONFIGURED(rig.table_config->relays_count = 1,
		rig.table_config->port_min = RIG_PORT_MIN + 1,
		rig.table_config->port_max = rig.capabilities.port_max = RIG_PORT_MIN + 4);
	// 50001 to 50004: one pair.
	cr_expect_eq(reserve(1), 0);
	cr_expect_eq(relayed().port, RIG_PORT_MIN + 2);
	cr_expect_eq(reserve(2), 508);
	cr_expect_eq(ask_allocate(&rig, (const struct tp_endpoint[]){client_number(2)}, 1), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_reserve, without_a_free_reservation_is_508)
{
	SUITE_CONFIGURED(rig.table_config->allocations = rig.capabilities.allocations = 200,
		rig.table_config->port_max = rig.capabilities.port_max = RIG_PORT_MIN + 199);
	for (uint16_t i = 0; i < 64; i++)
		cr_assert_eq(reserve(i), 0);
	cr_expect_eq(reserve(64), 508);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_assert_eq(use(64, answer_token(&rig.answer)), 508);
	rig_tick(&rig, TURN_RESERVATION_MS + 1100);
	cr_expect_eq(reserve(64), 0);
}

Test(turn_reserve, survives_the_control_plane)
{
	struct answer first;
	uint64_t token;
	struct ask q;

	compose(&q, 1);
	ask_even(&q, true);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	first = rig.answer;
	token = answer_token(&first);
	rig_restart(&rig);
	cr_expect_eq(counted(TP_CC_vault_bad), 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
	// A retransmission is told the same token.
	cr_assert_not_null(ask_again(&q));
	cr_assert_eq(rig.answer.length, first.length);
	cr_expect_arr_eq(rig.answer.bytes, first.bytes, first.length);
	cr_expect_eq(use(2, token), 0);
	cr_expect_eq(relayed().port, answer_address(&first, TP_ATTR_XOR_RELAYED_ADDRESS).port + 1);
	rig_restart(&rig);
	cr_expect_eq(use(3, token), 508);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_reserve, a_refused_port_is_exchanged_with_the_one_that_is_reserved)
{
	uint16_t first;
	uint64_t token;

	rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	cr_assert_eq(reserve(1), 0);
	first = rig_told(&rig, 1)->commands[0].relay_port;
	cr_expect_neq(relayed().port, first);
	cr_expect_eq(relayed().port & 1, 0);
	token = answer_token(&rig.answer);
	cr_expect_eq(rig.table->reservations.used, 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
	first = relayed().port;
	cr_assert_eq(use(2, token), 0);
	cr_expect_eq(relayed().port, first + 1);
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 0);
	cr_expect_eq(reserve(3), 508);
	cr_expect_eq(rig.table->reservations.used, 0u);
	cr_assert_eq(delete (1), 0);
	cr_assert_eq(delete (2), 0);
	rig_tick(&rig, 1200);
	expect_nothing();
}

Test(turn_reserve, of_a_port_that_is_taken_by_then_is_508_and_no_other)
{
	cr_assert_eq(reserve(1), 0);
	rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	cr_expect_eq(use(2, answer_token(&rig.answer)), 508);
	cr_assert_eq(delete (1), 0);
	rig_tick(&rig, 1200);
	expect_nothing();
}

Test(turn_reserve, that_found_no_room_to_be_told_leaves_things_as_they_were)
{
	uint64_t token;
	struct ask q;

	rig.refuse = -EAGAIN;
	cr_expect_eq(reserve(1), -1);
	expect_nothing();
	cr_expect_eq(rig.table->reservations.used, 0u);
	rig.refuse = 0;
	cr_assert_eq(reserve(1), 0);
	token = answer_token(&rig.answer);
	compose(&q, 2);
	ask_token(&q, token);
	rig.refuse = -EAGAIN;
	cr_expect_null(ask_send(&q));
	rig.refuse = 0;
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(answer_code(ask_again(&q)), 0);
	cr_assert_eq(delete (1), 0);
	cr_assert_eq(delete (2), 0);
	expect_nothing();
}

typedef void damage(struct tp_vault_reservation *k, const struct tp_vault_allocation *a);

#define DAMAGE(name, what) \
	static void name(struct tp_vault_reservation *k, const struct tp_vault_allocation *a) \
	{ \
		(void)k, (void)a; \
		what; \
	}

DAMAGE(foreign_relay, k->relay = TP_RELAYS_MAX - 1)
DAMAGE(port_below, k->relay_port = RIG_PORT_MIN - 1)
DAMAGE(port_above, k->relay_port = RIG_PORT_MAX + 1)
DAMAGE(no_expiry, k->expires_ms = 0)
DAMAGE(no_serial, k->serial = 0)
DAMAGE(serial_ahead, k->serial += 1000)
DAMAGE(port_used, k->relay_port = a->relay_port; k->relay = a->relay)

Test(turn_reserve, frees_damaged_records_and_nothing_else)
{
	static const struct {
		const char *name;
		damage *d;
		uint64_t bad;
	} table[] = {{"foreign_relay", foreign_relay, 1}, {"port_below", port_below, 1},
		{"port_above", port_above, 1}, {"no_expiry", no_expiry, 0},
		{"no_serial", no_serial, 1}, {"serial_ahead", serial_ahead, 1},
		// What a death between an allocation and the end of its reservation leaves.
		{"port_used", port_used, 0}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint64_t token;
		struct vault v;

		SUITE_CONFIGURED((void)0);
		cr_assert_eq(reserve(1), 0);
		token = answer_token(&rig.answer);
		rig_kill(&rig);
		cr_assert_eq(vault_open(&v, rig.vault_fd, 64, 6144), 0);
		for (uint32_t k = 0; k < tp_reservations_for(64); k++) {
			if (v.reservations[k].expires_ms)
				table[i].d(&v.reservations[k], &v.allocations[0]);
		}
		vault_close(&v);
		rig_revive(&rig);
		rig_attach(&rig);
		cr_expect_eq(counted(TP_CC_vault_bad), table[i].bad, "%s", table[i].name);
		cr_expect_eq(rig.table->reservations.used, 0u, "%s", table[i].name);
		cr_expect_eq(rig.table->live, 1u);
		cr_expect_eq(use(2, token), 508);
		cr_expect_eq(rig_check(&rig, true), 0, "%s", table[i].name);
		cr_expect_eq(delete (1), 0);
		expect_nothing();
	}
}
