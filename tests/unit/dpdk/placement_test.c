// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The test plays a NIC with a queue for each of several workers: packets of all relay ports, brought to
// the right queue and deliberately to a wrong one. Whatever happens, each is relayed exactly once.

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <handoff.h>
#include <rte_thash.h>

#include "lab.h"

#define PORTS 16u // relay ports 50000 to 50015, an allocation on each
#define FIRST 50000u
#define EACH 8u // packets to each
#define CHANNEL 0x4001u

static struct lab lab;

static struct tp_endpoint client(uint32_t slot)
{
	struct tp_endpoint e = lab_client();

	e.port = (uint16_t)(e.port + slot);
	return e;
}

// The arithmetic of a NIC, not the dataplane's.
static uint32_t right_queue(const char *placement, uint32_t workers, uint16_t port)
{
	uint8_t key[40];
	uint32_t word = (uint32_t)port << 16;

	if (strcmp(placement, "rss") != 0)
		return port % workers; // powers of two alone are tried
	for (uint32_t i = 0; i < sizeof(key); i++) {
		const char byte[3] = {LAB_KEY[2 * i], LAB_KEY[2 * i + 1]};

		key[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return rte_softrss(&word, 1, key) % 128 % workers;
}

static void populate(void)
{
	struct tp_endpoint peer = lab_peer();

	for (uint32_t slot = 0; slot < PORTS; slot++) {
		struct tp_endpoint c = client(slot);

		lab_client_worker(&lab, slot % lab.plane.workers);
		lab_put_allocation(&lab, slot, &c, (uint16_t)(FIRST + slot));
		lab_put_channel(&lab, slot, &peer, CHANNEL);
	}
}

static void rounds(void)
{
	for (uint32_t n = 0; n < 3 * lab.plane.workers; n++)
		lab_round(&lab, n % lab.plane.workers);
}

// A packet from the peer to each relay port, its number in it.
static void send_all(const char *placement, uint32_t number, uint32_t astray)
{
	uint32_t workers = lab.plane.workers;

	for (uint32_t slot = 0; slot < PORTS; slot++) {
		struct tp_endpoint from = lab_peer(), to = lab_relayed((uint16_t)(FIRST + slot));
		uint32_t queue = right_queue(placement, workers, to.port);
		uint8_t data[2] = {(uint8_t)slot, (uint8_t)number};

		lab_arrive(&lab, (queue + astray) % workers,
			lab_frame(&lab, &from, &to, data, sizeof(data)));
	}
}

// What left, by the worker that sent it.
static uint8_t times[PORTS][EACH];

static void take(const char *placement, uint32_t astray)
{
	uint32_t workers = lab.plane.workers;

	for (uint32_t w = 0; w < workers; w++)
		for (struct rte_mbuf *m; (m = lab_leaves(&lab, w)); rte_pktmbuf_free(m)) {
			const uint8_t *data = rte_pktmbuf_mtod_offset(m, const uint8_t *, 42);
			const struct tp_endpoint server = lab_server(), to = client(data[4]);
			uint8_t expected[6] = {0x40, 0x01, 0, 2, data[4], data[5]};
			uint32_t right = right_queue(
				placement, workers, (uint16_t)(FIRST + data[4]));

			cr_assert_lt(data[4], PORTS);
			cr_assert_lt(data[5], EACH);
			lab_expect(m, lab_client_mac, &server, &to, expected, sizeof(expected));
			times[data[4]][data[5]]++;
			if (strcmp(placement, "every") != 0)
				cr_assert_eq(w, right, "by another than its owner");
			else
				cr_assert_eq(w, (right + astray) % workers);
		}
}

struct params {
	uint32_t workers;
	char placement[8];
};

ParameterizedTestParameters(dpdk_placement, each_packet_is_relayed_once_and_by_its_owner)
{
	static struct params list[] = {
		{2, "every"}, {4, "every"}, {2, "owner"}, {4, "owner"}, {2, "rss"}, {4, "rss"}};

	return cr_make_param_array(struct params, list, sizeof(list) / sizeof(list[0]));
}

ParameterizedTest(struct params *p, dpdk_placement, each_packet_is_relayed_once_and_by_its_owner)
{
	bool owner = strcmp(p->placement, "every") != 0;
	uint32_t wrong = 0;

	lab_start(&lab, p->workers, p->placement);
	populate();
	for (uint32_t number = 0; number < EACH; number++) {
		uint32_t astray = number % p->workers; // the first, and each n-th, not at all

		send_all(p->placement, number, astray);
		rounds();
		take(p->placement, astray);
		wrong += astray ? PORTS : 0;
	}
	for (uint32_t slot = 0; slot < PORTS; slot++)
		for (uint32_t number = 0; number < EACH; number++)
			cr_assert_eq(times[slot][number], 1);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), owner ? wrong : 0);
	cr_assert_eq(lab_count(&lab, TP_C_peer_packets), PORTS * EACH);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_client), PORTS * EACH);
}

ParameterizedTestParameters(dpdk_placement, all_workers_own_relay_ports)
{
	static struct params list[] = {{2, "owner"}, {4, "owner"}, {2, "rss"}, {4, "rss"}};

	return cr_make_param_array(struct params, list, sizeof(list) / sizeof(list[0]));
}

ParameterizedTest(struct params *p, dpdk_placement, all_workers_own_relay_ports)
{
	uint32_t owned[LAB_WORKERS_MAX] = {0};

	lab_start(&lab, p->workers, p->placement);
	cr_assert_eq(lab.plane.shared.settings.common.capabilities.placement, TP_PLACEMENT_OWNER);
	for (uint32_t port = FIRST; port < FIRST + PORTS; port++) {
		uint32_t owner = handoff_owner(lab.w, 0, (uint16_t)port);

		cr_assert_eq(owner, right_queue(p->placement, p->workers, (uint16_t)port));
		owned[owner]++;
	}
	for (uint32_t w = 0; w < p->workers; w++)
		cr_assert_gt(owned[w], 0);
}

// A client's packets, which only its own worker can relay, find it over the rings in as many steps as
// there are workers between.
Test(dpdk_placement, a_clients_packets_at_each_of_four_workers_are_relayed_once)
{
	struct tp_endpoint server = lab_server(), peer = lab_peer();
	uint32_t steps = 0, relayed = 0;

	lab_start(&lab, 4, "owner");
	populate();
	for (uint32_t slot = 0; slot < PORTS; slot++)
		for (uint32_t queue = 0; queue < 4; queue++) {
			struct tp_endpoint c = client(slot);
			uint32_t owner = (FIRST + slot) % 4, own = slot % 4, at = queue;
			uint8_t data[6] = {0x40, 0x01, 0, 2, (uint8_t)slot, (uint8_t)queue};

			lab_arrive(&lab, queue, lab_frame(&lab, &c, &server, data, sizeof(data)));
			rounds();
			// The owner of its relay port knows its channels too.
			for (; at != own && at != owner; at = (at + 1) % 4)
				steps++;
			for (uint32_t w = 0; w < 4; w++)
				for (struct rte_mbuf *m; (m = lab_leaves(&lab, w));
					rte_pktmbuf_free(m), relayed++) {
					struct tp_endpoint from = lab_relayed(
						(uint16_t)(FIRST + slot));

					cr_assert_eq(w, at);
					lab_expect(m, lab_peer_mac, &from, &peer, data + 4, 2);
				}
		}
	cr_assert_eq(relayed, PORTS * 4);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), steps);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), PORTS * 4);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), PORTS * 4);
}
