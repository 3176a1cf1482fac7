// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Clients that move (RFC 8016): quotas, refusals, deaths.
#include <errno.h>

#include "moving.h"

TestSuite(turn_mobility_quota, .init = suite_init, .fini = suite_fini);

// The quotas of the three places' addresses.
static uint32_t held(const struct tp_endpoint *client)
{
	const struct tp_ip party = tp_ip_party(&client->ip);

	return quota_count(&rig.table->by_address, party.b);
}

Test(turn_mobility_quota, the_quota_of_addresses_follows_and_that_of_the_user_stays)
{
	SUITE_CONFIGURED(rig.table_config->allocations_per_address = 1);
	const uint32_t slot = begin();

	cr_assert_eq(move(&away), 0);
	keep_ticket(&rig.answer);
	cr_expect_eq(held(&home), 1u);
	cr_expect_eq(held(&away), 1u);
	cr_expect_eq(rig.table->holders.used, 1u);
	arrive(slot, &away);
	cr_expect_eq(held(&home), 0u);
	cr_expect_eq(held(&away), 1u);
	cr_assert_eq(ask_allocate(&rig, &home, 0), 0);
	cr_expect_eq(move(&(struct tp_endpoint){.ip = home.ip, .port = 7}), 486);
	cr_expect_eq(held(&home), 1u);
	cr_expect_eq(held(&away), 1u);
	cr_expect_not(table_moving(rig.table, slot));
	// Another port of its own address takes nothing.
	cr_expect_eq(move(&(struct tp_endpoint){.ip = away.ip, .port = 8}), 0);
	keep_ticket(&rig.answer);
	cr_expect_eq(held(&away), 1u);
	cr_expect_eq(move(&further), 0);
	keep_ticket(&rig.answer);
	cr_expect_eq(move(&(struct tp_endpoint){.ip = away.ip, .port = 9}), 0);
	cr_expect_eq(held(&further), 0u);
	cr_expect_eq(held(&away), 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
	rig_tick(&rig, 700000);
	expect_nothing();
}

Test(turn_mobility_quota, a_user_at_the_limit_may_move)
{
	SUITE_CONFIGURED(rig.table_config->limits.allocations_per_user = 1);
	begin();
	cr_expect_eq(move(&away), 0);
	keep_ticket(&rig.answer);
	cr_expect_eq(move(&further), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility_quota, one_that_the_dataplane_refuses_leaves_everything_as_it_was)
{
	for (uint32_t at = 0; at < 4; at++) {
		SUITE_CONFIGURED(rig.table_config->allocations_per_address = 1);
		const uint32_t slot = begin();

		cr_assert_eq(ask_bind(&rig, &home, &peer_a, 0x4000), 0);
		rig_pass(&rig, 1000);
		rig_verdict(&rig, TP_STATUS_NO_SPACE, at);
		cr_expect_eq(move(&away), 508, "command %u", at);
		cr_expect(answer_signed(&rig.answer, &rig.users[0]));
		cr_expect_not(table_moving(rig.table, slot));
		cr_expect_eq(table_record(rig.table, slot)->expires_ms, RIG_MS + 600000u);
		cr_expect_eq(held(&home), 1u);
		cr_expect_eq(held(&away), 0u);
		cr_expect_eq(rig_check(&rig, true), 0);
		cr_expect_eq(ask_refresh(&rig, &away, 600), 437);
		cr_expect_eq(counted(TP_CC_allocations_moved), 0u);
		// With the same ticket once more.
		cr_expect_eq(move(&away), 0);
		cr_expect_eq(rig_check(&rig, true), 0);
	}
}

Test(turn_mobility_quota, a_refused_second_move_goes_back_to_the_first)
{
	SUITE_CONFIGURED(rig.table_config->allocations_per_address = 1);
	const uint32_t slot = begin();
	uint8_t first[TICKET_LENGTH];
	struct tp_endpoint next;

	cr_assert_eq(move(&away), 0);
	keep_ticket(&rig.answer);
	memcpy(first, ticket, sizeof(first));
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 1);
	cr_expect_eq(move(&further), 508);
	next = vault_next(table_record(rig.table, slot));
	cr_expect(tp_endpoint_equal(&next, &away));
	cr_expect_eq(held(&home), 1u);
	cr_expect_eq(held(&away), 1u);
	cr_expect_eq(held(&further), 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(move(&further), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility_quota, without_room_nothing_has_happened)
{
	uint32_t slot = begin();

	for (uint16_t i = 0; i < 40; i++) {
		const struct tp_endpoint p = {
			.ip = rig_ip4(93, 184, 1, (uint8_t)(i + 1)), .port = 9};

		cr_assert_eq(ask_permission(&rig, &home, &p), 0);
	}
	// Room for none, for one and for two of its three transactions.
	for (int n = 0; n < 3; n++) {
		for (int i = 0; i < n; i++)
			rig_verdict(&rig, TP_STATUS_OK, 0);
		rig_verdict(&rig, -EAGAIN, 0);
		cr_expect_eq(move(&away), -1);
		cr_expect_not(table_moving(rig.table, slot));
		cr_expect_eq(table_record(rig.table, slot)->worker, 0u);
		cr_expect_eq(rig_slot(&rig, &away), TABLE_NONE);
	}
	cr_expect_eq(counted(TP_CC_result_bad), 0u);
	cr_assert_eq(move(&away), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility_quota, outlives_the_control_plane_and_the_dataplane)
{
	uint32_t slot = begin();

	cr_assert_eq(ask_bind(&rig, &home, &peer_a, 0x4000), 0);
	cr_assert_eq(move(&away), 0);
	rig_restart(&rig);
	cr_expect(table_moving(rig.table, slot));
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(ask_refresh(&rig, &home, 600), 0);
	cr_expect_eq(ask_refresh(&rig, &away, 600), 0);
	rig_detach(&rig);
	rig_attach(&rig);
	cr_expect(tp_endpoint_equal(&dataplane(slot)->move.client, &away));
	cr_expect_eq(rig_check(&rig, true), 0);
	arrive(slot, &away);
	rig_restart(&rig);
	cr_expect_not(table_moving(rig.table, slot));
	cr_expect_eq(ask_refresh(&rig, &home, 600), 437);
	cr_expect_eq(ask_refresh(&rig, &away, 600), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility_quota, a_ticket_outlives_the_control_plane)
{
	begin();
	rig_restart(&rig);
	cr_expect_eq(move(&away), 0);
}

Test(turn_mobility_quota, a_control_plane_that_died_while_it_settled_one_leaves_a_whole_record)
{
	uint32_t slot = begin();
	struct tp_vault_allocation *a;

	cr_assert_eq(move(&away), 0);
	// Between the words: the address copied, the rest not.
	a = table_record(rig.table, slot);
	a->mobility = tp_mobility(tp_mobility_ticket(a->mobility), TP_VAULT_SETTLING);
	a->client_ip = a->next_ip;
	rig_kill(&rig);
	rig_revive(&rig);
	rig_attach(&rig);
	cr_expect_not(table_moving(rig.table, slot));
	cr_expect_eq(rig_slot(&rig, &away), slot);
	cr_expect_eq(rig_slot(&rig, &home), TABLE_NONE);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility_quota, while_the_dataplane_is_gone_it_is_kept_and_the_client_asks_again)
{
	struct ask q;

	begin();
	rig.hold = true;
	ask_move(&q, &away, 0);
	cr_assert_not_null(ask_send(&q));
	rig_detach(&rig);
	rig.hold = false;
	cr_expect(table_moving(rig.table, 0));
	rig_attach(&rig);
	keep_ticket(ask_again(&q));
	cr_expect_eq(counted(TP_CC_allocations_moved), 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(move(&further), 0);
}

Test(turn_mobility_quota, an_allocation_that_ends_while_its_client_moves_leaves_nothing)
{
	SUITE_CONFIGURED(rig.table_config->allocations_per_address = 2);
	for (int how = 0; how < 3; how++) {
		uint32_t slot = begin();

		rig.hold = how == 2;
		cr_assert_eq(move(&away), 0);
		if (how == 0)
			cr_expect_eq(ask_refresh(&rig, &home, 0), 0);
		else if (how == 1)
			rig_tick(&rig, 700000);
		else
			cr_expect_eq(ask_refresh(&rig, &home, 0), 0);
		arrive(slot, &away);
		rig.hold = false;
		rig_flush(&rig);
		expect_nothing();
	}
}

Test(turn_mobility_quota, a_move_to_where_we_listen_no_more_is_forgotten)
{
	const struct tp_endpoint away6 = rig_client6;
	uint32_t slot = begin();

	cr_assert_eq(move(&away6), 0);
	rig_detach(&rig);
	rig.capabilities.servers = 1;
	rig_attach(&rig);
	cr_expect_not(table_moving(rig.table, slot));
	cr_expect_eq(ask_refresh(&rig, &home, 600), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}
