// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Rates over random histories of packets, channels, allocations and time. Each bucket of an allocation and of a
// user, in each direction, is compared with two of the plainest kind, that are charged with what was relayed:
//   - one that holds a 16th more is never overdrawn: no more goes than that and what the rate brings;
//   - one that holds as much is nearly empty (a 16th of it) whenever a packet is dropped.
// So no history starves who stays below that, however many channels it has left behind.

#include "fixture.h"
#include "tables.h"

#define STEPS 600000
#define SLOTS 3u // 0 and 1 are of user 1, 2 is of user 2
#define CHANNELS 300u // of a slot
#define MILLIBITS 8000
#define LEAST_BITS (8 * 65536) // that a bucket holds, and
#define LEAST_PACKETS 10

struct plain {
	int64_t most; // thousandths that `exact` holds
	int64_t rate;
	int64_t exact, more;
};

struct model {
	struct plain own[SLOTS][2][2]; // by way; packets, bits
	struct plain user[3][2][2];
	bool channel[SLOTS][CHANNELS];
	uint64_t at;
};

static uint64_t state;
static struct relay *r;
static struct model m;
static const struct tp_command rates[SLOTS] = {
	{.packets_per_second = 3000, .bits_per_second = 40000000},
	{.packets_per_second = 500},
	{.bits_per_second = 3000000},
};
static const struct tp_command shares[SLOTS] = {
	{.user_packets_per_second = 1500, .user_bits_per_second = 4000000, .user = 1},
	{.user_packets_per_second = 1500, .user_bits_per_second = 4000000, .user = 1},
	{.user_packets_per_second = 400, .user = 2},
};

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * below >> 32);
}

static struct tp_endpoint client_of(uint32_t slot)
{
	return ep("192.0.2.77", (uint16_t)(5000 + slot));
}

static struct tp_endpoint peer_of(uint32_t n)
{
	return ep("198.18.1.2", (uint16_t)(6000 + n));
}

static struct plain plain(uint64_t rate, uint64_t least)
{
	const int64_t most = (int64_t)(rate > least ? rate : least) * 1000;

	if (!rate)
		return (struct plain){0};
	return (struct plain){
		.most = most, .rate = (int64_t)rate, .exact = most, .more = most + most / 16};
}

static void put_slot(uint32_t slot)
{
	struct tp_command c = allocation(slot, client_of(slot), PLAIN, (uint16_t)(PORT_MIN + slot));

	c.packets_per_second = rates[slot].packets_per_second;
	c.bits_per_second = rates[slot].bits_per_second;
	c.user_packets_per_second = shares[slot].user_packets_per_second;
	c.user_bits_per_second = shares[slot].user_bits_per_second;
	c.user = shares[slot].user;
	c.expires_ms = UINT64_MAX >> 8;
	cr_assert(eq(int, relay_apply(r, &c, m.at), TP_STATUS_OK));
	c = permission(slot, peer_of(0));
	c.expires_ms = UINT64_MAX >> 8;
	cr_assert(eq(int, relay_apply(r, &c, m.at), TP_STATUS_OK));
}

static void start_slot(uint32_t slot)
{
	put_slot(slot);
	for (int way = 0; way < 2; way++) {
		m.own[slot][way][0] = plain(rates[slot].packets_per_second, LEAST_PACKETS);
		m.own[slot][way][1] = plain(rates[slot].bits_per_second, LEAST_BITS);
	}
	memset(m.channel[slot], 0, sizeof(m.channel[slot]));
}

static void set_up(void)
{
	struct relay_config c = config();

	c.capabilities.peers = 2048;
	r = create(&c);
	state = 0x9e3779b97f4a7c15;
	m = (struct model){.at = T0};
	for (int way = 0; way < 2; way++) {
		m.user[1][way][0] = plain(3000, LEAST_PACKETS);
		m.user[1][way][1] = plain(8000000, LEAST_BITS);
		m.user[2][way][0] = plain(400, LEAST_PACKETS);
	}
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		start_slot(slot);
	m.at += 1000; // the bucket of user 1 has grown by its second allocation
}

static void tear_down(void)
{
	relay_destroy(r);
}

TestSuite(lease_history, .init = set_up, .fini = tear_down);

static void pass(struct plain *p, int64_t ms)
{
	p->exact += p->rate * ms;
	p->more += p->rate * ms;
	if (p->exact > p->most)
		p->exact = p->most;
	if (p->more > p->most + p->most / 16)
		p->more = p->most + p->most / 16;
}

static void pass_all(int64_t ms)
{
	struct plain *own = &m.own[0][0][0], *user = &m.user[0][0][0];

	for (uint32_t i = 0; i < SLOTS * 4; i++)
		pass(&own[i], ms);
	for (uint32_t i = 0; i < 3 * 4; i++)
		pass(&user[i], ms);
}

static void charge(struct plain *p, int64_t cost, int *starved)
{
	if (!p->rate)
		return;
	if (*starved >= 0) {
		*starved += p->exact - cost < p->most / 16;
		return;
	}
	p->exact -= cost;
	p->more -= cost;
	cr_assert(ge(i64, p->more, 0));
}

// What became of a packet: relayed, or dropped, and then some bucket must have been nearly empty.
static void packet(uint32_t slot, int way, const struct relay_decision *d, uint32_t length)
{
	struct plain *user = m.user[shares[slot].user][way];
	int starved = d->verdict == RELAY_DROP ? 0 : -1;

	if (starved == 0)
		cr_assert(eq(int, d->drop,
			way == LEASE_TO_PEER ? TP_C_client_rate_limited : TP_C_peer_rate_limited));
	charge(&m.own[slot][way][0], 1000, &starved);
	charge(&m.own[slot][way][1], (int64_t)length * MILLIBITS, &starved);
	charge(&user[0], 1000, &starved);
	charge(&user[1], (int64_t)length * MILLIBITS, &starved);
	cr_assert(ne(int, starved, 0), "dropped, with enough in every bucket");
}

static void send_some(uint32_t slot)
{
	const uint32_t n = draw(CHANNELS), length = draw(10) ? draw(1200) : draw(60000);
	static uint8_t data[65536];
	struct relay_decision d;

	if (!draw(8)) {
		uint32_t end = write_send(data, peer_of(0), false);

		d = from_client(r, client_of(slot), data, end, m.at);
		packet(slot, LEASE_TO_PEER, &d, 3);
		return;
	}
	if (!m.channel[slot][n])
		return;
	memcpy(data, (uint8_t[]){0x40, 0, (uint8_t)(length >> 8), (uint8_t)length}, 4);
	data[0] = (uint8_t)((0x4000 + n) >> 8);
	data[1] = (uint8_t)n;
	d = from_client(r, client_of(slot), data, length + 4, m.at);
	packet(slot, LEASE_TO_PEER, &d, length);
}

static void hear_some(uint32_t slot)
{
	const uint32_t length = draw(10) ? draw(1200) : draw(60000);
	struct relay_decision d = from_peer(
		r, PLAIN, (uint16_t)(PORT_MIN + slot), peer_of(draw(4)), length, m.at);

	packet(slot, LEASE_TO_CLIENT, &d, length);
}

static void bind_some(uint32_t slot)
{
	const uint32_t n = draw(CHANNELS);
	struct tp_command c = channel(slot, peer_of(n), (uint16_t)(0x4000 + n));

	c.expires_ms = UINT64_MAX >> 8;
	if (!draw(4)) {
		c.kind = TP_DROP_CHANNEL;
		m.channel[slot][n] = false;
	} else {
		m.channel[slot][n] = true;
	}
	cr_assert(eq(int, relay_apply(r, &c, m.at), TP_STATUS_OK));
}

static void reallocate(uint32_t slot)
{
	struct tp_command c = allocation(slot, client_of(slot), PLAIN, (uint16_t)(PORT_MIN + slot));

	c.kind = TP_DROP_ALLOCATION;
	cr_assert(eq(int, relay_apply(r, &c, m.at), TP_STATUS_OK));
	start_slot(slot);
}

static void step(void)
{
	const uint32_t slot = draw(SLOTS), what = draw(1000);
	static uint32_t busy;
	uint64_t ms = 0;

	// Now and then all send much, now and then little.
	if (!draw(3000))
		busy = draw(6);
	if (!draw(1u << busy))
		ms = draw(4);
	if (!draw(20000))
		ms = draw(3000);
	m.at += ms;
	pass_all((int64_t)ms);
	if (what < 20)
		bind_some(slot);
	else if (what < 22)
		put_slot(slot);
	else if (what == 22 && !draw(20))
		reallocate(slot);
	else if (what < 500)
		hear_some(slot);
	else
		send_some(slot);
}

Test(lease_history, never_more_than_a_bucket_and_the_rate_and_nobody_starves)
{
	struct tp_command sweep = {.kind = TP_SWEEP, .generation = 9};

	for (uint32_t i = 0; i < STEPS; i++)
		step();
	// Whatever the history, nothing is left of any user's rate, nor any line that draws on it.
	cr_assert(eq(int, relay_apply(r, &sweep, m.at), TP_STATUS_OK));
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		cr_assert(eq(u32, r->leases[slot].bucket[LEASE_TO_PEER].lines, 1));
	for (uint32_t u = 0; u < tp_users_for(ALLOCATIONS); u++) {
		cr_assert(eq(u64, r->users[u].rate.packets, 0));
		cr_assert(eq(u64, r->users[u].rate.bits, 0));
		cr_assert(eq(u32, r->users[u].bucket[0].lines, 0));
		cr_assert(eq(u32, r->users[u].bucket[1].lines, 0));
	}
}

Test(lease_history, channels_that_were_used_a_little_hoard_nothing)
{
	uint32_t n = 0;

	// Three packets on each of 300 channels, then all the rest on the last.
	for (uint32_t k = 0; k < CHANNELS; k++) {
		struct tp_command c = channel(0, peer_of(k), (uint16_t)(0x4000 + k));

		cr_assert(eq(int, relay_apply(r, &c, m.at), TP_STATUS_OK));
		for (int i = 0; i < 3; i++)
			n += on_channel(r, client_of(0), (uint16_t)(0x4000 + k), m.at).verdict ==
			     RELAY_PEER;
	}
	cr_assert(eq(u32, n, 3 * CHANNELS));
	while (on_channel(r, client_of(0), 0x4000 + CHANNELS - 1, m.at).verdict == RELAY_PEER)
		n++;
	cr_assert(le(u32, n, 3000));
	cr_assert(ge(u32, n, 3000 * 15 / 16));
}
