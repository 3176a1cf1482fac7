// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Peer records run short: nobody takes from others what is owed to them.
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../race/watch.h"
#include "rig.h"

#define SLOTS 32u
#define PEERS (3 * SLOTS)

static struct table *table;
static int fd;

static void open_table(void)
{
	static const struct tp_relay_address relay = {
		.local = {.w = {0, 0, TP_IP_MAPPED_PREFIX, 1}},
		.public_ = {.w = {0, 0, TP_IP_MAPPED_PREFIX, 1}}};
	struct table_config config = {.allocations = SLOTS,
		.port_min = 1000,
		.port_max = 1999,
		.relays = &relay,
		.relays_count = 1};
	struct vault vault;
	uint64_t bad = 0;

	cr_assert_eq(vault_open(&vault, fd, SLOTS, PEERS), 0);
	cr_assert_eq(table_create(&table, &vault, &config, &bad), 0);
	cr_assert_eq(bad, 0u);
}

static void set_up(void)
{
	fd = memfd_create("vault", MFD_CLOEXEC);
	open_table();
}

static void tear_down(void)
{
	table_destroy(table);
	close(fd);
}

TestSuite(turn_peers, .init = set_up, .fini = tear_down);

static void check(void)
{
	char why[256];

	cr_assert_eq(table_check(table, why, sizeof(why)), 0, "%s", why);
}

static uint32_t allocate(uint16_t n)
{
	const struct tp_endpoint server = {.ip = rig_ip4(192, 0, 2, 2), .port = 3478};
	struct tp_vault_allocation a = {.expires_ms = 1000,
		.client_ip = rig_ip4(192, 0, 2, 1),
		.client_port = (uint16_t)(1 + n),
		.server = (uint8_t)table_keep_server(table, &server)};
	uint32_t slot;

	cr_assert_eq(table_add(table, &a, 0, n, false, &slot), 0);
	return slot;
}

static int permit(uint32_t slot, uint32_t n)
{
	const struct tp_endpoint peer = {.ip = rig_ip4(93, 184, (uint8_t)(n >> 8), (uint8_t)n)};
	uint32_t index;

	return table_add_peer(table, slot, &peer, 0, 1000, &index);
}

Test(turn_peers, one_allocation_leaves_two_records_for_each_that_is_or_may_be_made)
{
	uint32_t greedy = allocate(0), taken = 0;

	while (permit(greedy, taken) == 0)
		taken++;
	cr_expect_eq(taken, 2 + PEERS - 2 * SLOTS);
	for (uint16_t i = 1; i < SLOTS; i++) {
		uint32_t slot = allocate(i);

		cr_expect_eq(permit(slot, 1), 0);
		cr_expect_eq(permit(slot, 2), 0);
		cr_expect_eq(permit(slot, 3), -ENOSPC);
	}
	cr_expect_eq(table->live_peers, PEERS);
	check();
	// What one gives up, another may have.
	table_remove_peer(table, table->slots[greedy].peers);
	cr_expect_eq(permit(greedy == 1 ? 2 : 1, 7), 0);
	check();
}

Test(turn_peers, in_any_history_every_allocation_can_have_what_is_owed_to_it)
{
	uint64_t seed = 88172645463325252;
	uint32_t refused = 0;

	for (uint32_t step = 0; step < 40000; step++) {
		uint64_t dice = random64(&seed) >> 20;
		uint32_t slot = (uint32_t)(dice % SLOTS), n = (uint32_t)(dice >> 8) % 64;

		if (table->slots[slot].state != SLOT_LIVE) {
			allocate((uint16_t)(step % 60000));
		} else if (n == 0) {
			table_drop(table, slot);
			table_dropped(table, slot);
		} else if (n < 20 && table->slots[slot].peers_count) {
			table_remove_peer(table, table->slots[slot].peers);
		} else {
			uint32_t count = table->slots[slot].peers_count;
			int err = permit(slot, step);

			cr_assert(!err || count >= TABLE_PEERS_OWED, "%u had %u", slot, count);
			refused += err != 0;
		}
		if (step % 1000 == 999) {
			table_destroy(table);
			open_table();
		}
		if (step % 64 == 0)
			check();
	}
	cr_expect_gt(refused, 1000u);
	check();
}

// The scan looks at nothing else before it looks at the record.
Test(turn_peers, one_is_due_once_it_is_over_and_not_before_wherever_the_clock_stands)
{
	for (uint64_t now_s = 0; now_s < 200000; now_s += now_s % 65536 < 65000 ? 997 : 1) {
		const uint64_t now_ms = 1000 * now_s + now_s % 1000;

		cr_assert_not(peer_due(0, now_ms));
		for (uint64_t ahead = 1; ahead <= 600000; ahead += 1999)
			cr_assert_not(peer_due(peer_expiry(now_ms + ahead), now_ms));
		// Two seconds: one is rounded up, and 0 is no expiry.
		for (uint64_t late = 2000; late <= now_ms && late < 36000000; late += 99991)
			cr_assert(peer_due(peer_expiry(now_ms - late), now_ms));
	}
}
