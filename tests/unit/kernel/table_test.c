// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The program's tables hold what was put and not dropped, as many entries as they are made for, wherever keys fall.

#include "fake.h"

#include <errno.h>
#include <stdlib.h>

#define ENTRIES 20000u
#define HOMES (2 * ENTRIES)
#define SOME 512u // keys of the random test, for half as many homes

static const struct xdp_hash hash = {{0x8c5a1f3d9e6b7a41, 0xb7d3e84c52f91a6b, 0x3f6d5b29c48e17a5,
	0x1c93ad70f26be854, 0xe20b47f5a8391dc6, 0x57f8c6139b0de42a}};

static struct table make(uint32_t homes)
{
	struct xdp_line *lines = calloc(xdp_lines(homes), sizeof(*lines));

	cr_assert(lines != NULL);
	return (struct table){lines, &hash, XDP_CLIENT_KEY, homes};
}

static struct xdp_line entry(struct tp_ip ip, uint16_t port, uint16_t channel, uint32_t destination)
{
	return (struct xdp_line){.until = destination + 1,
		.client = {.ip = ip,
			.port = port,
			.channel = channel,
			.server = 1,
			.destination = destination}};
}

static const struct xdp_line *look(const struct table *t, const struct xdp_line *e)
{
	return fake_find(t, &e->client.ip,
		xdp_client_word(e->client.port, e->client.channel, e->client.server));
}

// Keys as they come in life: by address, by port behind one address, by channel, and of IPv6.
static struct xdp_line keyed(unsigned int kind, uint32_t i)
{
	struct tp_ip ip = tp_ip4(TP_BE32(0x0a000000u + (kind == 0 ? i : 7)));

	if (kind == 3)
		ip = (struct tp_ip){.w = {TP_BE32(0x20010db8u), i / 256, 0, TP_BE32(i % 256)}};
	return entry(ip, (uint16_t)(kind == 1 ? 1024 + i : 5000),
		(uint16_t)(kind == 2 ? 0x4000 + i % 0x4000 : 0x4000), i);
}

Test(table, has_room_for_all_that_it_is_made_for)
{
	for (unsigned int kind = 0; kind < 4; kind++) {
		// There are no more channels.
		uint32_t n = kind == 2 ? 0x4000 : ENTRIES;
		struct table t = make(HOMES);

		for (uint32_t i = 0; i < n; i++) {
			struct xdp_line e = keyed(kind, i);

			cr_assert(eq(int, table_put(&t, &e), 0), "kind %u, %u", kind, i);
		}
		for (uint32_t i = 0; i < n; i++) {
			struct xdp_line e = keyed(kind, i);
			const struct xdp_line *found = look(&t, &e);

			cr_assert(found != NULL, "kind %u, %u", kind, i);
			cr_assert(eq(u32, found->client.destination, i));
			cr_assert(eq(u32, found->until, i + 1));
			cr_assert(eq(u32, found->sequence & 1, 0));
		}
		free(t.lines);
	}
}

Test(table, holds_what_was_put_last_and_not_dropped)
{
	struct table t = make(SOME / 2);
	uint32_t now[SOME] = {0}, state = 1; // what is there; 0: nothing

	for (uint32_t step = 1; step < 50000; step++) {
		uint32_t i;

		state = state * 1664525u + 1013904223u;
		i = (state >> 16) % SOME;
		struct xdp_line e = keyed(0, i);

		e.client.destination = step;
		if (state >> 30 || now[i]) {
			table_drop(&t, &e);
			now[i] = 0;
		} else if (table_put(&t, &e) == 0) {
			now[i] = step;
		}
		i = state % SOME;
		e = keyed(0, i);
		cr_assert(eq(int, look(&t, &e) != NULL, now[i] != 0));
		if (now[i])
			cr_assert(eq(u32, look(&t, &e)->client.destination, now[i]));
	}
	for (uint32_t i = 0; i < SOME; i++) {
		struct xdp_line e = keyed(0, i);

		table_drop(&t, &e);
	}
	for (uint32_t i = 0; i < xdp_lines(t.homes); i++) {
		cr_assert(eq(u64, t.lines[i].near, 0));
		cr_assert(eq(u64, t.lines[i].word[2], 0));
	}
	free(t.lines);
}

Test(table, an_entry_put_again_stays_where_it_is)
{
	struct table t = make(1);
	struct xdp_line a = keyed(0, 1), b = keyed(0, 2);

	cr_assert(eq(int, table_put(&t, &a), 0));
	cr_assert(eq(int, table_put(&t, &b), 0));
	// The first line becomes free: a lookup that has read `near` would not find an entry that moves.
	table_drop(&t, &a);
	cr_assert(eq(int, table_put(&t, &b), 0));
	cr_assert(eq(ptr, (void *)look(&t, &b), (void *)&t.lines[1]));
	cr_assert(eq(u64, t.lines[0].near, 2));
	free(t.lines);
}

Test(table, says_when_there_is_no_line_near_and_harms_nothing)
{
	struct table t = make(1);
	struct xdp_line e;

	for (uint32_t i = 0; i < XDP_NEAR; i++) {
		e = keyed(0, i);
		cr_assert(eq(int, table_put(&t, &e), 0));
	}
	e = keyed(0, XDP_NEAR);
	cr_assert(eq(int, table_put(&t, &e), -ENOSPC));
	table_drop(&t, &e);
	for (uint32_t i = 0; i < XDP_NEAR; i++) {
		e = keyed(0, i);
		cr_assert(look(&t, &e) != NULL);
	}
	free(t.lines);
}
