// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What an allocation and a user may have, and how fast they may meet peers (RFC 8656 section 21.1).
#include "suite.h"

TestSuite(turn_limits, .init = suite_init, .fini = suite_fini);

static struct tp_endpoint peer_number(uint16_t n)
{
	return (struct tp_endpoint){
		.ip = rig_ip4(93, 185, (uint8_t)(n >> 8), (uint8_t)n), .port = 7000};
}

static int permit(const struct tp_endpoint *client, uint16_t n)
{
	const struct tp_endpoint peer = peer_number(n);

	return ask_permission(&rig, client, &peer);
}

static int bind_channel(const struct tp_endpoint *client, uint16_t n)
{
	const struct tp_endpoint peer = peer_number(n);

	return ask_bind(&rig, client, &peer, (uint16_t)(TP_CHANNEL_MIN + n));
}

static int permit_both(const struct tp_endpoint *client, uint16_t first, uint16_t second)
{
	const struct tp_endpoint a = peer_number(first), b = peer_number(second);
	struct ask q;

	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	q.client = *client;
	ask_peer(&q, &a);
	ask_peer(&q, &b);
	return answer_code(ask_send(&q));
}

// Under the limit everything goes, at it a new one is 508, an old one is refreshed, and an expired one makes
// room.
Test(turn_limits, permissions_of_an_allocation_are_508_beyond_the_limit)
{
	SUITE_CONFIGURED(rig.table_config->limits.permissions = 3);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	for (uint16_t n = 0; n < 3; n++)
		cr_assert_eq(permit(&rig_client, n), 0);
	cr_expect_eq(counted(TP_CC_permissions_limited), 0u);
	cr_expect_eq(permit(&rig_client, 3), 508);
	cr_expect_eq(bind_channel(&rig_client, 3), 508, "a channel needs its permission");
	cr_expect_eq(counted(TP_CC_permissions_limited), 2u);
	cr_expect_eq(permit(&rig_client, 1), 0);
	cr_expect_eq(permit_both(&rig_client, 0, 4), 508, "all or nothing");
	cr_expect_eq(bind_channel(&rig_client, 2), 0);
	rig_pass(&rig, TURN_PERMISSION_MS);
	cr_expect_eq(permit(&rig_client, 5), 0);
}

Test(turn_limits, channels_of_an_allocation_are_508_beyond_the_limit)
{
	SUITE_CONFIGURED(rig.table_config->limits.channels = 2);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_assert_eq(bind_channel(&rig_client, 0), 0);
	cr_assert_eq(bind_channel(&rig_client, 1), 0);
	cr_expect_eq(bind_channel(&rig_client, 2), 508);
	cr_expect_eq(counted(TP_CC_channels_limited), 1u);
	cr_expect_eq(rig.table->live_peers, 4u, "nor its permission, which would be half of it");
	cr_expect_eq(bind_channel(&rig_client, 1), 0);
	cr_expect_eq(permit(&rig_client, 9), 0, "permissions are not channels");
}

Test(turn_limits, of_a_user_count_over_all_allocations_and_for_nobody_else)
{
	const struct tp_endpoint other = client_number(1), bobs = client_number(2), peer = peer_a;
	struct ask q;

	SUITE_CONFIGURED(rig.table_config->limits.permissions_per_user = 3,
		rig.table_config->limits.channels_per_user = 1);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_assert_eq(ask_allocate(&rig, &other, 0), 0);
	cr_expect_eq(bind_channel(&rig_client, 0), 0);
	cr_expect_eq(bind_channel(&other, 0), 508);
	cr_expect_eq(counted(TP_CC_channels_limited), 1u);
	cr_expect_eq(permit(&other, 1), 0);
	cr_expect_eq(permit(&other, 2), 0);
	cr_expect_eq(permit(&rig_client, 3), 508);
	cr_expect_eq(counted(TP_CC_permissions_limited), 1u);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	q.client = bobs;
	q.user = 1;
	ask_transport(&q);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	ask(&rig, &q, TP_STUN_CHANNEL_BIND);
	q.client = bobs;
	q.user = 1;
	ask_channel(&q, TP_CHANNEL_MIN);
	ask_peer(&q, &peer);
	cr_expect_eq(answer_code(ask_send(&q)), 0);
	// What an allocation had is its user's again with its end, and after a restart the rest still counts.
	cr_expect_eq(ask_refresh(&rig, &rig_client, 0), 0);
	cr_expect_eq(bind_channel(&other, 5), 0);
	rig_restart(&rig);
	cr_expect_eq(bind_channel(&other, 6), 508);
	rig_pass(&rig, 3600000);
	rig_tick(&rig, 2200);
	expect_nothing();
}

Test(turn_limits, new_peers_of_an_allocation_come_at_their_rate_after_a_burst)
{
	SUITE_CONFIGURED(rig.config.new_peers_per_second = 10);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	for (uint16_t n = 0; n < 100; n++)
		cr_assert_eq(permit(&rig_client, n), 0, "%u", n);
	cr_expect_eq(permit(&rig_client, 100), 508);
	cr_expect_eq(permit(&rig_client, 7), 0, "known");
	cr_expect_eq(bind_channel(&rig_client, 7), 0, "and so has the channel of a known one");
	rig_pass(&rig, 99);
	cr_expect_eq(permit(&rig_client, 301), 508);
	rig_pass(&rig, 1);
	cr_expect_eq(permit(&rig_client, 301), 0);
	cr_expect_eq(permit(&rig_client, 302), 508);
	cr_expect_eq(counted(TP_CC_new_peers_limited), 3u);
	rig_pass(&rig, 100);
	cr_expect_eq(permit_both(&rig_client, 303, 104), 508, "there is one token");
	cr_expect_eq(permit(&rig_client, 305), 0, "which nobody got");
}

Test(turn_limits, new_peers_of_a_user_are_limited_though_it_allocates_anew)
{
	SUITE_CONFIGURED(rig.config.user_new_peers_per_second = 1);
	for (uint16_t n = 0; n < 64; n++) {
		const struct tp_endpoint client = client_number(n % 4);

		if (n % 16 < 4)
			cr_assert_eq(ask_allocate(&rig, &client, 0), 0);
		cr_assert_eq(permit(&client, n), 0, "%u", n);
		if (n % 16 >= 12)
			cr_assert_eq(ask_refresh(&rig, &client, 0), 0);
	}
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_expect_eq(permit(&rig_client, 64), 508);
	rig_pass(&rig, 1000);
	cr_expect_eq(permit(&rig_client, 64), 0);
	cr_expect_eq(permit(&rig_client, 65), 508);
}

static uint32_t share_of(uint32_t slot)
{
	return rig.mirror.slots[slot].put.user_packets_per_second;
}

Test(turn_limits, rates_go_with_the_allocation_and_a_users_is_divided_among_all_it_has)
{
	const struct tp_endpoint second = client_number(1), third = client_number(2);
	const struct tp_command *put;
	uint32_t slot;

	SUITE_CONFIGURED(rig.config.packets_per_second = 700, rig.config.bits_per_second = 800,
		rig.config.user_packets_per_second = 900,
		rig.config.user_bits_per_second = 5000000000);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	slot = rig_slot(&rig, &rig_client);
	put = &rig.mirror.slots[slot].put;
	cr_expect_eq(put->packets_per_second, 700u);
	cr_expect_eq(put->bits_per_second, 800u);
	cr_expect_eq(put->user_packets_per_second, 900u);
	cr_expect_eq(put->user_bits_per_second, 5000000000u);
	cr_expect_eq(put->user, rig.table->slots[slot].holder);
	cr_assert_eq(ask_allocate(&rig, &second, 0), 0);
	cr_assert_eq(ask_allocate(&rig, &third, 0), 0);
	cr_expect_eq(share_of(rig_slot(&rig, &third)), 300u);
	// The others hear of it within a second, and of an end too.
	rig_tick(&rig, 1200);
	cr_expect_eq(share_of(slot), 300u);
	cr_expect_eq(share_of(rig_slot(&rig, &second)), 300u);
	cr_expect_eq(put->user_bits_per_second, 5000000000u / 3);
	cr_expect_eq(ask_refresh(&rig, &third, 0), 0);
	rig_tick(&rig, 1200);
	cr_expect_eq(share_of(slot), 450u);
	rig_restart(&rig);
	cr_expect_eq(share_of(slot), 450u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_limits, default_rates_are_not_told_where_xdp_relays)
{
	SUITE_CONFIGURED(rig.config.packets_per_second = 700, rig.config.bits_per_second = 800,
		rig.config.packets_per_second_spared = true, rig.capabilities.interfaces = 1,
		rig.capabilities.interface[0].mode = TP_XDP_GENERIC);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_expect_eq(rig.mirror.slots[rig_slot(&rig, &rig_client)].put.packets_per_second, 0u);
	cr_expect_eq(rig.mirror.slots[rig_slot(&rig, &rig_client)].put.bits_per_second, 800u);
	// The sockets alone, later, have it.
	rig.capabilities.interface[0].mode = TP_XDP_NONE;
	rig_restart(&rig);
	cr_expect_eq(rig.mirror.slots[rig_slot(&rig, &rig_client)].put.packets_per_second, 700u);
}

Test(turn_limits, without_rates_of_users_nothing_is_told_again)
{
	const struct tp_endpoint second = client_number(1);
	uint32_t told;

	SUITE_CONFIGURED(rig.config.packets_per_second = 700);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	cr_assert_eq(ask_allocate(&rig, &second, 0), 0);
	told = rig.told_count;
	rig_tick(&rig, 3000);
	cr_expect_eq(rig.told_count, told);
}
