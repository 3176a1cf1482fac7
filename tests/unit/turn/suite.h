// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What every file of TURN tests begins with: a rig for each test, checked at its end.
#pragma once

#include <criterion/criterion.h>

#include "rig.h"

static struct rig rig;

static inline void suite_init(void)
{
	rig_defaults(&rig);
	rig_start(&rig);
}

static inline void suite_fini(void)
{
	rig_stop(&rig);
}

// Begins again with the defaults as these expressions change them.
#define SUITE_CONFIGURED(...) \
	do { \
		rig_stop(&rig); \
		rig_defaults(&rig); \
		__VA_ARGS__; \
		rig_start(&rig); \
	} while (0)

// Three peers that anybody may reach.
static const struct tp_endpoint peer_a = {
	.ip = {.w = {0, 0, TP_IP_MAPPED_PREFIX, TP_BE32(0x5db8d822)}}, .port = 5000};
static const struct tp_endpoint peer_b = {
	.ip = {.w = {0, 0, TP_IP_MAPPED_PREFIX, TP_BE32(0x5db8d823)}}, .port = 5000};
static const struct tp_endpoint peer6 = {
	.ip = {.w = {TP_BE32(0x26001234), 0, 0, TP_BE32(0x34)}}, .port = 5000};

static inline struct tp_endpoint client_number(uint16_t n)
{
	struct tp_endpoint e = rig_client;

	e.port = (uint16_t)(10000 + n);
	return e;
}

static inline const struct told *last(void)
{
	return rig_told(&rig, 0);
}

static inline uint64_t counted(enum tp_control_counter c)
{
	return tp_counter(&rig.counters, c);
}

static inline uint32_t free_ports(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rig.table->relays_count; i++)
		n += rig.table->relays[i].ports.free;
	return n;
}

// That nothing is left of any allocation, here or in the dataplane.
static inline void expect_nothing(void)
{
	cr_expect_eq(rig.table->live, 0u);
	cr_expect_eq(rig.table->dropping, 0u);
	cr_expect_eq(rig.table->live_peers, 0u);
	cr_expect_eq(free_ports(), 3 * 64u);
	cr_expect_eq(rig.table->reservations.used, 0u);
	cr_expect_eq(rig.table->holders.used, 0u);
	cr_expect_eq(rig.table->by_address.used, 0u);
	cr_expect_eq(mirror_count(&rig.mirror), 0u);
	cr_expect_eq(rig_check(&rig, true), 0);
}
