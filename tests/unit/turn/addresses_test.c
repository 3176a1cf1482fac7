// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Our own addresses have places in the vault's header, by which records name them.
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "../../../controlplane/turn/table.h"
#include "rig.h"

#define SLOTS 300u
#define RELAYS 3u

static int fd;
static struct table *table;
static struct tp_relay_address relays[RELAYS];

static struct tp_endpoint server_number(uint32_t n)
{
	return (struct tp_endpoint){
		.ip = rig_ip4(192, 0, (uint8_t)(n / 200), (uint8_t)(n % 200)), .port = 3478};
}

static struct tp_endpoint client_number(uint32_t n)
{
	return (struct tp_endpoint){.ip = rig_ip4(198, 51, 100, 1), .port = (uint16_t)(1 + n)};
}

static void set_relays(uint8_t a, uint8_t b, uint8_t c)
{
	const uint8_t last[RELAYS] = {a, b, c};

	for (uint32_t i = 0; i < RELAYS; i++)
		relays[i].local = relays[i].public_ = rig_ip4(203, 0, 113, last[i]);
}

static uint64_t open_table(void)
{
	const struct table_config config = {.allocations = SLOTS,
		.port_min = 1000,
		.port_max = 1999,
		.relays = relays,
		.relays_count = RELAYS};
	struct vault vault;
	uint64_t bad = 0;

	cr_assert_eq(vault_open(&vault, fd, SLOTS, 3 * SLOTS), 0);
	cr_assert_eq(table_create(&table, &vault, &config, &bad), 0);
	return bad;
}

static uint64_t restart(void)
{
	table_destroy(table);
	return open_table();
}

static void set_up(void)
{
	fd = memfd_create("vault", MFD_CLOEXEC);
	set_relays(1, 2, 3);
	cr_assert_eq(open_table(), 0u);
}

static void tear_down(void)
{
	table_destroy(table);
	close(fd);
}

TestSuite(turn_addresses, .init = set_up, .fini = tear_down);

static void check(void)
{
	char why[256];

	cr_assert_eq(table_check(table, why, sizeof(why)), 0, "%s", why);
}

// Client `n` at server `m`, on a relay address. Returns its slot or a negative errno.
static int allocate(uint32_t n, uint32_t m, uint8_t relay)
{
	const struct tp_endpoint client = client_number(n), server = server_number(m);
	struct tp_vault_allocation a = {
		.expires_ms = 1000, .client_ip = client.ip, .client_port = client.port};
	int place = table_keep_server(table, &server);
	uint32_t slot;

	if (place < 0)
		return place;
	a.server = (uint8_t)place;
	cr_assert_eq(table_add(table, &a, relay, n * 0x9e3779b1u, PORTS_ANY, &slot), 0);
	return (int)slot;
}

static void drop(uint32_t slot)
{
	table_drop(table, slot);
	table_dropped(table, slot);
}

static uint32_t found(uint32_t n, uint32_t m)
{
	const struct tp_endpoint client = client_number(n), server = server_number(m);

	return table_find(table, &client, &server, TP_UDP);
}

Test(turn_addresses, a_server_address_has_a_place_as_long_as_a_record_names_it)
{
	int slots[TP_VAULT_SERVERS];

	for (uint32_t i = 0; i < TP_VAULT_SERVERS; i++) {
		slots[i] = allocate(i, i, 0);
		cr_assert_geq(slots[i], 0);
	}
	check();
	cr_expect_eq(allocate(400, 400, 0), -ENOSPC);
	cr_expect_geq(allocate(401, 7, 0), 0);
	cr_expect_eq(restart(), 0u);
	for (uint32_t i = 0; i < TP_VAULT_SERVERS; i++)
		cr_assert_eq(found(i, i), (uint32_t)slots[i]);
	cr_expect_eq(allocate(400, 400, 0), -ENOSPC);
	// Named twice, and once.
	drop((uint32_t)slots[7]);
	cr_expect_eq(allocate(400, 400, 0), -ENOSPC);
	drop((uint32_t)slots[8]);
	cr_expect_geq(allocate(400, 400, 0), 0);
	cr_expect_eq(found(8, 8), TABLE_NONE);
	cr_expect_neq(found(400, 400), TABLE_NONE);
	cr_expect_neq(found(401, 7), TABLE_NONE);
	check();
}

Test(turn_addresses, a_server_address_that_a_client_moves_to_is_named_too)
{
	const struct tp_endpoint away = client_number(999), first = server_number(998),
				 second = server_number(999);
	const int moving = allocate(0, 0, 0);
	struct table_move before;

	for (uint32_t i = 1; i < TP_VAULT_SERVERS - 1; i++)
		cr_assert_geq(allocate(i, i, 0), 0);
	before = table_move_of(table, (uint32_t)moving);
	cr_assert_eq(table_begin_move(table, (uint32_t)moving, &away, &first), 0);
	check();
	cr_expect_eq(allocate(400, 400, 0), -ENOSPC);
	cr_expect_eq(table_begin_move(table, (uint32_t)moving, &away, &second), -ENOSPC);
	cr_expect(table_moving(table, (uint32_t)moving));
	check();
	cr_expect_eq(restart(), 0u);
	cr_expect_eq(table_find(table, &away, &first, TP_UDP), (uint32_t)moving);
	cr_expect_eq(allocate(400, 400, 0), -ENOSPC);
	// Back, and there again: each leaves a place.
	table_undo_move(table, (uint32_t)moving, &before);
	check();
	cr_assert_eq(table_begin_move(table, (uint32_t)moving, &away, &second), 0);
	table_end_move(table, (uint32_t)moving);
	check();
	cr_expect_eq(table_find(table, &away, &second, TP_UDP), (uint32_t)moving);
	cr_expect_eq(found(0, 0), TABLE_NONE);
	cr_expect_geq(allocate(400, 400, 0), 0);
	check();
}

Test(turn_addresses, a_move_whose_place_is_gone_is_not_gone_back_to)
{
	const struct tp_endpoint away = client_number(999), first = server_number(998);
	const uint32_t slot = (uint32_t)allocate(0, 0, 0);
	struct table_move moving;

	cr_assert_eq(table_begin_move(table, slot, &away, &first), 0);
	moving = table_move_of(table, slot);
	table_undo_move(table, slot, &(struct table_move){.mobility = moving.mobility & 1});
	for (uint32_t i = 1; i < TP_VAULT_SERVERS; i++)
		cr_assert_geq(allocate(i, i, 0), 0);
	table_undo_move(table, slot, &moving);
	cr_expect_not(table_moving(table, slot));
	cr_expect_eq(table_ticket(table, slot), 1u);
	cr_expect_eq(found(0, 0), slot);
	check();
}

Test(turn_addresses, a_relay_address_keeps_its_place_wherever_it_is_configured)
{
	const int a = allocate(1, 0, 0), b = allocate(2, 0, 1), c = allocate(3, 0, 2);
	const uint16_t port = table_record(table, (uint32_t)a)->relay_port;

	set_relays(3, 1, 2);
	cr_expect_eq(restart(), 0u);
	cr_expect_eq(table->slots[a].relay, 1u);
	cr_expect_eq(table->slots[b].relay, 2u);
	cr_expect_eq(table->slots[c].relay, 0u);
	cr_expect_eq(table_record(table, (uint32_t)a)->relay_port, port);
	cr_expect(table_is_relayed(table, &relays[1].local, port));
	check();
}

Test(turn_addresses, a_relay_address_that_is_not_configured_any_more_gives_way_with_its_records)
{
	// Many more than there are places.
	for (uint8_t n = 0; n < 100; n++) {
		const int kept = allocate(3u * n, 0, 1);

		allocate(3u * n + 1, 0, 0);
		allocate(3u * n + 2, 0, 2);
		check();
		set_relays((uint8_t)(100 + n), 2, (uint8_t)(101 + n));
		cr_assert_eq(restart(), n ? 1u : 2u);
		check();
		cr_assert_eq(table->live, n ? 2u : 1u);
		cr_assert_eq(found(3u * n, 0), (uint32_t)kept);
		drop((uint32_t)kept);
		if (n)
			drop(found(3u * n + 2, 0));
	}
}
