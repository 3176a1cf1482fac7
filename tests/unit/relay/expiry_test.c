// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What has expired, to the tick, in both directions.

#include "fixture.h"

static struct relay *r;
static struct tp_endpoint client, peer;

static void set_up(void)
{
	r = small_relay();
	client = ep("192.0.2.77", 5000);
	peer = ep("198.18.1.2", 6000);
}

static void tear_down(void)
{
	relay_destroy(r);
}

TestSuite(expiry, .init = set_up, .fini = tear_down);

static void put(uint64_t allocation_ms, uint64_t permission_ms, uint64_t channel_ms)
{
	cr_assert(
		eq(int, apply_until(r, allocation(0, client, PLAIN, PORT_MIN), allocation_ms), 0));
	if (permission_ms)
		cr_assert(eq(int, apply_until(r, permission(0, peer), permission_ms), 0));
	if (channel_ms)
		cr_assert(eq(int, apply_until(r, channel(0, peer, CHANNEL), channel_ms), 0));
}

static struct relay_decision heard(uint64_t now)
{
	return from_peer(r, PLAIN, PORT_MIN, peer, 10, now);
}

Test(expiry, an_allocation_ends_on_its_tick)
{
	uint64_t end = T0 + 10 * TICK;

	put(end, LATE, LATE);
	cr_assert(eq(int, on_channel(r, client, CHANNEL, end - 1).verdict, RELAY_PEER));
	cr_assert(eq(int, by_send(r, client, peer, end - 1).verdict, RELAY_PEER));
	cr_assert(eq(int, heard(end - 1).verdict, RELAY_CLIENT));
	cr_dropped(on_channel(r, client, CHANNEL, end), client_expired);
	cr_dropped(by_send(r, client, peer, end), client_expired);
	cr_dropped(heard(end), peer_expired);
}

Test(expiry, an_end_within_a_tick_is_never_late)
{
	uint64_t end = T0 + 10 * TICK + 77;

	put(LATE, end, LATE);
	cr_assert(eq(int, heard(T0 + 10 * TICK - 1).verdict, RELAY_CLIENT));
	cr_dropped(heard(T0 + 10 * TICK), peer_no_permission);
	cr_dropped(heard(end), peer_no_permission);
}

Test(expiry, a_permission_ends_on_its_tick_though_its_channel_lives)
{
	uint64_t end = T0 + 10 * TICK;

	put(LATE, end, LATE);
	cr_assert(eq(int, heard(end - 1).front_length, 4));
	cr_dropped(heard(end), peer_no_permission);
	cr_dropped(by_send(r, client, peer, end), send_no_permission);
	// RFC 8656 section 12.6 asks for a bound channel only.
	cr_assert(eq(int, on_channel(r, client, CHANNEL, end).verdict, RELAY_PEER));
}

Test(expiry, a_channel_ends_on_its_tick_and_leaves_data_indications)
{
	uint64_t end = T0 + 10 * TICK;

	put(LATE, LATE, end);
	cr_assert(eq(int, heard(end - 1).front_length, 4));
	cr_assert(eq(int, on_channel(r, client, CHANNEL, end - 1).verdict, RELAY_PEER));
	cr_assert(eq(int, heard(end).front_length, 36));
	cr_dropped(on_channel(r, client, CHANNEL, end), channel_unbound);
}

Test(expiry, a_channel_without_permission_relays_to_the_peer_only)
{
	put(LATE, 0, LATE);
	cr_assert(eq(int, on_channel(r, client, CHANNEL, T0).verdict, RELAY_PEER));
	cr_dropped(heard(T0), peer_no_permission);
}

Test(expiry, a_longer_life_is_in_force_at_once)
{
	uint64_t end = T0 + 10 * TICK, later = T0 + 20 * TICK;

	put(end, end, end);
	cr_assert(eq(int, heard(T0).front_length, 4));
	put(later, 0, 0);
	cr_dropped(on_channel(r, client, CHANNEL, end), channel_unbound);
	cr_dropped(heard(end), peer_no_permission);
	put(later, 0, later);
	cr_assert(eq(int, on_channel(r, client, CHANNEL, end).verdict, RELAY_PEER));
	cr_dropped(heard(end), peer_no_permission);
	put(later, later, 0);
	cr_assert(eq(int, heard(end).front_length, 4));
	cr_assert(eq(int, heard(later - 1).front_length, 4));
	cr_dropped(heard(later), peer_expired);
}

Test(expiry, channels_outlive_the_former_end_of_a_refreshed_allocation)
{
	uint64_t end = T0 + 10 * TICK;

	put(end, LATE, LATE);
	cr_dropped(on_channel(r, client, CHANNEL, end), client_expired);
	put(LATE, 0, 0);
	cr_assert(eq(int, on_channel(r, client, CHANNEL, end).verdict, RELAY_PEER));
	cr_assert(eq(int, heard(end).verdict, RELAY_CLIENT));
	cr_assert(eq(int, on_channel(r, client, CHANNEL, LATE - TICK).verdict, RELAY_PEER));
	cr_dropped(on_channel(r, client, CHANNEL, LATE), client_expired);
	cr_dropped(heard(LATE), peer_expired);
}

Test(expiry, a_shorter_life_is_in_force_at_once)
{
	uint64_t end = T0 + 10 * TICK;

	put(LATE, LATE, LATE);
	cr_assert(eq(int, heard(end).front_length, 4));
	put(end, 0, 0);
	cr_dropped(on_channel(r, client, CHANNEL, end), client_expired);
	cr_dropped(by_send(r, client, peer, end), client_expired);
	cr_dropped(heard(end), peer_expired);
	put(LATE, end, 0);
	cr_dropped(heard(end), peer_no_permission);
	put(LATE, LATE, end);
	cr_assert(eq(int, heard(end).front_length, 36));
	cr_dropped(on_channel(r, client, CHANNEL, end), channel_unbound);
}

Test(expiry, traffic_prolongs_nothing)
{
	uint64_t end = T0 + 300000;

	put(LATE, end, LATE);
	for (uint64_t now = T0; now < end; now += 1000) {
		cr_assert(eq(int, heard(now).verdict, RELAY_CLIENT));
		cr_assert(eq(int, by_send(r, client, peer, now).verdict, RELAY_PEER));
	}
	cr_dropped(heard(end), peer_no_permission);
}

Test(expiry, a_time_beyond_the_clock_is_its_end)
{
	put(UINT64_MAX, UINT64_MAX, UINT64_MAX);
	cr_assert(eq(int, heard(T0 + (1ull << 35)).verdict, RELAY_CLIENT));
	cr_dropped(heard(UINT64_MAX), peer_expired);
}
