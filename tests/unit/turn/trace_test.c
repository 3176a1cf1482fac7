// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What is told for tracing abuse (RFC 8656 section 21.3.2).
#include <errno.h>

#include "moving.h"

#define NOTES 64u

static struct turn_trace notes[NOTES];
static uint32_t noted;

static void note(void *context, const struct turn_trace *t)
{
	(void)context;
	cr_assert_lt(noted, NOTES);
	notes[noted++] = *t;
}

static void init(void)
{
	rig_defaults(&rig);
	rig.config.trace = note;
	rig_start(&rig);
}

TestSuite(turn_trace, .init = init, .fini = suite_fini);

static void expect(uint32_t n, enum turn_trace_kind kind, const struct tp_endpoint *peer)
{
	const struct turn_trace *t = &notes[n];

	cr_assert_lt(n, noted);
	cr_expect_eq(t->kind, kind, "%u: %d", n, t->kind);
	cr_expect_eq(t->user_length, 5u);
	cr_expect_eq(t->user_kept, 5u);
	cr_expect_arr_eq(t->user, "alice", 5);
	cr_expect(tp_endpoint_equal(&t->client, &rig_client));
	cr_expect(tp_endpoint_equal(&t->server, &rig.capabilities.server[0]));
	cr_expect_eq(t->wall_s, rig.wall_s);
	if (peer)
		cr_expect(tp_ip_equal(&t->peer.ip, &peer->ip));
}

Test(turn_trace, of_what_is_new_and_of_ends_and_of_no_refresh)
{
	struct tp_endpoint relayed;

	cr_assert_eq(ask_allocate(&rig, &rig_client, 1), 0);
	relayed = answer_relayed(&rig.answer, TP_IPV4);
	cr_assert_eq(noted, 1u);
	expect(0, TURN_TRACE_ALLOCATION, NULL);
	cr_expect(tp_endpoint_equal(&notes[0].relayed, &relayed));
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	cr_assert_eq(noted, 2u);
	expect(1, TURN_TRACE_PERMISSION, &peer_a);
	cr_expect_eq(notes[1].peer.port, 0);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	cr_assert_eq(noted, 3u);
	expect(2, TURN_TRACE_CHANNEL, &peer_a);
	cr_expect_eq(notes[2].peer.port, peer_a.port);
	cr_expect_eq(notes[2].channel, 0x4000);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_b, 0x4001), 0);
	cr_assert_eq(noted, 5u); // with its permission
	cr_assert_eq(ask_refresh(&rig, &rig_client, 600), 0);
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer6), 443);
	cr_assert_eq(noted, 5u);
	cr_assert_eq(ask_refresh(&rig, &rig_client, 0), 0);
	cr_assert_eq(noted, 6u);
	expect(5, TURN_TRACE_END, NULL);
	cr_expect(tp_endpoint_equal(&notes[5].relayed, &relayed));
}

Test(turn_trace, of_both_families_of_a_dual_allocation_and_of_its_expiry)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_additional(&q);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	cr_assert_eq(noted, 2u);
	expect(0, TURN_TRACE_ALLOCATION, NULL);
	expect(1, TURN_TRACE_ALLOCATION, NULL);
	cr_expect(tp_ip_is4(&notes[0].relayed.ip) && !tp_ip_is4(&notes[1].relayed.ip));
	rig_tick(&rig, 602000);
	cr_assert_eq(noted, 4u);
	cr_expect_eq(notes[2].kind, TURN_TRACE_END);
	cr_expect_eq(notes[3].kind, TURN_TRACE_END);
}

Test(turn_trace, of_a_move_with_where_the_client_is_then_and_where_it_reached_us)
{
	const struct tp_endpoint away6 = rig_client6;
	const uint32_t slot = begin();

	cr_assert_eq(noted, 1u);
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 1);
	cr_assert_eq(move(&away6), 508);
	cr_assert_eq(noted, 1u);
	cr_assert_eq(move(&away6), 0);
	arrive(slot, &away6);
	cr_assert_eq(noted, 2u);
	cr_expect_eq(notes[1].kind, TURN_TRACE_MOVE);
	cr_expect(tp_endpoint_equal(&notes[1].client, &away6));
	cr_expect(tp_endpoint_equal(&notes[1].server, &rig.capabilities.server[1]));
	cr_expect(tp_endpoint_equal(&notes[1].relayed, &notes[0].relayed));
	cr_assert_eq(ask_refresh(&rig, &away6, 0), 0);
	cr_assert_eq(noted, 3u);
	cr_expect_eq(notes[2].kind, TURN_TRACE_END);
	cr_expect(tp_endpoint_equal(&notes[2].client, &away6));
}

Test(turn_trace, of_the_port_that_was_had_in_the_end_and_of_nothing_that_was_not)
{
	rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 1), 0);
	cr_assert_eq(noted, 1u);
	cr_expect_eq(notes[0].relayed.port, answer_relayed(&rig.answer, TP_IPV4).port);
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 0);
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 508);
	cr_assert_eq(noted, 1u);
	cr_assert_eq(ask_refresh(&rig, &rig_client, 0), 0);
	cr_assert_eq(noted, 2u);
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 0);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 1), 508);
	cr_assert_eq(noted, 2u);
	rig_restart(&rig);
	cr_assert_eq(noted, 2u);
}
