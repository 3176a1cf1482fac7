// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// CreatePermission (RFC 8656 section 9 and 10).
#include "suite.h"

static void init(void)
{
	suite_init();
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
}

TestSuite(turn_permission, .init = init, .fini = suite_fini);

static uint32_t slot(void)
{
	return rig_slot(&rig, &rig_client);
}

Test(turn_permission, lasts_300_s_on_both_sides)
{
	rig_pass(&rig, 7);
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	cr_expect(answer_signed(&rig.answer, &rig.users[0]));
	cr_assert_eq(last()->count, 1u);
	cr_assert(last()->reply);
	cr_expect_eq(last()->commands[0].kind, TP_PUT_PERMISSION);
	cr_expect_eq(last()->commands[0].allocation, slot());
	cr_expect_eq(last()->commands[0].generation, rig.table->vault.header->generation);
	cr_expect_eq(last()->commands[0].expires_ms, RIG_MS + 300007u);
	cr_expect(tp_ip_equal(&last()->commands[0].peer.ip, &peer_a.ip));
	cr_expect_eq(last()->commands[0].peer.port, 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_permission, is_for_an_address_whatever_the_port)
{
	struct tp_endpoint another = peer_a;

	another.port = 0;
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	rig_pass(&rig, 1000);
	cr_assert_eq(ask_permission(&rig, &rig_client, &another), 0);
	cr_expect_eq(rig.table->live_peers, 1u);
	cr_expect_eq(mirror_find(&rig.mirror, slot(), &peer_a.ip, 0)->expires_ms, RIG_MS + 301000u);
}

Test(turn_permission, is_gone_300_s_later_to_the_millisecond)
{
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	cr_expect_neq(
		table_find_permission(rig.table, slot(), &peer_a.ip, RIG_MS + 299999u), TABLE_NONE);
	cr_expect_eq(
		table_find_permission(rig.table, slot(), &peer_a.ip, RIG_MS + 300000u), TABLE_NONE);
	rig_pass(&rig, 298800);
	rig_tick(&rig, 1199);
	cr_expect_eq(rig.table->live_peers, 1u);
	rig_tick(&rig, 2101);
	cr_expect_eq(rig.table->live_peers, 0u);
	cr_expect_eq(mirror_peers(&rig.mirror), 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_permission, expired_may_be_made_anew_before_a_tick_frees_it)
{
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	rig_pass(&rig, 300000);
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	cr_expect_eq(mirror_find(&rig.mirror, slot(), &peer_a.ip, 0)->expires_ms, RIG_MS + 600000u);
	rig_tick(&rig, 2200);
	cr_expect_eq(rig.table->live_peers, 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_permission, for_several_peers_is_one_transaction)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	for (uint8_t i = 0; i < 10; i++) {
		const struct tp_endpoint p = {.ip = rig_ip4(93, 1, 2, i), .port = 9};

		ask_peer(&q, &p);
	}
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	cr_expect_eq(last()->count, 10u);
	cr_expect_eq(rig.table->live_peers, 10u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_permission, for_the_same_peer_twice_in_one_request_is_one)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	ask_peer(&q, &peer_a);
	ask_peer(&q, &peer_b);
	ask_peer(&q, &peer_a);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	cr_expect_eq(rig.table->live_peers, 2u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_permission, with_one_bad_peer_makes_none)
{
	static const struct {
		const char *peer;
		int code;
	} table[] = {{"127.0.0.1", 403}, {"10.1.2.3", 403}, {"2600:1234::34", 443},
		{"203.0.113.6", 403}, {"224.0.0.1", 403}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct tp_endpoint bad = rig_at(table[i].peer, 5000);

		for (int where = 0; where < 3; where++) {
			uint32_t told = rig.told_count;
			struct ask q;

			ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
			for (int k = 0; k < 3; k++)
				ask_peer(&q, k == where ? &bad : k == 2 ? &peer_b : &peer_a);
			cr_expect_eq(answer_code(ask_send(&q)), table[i].code, "%s", table[i].peer);
			cr_expect_eq(rig.told_count, told);
			cr_expect_eq(rig.table->live_peers, 0u);
		}
	}
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_permission, that_the_dataplane_has_no_room_for_is_dropped_on_both_sides)
{
	struct ask q;

	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	rig_pass(&rig, 1000);
	for (uint32_t at = 0; at < 3; at++) {
		const struct tp_endpoint fresh = rig_at("93.184.216.99", 1);

		ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
		ask_peer(&q, &peer_b);
		ask_peer(&q, &fresh);
		ask_peer(&q, &peer_a);
		rig_verdict(&rig, TP_STATUS_NO_SPACE, at);
		cr_expect_eq(answer_code(ask_send(&q)), 508, "at %u", at);
		cr_expect_eq(rig.table->live_peers, 1u, "at %u", at);
		cr_expect_neq(table_find_permission(rig.table, slot(), &peer_a.ip, rig.now_ms),
			TABLE_NONE);
		cr_expect_null(mirror_find(&rig.mirror, slot(), &peer_b.ip, 0));
		cr_expect_null(mirror_find(&rig.mirror, slot(), &fresh.ip, 0));
		cr_expect_not_null(mirror_find(&rig.mirror, slot(), &peer_a.ip, 0));
	}
}

static uint64_t expiry(const struct tp_endpoint *peer)
{
	uint32_t index = table_find_permission(rig.table, slot(), &peer->ip, rig.now_ms);
	const struct mirror_peer *m = mirror_find(&rig.mirror, slot(), &peer->ip, 0);

	if (index == TABLE_NONE || !m)
		return index == TABLE_NONE && !m ? 0 : 1;
	return m->expires_ms == table_peer(rig.table, index)->expires_ms ? m->expires_ms : 1;
}

Test(turn_permission, whose_refresh_is_refused_goes_back_to_its_former_expiry_on_both_sides)
{
	struct ask q;

	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	for (uint32_t at = 0; at < 3; at++) {
		rig_pass(&rig, 1000);
		ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
		ask_peer(&q, &peer_b);
		ask_peer(&q, &peer_a);
		ask_peer(&q, &peer_a);
		rig_verdict(&rig, TP_STATUS_NO_SPACE, at);
		cr_expect_eq(answer_code(ask_send(&q)), 508, "at %u", at);
		cr_expect_eq(expiry(&peer_a), RIG_MS + 300000u, "at %u", at);
		cr_expect_eq(expiry(&peer_b), 0u);
		cr_expect_eq(rig_check(&rig, true), 0);
	}
}

// Two requests under way at once, for peers a and b and for b alone.
static void overlap(int first, int second)
{
	struct ask q, other;

	rig.hold = true;
	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	ask_peer(&q, &peer_b);
	ask_peer(&q, &peer_a);
	rig_verdict(&rig, first, 1);
	ask_send(&q);
	rig_pass(&rig, 1000);
	ask(&rig, &other, TP_STUN_CREATE_PERMISSION);
	ask_peer(&other, &peer_b);
	rig_verdict(&rig, second, 0);
	ask_send(&other);
	rig_flush(&rig);
	rig.hold = false;
}

Test(turn_permission, that_a_later_request_announced_stays_when_an_earlier_one_is_refused)
{
	overlap(TP_STATUS_NO_SPACE, TP_STATUS_OK);
	cr_expect_eq(expiry(&peer_a), 0u);
	cr_expect_eq(expiry(&peer_b), rig.now_ms + 300000u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_permission, goes_when_every_request_for_it_is_refused)
{
	overlap(TP_STATUS_NO_SPACE, TP_STATUS_NO_SPACE);
	cr_expect_eq(expiry(&peer_a), 0u);
	cr_expect_eq(expiry(&peer_b), 0u);
	cr_expect_eq(rig.table->live_peers, 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_permission, goes_back_to_what_an_earlier_request_announced)
{
	overlap(TP_STATUS_OK, TP_STATUS_NO_SPACE);
	cr_expect_eq(expiry(&peer_b), rig.now_ms - 1000 + 300000u);
	cr_expect_eq(expiry(&peer_a), rig.now_ms - 1000 + 300000u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_permission, expired_ones_go_in_transactions_of_their_own)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	ask_peer(&q, &peer_a);
	ask_peer(&q, &peer_b);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	rig_tick(&rig, 302000);
	cr_expect_eq(last()->commands[0].kind, TP_DROP_PERMISSION);
	cr_expect_eq(rig_told(&rig, 1)->commands[0].kind, TP_DROP_PERMISSION);
	cr_expect_neq(rig_told(&rig, 1)->id, last()->id);
	rig.link.events.outcome(rig.link.events.context, last()->id, TP_STATUS_INVALID, 0);
	cr_expect_eq(counted(TP_CC_commands_failed), 1u);
	rig.link.events.outcome(rig.link.events.context, last()->id, TP_STATUS_COUNT, 0);
	cr_expect_eq(counted(TP_CC_commands_failed), 1u);
}

Test(turn_permission, without_peer_is_400)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	ask_bytes(&q, TP_ATTR_XOR_PEER_ADDRESS, "\0\1\0\0\0\0", 6);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	ask_bytes(&q, TP_ATTR_XOR_PEER_ADDRESS, "\0\3\0\0\0\0\0\0", 8);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	cr_expect_eq(rig.table->live_peers, 0u);
}

Test(turn_permission, for_more_peers_than_one_transaction_takes_makes_none)
{
	struct ask q;
	int code;

	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	for (uint8_t i = 0; i <= STUN_PEERS_MAX; i++) {
		const struct tp_endpoint p = {.ip = rig_ip4(93, 1, 2, i), .port = 9};

		ask_peer(&q, &p);
	}
	code = answer_code(ask_send(&q));
	cr_expect(code == 400 || code == 508);
	cr_expect_eq(rig.table->live_peers, 0u);
}

Test(turn_permission, without_allocation_is_437_before_anything_about_the_peer)
{
	const struct tp_endpoint client = client_number(1), inside = rig_at("127.0.0.1", 1);
	struct ask q;

	cr_expect_eq(ask_permission(&rig, &client, &inside), 437);
	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	q.client = client;
	cr_expect_eq(answer_code(ask_send(&q)), 437);
}

Test(turn_permission, beyond_the_most_of_an_allocation_is_508)
{
	uint32_t n = 0;
	int code;

	for (;; n++) {
		const struct tp_endpoint p = {
			.ip = rig_ip4(93, 1, (uint8_t)(n >> 8), (uint8_t)n), .port = 9};

		cr_assert_leq(n, TABLE_PEERS_MAX);
		code = ask_permission(&rig, &rig_client, &p);
		if (code)
			break;
	}
	cr_expect_eq(code, 508);
	cr_expect_eq(n, TABLE_PEERS_MAX);
	cr_expect_eq(rig_check(&rig, true), 0);
	// What it has may still be refreshed, and all of it goes with the allocation.
	cr_expect_eq(ask_permission(&rig, &rig_client,
			     &(struct tp_endpoint){.ip = rig_ip4(93, 1, 0, 0), .port = 9}),
		0);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 0), 0);
	expect_nothing();
}

Test(turn_permission, refused_by_a_full_ring_changes_nothing_and_works_when_sent_again)
{
	struct ask q;

	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	rig_pass(&rig, 5000);
	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	ask_peer(&q, &peer_a);
	ask_peer(&q, &peer_b);
	rig.refuse = -EAGAIN;
	cr_expect_null(ask_send(&q));
	rig.refuse = 0;
	cr_expect_eq(rig.table->live_peers, 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(answer_code(ask_again(&q)), 0);
	cr_expect_eq(rig.table->live_peers, 2u);
	cr_expect_eq(mirror_find(&rig.mirror, slot(), &peer_a.ip, 0)->expires_ms, RIG_MS + 305000u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_permission, for_the_relayed_address_of_a_live_allocation_is_allowed)
{
	const struct tp_endpoint other = client_number(2);
	struct tp_endpoint relayed, at;

	cr_assert_eq(ask_allocate(&rig, &other, 0), 0);
	relayed = answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS);
	cr_expect_eq(ask_permission(&rig, &rig_client, &relayed), 0);
	cr_expect_eq(ask_bind(&rig, &rig_client, &relayed, 0x4001), 0);
	// Not a port of the same address where nobody is.
	at = relayed;
	at.port = relayed.port == RIG_PORT_MAX ? RIG_PORT_MIN : RIG_PORT_MAX;
	if (at.port != answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS).port &&
		!table_is_relayed(rig.table, &at.ip, at.port))
		cr_expect_eq(ask_bind(&rig, &rig_client, &at, 0x4002), 403);
	at.port = 22;
	cr_expect_eq(ask_bind(&rig, &rig_client, &at, 0x4003), 403);
}

Test(turn_permission, for_a_relayed_address_that_nobody_has_any_more_is_refused)
{
	const struct tp_endpoint other = client_number(2);
	struct tp_endpoint relayed;

	cr_assert_eq(ask_allocate(&rig, &other, 0), 0);
	relayed = answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS);
	cr_assert_eq(ask_bind(&rig, &rig_client, &relayed, 0x4001), 0);
	rig.hold = true; // the port stays taken until the dataplane has let go
	ask_refresh(&rig, &other, 0);
	cr_assert_eq(rig.table->dropping, 1u);
	ask_bind(&rig, &rig_client, &relayed, 0x4001);
	cr_expect_eq(answer_code(&rig.answer), 403);
	rig.hold = false;
	rig_flush(&rig);
	cr_expect_eq(ask_bind(&rig, &rig_client, &relayed, 0x4001), 403);
}

Test(turn_permission, for_a_relay_address_that_the_operator_denies_is_refused)
{
	const struct tp_endpoint other = client_number(2);
	const struct policy_prefix deny = {.ip = rig_ip("203.0.113.0"), .bits = 96 + 24};
	const struct policy_prefix allow = {.ip = rig_ip("203.0.113.6"), .bits = 128};
	const struct policy_prefix deny_local = {.ip = rig_ip("10.0.0.5"), .bits = 128};

	SUITE_CONFIGURED(rig.config.deny = &deny, rig.config.deny_count = 1,
		rig.config.allow = &allow, rig.config.allow_count = 1);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 1), 0);
	cr_assert_eq(ask_allocate(&rig, &other, 1), 0);
	cr_expect_eq(ask_permission(
			     &rig, &rig_client, &(struct tp_endpoint){.ip = rig_ip("203.0.113.5")}),
		403);
	cr_expect_eq(ask_permission(
			     &rig, &rig_client, &(struct tp_endpoint){.ip = rig_ip("203.0.113.6")}),
		0);
	cr_expect_eq(
		ask_permission(&rig, &rig_client, &(struct tp_endpoint){.ip = rig_ip("10.0.0.5")}),
		0);
	SUITE_CONFIGURED(rig.config.deny = &deny_local, rig.config.deny_count = 1);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 1), 0);
	cr_expect_eq(
		ask_permission(&rig, &rig_client, &(struct tp_endpoint){.ip = rig_ip("10.0.0.5")}),
		403);
	cr_expect_eq(ask_permission(
			     &rig, &rig_client, &(struct tp_endpoint){.ip = rig_ip("203.0.113.5")}),
		0);
}

Test(turn_permission, that_was_refused_goes_later_when_the_ring_is_full_now)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	ask_peer(&q, &peer_a);
	ask_peer(&q, &peer_b);
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 1);
	rig_verdict(&rig, -EAGAIN, 0); // what drops the one that is in force
	rig_verdict(&rig, -EAGAIN, 0);
	cr_expect_eq(answer_code(ask_send(&q)), 508);
	cr_expect_eq(mirror_peers(&rig.mirror), 1u);
	cr_expect_eq(table_find_permission(rig.table, slot(), &peer_a.ip, rig.now_ms), TABLE_NONE);
	rig_tick(&rig, 2200);
	cr_expect_eq(mirror_peers(&rig.mirror), 0u);
	cr_expect_eq(rig.table->live_peers, 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
}
