// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Clients that move (RFC 8016): tickets, and what they are good for.
#include <errno.h>

#include "moving.h"

TestSuite(turn_mobility, .init = suite_init, .fini = suite_fini);

Test(turn_mobility, an_allocate_that_asks_for_a_ticket_gets_one_and_no_other_does)
{
	uint16_t length;

	begin();
	cr_expect(answer_signed(&rig.answer, &rig.users[0]));
	cr_assert_eq(ask_allocate(&rig, &away, 0), 0);
	cr_expect_null(answer_attribute(&rig.answer, TP_ATTR_MOBILITY_TICKET, &length));
	cr_assert_eq(ask_refresh(&rig, &home, 600), 0);
	cr_expect_null(answer_attribute(&rig.answer, TP_ATTR_MOBILITY_TICKET, &length));
}

Test(turn_mobility, an_allocate_with_a_ticket_in_it_is_400)
{
	struct ask q;

	begin();
	ask(&rig, &q, TP_STUN_ALLOCATE);
	q.client = away;
	ask_transport(&q);
	ask_bytes(&q, TP_ATTR_MOBILITY_TICKET, ticket, TICKET_LENGTH);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
}

Test(turn_mobility, where_it_is_forbidden_both_requests_get_405)
{
	begin();
	SUITE_CONFIGURED(rig.config.mobility_forbidden = true);
	cr_expect_eq(allocate(&home, 0, false), 405);
	cr_expect_eq(rig.table->live, 0u);
	cr_assert_eq(ask_allocate(&rig, &home, 0), 0);
	cr_expect_eq(move(&away), 405);
	cr_expect_eq(counted(TP_CC_error_405), 2u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, a_retransmitted_allocate_tells_the_same_ticket)
{
	struct ask q;
	uint8_t first[TICKET_LENGTH];

	places();
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_bytes(&q, TP_ATTR_MOBILITY_TICKET, "", 0);
	keep_ticket(ask_send(&q));
	memcpy(first, ticket, sizeof(first));
	keep_ticket(ask_again(&q));
	cr_expect_arr_eq(first, ticket, sizeof(first));
}

Test(turn_mobility, a_ticket_from_another_5_tuple_moves_the_allocation_and_all_that_it_has)
{
	const uint32_t slot = begin();
	uint8_t first[TICKET_LENGTH];

	memcpy(first, ticket, sizeof(first));
	cr_assert_eq(ask_bind(&rig, &home, &peer_a, 0x4000), 0);
	cr_assert_eq(ask_permission(&rig, &home, &peer_b), 0);
	rig_pass(&rig, 17);
	cr_assert_eq(move(&away), 0);
	cr_expect(answer_signed(&rig.answer, &rig.users[0]));
	cr_expect_eq(answer_u32(&rig.answer, TP_ATTR_LIFETIME), 600u);
	keep_ticket(&rig.answer);
	cr_expect(memcmp(first, ticket, sizeof(first)) != 0);
	// To whom may not have had it: all of it, then where it goes, and the answer with that.
	cr_assert_eq(last()->count, 5u);
	cr_expect(last()->reply);
	cr_expect_eq(last()->worker, 1u);
	cr_expect_eq(last()->commands[0].kind, TP_PUT_ALLOCATION);
	cr_expect(tp_endpoint_equal(&last()->commands[0].client, &home));
	cr_expect_eq(last()->commands[0].expires_ms, rig.now_ms + 600000u);
	cr_expect_eq(last()->commands[4].kind, TP_MOVE_ALLOCATION);
	cr_expect(tp_endpoint_equal(&last()->commands[4].client, &away));
	cr_expect_eq(last()->commands[4].allocation, slot);
	// Permissions keep their time (RFC 8656 section 9).
	cr_expect_eq(mirror_find(&rig.mirror, slot, &peer_b.ip, 0)->expires_ms, RIG_MS + 300000u);
	cr_expect_eq(counted(TP_CC_allocations_moved), 1u);
	cr_expect_eq(rig.table->live, 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, both_5_tuples_are_served_until_data_came_from_the_new_one)
{
	const uint32_t slot = begin();

	cr_assert_eq(move(&away), 0);
	keep_ticket(&rig.answer);
	cr_expect_eq(ask_permission(&rig, &home, &peer_a), 0);
	cr_expect_eq(ask_bind(&rig, &away, &peer_b, 0x4001), 0);
	cr_expect_eq(ask_refresh(&rig, &home, 600), 0);
	cr_expect_eq(ask_refresh(&rig, &away, 600), 0);
	cr_expect_eq(ask_allocate(&rig, &away, 0), 437);
	cr_expect(tp_endpoint_equal(&dataplane(slot)->put.client, &home));
	cr_expect(tp_endpoint_equal(&dataplane(slot)->move.client, &away));
	cr_expect_eq(rig_check(&rig, true), 0);

	arrive(slot, &away);
	cr_expect_eq(last()->count, 1u);
	cr_expect_eq(last()->commands[0].kind, TP_PUT_ALLOCATION);
	cr_expect(tp_endpoint_equal(&last()->commands[0].client, &away));
	cr_expect_not(last()->reply);
	cr_expect_eq(counted(TP_CC_moves_settled), 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(ask_refresh(&rig, &home, 600), 437);
	cr_expect_eq(ask_permission(&rig, &home, &peer_a), 437);
	cr_expect_eq(ask_refresh(&rig, &away, 600), 0);
	// Its 5-tuple is free again.
	cr_expect_eq(ask_allocate(&rig, &home, 0), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_assert_eq(ask_refresh(&rig, &home, 0), 0);
	cr_assert_eq(ask_refresh(&rig, &away, 0), 0);
	expect_nothing();
}

Test(turn_mobility, arrivals_from_anywhere_else_change_nothing)
{
	const uint32_t slot = begin();
	uint32_t told;

	cr_assert_eq(ask_allocate(&rig, &further, 0), 0);
	arrive(slot, &home); // does not move
	cr_assert_eq(move(&away), 0);
	told = rig.told_count;
	arrive(slot, &home);
	arrive(slot, &further);
	arrive(slot + 1, &away);
	arrive(63, &away);
	cr_expect_eq(rig.told_count, told);
	cr_expect(table_moving(rig.table, slot));
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, a_dataplane_that_did_not_hear_of_the_end_is_told_again)
{
	const uint32_t slot = begin();

	cr_assert_eq(move(&away), 0);
	rig.refuse = -EAGAIN;
	arrive(slot, &away);
	cr_expect_not(table_moving(rig.table, slot));
	rig.refuse = 0;
	cr_expect(dataplane(slot)->move.kind);
	arrive(slot, &away);
	cr_expect_not(dataplane(slot)->move.kind);
	cr_expect_eq(counted(TP_CC_moves_settled), 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, tickets_that_are_none_are_400)
{
	struct ask q;

	begin();
	// Its length.
	for (size_t n = 0; n <= TICKET_LENGTH + 4; n += 4) {
		const uint8_t bytes[TICKET_LENGTH + 4] = {0};

		ask(&rig, &q, TP_STUN_REFRESH);
		q.client = away;
		ask_bytes(&q, TP_ATTR_MOBILITY_TICKET, bytes, n);
		cr_expect_eq(answer_code(ask_send(&q)), 400, "%zu bytes", n);
	}
	// Each of its bits.
	for (unsigned int bit = 0; bit < 8 * TICKET_LENGTH; bit++) {
		ticket[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect_eq(move(&away), 400, "bit %u", bit);
		ticket[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(move(&away), 0);
}

Test(turn_mobility, a_ticket_from_the_5_tuple_that_it_was_given_to_is_400)
{
	begin();
	cr_expect_eq(move(&home), 400);
	cr_assert_eq(move(&away), 0);
	keep_ticket(&rig.answer);
	cr_expect_eq(move(&away), 400);
	cr_expect_eq(move(&home), 400);
	arrive(0, &away);
	cr_expect_eq(move(&away), 400);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, a_ticket_of_an_allocation_that_is_gone_is_437)
{
	begin();
	cr_assert_eq(ask_refresh(&rig, &home, 0), 0);
	cr_expect_eq(move(&away), 437);
	// Nor is it good for the next one in the slot.
	cr_assert_eq(ask_allocate(&rig, &home, 0), 0);
	cr_expect_eq(move(&away), 437);
}

Test(turn_mobility, a_ticket_of_an_expired_allocation_is_437)
{
	begin();
	rig_pass(&rig, 600000);
	cr_expect_eq(move(&away), 437);
}

Test(turn_mobility, a_ticket_under_another_user_is_441)
{
	struct ask q;

	begin();
	ask_move(&q, &away, 1);
	cr_expect_eq(answer_code(ask_send(&q)), 441);
	cr_expect(answer_signed(&rig.answer, &rig.users[1]));
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, without_credentials_a_ticket_gets_401)
{
	struct ask q;

	begin();
	ask_move(&q, &away, 0);
	q.unsigned_ = true;
	cr_expect_eq(answer_code(ask_send(&q)), 401);
}

Test(turn_mobility, to_a_5_tuple_that_has_an_allocation_is_437)
{
	const uint32_t slot = begin();

	cr_assert_eq(ask_allocate(&rig, &away, 0), 0);
	cr_expect_eq(move(&away), 437);
	cr_expect_not(table_moving(rig.table, slot));
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, to_a_tunnel_address_is_403)
{
	const struct tp_endpoint teredo = rig_at("2001:0:1::7", 4000);

	begin();
	cr_expect_eq(move(&teredo), 403);
}

Test(turn_mobility, a_retransmission_gets_the_same_ticket_and_moves_nothing)
{
	uint8_t first[TICKET_LENGTH];
	struct ask q, other;

	begin();
	ask_move(&q, &away, 0);
	keep_ticket(ask_send(&q));
	memcpy(first, ticket, sizeof(first));
	for (int i = 0; i < 3; i++) {
		rig_pass(&rig, 30000);
		keep_ticket(ask_again(&q));
		cr_expect_arr_eq(first, ticket, sizeof(first));
	}
	// Also after its first data.
	arrive(0, &away);
	keep_ticket(ask_again(&q));
	cr_expect_arr_eq(first, ticket, sizeof(first));
	cr_expect_eq(counted(TP_CC_allocations_moved), 1u);
	cr_expect_eq(counted(TP_CC_retransmissions), 4u);
	cr_expect_eq(rig_check(&rig, true), 0);
	// From elsewhere it is a used one.
	ask_move(&other, &further, 0);
	memcpy(other.bytes + TP_STUN_HEADER + 4, q.bytes + TP_STUN_HEADER + 4, TICKET_LENGTH);
	cr_expect_eq(answer_code(ask_send(&other)), 400);
}

Test(turn_mobility, one_that_is_under_way_is_not_begun_again)
{
	struct ask q;
	uint32_t told;

	begin();
	rig.hold = true;
	ask_move(&q, &away, 0);
	cr_assert_not_null(ask_send(&q));
	told = rig.told_count;
	cr_expect_null(ask_again(&q));
	cr_expect_eq(rig.told_count, told);
	arrive(0, &away);
	cr_expect(table_moving(rig.table, 0));
	rig_flush(&rig);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, a_refused_move_takes_back_no_lifetime_that_was_granted_meanwhile)
{
	const uint32_t slot = begin();
	struct ask q;

	rig_pass(&rig, 60000);
	rig.hold = true;
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 1);
	ask_move(&q, &away, 0);
	cr_assert_null(ask_send(&q));
	cr_assert_eq(ask_refresh(&rig, &home, 1200), 0);
	rig_flush(&rig);
	cr_expect_not(table_moving(rig.table, slot));
	cr_expect_eq(table_record(rig.table, slot)->expires_ms, rig.now_ms + 1200000u);
	cr_expect_eq(dataplane(slot)->put.expires_ms, rig.now_ms + 1200000u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, moves_again_before_any_data_came)
{
	const uint32_t slot = begin();

	cr_assert_eq(move(&away), 0);
	keep_ticket(&rig.answer);
	cr_assert_eq(move(&further), 0);
	cr_expect_eq(ask_refresh(&rig, &away, 600), 437);
	cr_expect_eq(ask_refresh(&rig, &home, 600), 0);
	cr_expect(tp_endpoint_equal(&dataplane(slot)->move.client, &further));
	arrive(slot, &away);
	cr_expect(table_moving(rig.table, slot));
	arrive(slot, &further);
	cr_expect_not(table_moving(rig.table, slot));
	cr_expect_eq(ask_refresh(&rig, &further, 0), 0);
	expect_nothing();
}

Test(turn_mobility, between_families_the_relayed_address_stays)
{
	const struct tp_endpoint away6 = rig_client6;
	const uint32_t slot = begin();
	const uint16_t port = table_record(rig.table, slot)->relay_port;

	cr_assert_eq(move(&away6), 0);
	arrive(slot, &away6);
	cr_expect_eq(rig_slot(&rig, &away6), slot);
	cr_expect_eq(table_record(rig.table, slot)->relay_port, port);
	cr_expect_eq(dataplane(slot)->put.server, 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, a_dual_allocation_moves_whole)
{
	uint32_t slot, twin;

	places();
	cr_assert_eq(allocate(&home, 0, true), 0);
	keep_ticket(&rig.answer);
	slot = rig_slot(&rig, &home);
	twin = rig.table->slots[slot].twin;
	cr_assert_neq(twin, TABLE_NONE);
	cr_assert_eq(ask_bind(&rig, &home, &peer6, 0x4000), 0);
	cr_assert_eq(move(&away), 0);
	cr_expect(table_moving(rig.table, slot) && table_moving(rig.table, twin));
	cr_expect_eq(rig_check(&rig, true), 0);
	// Data by either is data of the client.
	arrive(twin, &away);
	cr_expect_not(table_moving(rig.table, slot) || table_moving(rig.table, twin));
	cr_expect_eq(rig_told(&rig, 1)->commands[0].allocation, slot);
	cr_expect_eq(last()->commands[0].allocation, twin);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(ask_refresh(&rig, &away, 0), 0);
	expect_nothing();
}

Test(turn_mobility, deleting_the_half_that_the_ticket_names_gives_another_ticket)
{
	uint8_t first[TICKET_LENGTH], second[TICKET_LENGTH];
	struct ask q;

	places();
	cr_assert_eq(allocate(&home, 0, true), 0);
	keep_ticket(&rig.answer);
	ask(&rig, &q, TP_STUN_REFRESH);
	ask_u32(&q, TP_ATTR_LIFETIME, 0);
	ask_family(&q, 1);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	memcpy(first, ticket, sizeof(first));
	keep_ticket(&rig.answer);
	memcpy(second, ticket, sizeof(second));
	memcpy(ticket, first, sizeof(first));
	cr_expect_eq(move(&away), 437);
	memcpy(ticket, second, sizeof(second));
	cr_expect_eq(move(&away), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_mobility, with_lifetime_0_deletes_what_the_ticket_stands_for)
{
	struct ask q;

	begin();
	ask_move(&q, &away, 0);
	ask_u32(&q, TP_ATTR_LIFETIME, 0);
	cr_expect_eq(answer_code(ask_send(&q)), 0);
	cr_expect_eq(answer_u32(&rig.answer, TP_ATTR_LIFETIME), 0u);
	expect_nothing();
}

Test(turn_mobility, many_peers_go_along_in_several_transactions)
{
	const uint32_t slot = begin();

	for (uint16_t i = 0; i < 60; i++) {
		const struct tp_endpoint p = {
			.ip = rig_ip4(93, 184, 1, (uint8_t)(i + 1)), .port = 9};

		cr_assert_eq(ask_bind(&rig, &home, &p, (uint16_t)(0x4000 + i)), 0);
	}
	mirror_clear(&rig.mirror); // as a worker that has heard of nothing
	cr_assert_eq(move(&away), 0);
	cr_expect_eq(mirror_peers(&rig.mirror), 120u);
	cr_expect_eq(last()->commands[last()->count - 1].kind, TP_MOVE_ALLOCATION);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect(table_moving(rig.table, slot));
}
