// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The kernel's share of a worker, over an exception interface of rings.

#include <criterion/criterion.h>
#include <rte_eth_ring.h>

#include "lab.h"

#define CHANNEL 0x4001u
#define RING 256u

static struct lab lab;
static struct rte_ring *from_kernel, *to_kernel;

static void set_up(void)
{
	const struct rte_eth_conf conf = {0};
	struct tp_endpoint client = lab_client(), peer = lab_peer();
	struct port *port = &lab.plane.shared.port[0];
	int id;

	lab_start(&lab, 1, "every");
	lab_put_allocation(&lab, 0, &client, 50000);
	lab_put_channel(&lab, 0, &peer, CHANNEL);
	from_kernel = rte_ring_create("from_kernel", RING, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	to_kernel = rte_ring_create("to_kernel", RING, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	id = rte_eth_from_rings("kernel", &from_kernel, 1, &to_kernel, 1, 0);
	cr_assert_geq(id, 0);
	cr_assert_eq(rte_eth_dev_configure((uint16_t)id, 1, 1, &conf), 0);
	cr_assert_eq(
		rte_eth_rx_queue_setup((uint16_t)id, 0, 64, 0, NULL, lab.plane.shared.pools.frames),
		0);
	cr_assert_eq(rte_eth_tx_queue_setup((uint16_t)id, 0, 64, 0, NULL), 0);
	cr_assert_eq(rte_eth_dev_start((uint16_t)id), 0);
	port->exception = lab.w->kernel[0].device = (uint16_t)id;
	port->exception_rx_queues = 1;
}

TestSuite(dpdk_share, .init = set_up);

// So many frames that aren't TURN's.
static void flood(unsigned int n)
{
	struct tp_endpoint from = lab_client(), to = lab_server();

	to.port = 53;
	for (unsigned int i = 0; i < n; i++)
		lab_arrive(&lab, 0, lab_frame(&lab, &from, &to, "x", 1));
}

// Rounds of one millisecond until nothing comes of them.
static void rounds(uint64_t now)
{
	worker_housekeeping(lab.w, now);
	for (unsigned int i = 0; i < 2 * SHARE_MS / SHARE_ROUND; i++)
		worker_round(lab.w);
}

Test(dpdk_share, a_flood_of_frames_for_the_kernel_gets_its_share_and_no_more)
{
	uint64_t over;

	flood(250);
	worker_round(lab.w);
	cr_assert_eq(rte_ring_count(to_kernel), SHARE_ROUND);
	rounds(LAB_NOW);
	cr_assert_eq(rte_ring_count(to_kernel), SHARE_MS);
	cr_assert_eq(lab_count(&lab, TP_C_kernel_in), SHARE_MS);
	over = lab_count(&lab, TP_C_kernel_in_over);
	cr_assert_gt(over, 0);
	cr_assert_eq(over + SHARE_MS + lab.w->kernel[0].count, 250);
	rounds(LAB_NOW + 1);
	cr_assert_eq(lab_count(&lab, TP_C_kernel_in), 2 * SHARE_MS);
	rounds(LAB_NOW + 2);
	rounds(LAB_NOW + 3);
	cr_assert_eq(lab_count(&lab, TP_C_kernel_in), 250 - over);
	cr_assert_eq(lab_count(&lab, TP_C_kernel_in_over), over);
	cr_assert_eq(lab_count(&lab, TP_C_kernel_in_full), 0);
}

Test(dpdk_share, what_waits_for_its_share_is_work_and_keeps_its_order)
{
	uint8_t last = 0;
	void *m;

	for (uint8_t i = 1; i <= 20; i++) {
		struct tp_endpoint from = lab_client(), to = lab_server();

		to.port = 53;
		lab_arrive(&lab, 0, lab_frame(&lab, &from, &to, &i, 1));
	}
	cr_assert_eq(worker_round(lab.w), 20 + 20 - SHARE_ROUND);
	cr_assert_eq(worker_round(lab.w), 20 - 2 * SHARE_ROUND);
	cr_assert_eq(worker_round(lab.w), 0);
	while (rte_ring_dequeue(to_kernel, &m) == 0) {
		cr_assert_eq(rte_pktmbuf_mtod((struct rte_mbuf *)m, uint8_t *)[42], ++last);
		rte_pktmbuf_free(m);
	}
	cr_assert_eq(last, 20);
}

Test(dpdk_share, relaying_goes_on_beside_a_flood)
{
	struct tp_endpoint client = lab_client(), server = lab_server(), peer = lab_peer(),
			   relayed = lab_relayed(50000);
	struct rte_mbuf *m;

	flood(250);
	for (unsigned int i = 0; i < 16; i++)
		worker_round(lab.w);
	cr_assert_gt(lab_count(&lab, TP_C_kernel_in_over), 0);
	lab_arrive(&lab, 0, lab_frame(&lab, &client, &server, "\x40\x01\x00\x01y", 5));
	worker_round(lab.w);
	m = lab_leaves(&lab, 0);
	lab_expect(m, lab_peer_mac, &relayed, &peer, "y", 1);
	rte_pktmbuf_free(m);
}

Test(dpdk_share, the_kernel_sends_its_share_and_the_rest_stays_with_it)
{
	struct tp_endpoint from = lab_server(), to = lab_client();

	for (unsigned int i = 0; i < 100; i++)
		cr_assert_eq(rte_ring_enqueue(from_kernel, lab_frame(&lab, &from, &to, "x", 1)), 0);
	cr_assert_eq(worker_round(lab.w), SHARE_ROUND);
	rounds(LAB_NOW);
	cr_assert_eq(lab_count(&lab, TP_C_kernel_out), SHARE_MS);
	cr_assert_eq(rte_ring_count(from_kernel), 100 - SHARE_MS);
	rounds(LAB_NOW + 1);
	cr_assert_eq(lab_count(&lab, TP_C_kernel_out), 100);
}
