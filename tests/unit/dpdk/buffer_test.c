// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Buffers: that there are enough whatever comes, where a frame's comes from, what becomes of what has none.

#include <criterion/criterion.h>
#include <fragment.h>
#include <handoff.h>

#include "lab.h"

#define PORT 50003u
#define CHANNEL 0x4001u

static struct lab lab;

static void bound(void)
{
	struct tp_endpoint client = lab_client(), peer = lab_peer();

	lab_start(&lab, 1, "every");
	lab_put_allocation(&lab, 0, &client, PORT);
	lab_put_channel(&lab, 0, &peer, CHANNEL);
}

TestSuite(dpdk_buffer, .init = bound);

static unsigned int available(void)
{
	return rte_mempool_avail_count(lab.plane.shared.pools.frames);
}

static void cut_and_arrive(struct rte_mbuf *whole, uint16_t mtu, int skip)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];
	int n = fragment(whole, mtu, 7, lab.plane.shared.pools.frames, parts);

	rte_pktmbuf_free(whole);
	cr_assert_gt(n, 1);
	for (int i = 0; i < n; i++) {
		if (i == skip)
			rte_pktmbuf_free(parts[i]);
		else
			lab_arrive(&lab, 0, parts[i]);
	}
}

// A port may give all the buffers of a burst back to the pool of its first.
Test(dpdk_buffer, what_was_put_together_and_shrank_leaves_in_a_buffer_of_the_ports)
{
	struct tp_endpoint client = lab_client(), server = lab_server(), peer = lab_peer(),
			   relayed = lab_relayed(PORT);
	static uint8_t payload[3000] = {0x40, 0x01, 0, 5, 'h', 'e', 'l', 'l', 'o'};
	unsigned int before = available();
	struct rte_mempool *big = lab.plane.shared.pools.big;
	struct rte_mbuf *whole = rte_pktmbuf_alloc(big), *m;

	m = lab_frame_in(&lab, whole, &client, &server, payload, sizeof(payload));
	cut_and_arrive(m, 1500, -1);
	lab_round(&lab, 0);
	m = lab_leaves(&lab, 0);
	lab_expect(m, lab_peer_mac, &relayed, &peer, "hello", 5);
	cr_assert_eq(m->pool, lab.plane.shared.pools.frames);
	rte_pktmbuf_free(m);
	cr_assert_eq(available(), before);
	cr_assert_eq(rte_mempool_avail_count(big), big->size);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 1);
}

// As many datagrams as may be incomplete, each with as many pieces as it may have but the last.
Test(dpdk_buffer, fragments_that_never_become_whole_leave_enough_for_all_the_rest)
{
	const struct settings *s = &lab.plane.shared.settings;
	struct tp_endpoint client = lab_client(), server = lab_server();
	static uint8_t payload[400] = {0x40, 0x01};
	uint32_t n = DEFRAG_DATAGRAMS + 100;

	for (uint32_t i = 0; i < n; i++) {
		client.ip.w[3] = rte_cpu_to_be_32(0x0a000000 + i);
		cut_and_arrive(lab_frame(&lab, &client, &server, payload, sizeof(payload)), 76, 1);
		lab_round(&lab, 0);
	}
	cr_assert_geq(lab_count(&lab, TP_C_fragments), 7ull * n);
	cr_assert_geq(available(),
		2 * (s->rx_ring + s->tx_ring) + 2 * OUT_MAX + WAITING_MAX + HANDOFF_RING,
		"rings of port and exception, both on their way out, waiting, handed over");
}

Test(dpdk_buffer, what_a_full_ring_did_not_take_is_given_back)
{
	struct tp_endpoint client = lab_client(), server = lab_server();
	struct rte_mbuf *filler = rte_pktmbuf_alloc(lab.plane.shared.pools.frames);
	unsigned int before = available();

	while (rte_ring_enqueue(lab.out[0], filler) == 0)
		;
	lab_arrive(&lab, 0, lab_frame(&lab, &client, &server, "\x40\x01\x00\x01x", 5));
	lab_round(&lab, 0);
	cr_assert_eq(lab_count(&lab, TP_C_client_tx_full), 1);
	cr_assert_eq(available(), before);
}

static uint64_t client_sum(void)
{
	uint64_t sum = lab_count(&lab, TP_C_relayed_to_peer) + lab_count(&lab, TP_C_punted);

#define X(name, text) sum += lab_count(&lab, TP_C_##name);
	TP_CLIENT_DROPS(X)
#undef X
	return sum;
}

static void take_all(unsigned int but)
{
	struct rte_mempool *pool = lab.plane.shared.pools.frames;

	for (unsigned int n = available(); n > but; n--)
		cr_assert(rte_pktmbuf_alloc(pool));
}

static void arrive_large(uint16_t mtu)
{
	struct tp_endpoint client = lab_client(), server = lab_server(), peer = lab_peer();
	uint8_t payload[1004] = {0x40, 0x01, 1000 >> 8, 1000 & 0xff};
	struct rte_mbuf *m = lab_frame(&lab, &client, &server, payload, sizeof(payload));

	hops_set(lab.plane.shared.nexthops, &peer.ip, NEXTHOP_READY, lab_peer_mac, mtu);
	lab_set_dont_fragment(m, false);
	lab_arrive(&lab, 0, m);
}

// 30 datagrams of 5 pieces: more than is sent at once.
Test(dpdk_buffer, a_round_may_send_more_than_a_burst)
{
	for (unsigned int i = 0; i < 30; i++)
		arrive_large(236);
	lab_round(&lab, 0);
	for (unsigned int i = 0; i < 30 * 5; i++)
		cr_assert(lab_leaves(&lab, 0));
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 30);
	cr_assert_eq(lab_count(&lab, TP_C_fragments_sent), 30 * 5);
}

Test(dpdk_buffer, what_cannot_be_cut_for_want_of_buffers_is_a_clients_drop)
{
	arrive_large(576);
	take_all(1);
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_tx_full), 1);
	cr_assert_eq(client_sum(), 1);
}

Test(dpdk_buffer, an_icmp_error_without_a_buffer_is_withheld)
{
	struct tp_endpoint client = lab_client(), server = lab_server();
	struct rte_mbuf *m = lab_frame(&lab, &client, &server, "\x40\x01\x00\x01x", 5);

	lab_set_ttl(m, 1);
	lab_arrive(&lab, 0, m);
	take_all(0);
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_client_ttl_expired), 1);
	cr_assert_eq(lab_count(&lab, TP_C_icmp_errors_withheld), 1);
}

Test(dpdk_buffer, what_eal_is_asked_for_holds_as_many_buffers_as_were_asked_for)
{
	const struct rte_mempool *pool = lab.plane.shared.pools.frames;
	struct settings s = lab.plane.shared.settings;
	uint32_t each = pool->header_size + pool->elt_size + pool->trailer_size;

	s.mbufs = 1u << 22;
	cr_assert_gt(each, 2048, "so that a page of 4 KB holds one");
	cr_assert_geq((uint64_t)pools_megabytes(&s) << 20, (uint64_t)s.mbufs * 4096);
}
