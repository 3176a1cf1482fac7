// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Refresh (RFC 8656 section 7.3 and 8).
#include <errno.h>

#include "suite.h"

TestSuite(turn_refresh, .init = suite_init, .fini = suite_fini);

Test(turn_refresh, without_allocation_is_437)
{
	cr_expect_eq(ask_refresh(&rig, &rig_client, 600), 437);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 0), 437);
	cr_expect_eq(rig.told_count, 1u); // the sweep
}

Test(turn_refresh, moves_the_expiry_on_both_sides_and_no_permission)
{
	static const uint32_t table[][2] = {{1, 600}, {599, 600}, {600, 600}, {601, 601},
		{3600, 3600}, {3601, 3600}, {UINT32_MAX, 3600}};
	uint32_t slot;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	slot = rig_slot(&rig, &rig_client);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		rig_pass(&rig, 17);
		cr_assert_eq(ask_refresh(&rig, &rig_client, table[i][0]), 0);
		cr_expect_eq(answer_u32(&rig.answer, TP_ATTR_LIFETIME), table[i][1]);
		cr_expect(answer_signed(&rig.answer, &rig.users[0]));
		cr_assert_eq(last()->count, 1u);
		cr_assert(last()->reply);
		cr_expect_eq(last()->commands[0].kind, TP_PUT_ALLOCATION);
		cr_expect_eq(last()->commands[0].allocation, slot);
		cr_expect_eq(last()->commands[0].expires_ms, rig.now_ms + 1000u * table[i][1]);
		cr_expect_eq(table_record(rig.table, slot)->expires_ms,
			rig.now_ms + 1000u * table[i][1]);
		cr_expect_eq(mirror_find(&rig.mirror, slot, &peer_a.ip, 0)->expires_ms,
			RIG_MS + 300000u);
	}
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_refresh, without_lifetime_grants_the_default)
{
	struct ask q;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	rig_pass(&rig, 1000);
	ask(&rig, &q, TP_STUN_REFRESH);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	cr_expect_eq(answer_u32(&rig.answer, TP_ATTR_LIFETIME), 600u);
	cr_expect_eq(last()->commands[0].expires_ms, RIG_MS + 601000u);
}

Test(turn_refresh, at_the_last_millisecond_is_in_time_and_after_it_is_not)
{
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	rig_pass(&rig, 599999);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 600), 0);
	rig_pass(&rig, 600000);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 600), 437);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 0), 437);
	rig_tick(&rig, 1100);
	expect_nothing();
}

Test(turn_refresh, with_lifetime_0_deletes_on_both_sides)
{
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	cr_assert_eq(ask_refresh(&rig, &rig_client, 0), 0);
	cr_expect_eq(answer_u32(&rig.answer, TP_ATTR_LIFETIME), 0u);
	cr_expect_eq(last()->count, 1u);
	cr_expect_eq(last()->commands[0].kind, TP_DROP_ALLOCATION);
	expect_nothing();
	cr_expect_eq(counted(TP_CC_allocations_deleted), 1u);
	cr_expect_eq(ask_permission(&rig, &rig_client, &peer_a), 437);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 437);
}

Test(turn_refresh, retransmitted_after_deleting_is_success_or_437)
{
	struct ask q;
	int code;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	ask(&rig, &q, TP_STUN_REFRESH);
	ask_u32(&q, TP_ATTR_LIFETIME, 0);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	code = answer_code(ask_again(&q));
	cr_expect(code == 0 || code == 437);
}

Test(turn_refresh, deleting_frees_the_5_tuple_at_once)
{
	rig.hold = true;
	for (int i = 0; i < 5; i++) {
		// Nothing flushed between: the dataplane has not even answered.
		cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
		cr_assert_eq(ask_refresh(&rig, &rig_client, 0), 0);
	}
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_expect_eq(rig.table->live, 1u);
	rig_flush(&rig);
	cr_expect_eq(rig.table->live, 1u);
	cr_expect_eq(rig.table->dropping, 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_refresh, a_port_stays_taken_until_the_dataplane_has_let_go)
{
	uint32_t before = free_ports();

	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	rig.hold = true;
	cr_assert_eq(ask_refresh(&rig, &rig_client, 0), 0);
	cr_expect_eq(free_ports(), before - 1);
	cr_expect_eq(rig.table->dropping, 1u);
	rig_flush(&rig);
	cr_expect_eq(free_ports(), before);
}

Test(turn_refresh, of_another_family_is_443_and_changes_nothing)
{
	struct ask q;
	uint32_t told;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 1), 0);
	told = rig.told_count;
	for (uint32_t lifetime = 0; lifetime <= 600; lifetime += 600) {
		ask(&rig, &q, TP_STUN_REFRESH);
		ask_u32(&q, TP_ATTR_LIFETIME, lifetime);
		ask_family(&q, 2);
		cr_expect_eq(answer_code(ask_send(&q)), 443);
	}
	cr_expect_eq(rig.told_count, told);
	ask(&rig, &q, TP_STUN_REFRESH);
	ask_family(&q, 1);
	cr_expect_eq(answer_code(ask_send(&q)), 0);
}

Test(turn_refresh, of_another_user_is_441_and_changes_nothing)
{
	static const uint16_t methods[] = {
		TP_STUN_REFRESH, TP_STUN_CREATE_PERMISSION, TP_STUN_CHANNEL_BIND};
	uint32_t told;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	told = rig.told_count;
	for (size_t i = 0; i < 3; i++) {
		struct ask q;

		ask(&rig, &q, methods[i]);
		q.user = 1;
		ask_u32(&q, TP_ATTR_LIFETIME, 0);
		ask_channel(&q, 0x4000);
		ask_peer(&q, &peer_a);
		cr_expect_eq(answer_code(ask_send(&q)), 441);
		cr_expect(answer_signed(&rig.answer, &rig.users[1]));
		ask(&rig, &q, methods[i]);
		q.unsigned_ = true;
		ask_u32(&q, TP_ATTR_LIFETIME, 0);
		cr_expect_eq(answer_code(ask_send(&q)), 401);
	}
	cr_expect_eq(rig.told_count, told);
	cr_expect_eq(rig.table->live, 1u);
}

Test(turn_refresh, with_a_malformed_lifetime_is_400)
{
	struct ask q;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	ask(&rig, &q, TP_STUN_REFRESH);
	ask_bytes(&q, TP_ATTR_LIFETIME, "\0\0", 2);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	cr_expect_eq(rig.table->live, 1u);
}

Test(turn_refresh, to_0_counts_a_success_only_when_its_answer_left)
{
	uint64_t successes;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	successes = counted(TP_CC_success_responses);
	rig_verdict(&rig, -EAGAIN, 0);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 0), -1);
	cr_expect_eq(counted(TP_CC_success_responses), successes);
	cr_expect_eq(counted(TP_CC_drop_congested), 1u);
	cr_expect_eq(counted(TP_CC_allocations_deleted), 1u);
	rig_tick(&rig, 1200);
	expect_nothing();
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 0), 0);
	cr_expect_eq(counted(TP_CC_success_responses), successes + 2);
}

Test(turn_refresh, to_0_that_the_dataplane_has_not_heard_of_is_told_before_a_new_allocation)
{
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
		rig_verdict(&rig, -EAGAIN, 0);
		cr_expect_eq(ask_refresh(&rig, &rig_client, 0), -1);
		rig_verdict(&rig, -EAGAIN, 0);
		cr_expect_eq(ask_allocate(&rig, &rig_client, 0), -1);
		cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
		cr_expect_eq(rig_check(&rig, true), 0);
		cr_assert_eq(ask_refresh(&rig, &rig_client, 0), 0);
	}
	expect_nothing();
}

Test(turn_refresh, refused_by_a_full_ring_changes_nothing_and_works_when_sent_again)
{
	struct ask q;
	uint32_t slot;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	slot = rig_slot(&rig, &rig_client);
	rig_pass(&rig, 1000);
	rig.refuse = -EAGAIN;
	ask(&rig, &q, TP_STUN_REFRESH);
	ask_u32(&q, TP_ATTR_LIFETIME, 3000);
	cr_expect_null(ask_send(&q));
	cr_expect_eq(table_record(rig.table, slot)->expires_ms, RIG_MS + 600000u);
	rig.refuse = 0;
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(answer_code(ask_again(&q)), 0);
	cr_expect_eq(table_record(rig.table, slot)->expires_ms, RIG_MS + 3001000u);

	rig.refuse = -EAGAIN;
	ask(&rig, &q, TP_STUN_REFRESH);
	ask_u32(&q, TP_ATTR_LIFETIME, 0);
	cr_expect_null(ask_send(&q));
	rig.refuse = 0;
	rig_tick(&rig, 2200);
	ask_again(&q);
	rig_tick(&rig, 2200);
	expect_nothing();
}
