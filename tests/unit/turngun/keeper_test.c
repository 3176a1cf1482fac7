// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What is asked for again, and when, over a wire of memory.

#include <criterion/criterion.h>

#include <string.h>

#include <turnpike/ip.h>
#include <turnpike/wire.h>

#include "keeper.h"

#define SECOND 1000000000ull
#define PERIOD 120u // seconds
#define CLIENTS 60u
#define FLOWS (2 * CLIENTS)
#define COUNT (CLIENTS + FLOWS)

static struct options options;
static struct population population;
static struct credentials credentials;
static struct keeper keeper;
static struct wire wire;
static uint8_t out[WIRE_BURST][REQUEST_MAX];
static uint32_t refreshes, binds, permissions, others;
static bool answers;
static uint8_t queue[4096][20]; // answers that are to be given
static uint32_t queued;

static bool prepare(struct wire *, struct departure *d, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		d[i].data = out[i];
	return true;
}

static uint32_t transmit(struct wire *, struct departure *d, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t type = tp_get16(d[i].data);

		refreshes += type == TP_STUN_REFRESH;
		binds += type == TP_STUN_CHANNEL_BIND;
		permissions += type == TP_STUN_CREATE_PERMISSION;
		others += type != TP_STUN_REFRESH && type != TP_STUN_CHANNEL_BIND &&
			  type != TP_STUN_CREATE_PERMISSION;
		if (!answers)
			continue;
		memcpy(queue[queued], d[i].data, 20);
		tp_put16(queue[queued], (uint16_t)(type | 0x0100)); // a success response
		tp_put16(queue[queued] + 2, 0);
		queued++;
	}
	return n;
}

static const struct wire_ops ops = {.prepare = prepare, .send = transmit};

static void setup(void)
{
	wire.ops = &ops;
	answers = true;
	options = (struct options){.clients = CLIENTS,
		.peers = 4,
		.channels = 2,
		.refresh = PERIOD,
		.indications = 0.5,
		.server = {tp_ip4(TP_BE32(0xc6336401)), 3478},
		.clients_from = {{tp_ip4(TP_BE32(0xc000020a)), 1000}, 1},
		.peers_from = {{tp_ip4(TP_BE32(0xcb007101)), 2000}, 1}};
	cr_assert_eq(population_make(&population, &options), 0);
	population_pretend(&population);
	cr_assert_eq(population.flows, FLOWS);
	cr_assert_eq(keeper_begin(&keeper, &wire, &population, &credentials, SECOND), 0);
}

static void step(uint64_t now)
{
	keeper_step(&keeper, now);
	for (uint32_t i = 0; i < queued; i++) {
		struct arrival a = {.data = queue[i], .length = sizeof(queue[i])};

		cr_assert(keeper_take(&keeper, &a, now));
	}
	queued = 0;
}

static uint32_t asked(void)
{
	return refreshes + binds + permissions;
}

Test(turngun_keeper, everything_is_asked_for_once_in_a_period_and_evenly, .init = setup)
{
	for (uint64_t s = 1; s <= PERIOD; s++) {
		step((1 + s) * SECOND);
		cr_assert_geq(asked() + 1, s * COUNT / PERIOD);
		cr_assert_leq(asked(), s * COUNT / PERIOD);
	}
	cr_assert_eq(refreshes, CLIENTS);
	cr_assert_eq(binds + permissions, FLOWS);
	cr_assert(binds > 0 && permissions > 0);
	cr_assert_eq(others, 0);
}

Test(turngun_keeper, the_next_period_asks_for_everything_again, .init = setup)
{
	for (uint64_t s = 1; s <= 3 * PERIOD; s++)
		step((1 + s) * SECOND);
	cr_assert_eq(refreshes, 3 * CLIENTS);
	cr_assert_eq(binds + permissions, 3 * FLOWS);
}

Test(turngun_keeper, after_a_long_pause_everything_is_asked_for_once, .init = setup)
{
	for (uint64_t k = 0; k < 100; k++)
		step((10 * PERIOD) * SECOND + k);
	cr_assert_eq(asked(), COUNT);
}

Test(turngun_keeper, nothing_is_due_at_the_beginning, .init = setup)
{
	step(SECOND);
	cr_assert_eq(asked(), 0);
}

Test(turngun_keeper, what_is_not_answered_is_sent_again_and_holds_so_many_slots_at_most,
	.init = setup)
{
	answers = false;
	step((PERIOD / 2) * SECOND);
	cr_assert_eq(asked(), KEEPER_SLOTS);
	step((PERIOD / 2 + 1) * SECOND);
	cr_assert_eq(asked(), 2 * KEEPER_SLOTS);
	cr_assert_eq(keeper.result.retransmissions, KEEPER_SLOTS);
}

Test(turngun_keeper, what_was_never_made_is_not_asked_for, .init = setup)
{
	population.client[0].relayed.port = 0;
	for (uint64_t s = 1; s <= PERIOD; s++)
		step((1 + s) * SECOND);
	cr_assert_eq(refreshes, CLIENTS - 1);
	cr_assert_eq(binds + permissions, FLOWS - 2);
}

Test(turngun_keeper, an_answer_to_nobody_is_not_the_keepers, .init = setup)
{
	uint8_t strange[20] = {0x01, 0x04, [4] = 0x21, 0x12, 0xa4, 0x42};
	struct arrival a = {.data = strange, .length = sizeof(strange)};

	cr_assert_not(keeper_take(&keeper, &a, SECOND));
}
