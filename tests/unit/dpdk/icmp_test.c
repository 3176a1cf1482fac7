// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// ICMP errors that arrive about what we sent, and those of our own.

#include <criterion/criterion.h>

#include "lab.h"

#define EVEN 50002u // relay port of worker 0, where there are two
#define CHANNEL 0x4001u

static struct lab lab;

static void begin(uint32_t workers, const char *placement)
{
	struct tp_endpoint client = lab_client(), peer = lab_peer();

	lab_start(&lab, workers, placement);
	lab_put_allocation(&lab, 0, &client, EVEN);
	lab_put_channel(&lab, 0, &peer, CHANNEL);
}

// "Time exceeded", from a router, about a datagram of ours.
static void arrive_error(uint32_t queue, struct tp_endpoint from, struct tp_endpoint to)
{
	struct rte_mbuf *about = lab_frame(&lab, &from, &to, "x", 1);
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab.plane.shared.pools.frames);
	const uint8_t *data = rte_pktmbuf_mtod(about, const uint8_t *);
	const struct tp_ip router = lab_peer().ip;
	struct frame f;

	frame_parse(&f, data, about->data_len, about->pkt_len, false);
	m->data_len = (uint16_t)frame_make_error(rte_pktmbuf_mtod(m, uint8_t *),
		FRAME_TIME_EXCEEDED, data, about->data_len, &f, &router, 0);
	m->pkt_len = m->data_len;
	memcpy(rte_pktmbuf_mtod(m, uint8_t *), lab.plane.shared.port[0].mac, 6);
	rte_pktmbuf_free(about);
	lab_arrive(&lab, queue, m);
}

static void arrive_last_hop(void)
{
	struct tp_endpoint client = lab_client(), server = lab_server();
	struct rte_mbuf *m = lab_frame(&lab, &client, &server, "\x40\x01\x00\x01x", 5);

	lab_set_ttl(m, 1);
	lab_arrive(&lab, 0, m);
}

Test(dpdk_icmp, an_error_at_another_worker_goes_to_the_owner)
{
	begin(2, "owner");
	arrive_error(1, lab_relayed(EVEN), lab_peer());
	lab_round(&lab, 1);
	cr_assert_null(lab_leaves(&lab, 1));
	lab_round(&lab, 0);
	cr_assert(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_icmp_relayed), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_client), 1);
}

Test(dpdk_icmp, an_error_about_what_no_client_asked_for_is_dropped)
{
	struct tp_endpoint stranger = lab_peer();

	begin(1, "every");
	stranger.ip.b[15]++;
	arrive_error(0, lab_relayed(EVEN), stranger);
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_peer_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_icmp_no_permission), 1);
}

Test(dpdk_icmp, an_error_about_an_answer_is_the_kernels)
{
	begin(1, "every");
	arrive_error(0, lab_server(), lab_client());
	lab_round(&lab, 0);
	cr_assert_eq(lab_count(&lab, TP_C_kernel_in_full), 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_packets), 0);
}

Test(dpdk_icmp, errors_of_our_own_have_a_budget_that_time_refills)
{
	begin(1, "every");
	for (uint32_t i = 0; i < 130; i++) {
		arrive_last_hop();
		lab_round(&lab, 0);
	}
	cr_assert_eq(lab_count(&lab, TP_C_icmp_errors_sent), 100);
	cr_assert_eq(lab_count(&lab, TP_C_icmp_errors_withheld), 30);
	worker_housekeeping(lab.w, LAB_NOW + 5);
	for (uint32_t i = 0; i < 7; i++) {
		arrive_last_hop();
		lab_round(&lab, 0);
	}
	cr_assert_eq(lab_count(&lab, TP_C_icmp_errors_sent), 105);
	cr_assert_eq(lab_count(&lab, TP_C_icmp_errors_withheld), 32);
	cr_assert_eq(lab_count(&lab, TP_C_client_ttl_expired), 137);
}
