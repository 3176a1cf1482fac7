// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Allocate (RFC 8656 section 7.2).
#include "suite.h"

TestSuite(turn_allocate, .init = suite_init, .fini = suite_fini);

static int allocate_lifetime(const struct tp_endpoint *client, uint32_t lifetime_s)
{
	struct ask a;

	ask(&rig, &a, TP_STUN_ALLOCATE);
	a.client = *client;
	ask_transport(&a);
	ask_u32(&a, TP_ATTR_LIFETIME, lifetime_s);
	return answer_code(ask_send(&a));
}

Test(turn_allocate, answers_with_relayed_and_mapped_address_and_lifetime)
{
	const struct answer *a;
	struct tp_endpoint relayed, mapped;
	struct ask q;
	uint16_t length;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 0);
	relayed = answer_address(a, TP_ATTR_XOR_RELAYED_ADDRESS);
	mapped = answer_address(a, TP_ATTR_XOR_MAPPED_ADDRESS);
	cr_expect(tp_endpoint_equal(&mapped, &rig_client));
	cr_expect(tp_ip_equal(&relayed.ip, &rig.relays[0].public_) ||
		  tp_ip_equal(&relayed.ip, &rig.relays[1].public_));
	cr_expect(relayed.port >= RIG_PORT_MIN && relayed.port <= RIG_PORT_MAX);
	cr_expect_eq(answer_u32(a, TP_ATTR_LIFETIME), 600u);
	cr_expect(answer_signed(a, &rig.users[0]));
	cr_expect_not_null(answer_attribute(a, TP_ATTR_SOFTWARE, &length));
	cr_expect_null(answer_attribute(a, TP_ATTR_RESERVATION_TOKEN, &length));
	cr_expect_null(answer_attribute(a, TP_ATTR_FINGERPRINT, &length));
}

Test(turn_allocate, tells_the_dataplane_exactly_what_it_announces)
{
	const struct tp_command *c;
	struct tp_endpoint relayed;
	uint32_t slot;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	relayed = answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS);
	slot = rig_slot(&rig, &rig_client);
	cr_assert_eq(last()->count, 1u);
	cr_assert(last()->reply);
	c = &last()->commands[0];
	cr_expect_eq(c->kind, TP_PUT_ALLOCATION);
	cr_expect_eq(c->allocation, slot);
	cr_expect_eq(c->generation, rig.table->vault.header->generation);
	cr_expect_eq(c->expires_ms, RIG_MS + 600000u);
	cr_expect(tp_endpoint_equal(&c->client, &rig_client));
	cr_expect_eq(c->server, 0);
	cr_expect_eq(c->transport, TP_UDP);
	cr_expect_eq(c->relay_port, relayed.port);
	cr_assert(c->relay < 3);
	cr_expect(tp_ip_equal(&rig.capabilities.relay[c->relay].public_, &relayed.ip));
	cr_expect_eq(c->channel, 0);
	cr_expect_eq(c->peer.port, 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_allocate, with_fingerprint_is_answered_with_fingerprint)
{
	const struct answer *a;
	struct stun_message m;
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	q.fingerprint = true;
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 0);
	cr_assert_eq(stun_parse(&m, a->bytes, a->length), 0);
	cr_expect(m.has & STUN_HAS_FINGERPRINT);
	cr_expect(m.fingerprint_valid);
}

Test(turn_allocate, grants_a_lifetime_between_the_default_and_an_hour)
{
	static const uint32_t table[][2] = {{0, 600}, {1, 600}, {599, 600}, {600, 600}, {601, 601},
		{1800, 1800}, {3599, 3599}, {3600, 3600}, {3601, 3600}, {UINT32_MAX, 3600}};

	for (uint16_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct tp_endpoint client = client_number(i);

		cr_assert_eq(allocate_lifetime(&client, table[i][0]), 0);
		cr_expect_eq(
			answer_u32(&rig.answer, TP_ATTR_LIFETIME), table[i][1], "%u", table[i][0]);
		cr_expect_eq(last()->commands[0].expires_ms, RIG_MS + table[i][1] * 1000u);
	}
}

Test(turn_allocate, relays_ipv4_unless_asked_whatever_the_client_speaks)
{
	cr_assert_eq(ask_allocate(&rig, &rig_client6, 0), 0);
	cr_expect(tp_ip_is4(&rig.capabilities.relay[last()->commands[0].relay].local));
	cr_expect_eq(last()->commands[0].server, 1);
}

Test(turn_allocate, relays_every_family_for_every_client)
{
	for (uint8_t family = 1; family <= 2; family++) {
		struct tp_endpoint v4 = rig_client, v6 = rig_client6;
		struct tp_endpoint e;

		v4.port = v6.port = family;
		cr_assert_eq(ask_allocate(&rig, &v4, family), 0);
		e = answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS);
		cr_expect_eq(tp_ip_family(&e.ip), family);
		cr_assert_eq(ask_allocate(&rig, &v6, family), 0);
		e = answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS);
		cr_expect_eq(tp_ip_family(&e.ip), family);
		cr_expect(family == 1 || tp_ip_equal(&e.ip, &rig.relays[2].public_));
		e = answer_address(&rig.answer, TP_ATTR_XOR_MAPPED_ADDRESS);
		cr_expect(tp_endpoint_equal(&e, &v6));
	}
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_allocate, of_a_family_without_relay_address_is_440)
{
	SUITE_CONFIGURED(rig.table_config->relays_count = 2);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 2), 440);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 1), 0);
	SUITE_CONFIGURED(
		rig.table_config->relays = rig.relays + 2, rig.table_config->relays_count = 1);
	cr_expect_eq(ask_allocate(&rig, &rig_client6, 0), 440);
	cr_expect_eq(ask_allocate(&rig, &rig_client6, 2), 0);
}

Test(turn_allocate, of_a_family_that_the_dataplane_does_not_relay_is_440)
{
	SUITE_CONFIGURED(rig.capabilities.relays = 2, rig.capabilities.relay[0] = rig.relays[0],
		rig.capabilities.relay[1] = rig.relays[1]);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 2), 440);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 1), 0);
}

Test(turn_allocate, even_port_gets_an_even_port)
{
	for (uint16_t i = 0; i < 20; i++) {
		struct ask q;

		ask(&rig, &q, TP_STUN_ALLOCATE);
		q.client = client_number(i);
		ask_transport(&q);
		ask_bytes(&q, TP_ATTR_EVEN_PORT, "", 1);
		cr_assert_eq(answer_code(ask_send(&q)), 0);
		cr_expect_eq(last()->commands[0].relay_port % 2, 0);
	}
}

Test(turn_allocate, retransmitted_gets_the_same_bytes_and_nothing_new)
{
	static const uint32_t after_ms[] = {0, 1, 500, 39999, 1, 1, 200000};
	struct answer first;
	struct ask q;
	uint32_t told;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_u32(&q, TP_ATTR_LIFETIME, 1000);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	first = rig.answer;
	told = rig.told_count;
	for (size_t i = 0; i < sizeof(after_ms) / sizeof(after_ms[0]); i++) {
		rig_pass(&rig, after_ms[i]);
		cr_assert_not_null(ask_again(&q));
		cr_assert_eq(rig.answer.length, first.length);
		cr_expect_arr_eq(rig.answer.bytes, first.bytes, first.length);
	}
	// The command goes with each answer, in one transaction.
	cr_expect_eq(rig.told_count, told + 7);
	cr_expect_eq(last()->count, 1u);
	cr_expect(last()->reply);
	cr_expect_eq(last()->commands[0].kind, TP_PUT_ALLOCATION);
	cr_expect_eq(mirror_count(&rig.mirror), 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(rig.table->live, 1u);
	cr_expect_eq(counted(TP_CC_retransmissions), 7u);
	cr_expect_eq(counted(TP_CC_allocations_created), 1u);
}

Test(turn_allocate, retransmitted_while_its_answer_is_on_the_way_is_dropped_and_counted)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	rig.hold = true;
	ask_send(&q);
	cr_expect_null(ask_again(&q));
	cr_expect_eq(counted(TP_CC_drop_answer_underway), 1u);
	rig_flush(&rig);
	rig.hold = false;
	cr_expect_eq(counted(TP_CC_success_responses), 1u);
	cr_expect_eq(counted(TP_CC_retransmissions), 0u);
	cr_expect_eq(answer_code(ask_again(&q)), 0);
	cr_expect_eq(counted(TP_CC_retransmissions), 1u);
	cr_expect_eq(counted(TP_CC_success_responses), 2u);
}

Test(turn_allocate, retransmitted_when_the_dataplane_refuses_it_is_508_and_ends_it)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 0);
	cr_expect_eq(answer_code(ask_again(&q)), 508);
	rig_tick(&rig, 1200);
	expect_nothing();
	cr_expect_eq(answer_code(ask_again(&q)), 0);
}

Test(turn_allocate, retransmitted_after_a_refresh_still_gets_the_same_bytes)
{
	struct answer first;
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	first = rig.answer;
	rig_pass(&rig, 20000);
	cr_assert_eq(ask_refresh(&rig, &rig_client, 3600), 0);
	cr_assert_not_null(ask_again(&q));
	cr_assert_eq(rig.answer.length, first.length);
	cr_expect_arr_eq(rig.answer.bytes, first.bytes, first.length);
}

Test(turn_allocate, on_a_5_tuple_in_use_is_437)
{
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 437);
	cr_expect(answer_signed(&rig.answer, &rig.users[0]));
	rig_pass(&rig, 599999);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 437);
	cr_expect_eq(rig.told_count, 2u); // the sweep, the first
}

Test(turn_allocate, of_another_user_on_a_5_tuple_in_use_is_437)
{
	struct ask q;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	q.user = 1;
	ask_transport(&q);
	cr_expect_eq(answer_code(ask_send(&q)), 437);
}

Test(turn_allocate, transaction_id_of_another_user_is_no_retransmission)
{
	struct ask first, q;

	ask(&rig, &first, TP_STUN_ALLOCATE);
	ask_transport(&first);
	cr_assert_eq(answer_code(ask_send(&first)), 0);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	memcpy(q.tid, first.tid, sizeof(q.tid));
	stun_begin(&q.w, q.bytes, sizeof(q.bytes), TP_STUN_ALLOCATE, TP_STUN_REQUEST, q.tid);
	q.user = 1;
	ask_transport(&q);
	cr_expect_eq(answer_code(ask_send(&q)), 437);
}

Test(turn_allocate, after_expiry_is_a_new_allocation_to_the_millisecond)
{
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	rig_pass(&rig, 599999);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 437);
	rig_pass(&rig, 1);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_expect_eq(rig.table->live, 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_allocate, expired_is_freed_on_both_sides_within_a_round_of_ticks)
{
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	rig_pass(&rig, 598900);
	rig_tick(&rig, 1099);
	cr_expect_eq(rig.table->live, 1u);
	rig_tick(&rig, 2101);
	expect_nothing();
	cr_expect_eq(counted(TP_CC_allocations_expired), 1u);
}

Test(turn_allocate, of_one_client_on_two_servers_are_two)
{
	struct ask q;

	rig.capabilities.server[1] = rig_at("203.0.113.2", 3478);
	rig_attach(&rig);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	q.server = 1;
	ask_transport(&q);
	cr_expect_eq(answer_code(ask_send(&q)), 0);
	cr_expect_eq(rig.table->live, 2u);
	cr_expect_eq(last()->commands[0].server, 1);
}

Test(turn_allocate, relay_ports_are_not_in_order)
{
	uint32_t steps = 0;
	int former = 0;

	for (uint16_t i = 0; i < 40; i++) {
		const struct tp_endpoint client = client_number(i);
		int port;

		cr_assert_eq(ask_allocate(&rig, &client, 0), 0);
		port = last()->commands[0].relay_port;
		steps += port == former + 1 || port == former - 1;
		former = port;
	}
	cr_expect_lt(steps, 10u);
}

Test(turn_allocate, relay_addresses_of_a_family_are_equally_likely)
{
	uint32_t first = 0;

	// 2,000 tosses of a coin: beyond 850 to 1,150 once in 50 billion times.
	for (uint32_t i = 0; i < 2000; i++) {
		struct tp_endpoint e;

		cr_assert_eq(ask_allocate(&rig, &rig_client, 1), 0);
		e = answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS);
		first += tp_ip_equal(&e.ip, &rig.relays[0].public_);
		cr_assert_eq(ask_refresh(&rig, &rig_client, 0), 0);
	}
	cr_expect(first > 850 && first < 1150, "%u", first);
}

Test(turn_allocate, local_form_of_a_relayed_address_may_be_reached_as_its_public_form)
{
	const struct tp_endpoint other = client_number(1);
	struct tp_endpoint e;

	cr_assert_eq(ask_allocate(&rig, &rig_client6, 2), 0);
	e = answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS);
	cr_assert_eq(ask_allocate(&rig, &other, 2), 0);
	cr_expect_eq(ask_bind(&rig, &other, &e, 0x4000), 0);
	e.ip = rig.relays[2].local;
	cr_expect_eq(ask_bind(&rig, &other, &e, 0x4001), 0);
	cr_assert_eq(ask_refresh(&rig, &rig_client6, 0), 0);
	cr_expect_eq(ask_bind(&rig, &other, &e, 0x4002), 400);
	e.ip = rig.relays[2].public_;
	e.port = e.port == RIG_PORT_MAX ? RIG_PORT_MIN : (uint16_t)(e.port + 1);
	if (!table_is_relayed(rig.table, &e.ip, e.port))
		cr_expect_eq(ask_bind(&rig, &other, &e, 0x4003), 403);
}
