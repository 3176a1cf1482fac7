// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// ChannelBind (RFC 8656 section 11 and 12).
#include "suite.h"

static void init(void)
{
	suite_init();
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
}

TestSuite(turn_channel, .init = init, .fini = suite_fini);

static uint32_t slot(void)
{
	return rig_slot(&rig, &rig_client);
}

static uint64_t expiry(const struct tp_endpoint *peer, uint16_t channel)
{
	const struct mirror_peer *p = mirror_find(&rig.mirror, slot(), &peer->ip, channel);

	return p ? p->expires_ms - RIG_MS : 0;
}

Test(turn_channel, lasts_600_s_and_its_permission_300_s)
{
	uint32_t kinds = 0;

	rig_pass(&rig, 3);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	cr_expect(answer_signed(&rig.answer, &rig.users[0]));
	cr_assert_eq(last()->count, 2u);
	cr_assert(last()->reply);
	for (uint32_t i = 0; i < 2; i++) {
		const struct tp_command *c = &last()->commands[i];

		kinds |= 1u << c->kind;
		cr_expect_eq(c->allocation, slot());
		cr_expect(tp_ip_equal(&c->peer.ip, &peer_a.ip));
		if (c->kind == TP_PUT_CHANNEL) {
			cr_expect_eq(c->channel, 0x4000);
			cr_expect_eq(c->peer.port, 5000);
			cr_expect_eq(c->expires_ms, RIG_MS + 600003u);
		} else {
			cr_expect_eq(c->channel, 0);
			cr_expect_eq(c->peer.port, 0);
			cr_expect_eq(c->expires_ms, RIG_MS + 300003u);
		}
	}
	cr_expect_eq(kinds, 1u << TP_PUT_CHANNEL | 1u << TP_PUT_PERMISSION);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_channel, outlives_its_permission)
{
	cr_assert_eq(ask_refresh(&rig, &rig_client, 3600), 0);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	rig_pass(&rig, 300000);
	rig_tick(&rig, 2200);
	cr_expect_eq(expiry(&peer_a, 0), 0u);
	cr_expect_eq(expiry(&peer_a, 0x4000), 600000u);
	cr_expect_eq(rig.table->live_peers, 1u);
	rig_pass(&rig, 297799);
	turn_tick(rig.server);
	cr_expect_eq(rig.table->live_peers, 1u);
	rig_tick(&rig, 2200);
	cr_expect_eq(rig.table->live_peers, 0u);
	cr_expect_eq(mirror_peers(&rig.mirror), 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_channel, bound_again_to_the_same_peer_is_refreshed_with_its_permission)
{
	cr_assert_eq(ask_refresh(&rig, &rig_client, 3600), 0);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	rig_pass(&rig, 400000); // the permission is over
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	cr_expect_eq(expiry(&peer_a, 0x4000), 1000000u);
	cr_expect_eq(expiry(&peer_a, 0), 700000u);
	rig_tick(&rig, 2200);
	cr_expect_eq(rig.table->live_peers, 2u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_channel, bound_to_another_peer_is_400_and_changes_nothing)
{
	struct tp_endpoint other_port = peer_a;
	uint32_t told;

	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	told = rig.told_count;
	other_port.port++;
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_b, 0x4000), 400);
	cr_expect_eq(ask_bind(&rig, &rig_client, &other_port, 0x4000), 400);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4001), 400);
	cr_expect_eq(rig.told_count, told);
	cr_expect_eq(rig.table->live_peers, 2u);
	// Another port of the same address is another peer.
	cr_expect_eq(ask_bind(&rig, &rig_client, &other_port, 0x4001), 0);
	cr_expect_eq(rig.table->live_peers, 3u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_channel, number_and_peer_are_free_once_it_has_expired)
{
	cr_assert_eq(ask_refresh(&rig, &rig_client, 3600), 0);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	rig_pass(&rig, 599999);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_b, 0x4000), 400);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4001), 400);
	rig_pass(&rig, 1); // no quarantine: that is the client's duty
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_b, 0x4000), 0);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4001), 0);
	rig_tick(&rig, 2200);
	cr_expect_eq(rig.table->live_peers, 4u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_channel, number_is_0x4000_to_0x4fff)
{
	static const struct {
		uint16_t number;
		int code;
	} table[] = {{0, 400}, {1, 400}, {0x3fff, 400}, {0x5000, 400}, {0x7fff, 400}, {0x8000, 400},
		{0xffff, 400}, {0x4fff, 0}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, table[i].number), table[i].code,
			"0x%x", table[i].number);
	cr_expect_eq(rig.table->live_peers, 2u);
}

Test(turn_channel, number_may_go_to_0x7fff_for_older_clients)
{
	SUITE_CONFIGURED(rig.config.channel_max = TP_CHANNEL_MAX_5766,
		rig.capabilities.channel_max = TP_CHANNEL_MAX_5766);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, 0x7fff), 0);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_b, 0x8000), 400);
}

Test(turn_channel, of_incomplete_requests_is_400)
{
	struct tp_endpoint zero = peer_a;
	struct ask q;

	ask(&rig, &q, TP_STUN_CHANNEL_BIND);
	ask_peer(&q, &peer_a);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	ask(&rig, &q, TP_STUN_CHANNEL_BIND);
	ask_channel(&q, 0x4000);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	ask(&rig, &q, TP_STUN_CHANNEL_BIND);
	ask_bytes(&q, TP_ATTR_CHANNEL_NUMBER, "\x40\x00", 2);
	ask_peer(&q, &peer_a);
	cr_expect_eq(answer_code(ask_send(&q)), 400);
	zero.port = 0;
	cr_expect_eq(ask_bind(&rig, &rig_client, &zero, 0x4000), 400);
	cr_expect_eq(rig.table->live_peers, 0u);
}

Test(turn_channel, errors_come_in_order)
{
	const struct tp_endpoint nobody = client_number(3), inside = rig_at("127.0.0.1", 1);

	cr_expect_eq(ask_bind(&rig, &nobody, &inside, 0x3fff), 437);
	cr_expect_eq(ask_bind(&rig, &rig_client, &inside, 0x3fff), 400);
	cr_expect_eq(ask_bind(&rig, &rig_client, &inside, 0x4000), 403);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer6, 0x4000), 443);
	cr_expect_eq(rig.table->live_peers, 0u);
}

Test(turn_channel, that_the_dataplane_has_no_room_for_is_dropped_on_both_sides)
{
	for (uint32_t at = 0; at < 2; at++) {
		rig_verdict(&rig, TP_STATUS_NO_SPACE, at);
		cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 508);
		cr_expect_eq(rig.table->live_peers, 0u, "at %u", at);
		cr_expect_eq(mirror_peers(&rig.mirror), 0u);
		cr_expect_eq(rig_check(&rig, true), 0);
	}
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_b, 0x4000), 0);
}

Test(turn_channel, that_fails_leaves_the_permission_that_was_there)
{
	cr_assert_eq(ask_permission(&rig, &rig_client, &peer_a), 0);
	rig_pass(&rig, 1000);
	for (uint32_t at = 0; at < 2; at++) {
		rig_verdict(&rig, TP_STATUS_NO_SPACE, at);
		cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 508);
		cr_expect_eq(rig.table->live_peers, 1u, "at %u", at);
		cr_expect_neq(expiry(&peer_a, 0), 0u);
		cr_expect_eq(expiry(&peer_a, 0x4000), 0u);
	}
}

Test(turn_channel, refused_by_a_full_ring_changes_nothing_and_works_when_sent_again)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_CHANNEL_BIND);
	ask_channel(&q, 0x4000);
	ask_peer(&q, &peer_a);
	rig.refuse = -EAGAIN;
	cr_expect_null(ask_send(&q));
	rig.refuse = 0;
	cr_expect_eq(rig.table->live_peers, 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(answer_code(ask_again(&q)), 0);
	cr_expect_eq(rig.table->live_peers, 2u);
	cr_expect_eq(answer_code(ask_again(&q)), 0); // a retransmission
	cr_expect_eq(rig.table->live_peers, 2u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_channel, and_permissions_of_an_ipv6_relay_take_ipv6_peers_alone)
{
	cr_assert_eq(ask_allocate(&rig, &rig_client6, 2), 0);
	cr_expect_eq(ask_bind(&rig, &rig_client6, &peer6, 0x4000), 0);
	cr_expect_eq(ask_bind(&rig, &rig_client6, &peer_a, 0x4001), 443);
	cr_expect_eq(ask_permission(&rig, &rig_client6, &peer_a), 443);
	cr_expect_eq(rig.table->live_peers, 2u);
	cr_expect_eq(rig_check(&rig, true), 0);
}
