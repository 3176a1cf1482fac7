// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What runs out: ports, descriptors, tables, quotas, rings. Nothing half-made stays behind.
#include "suite.h"

TestSuite(turn_capacity, .init = suite_init, .fini = suite_fini);

Test(turn_capacity, a_port_taken_by_another_program_leads_to_another_port)
{
	struct tp_endpoint relayed;
	uint16_t refused[3];

	for (int i = 0; i < 3; i++)
		rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 2), 0);
	cr_expect_eq(rig.answers, 1u); // the withheld ones never left
	cr_expect(answer_signed(&rig.answer, &rig.users[0]));
	relayed = answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS);
	cr_expect_eq(relayed.port, last()->commands[0].relay_port);
	for (uint32_t i = 0; i < 3; i++) {
		const struct told *t = rig_told(&rig, i + 1);

		cr_expect_eq(t->commands[0].kind, TP_PUT_ALLOCATION);
		refused[i] = t->commands[0].relay_port;
		cr_expect_neq(refused[i], relayed.port);
		for (uint32_t k = 0; k < i; k++)
			cr_expect_neq(refused[i], refused[k]);
	}
	cr_expect_eq(counted(TP_CC_ports_taken), 3u);
	cr_expect_eq(free_ports(), 3 * 64u - 1);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 0), 0);
	expect_nothing();
}

Test(turn_capacity, another_port_keeps_to_even_port)
{
	struct ask q;

	for (int i = 0; i < 8; i++)
		rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_bytes(&q, TP_ATTR_EVEN_PORT, "", 1);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	for (uint32_t i = 0; i < 9; i++)
		cr_expect_eq(rig_told(&rig, i)->commands[0].relay_port % 2, 0);
}

Test(turn_capacity, a_relay_address_that_is_gone_leads_to_another_of_its_family)
{
	for (int i = 0; i < 20; i++) {
		const struct tp_endpoint client = client_number((uint16_t)i);
		uint8_t first;

		rig_verdict(&rig, TP_STATUS_ADDRESS, 0);
		rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
		cr_assert_eq(ask_allocate(&rig, &client, 1), 0);
		first = rig_told(&rig, 2)->commands[0].relay;
		cr_expect_neq(rig_told(&rig, 1)->commands[0].relay, first);
		cr_expect_eq(last()->commands[0].relay, rig_told(&rig, 1)->commands[0].relay);
		cr_expect_eq(answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS).port,
			last()->commands[0].relay_port);
		cr_expect_eq(rig_check(&rig, true), 0);
	}
	cr_expect_eq(counted(TP_CC_ports_taken), 20u);
	cr_expect_eq(free_ports(), 3 * 64u - 20);
	rig_restart(&rig);
	cr_expect_eq(rig.table->live, 20u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_capacity, when_every_relay_address_of_the_family_is_gone_it_is_508)
{
	rig_verdict(&rig, TP_STATUS_ADDRESS, 0);
	rig_verdict(&rig, TP_STATUS_ADDRESS, 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 1), 508);
	expect_nothing();
	rig_verdict(&rig, TP_STATUS_ADDRESS, 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 2), 508);
	expect_nothing();
}

Test(turn_capacity, when_the_last_port_of_an_address_is_taken_another_address_has_one)
{
	SUITE_CONFIGURED(rig.table_config->port_max = RIG_PORT_MIN);
	rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 1), 0);
	cr_expect_neq(rig_told(&rig, 1)->commands[0].relay, last()->commands[0].relay);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_capacity, when_every_port_is_taken_it_is_508_and_nothing_stays)
{
	rig.refuse = TP_STATUS_PORT_TAKEN;
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 508);
		cr_expect(answer_signed(&rig.answer, &rig.users[0]));
		expect_nothing();
	}
	rig.refuse = 0;
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 0);
}

Test(turn_capacity, a_retransmission_while_ports_are_tried_gets_one_answer_and_one_allocation)
{
	struct ask q;

	rig.hold = true;
	rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	cr_expect_null(ask_send(&q));
	cr_expect_null(ask_again(&q));
	rig_flush(&rig);
	cr_expect_eq(rig.answers, 1u);
	cr_expect_eq(answer_code(&rig.answer), 0);
	cr_expect_eq(rig.table->live, 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_capacity, what_the_dataplane_cannot_hold_is_508_and_nothing_stays)
{
	static const int statuses[] = {TP_STATUS_NO_DESCRIPTORS, TP_STATUS_NO_SPACE,
		TP_STATUS_ADDRESS, TP_STATUS_INVALID, TP_STATUS_CONFLICT};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		int code;

		rig.refuse = statuses[i];
		code = ask_allocate(&rig, &rig_client, 0);
		rig.refuse = 0;
		cr_expect(code == 508 || (statuses[i] >= TP_STATUS_CONFLICT && code == 500),
			"status %d: %d", statuses[i], code);
		rig_tick(&rig, 2200);
		expect_nothing();
	}
}

Test(turn_capacity, quota_in_total_is_486_and_comes_back)
{
	SUITE_CONFIGURED(rig.table_config->allocations = 3);
	for (uint16_t i = 0; i < 3; i++) {
		const struct tp_endpoint client = client_number(i);

		cr_assert_eq(ask_allocate(&rig, &client, 0), 0);
	}
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 486);
	cr_expect_eq(rig.table->live, 3u);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(ask_refresh(&rig, &(struct tp_endpoint){rig_client.ip, 10001, {0}}, 0), 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 0);
}

Test(turn_capacity, no_port_of_the_family_is_508)
{
	SUITE_CONFIGURED(rig.table_config->port_max = RIG_PORT_MIN + 4);
	for (uint16_t i = 0; i < 10; i++) {
		const struct tp_endpoint client = client_number(i);

		cr_assert_eq(ask_allocate(&rig, &client, 0), 0, "%u", i); // both addresses
	}
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 508);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 2), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_capacity, no_even_port_is_508)
{
	struct ask q;

	SUITE_CONFIGURED(rig.table_config->port_min = 50001, rig.table_config->port_max = 50001);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_bytes(&q, TP_ATTR_EVEN_PORT, "", 1);
	cr_expect_eq(answer_code(ask_send(&q)), 508);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 0);
}

Test(turn_capacity, quota_of_a_user_is_486_and_comes_back)
{
	struct ask q;

	SUITE_CONFIGURED(rig.table_config->limits.allocations_per_user = 2);
	for (int round = 0; round < 3; round++) {
		const struct tp_endpoint a = client_number(1), b = client_number(2);

		cr_assert_eq(ask_allocate(&rig, &a, 0), 0);
		cr_assert_eq(ask_allocate(&rig, &b, 0), 0);
		cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 486);
		ask(&rig, &q, TP_STUN_ALLOCATE);
		q.user = 1;
		ask_transport(&q);
		cr_expect_eq(answer_code(ask_send(&q)), 0); // bob has his own
		if (round == 0) {
			cr_expect_eq(ask_refresh(&rig, &a, 0), 0);
			cr_expect_eq(ask_refresh(&rig, &b, 0), 0);
		}
		rig_pass(&rig, 600000);
		rig_tick(&rig, 2200);
		cr_expect_eq(rig.table->live, 0u);
		cr_expect_eq(rig.table->holders.used, 0u);
	}
}

Test(turn_capacity, quota_of_an_address_is_486_whatever_port_and_user)
{
	struct tp_endpoint other = rig_client;
	struct ask q;

	SUITE_CONFIGURED(rig.table_config->allocations_per_address = 2);
	for (uint16_t i = 0; i < 2; i++) {
		const struct tp_endpoint client = client_number(i);

		cr_assert_eq(ask_allocate(&rig, &client, 0), 0);
	}
	ask(&rig, &q, TP_STUN_ALLOCATE);
	q.user = 1;
	ask_transport(&q);
	cr_expect_eq(answer_code(ask_send(&q)), 486);
	other.ip.b[15]++;
	cr_expect_eq(ask_allocate(&rig, &other, 0), 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client6, 0), 0);
	cr_expect_eq(rig.table->by_address.used, 3u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_capacity, quota_of_an_address_counts_a_64_of_ipv6_as_one)
{
	struct tp_endpoint client = rig_client6;

	SUITE_CONFIGURED(rig.table_config->allocations_per_address = 3);
	for (uint8_t i = 0; i < 3; i++) {
		client.ip.b[8 + 2 * i] ^= 0x55;
		cr_assert_eq(ask_allocate(&rig, &client, 0), 0);
	}
	rig_restart(&rig);
	client.ip.b[15] ^= 1;
	cr_expect_eq(ask_allocate(&rig, &client, 0), 486);
	client.ip.b[7] ^= 1;
	cr_expect_eq(ask_allocate(&rig, &client, 0), 0);
	cr_expect_eq(rig.table->by_address.used, 2u);
	cr_expect_eq(ask_refresh(&rig, &client, 0), 0);
	cr_expect_eq(rig.table->by_address.used, 1u);
	rig_pass(&rig, 600000);
	rig_tick(&rig, 2200);
	expect_nothing();
}

Test(turn_capacity, a_failed_allocate_costs_no_quota)
{
	SUITE_CONFIGURED(rig.table_config->limits.allocations_per_user = 1,
		rig.table_config->allocations_per_address = 1);
	for (int i = 0; i < 4; i++) {
		rig.refuse = i % 2 ? TP_STATUS_NO_SPACE : -EAGAIN;
		cr_expect_eq(ask_allocate(&rig, &rig_client, 0), i % 2 ? 508 : -1);
		rig.refuse = 0;
		expect_nothing();
	}
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), 0);
}

Test(turn_capacity, an_allocate_refused_by_a_full_ring_changes_nothing_and_works_when_sent_again)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	rig.refuse = -EAGAIN;
	cr_expect_null(ask_send(&q));
	cr_expect_null(ask_again(&q));
	expect_nothing();
	rig.refuse = 0;
	cr_expect_eq(answer_code(ask_again(&q)), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_capacity, no_transaction_left_changes_nothing_and_works_when_sent_again)
{
	struct ask q;

	SUITE_CONFIGURED(rig.config.transactions = 4);
	rig.hold = true;
	for (uint16_t i = 0; i < 4; i++) {
		const struct tp_endpoint client = client_number(i);

		cr_assert_eq(ask_allocate(&rig, &client, 0), 0);
	}
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	cr_expect_null(ask_send(&q));
	cr_expect_eq(rig.table->live, 4u);
	rig_flush(&rig);
	cr_expect_eq(answer_code(ask_again(&q)), 0);
	rig_flush(&rig);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_capacity, deleted_before_the_port_turns_out_taken_leaves_nothing)
{
	rig.hold = true;
	rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), -1);
	ask_refresh(&rig, &rig_client, 0);
	rig_flush(&rig);
	rig_tick(&rig, 2200);
	rig_flush(&rig);
	if (rig_slot(&rig, &rig_client) != TABLE_NONE) {
		// The Refresh may also have been put off: then it works now.
		cr_expect_eq(ask_refresh(&rig, &rig_client, 0), 0);
		rig_flush(&rig);
	}
	expect_nothing();
}

Test(turn_capacity, expired_before_the_port_turns_out_taken_leaves_nothing)
{
	rig.hold = true;
	rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), -1);
	rig_pass(&rig, 600000);
	rig_tick(&rig, 2200);
	rig_flush(&rig);
	rig_tick(&rig, 2200);
	rig_flush(&rig);
	expect_nothing();
}

Test(turn_capacity, without_dataplane_nothing_is_made)
{
	rig_detach(&rig);
	rig.refuse = -ENOTCONN;
	cr_expect_eq(ask_allocate(&rig, &rig_client, 0), -1);
	rig.refuse = 0;
	rig_attach(&rig);
	expect_nothing();
}
