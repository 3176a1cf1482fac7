// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Dataplanes come and go: what was granted is put again (design section 2).
#include <unistd.h>

#include "suite.h"

TestSuite(turn_replay, .init = suite_init, .fini = suite_fini);

// Allocations with a permission and a channel each; the last has a permission alone.
static void populate(uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		const struct tp_endpoint client = client_number(i);

		cr_assert_eq(ask_allocate(&rig, &client, 0), 0);
		if (i + 1 == n)
			cr_assert_eq(ask_permission(&rig, &client, &peer_b), 0);
		else
			cr_assert_eq(ask_bind(&rig, &client, &peer_a, (uint16_t)(0x4000 + i)), 0);
	}
}

Test(turn_replay, first_attach_sweeps_what_an_earlier_control_plane_left)
{
	cr_assert_eq(rig.told_count, 1u);
	cr_expect_eq(last()->count, 1u);
	cr_expect_eq(last()->commands[0].kind, TP_SWEEP);
	cr_expect_eq(last()->commands[0].generation, rig.table->vault.header->generation);
	cr_expect_eq(last()->worker, LINK_EVERY_WORKER);
	cr_expect_not(last()->reply);
}

Test(turn_replay, puts_everything_under_the_next_generation_then_sweeps)
{
	uint32_t first = rig.table->vault.header->generation, sweeps = 0, told, answers;

	populate(10);
	rig_pass(&rig, 12345);
	rig_detach(&rig);
	cr_expect_eq(mirror_count(&rig.mirror), 0u);
	told = rig.told_count;
	answers = rig.answers;
	rig_attach(&rig);
	rig_tick(&rig, 1000);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(mirror_count(&rig.mirror), 10u);
	cr_expect_eq(mirror_peers(&rig.mirror), 19u);
	for (uint32_t i = 0; i < rig.told_count - told; i++) {
		const struct told *t = rig_told(&rig, i);

		for (uint32_t k = 0; k < t->count; k++) {
			cr_expect_eq(t->commands[k].generation, first + 1);
			sweeps += t->commands[k].kind == TP_SWEEP;
		}
	}
	cr_expect_eq(sweeps, 1u);
	cr_expect_eq(last()->commands[0].kind, TP_SWEEP);
	cr_expect_eq(rig.answers, answers); // nobody asked
}

Test(turn_replay, over_a_dataplane_that_kept_everything_drops_only_what_is_gone)
{
	const struct tp_endpoint gone = client_number(0);

	populate(5);
	// The control plane lets go without the dataplane's knowing: as when it died in between.
	rig_kill(&rig);
	rig.now_ms += 1000;
	rig_revive(&rig);
	table_drop(rig.table, rig_slot(&rig, &gone));
	rig_kill(&rig);
	rig_revive(&rig);
	cr_expect_eq(mirror_count(&rig.mirror), 5u);
	rig_attach(&rig);
	cr_expect_eq(mirror_count(&rig.mirror), 4u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_replay, over_fewer_workers_lets_go_of_what_the_dataplane_cannot_hold)
{
	struct ask q;

	populate(3);
	for (uint16_t i = 3; i < 6; i++) {
		ask(&rig, &q, TP_STUN_ALLOCATE);
		ask_transport(&q);
		q.client = client_number(i);
		q.worker = 1;
		cr_assert_eq(answer_code(ask_send(&q)), 0);
	}
	rig_detach(&rig);
	rig.workers = 1;
	rig.capabilities.server[0].port++;
	rig_attach(&rig);
	rig_tick(&rig, 1200);
	expect_nothing();
}

Test(turn_replay, a_dataplane_that_cannot_hold_what_we_hand_out_is_refused_by_the_key_that_changed)
{
	const struct link_events *e = &rig.link.events;
	struct tp_capabilities c;

#define REFUSED(change, key) \
	do { \
		c = rig.capabilities; \
		change; \
		cr_assert_not_null(e->refuse(e->context, &c), #change); \
		cr_expect_not_null(strstr(e->refuse(e->context, &c), key), #change); \
	} while (0)
	REFUSED(c.allocations--, "`limits.allocations`");
	REFUSED(c.channel_max--, "`channel_numbers`");
	REFUSED(c.port_min++, "`ports`");
	REFUSED(c.port_max--, "`ports`");
	// More than we need is welcome.
	c = rig.capabilities;
	cr_expect_null(e->refuse(e->context, &c));
	c.allocations++;
	c.channel_max++;
	c.port_min--;
	c.port_max++;
	cr_expect_null(e->refuse(e->context, &c));
}

Test(turn_replay, a_request_that_finds_its_allocation_lost_is_answered_437)
{
	const struct tp_endpoint client = client_number(1);
	struct ask q;

	cr_assert_eq(ask_allocate(&rig, &rig_client6, 2), 0);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 1), 0);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	q.client = client;
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	rig_detach(&rig);
	// The dataplane has no relay address of IPv4 any more, and the replay waits before those.
	rig.capabilities.relay[0] = rig.relays[2];
	rig.capabilities.relays = 1;
	rig_verdict(&rig, -EAGAIN, 0);
	rig_attach(&rig);
	cr_expect_eq(mirror_count(&rig.mirror), 0u);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 600), 437);
	cr_expect_eq(answer_code(ask_again(&q)), 437);
	cr_expect_eq(counted(TP_CC_allocations_lost), 2u);
	rig_room(&rig);
	cr_expect_eq(mirror_count(&rig.mirror), 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

// The control plane and its vault are gone, the dataplane is not.
static void lose_the_vault(void)
{
	rig_kill(&rig);
	cr_assert_eq(ftruncate(rig.vault_fd, 0), 0);
	rig_revive(&rig);
}

Test(turn_replay, with_a_new_vault_sweeps_what_the_former_one_had)
{
	for (int i = 0; i < 4; i++) {
		populate(10);
		cr_expect_eq(mirror_count(&rig.mirror), 10u);
		lose_the_vault();
		rig_attach(&rig);
		cr_expect_eq(mirror_count(&rig.mirror), 0u);
	}
	expect_nothing();
}

Test(turn_replay, with_a_new_vault_the_same_clients_allocate_before_the_sweep)
{
	populate(20);
	lose_the_vault();
	rig_verdict(&rig, -EAGAIN, 0); // the sweep
	rig_attach(&rig);
	cr_expect_eq(mirror_count(&rig.mirror), 20u);
	for (uint16_t i = 20; i-- > 5;) {
		const struct tp_endpoint client = client_number(i);

		cr_expect_eq(ask_allocate(&rig, &client, 0), 0);
		cr_expect_eq(ask_bind(&rig, &client, &peer_b, 0x4000), 0);
	}
	rig_room(&rig);
	cr_expect_eq(mirror_count(&rig.mirror), 15u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_replay, leaves_out_what_expired_meanwhile)
{
	populate(4);
	rig_pass(&rig, 300000); // permissions
	rig_detach(&rig);
	rig_attach(&rig);
	rig_tick(&rig, 2200);
	cr_expect_eq(mirror_count(&rig.mirror), 4u);
	cr_expect_eq(mirror_peers(&rig.mirror), 3u);
	cr_expect_eq(rig_check(&rig, true), 0);
	rig_detach(&rig);
	rig_pass(&rig, 300000);
	rig_attach(&rig);
	rig_tick(&rig, 2200);
	expect_nothing();
}

Test(turn_replay, goes_on_where_a_full_ring_stopped_it)
{
	populate(20);
	rig_detach(&rig);
	for (uint32_t n = 0; n < 7; n++)
		rig_verdict(&rig, TP_STATUS_OK, 0);
	rig_verdict(&rig, -EAGAIN, 0);
	for (uint32_t n = 0; n < 5; n++)
		rig_verdict(&rig, TP_STATUS_OK, 0);
	rig_verdict(&rig, -EAGAIN, 0);
	rig_attach(&rig);
	cr_expect_geq(mirror_count(&rig.mirror), 1u);
	cr_expect_lt(mirror_count(&rig.mirror), 20u);
	cr_expect_neq(last()->commands[0].kind, TP_SWEEP);
	rig_room(&rig);
	cr_expect_lt(mirror_count(&rig.mirror), 20u);
	cr_expect_neq(last()->commands[0].kind, TP_SWEEP);
	rig_room(&rig);
	cr_expect_eq(mirror_count(&rig.mirror), 20u);
	cr_expect_eq(last()->commands[0].kind, TP_SWEEP);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_replay, sends_the_sweep_when_there_is_room_if_there_was_none_for_it)
{
	populate(2);
	rig_detach(&rig);
	rig.refuse = -EAGAIN;
	rig_attach(&rig);
	cr_expect_eq(mirror_count(&rig.mirror), 0u);
	rig.refuse = 0;
	rig_room(&rig);
	cr_expect_eq(last()->commands[0].kind, TP_SWEEP);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_replay, a_request_brings_its_allocation_forward)
{
	const struct tp_endpoint client = client_number(19);
	uint32_t told;

	populate(20);
	rig_detach(&rig);
	rig.refuse = -EAGAIN;
	rig_attach(&rig);
	rig.refuse = 0;
	told = rig.told_count;
	cr_assert_eq(ask_permission(&rig, &client, &peer_a), 0);
	cr_expect_leq(rig.told_count - told, 3u);
	cr_expect_not_null(mirror_find(&rig.mirror, rig_slot(&rig, &client), &peer_a.ip, 0));
	cr_expect_not_null(mirror_find(&rig.mirror, rig_slot(&rig, &client), &peer_b.ip, 0));
	rig_room(&rig);
	rig_tick(&rig, 1000);
	cr_expect_eq(mirror_count(&rig.mirror), 20u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_replay, every_request_works_for_an_allocation_not_yet_put_again)
{
	for (int kind = 0; kind < 5; kind++) {
		const struct tp_endpoint client = client_number(2);
		struct ask q;
		int code = -1;

		SUITE_CONFIGURED((void)0);
		populate(2);
		ask(&rig, &q, TP_STUN_ALLOCATE);
		q.client = client;
		ask_transport(&q);
		cr_assert_eq(answer_code(ask_send(&q)), 0);
		rig_detach(&rig);
		rig.refuse = -EAGAIN;
		rig_attach(&rig);
		rig.refuse = 0;
		if (kind == 0)
			code = ask_refresh(&rig, &client, 600);
		else if (kind == 1)
			code = ask_refresh(&rig, &client, 0);
		else if (kind == 2)
			code = ask_permission(&rig, &client, &peer_b);
		else if (kind == 3)
			code = ask_bind(&rig, &client, &peer_b, 0x4100);
		else
			code = answer_code(ask_again(&q));
		cr_expect_eq(code, 0, "kind %d", kind);
		cr_expect(kind == 1 || rig.mirror.slots[rig_slot(&rig, &client)].put.kind);
		rig_room(&rig);
		rig_tick(&rig, 1000);
		cr_expect_eq(mirror_count(&rig.mirror), kind == 1 ? 2u : 3u);
		cr_expect_eq(rig_check(&rig, true), 0);
	}
}

Test(turn_replay, drops_and_counts_what_the_new_dataplane_cannot_hold)
{
	static const int statuses[] = {TP_STATUS_PORT_TAKEN, TP_STATUS_NO_DESCRIPTORS,
		TP_STATUS_ADDRESS, TP_STATUS_NO_SPACE};

	for (size_t i = 0; i < 4; i++) {
		SUITE_CONFIGURED((void)0);
		populate(5);
		rig_detach(&rig);
		rig_verdict(&rig, TP_STATUS_OK, 0);
		rig_verdict(&rig, statuses[i], 0);
		rig_attach(&rig);
		rig_tick(&rig, 2200);
		cr_expect_eq(rig.table->live, 4u, "status %d", statuses[i]);
		cr_expect_eq(rig.table->dropping, 0u);
		cr_expect_eq(free_ports(), 3 * 64u - 4);
		cr_expect_eq(counted(TP_CC_allocations_lost), 1u);
		cr_expect_eq(rig_check(&rig, true), 0);
	}
}

Test(turn_replay, a_dataplane_that_goes_away_before_it_answers_costs_no_record)
{
	const struct tp_endpoint client = client_number(1);

	populate(3);
	rig.hold = true;
	cr_assert_eq(ask_refresh(&rig, &client, 3600), 0);
	cr_assert_eq(ask_permission(&rig, &client, &peer_b), 0);
	cr_assert_eq(ask_bind(&rig, &client, &peer_b, 0x4444), 0);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	rig_detach(&rig);
	cr_expect_eq(rig.table->live, 4u);
	rig.hold = false;
	rig_attach(&rig);
	rig_tick(&rig, 1000);
	cr_expect_eq(mirror_count(&rig.mirror), 4u);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(
		table_record(rig.table, rig_slot(&rig, &client))->expires_ms, RIG_MS + 3600000u);
}

Test(turn_replay, is_ready_once_the_dataplane_has_everything_and_not_without_one)
{
	rig.hold = true;
	cr_expect(turn_ready(rig.server));
	rig_detach(&rig);
	cr_expect_not(turn_ready(rig.server));
	rig.link.events.attached(rig.link.events.context, &rig.capabilities, rig.workers);
	rig.attached = true;
	cr_expect(turn_ready(rig.server), "the replay flushes");
	rig_detach(&rig);
	rig_verdict(&rig, -EAGAIN, 0);
	rig_attach(&rig);
	cr_expect_not(turn_ready(rig.server), "the sweep found no room");
	rig_room(&rig);
	cr_expect(turn_ready(rig.server));
	rig_detach(&rig);
	cr_expect_not(turn_ready(rig.server));
	rig_attach(&rig);
}

Test(turn_replay, a_drop_under_way_when_the_dataplane_goes_is_done)
{
	const struct tp_endpoint client = client_number(1);

	populate(3);
	rig.hold = true;
	cr_assert_eq(ask_refresh(&rig, &client, 0), 0);
	rig_detach(&rig);
	rig.hold = false;
	rig_attach(&rig);
	rig_tick(&rig, 2200);
	cr_expect_eq(rig.table->live, 2u);
	cr_expect_eq(rig.table->dropping, 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_replay, twice_in_a_row_ends_with_one_of_everything)
{
	uint32_t first = rig.table->vault.header->generation;

	populate(12);
	rig.hold = true;
	rig_detach(&rig);
	rig_attach(&rig);
	rig_detach(&rig);
	rig_attach(&rig);
	rig.hold = false;
	rig_flush(&rig);
	rig_tick(&rig, 1000);
	cr_expect_eq(mirror_count(&rig.mirror), 12u);
	cr_expect_eq(rig.table->vault.header->generation, first + 2);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_replay, finds_relay_addresses_wherever_the_dataplane_publishes_them)
{
	populate(12);
	rig_detach(&rig);
	for (size_t i = 0; i < 3; i++)
		rig.capabilities.relay[i] = rig.relays[(i + 1) % 3];
	rig_attach(&rig);
	rig_tick(&rig, 1000);
	cr_expect_eq(mirror_count(&rig.mirror), 12u);
	cr_expect_eq(rig_check(&rig, true), 0);
}
