// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Rates: what goes through is a second's worth and then the rate, in each direction by itself, and what does
// not is counted; of an allocation, and of all that a user has here.

#include "fixture.h"

#define SECOND 1000u

static struct relay *r;
static struct tp_endpoint client, other, peer;

static void set_up(void)
{
	r = small_relay();
	client = ep("192.0.2.77", 5000);
	other = ep("192.0.2.78", 5000);
	peer = ep("198.18.1.2", 6000);
}

static void tear_down(void)
{
	relay_destroy(r);
}

TestSuite(lease, .init = set_up, .fini = tear_down);

struct rates {
	uint32_t packets, user_packets;
	uint64_t bits, user_bits;
	uint32_t user;
};

static void put_at(uint32_t slot, struct tp_endpoint of, struct rates rates, uint64_t now)
{
	struct tp_command c = allocation(slot, of, PLAIN, (uint16_t)(PORT_MIN + slot));

	c.packets_per_second = rates.packets;
	c.bits_per_second = rates.bits;
	c.user_packets_per_second = rates.user_packets;
	c.user_bits_per_second = rates.user_bits;
	c.user = rates.user;
	cr_assert(eq(int, relay_apply(r, &c, now), TP_STATUS_OK));
}

static void put(uint32_t slot, struct tp_endpoint of, struct rates rates)
{
	put_at(slot, of, rates, T0);
	cr_assert(eq(int, apply(r, permission(slot, peer)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, channel(slot, peer, CHANNEL)), TP_STATUS_OK));
}

// How many of n packets go through; the others are dropped for their rate.
static uint32_t sent(struct tp_endpoint from, uint32_t n, uint64_t now)
{
	uint32_t through = 0;

	while (n--) {
		struct relay_decision d = on_channel(r, from, CHANNEL, now);

		if (d.verdict == RELAY_DROP)
			cr_assert(eq(int, d.drop, TP_C_client_rate_limited));
		else
			through++;
	}
	return through;
}

static uint32_t sent_by_send(struct tp_endpoint from, uint32_t n, uint64_t now)
{
	uint32_t through = 0;

	while (n--) {
		struct relay_decision d = by_send(r, from, peer, now);

		if (d.verdict == RELAY_DROP)
			cr_assert(eq(int, d.drop, TP_C_client_rate_limited));
		else
			through++;
	}
	return through;
}

static uint32_t heard(uint16_t slot, uint32_t n, uint32_t length, uint64_t now)
{
	uint32_t through = 0;

	while (n--) {
		struct relay_decision d = from_peer(
			r, PLAIN, (uint16_t)(PORT_MIN + slot), peer, length, now);

		if (d.verdict == RELAY_DROP)
			cr_assert(eq(int, d.drop, TP_C_peer_rate_limited));
		else
			through++;
	}
	return through;
}

Test(lease, packets_of_an_allocation_are_a_seconds_worth_and_then_the_rate)
{
	put(0, client, (struct rates){.packets = 640});
	cr_assert(eq(u32, sent(client, 5000, T0), 640));
	cr_assert(eq(u32, sent(client, 5000, T0 + 100), 64));
	cr_assert(eq(u32, sent(client, 5000, T0 + 100), 0));
	cr_assert(eq(u32, sent(client, 5000, T0 + 100 * SECOND), 640));
	// The other direction has its own.
	cr_assert(eq(u32, heard(0, 5000, 100, T0), 640));
	cr_assert(eq(u32, heard(0, 5000, 100, T0 + 50), 32));
}

Test(lease, channels_and_send_indications_share_an_allocations_rate)
{
	uint32_t n;

	put(0, client, (struct rates){.packets = 640});
	n = sent(client, 300, T0);
	n += sent_by_send(client, 5000, T0);
	n += sent(client, 5000, T0);
	cr_assert(eq(u32, n, 640));
	cr_assert(eq(u32, sent_by_send(client, 10, T0), 0));
	cr_assert(eq(u32, sent_by_send(client, 100, T0 + 50), 32));
}

Test(lease, over_a_minute_no_more_goes_through_than_the_rate_and_a_burst)
{
	uint32_t n = 0;

	put(0, client, (struct rates){.packets = 50});
	for (uint32_t ms = 0; ms <= 60 * SECOND; ms += 5)
		n += sent(client, 3, T0 + ms);
	cr_assert(eq(u32, n, 50 + 60 * 50));
}

Test(lease, bits_count_application_bytes)
{
	const uint64_t rate = 8 * 1000 * 1000; // a megabyte a second

	put(0, client, (struct rates){.bits = rate});
	cr_assert(eq(u32, heard(0, 5000, 1000, T0), 1000));
	cr_assert(eq(u32, heard(0, 5000, 1000, T0 + 10), 10));
	cr_assert(eq(u32, heard(0, 5, 0, T0 + 10), 5), "an empty one is free");
	// One goes when all of it is paid for.
	cr_assert(eq(u32, heard(0, 2, 60000, T0 + 69), 0));
	cr_assert(eq(u32, heard(0, 2, 60000, T0 + 70), 1));
	cr_assert(eq(u32, heard(0, 1, 1, T0 + 70), 0));
	cr_assert(eq(u32, heard(0, 1, 1, T0 + 71), 1));
}

Test(lease, however_low_the_rate_a_datagram_of_any_size_goes_in_the_end)
{
	put(0, client, (struct rates){.bits = 8000, .packets = 1});
	cr_assert(eq(u32, heard(0, 2, 65000, T0), 1));
	cr_assert(eq(u32, heard(0, 1, 65000, T0 + 60 * SECOND), 0));
	cr_assert(eq(u32, heard(0, 1, 65000, T0 + 65 * SECOND), 1));
}

Test(lease, what_a_user_has_here_shares_the_sum_of_its_shares)
{
	const struct rates half = {.user_packets = 320, .user = 3};

	put(0, client, half);
	put(1, other, half);
	// One may have all of it while the other is idle, and then nothing is left for that.
	cr_assert(le(u32, sent(client, 5000, T0), 640));
	cr_assert(ge(u32, sent(client, 5000, T0 + 2 * SECOND) + sent(other, 5000, T0 + 2 * SECOND),
		620));
	cr_assert(le(u32, sent(client, 5000, T0 + 3 * SECOND) + sent(other, 5000, T0 + 3 * SECOND),
		660));
}

Test(lease, another_user_loses_nothing)
{
	put(0, client, (struct rates){.user_packets = 64, .user = 1});
	put(1, other, (struct rates){.user_packets = 64, .user = 2});
	cr_assert(eq(u32, sent(client, 5000, T0), 64));
	cr_assert(eq(u32, sent(other, 64, T0), 64));
}

Test(lease, a_new_share_counts_at_once_and_an_old_ones_tokens_do_not_come_back)
{
	const struct rates all = {.user_packets = 640, .user = 5},
			   half = {.user_packets = 320, .user = 5};

	put(0, client, all);
	cr_assert(eq(u32, sent(client, 5000, T0), 640));
	put_at(0, client, half, T0);
	cr_assert(eq(u32, sent(client, 100, T0), 0));
	cr_assert(eq(u32, sent(client, 5000, T0 + 100), 32));
	cr_assert(eq(int, drop_as(r, allocation(0, client, PLAIN, PORT_MIN), TP_DROP_ALLOCATION),
		TP_STATUS_OK));
	// Who allocates anew finds the bucket as it was.
	put(0, client, half);
	cr_assert(eq(u32, sent(client, 5000, T0 + 100), 0));
}

Test(lease, a_refresh_lets_nothing_through_and_a_blocked_client_is_no_stranger)
{
	const struct rates rates = {.packets = 64};
	static const uint8_t refresh[20] = {0, 4, 0, 0, 0x21, 0x12, 0xa4, 0x42};

	put(0, client, rates);
	cr_assert(eq(u32, sent_by_send(client, 100, T0), 64));
	for (int i = 0; i < 5; i++) {
		put(0, client, rates);
		cr_assert(eq(u32, sent(client, 3, T0) + sent_by_send(client, 3, T0), 0));
	}
	cr_assert(eq(u32, heard(0, 100, 10, T0), 64));
	put(0, client, rates);
	cr_assert(eq(u32, heard(0, 100, 10, T0), 0));
	cr_assert(eq(int, from_client(r, client, refresh, sizeof(refresh), T0).known, 1));
}

Test(lease, traffic_is_exact_whatever_is_leased)
{
	struct relay_traffic traffic;

	put(0, client, (struct rates){.packets = 6400, .bits = 1000000});
	sent(client, 37, T0);
	sent_by_send(client, 5, T0);
	heard(0, 11, 500, T0);
	relay_traffic(r, 0, &traffic);
	cr_assert(eq(u64, traffic.to_peer_packets, 42));
	cr_assert(eq(u64, traffic.to_peer_bytes, 42 * 3));
	cr_assert(eq(u64, traffic.to_client_packets, 11));
	cr_assert(eq(u64, traffic.to_client_bytes, 11 * 500));
	cr_assert(eq(int, drop_as(r, channel(0, peer, CHANNEL), TP_DROP_CHANNEL), TP_STATUS_OK));
	put_at(0, client, (struct rates){0}, T0);
	relay_traffic(r, 0, &traffic);
	cr_assert(eq(u64, traffic.to_peer_packets, 42));
	cr_assert(eq(u64, traffic.to_peer_bytes, 42 * 3));
}

Test(lease, rates_out_of_bounds_are_refused)
{
	struct tp_command c = allocation(0, client, PLAIN, PORT_MIN);

	c.user = tp_users_for(ALLOCATIONS);
	cr_assert(eq(int, apply(r, c), TP_STATUS_INVALID));
	c.user = 0;
	c.bits_per_second = TP_BITS_PER_SECOND_MAX + 1;
	cr_assert(eq(int, apply(r, c), TP_STATUS_INVALID));
	c.bits_per_second = 0;
	c.user_bits_per_second = UINT64_MAX;
	cr_assert(eq(int, apply(r, c), TP_STATUS_INVALID));
	c.user_bits_per_second = TP_BITS_PER_SECOND_MAX;
	c.packets_per_second = c.user_packets_per_second = UINT32_MAX;
	cr_assert(eq(int, apply(r, c), TP_STATUS_OK));
}
