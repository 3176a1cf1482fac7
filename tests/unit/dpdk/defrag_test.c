// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Fragments that arrive: whole datagrams come of them or drops, whoever sent them. Every one is counted once
// as joined or dropped.

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fragment.h>
#include <rte_ip.h>

#include "lab.h"

#define PORT 50003u
#define CHANNEL 0x4001u
#define PIECES 8u // of one datagram, at most

static struct lab lab;
static unsigned int before;

static void bound(void)
{
	struct tp_endpoint client = lab_client(), peer = lab_peer();

	lab_start(&lab, 1, "every");
	lab_put_allocation(&lab, 0, &client, PORT);
	lab_put_channel(&lab, 0, &peer, CHANNEL);
	before = rte_mempool_avail_count(lab.plane.shared.pools.frames);
}

// Nothing is held, nothing was lost count of.
static void settled(uint64_t joined, uint64_t dropped)
{
	struct rte_mempool *big = lab.plane.shared.pools.big;

	cr_assert_eq(lab_count(&lab, TP_C_fragments), joined + dropped);
	cr_assert_eq(lab_count(&lab, TP_C_fragments_joined), joined);
	cr_assert_eq(lab_count(&lab, TP_C_fragment_dropped), dropped);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(rte_mempool_avail_count(lab.plane.shared.pools.frames), before);
	cr_assert_eq(rte_mempool_avail_count(big), big->size);
}

TestSuite(dpdk_defrag, .init = bound);

static struct rte_ipv4_hdr *ip_of(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
}

static void seal(struct rte_ipv4_hdr *ip)
{
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

// ChannelData of `length` bytes from the client, cut for this MTU. Returns how many pieces.
static int cut(uint32_t length, uint16_t port, uint16_t mtu, struct rte_mbuf **parts)
{
	static uint8_t payload[4 + 4000];
	struct tp_endpoint client = lab_client(), server = lab_server();
	struct rte_mbuf *whole = rte_pktmbuf_alloc(lab.plane.shared.pools.big);
	int n;

	server.port = port;
	for (uint32_t i = 0; i < length; i++)
		payload[4 + i] = (uint8_t)(i * 13);
	memcpy(payload, (uint8_t[]){0x40, 0x01, (uint8_t)(length >> 8), (uint8_t)length}, 4);
	whole = lab_frame_in(&lab, whole, &client, &server, payload, 4 + length);
	n = fragment(whole, mtu, 7, lab.plane.shared.pools.frames, parts);
	rte_pktmbuf_free(whole);
	cr_assert_gt(n, 1);
	return n;
}

static void arrive(struct rte_mbuf **parts, int n)
{
	for (int i = 0; i < n; i++)
		lab_arrive(&lab, 0, parts[i]);
	lab_round(&lab, 0);
}

// A piece made by hand, from an offset on, in a buffer that is large enough.
static void arrive_piece(uint32_t offset, uint32_t length, bool more)
{
	static uint8_t data[9000];
	struct tp_endpoint client = lab_client(), server = lab_server();
	struct rte_mbuf *m = rte_pktmbuf_alloc(
		length > 1400 ? lab.plane.shared.pools.big : lab.plane.shared.pools.frames);

	// The UDP header that lab_frame_in() makes is the piece's first 8 bytes.
	m = lab_frame_in(&lab, m, &client, &server, data, length - 8);
	ip_of(m)->packet_id = 7;
	ip_of(m)->fragment_offset = rte_cpu_to_be_16(
		(uint16_t)(offset / 8 | (more ? RTE_IPV4_HDR_MF_FLAG : 0)));
	seal(ip_of(m));
	lab_arrive(&lab, 0, m);
}

Test(dpdk_defrag, what_came_in_fragments_with_df_may_leave_in_fragments)
{
	struct tp_endpoint peer = lab_peer();
	struct rte_mbuf *parts[FRAGMENTS_MAX];
	int n = cut(1000, 3478, 600, parts);

	hops_set(lab.plane.shared.nexthops, &peer.ip, NEXTHOP_READY, lab_peer_mac, 576);
	for (int i = 0; i < n; i++) {
		ip_of(parts[i])->fragment_offset |= rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
		seal(ip_of(parts[i]));
	}
	arrive(parts, n);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 1);
	cr_assert_eq(lab_count(&lab, TP_C_fragments_sent), 2);
	rte_pktmbuf_free(lab_leaves(&lab, 0));
	rte_pktmbuf_free(lab_leaves(&lab, 0));
	settled((uint64_t)n, 0);
}

static struct tp_ip ip6(const char *text)
{
	struct tp_ip ip;

	cr_assert_eq(inet_pton(AF_INET6, text, ip.b), 1);
	return ip;
}

// Two fragments of one datagram.
static void two(struct rte_mbuf **parts, bool v6)
{
	struct tp_endpoint client = lab_client(), server = lab_server();
	static uint8_t payload[1400];
	struct rte_mbuf *whole = rte_pktmbuf_alloc(lab.plane.shared.pools.frames);

	if (v6) {
		client.ip = ip6("2001:db8::7");
		server.ip = ip6("2001:db8::1");
	}
	whole = lab_frame_in(&lab, whole, &client, &server, payload, sizeof(payload));
	cr_assert_eq(fragment(whole, 1280, 7, lab.plane.shared.pools.frames, parts), 2);
	rte_pktmbuf_free(whole);
}

static void mark(struct rte_mbuf *m, bool v6, uint8_t tos)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, 14);

	if (v6) {
		ip[0] = 0x60 | tos >> 4;
		ip[1] = (uint8_t)(ip[1] & 0x0f) | (uint8_t)(tos << 4);
	} else {
		ip[1] = tos;
		seal(ip_of(m));
	}
}

static struct rte_mbuf *add(struct rte_mbuf *m)
{
	struct frame f;

	frame_parse(&f, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len, false);
	cr_assert_eq(f.kind, FRAME_FRAGMENT);
	return defrag_add(lab.w, m, &f);
}

// RFC 3168 section 5.3. DSCP is the first fragment's.
Test(dpdk_defrag, marks_of_congestion_on_any_fragment_are_the_datagrams)
{
	static const struct {
		uint8_t first, second, whole; // 0xff: dropped
	} cases[] = {{0, 0, 0}, {2, 2, 2}, {2, 3, 3}, {3, 2, 3}, {1, 3, 3}, {3, 3, 3}, {0, 2, 0},
		{2, 0, 2}, {0, 3, 0xff}, {3, 0, 0xff}};
	const uint8_t dscp = 0xb8;
	uint64_t joined = 0, dropped = 0;

	for (unsigned int i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++) {
		bool v6 = i & 1, swapped = i & 2;
		struct rte_mbuf *parts[FRAGMENTS_MAX], *m;
		struct frame f;

		two(parts, v6);
		mark(parts[0], v6, dscp | cases[i / 4].first);
		mark(parts[1], v6, cases[i / 4].second);
		cr_assert_null(add(parts[swapped]));
		m = add(parts[!swapped]);
		if (cases[i / 4].whole == 0xff) {
			cr_assert_null(m, "case %u", i);
			dropped += 2;
			continue;
		}
		cr_assert(m, "case %u", i);
		frame_parse(
			&f, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len, true);
		cr_assert_eq(f.kind, FRAME_UDP);
		cr_assert_eq(f.tos, dscp | cases[i / 4].whole, "case %u: %x", i, f.tos);
		rte_pktmbuf_free(m);
		joined += 2;
	}
	settled(joined, dropped);
}

// Just too large for a port's buffer, and just not.
Test(dpdk_defrag, a_datagram_has_a_buffer_that_it_fits_in_to_the_byte)
{
	for (uint32_t frame = RTE_MBUF_DEFAULT_DATAROOM - 1; frame <= RTE_MBUF_DEFAULT_DATAROOM + 2;
		frame++) {
		struct rte_mbuf *parts[FRAGMENTS_MAX], *m;
		uint32_t length = frame - 14 - 20 - 8 - 4;

		arrive(parts, cut(length, 3478, 1500, parts));
		for (int i = 0; i < 2; i++) {
			m = lab_leaves(&lab, 0);
			cr_assert(m);
			rte_pktmbuf_free(m);
		}
	}
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 4);
	settled(8, 0);
}

Test(dpdk_defrag, what_does_not_become_whole_in_time_is_dropped)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];
	int n = cut(1000, 3478, 600, parts);

	arrive(parts, n - 1);
	cr_assert_eq(lab_count(&lab, TP_C_fragment_dropped), 0);
	worker_housekeeping(lab.w, LAB_NOW + DEFRAG_MS);
	cr_assert_eq(lab_count(&lab, TP_C_fragment_dropped), 0);
	worker_housekeeping(lab.w, LAB_NOW + DEFRAG_MS + 10);
	rte_pktmbuf_free(parts[n - 1]);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 0);
	settled(0, (uint64_t)n - 1);
}

Test(dpdk_defrag, pieces_that_overlap_are_dropped_all)
{
	arrive_piece(0, 400, true);
	arrive_piece(200, 400, true);
	arrive_piece(800, 200, false);
	lab_round(&lab, 0);
	settled(0, 3);
}

// So many bytes as the last piece promises, some of them twice: found out when the end is together.
Test(dpdk_defrag, pieces_with_a_hole_are_dropped_and_all_of_them_counted)
{
	arrive_piece(0, 400, true);
	arrive_piece(600, 200, true);
	arrive_piece(408, 200, true);
	arrive_piece(800, 100, false);
	lab_round(&lab, 0);
	settled(0, 4);
}

Test(dpdk_defrag, a_piece_that_comes_twice_costs_the_datagram)
{
	arrive_piece(0, 400, true);
	arrive_piece(0, 400, true);
	lab_round(&lab, 0);
	settled(0, 2);
}

Test(dpdk_defrag, more_pieces_than_a_datagram_may_have_are_dropped)
{
	for (uint32_t i = 0; i < PIECES; i++)
		arrive_piece(i * 400, 400, true);
	lab_round(&lab, 0);
	worker_housekeeping(lab.w, LAB_NOW + DEFRAG_MS + 10);
	settled(0, PIECES);
}

Test(dpdk_defrag, more_than_a_datagram_can_hold_is_dropped)
{
	for (uint32_t i = 0; i < 7; i++)
		arrive_piece(i * 9000, 9000, true);
	arrive_piece(63000, 4000, false);
	lab_round(&lab, 0);
	cr_assert_eq(lab_count(&lab, TP_C_fragment_too_large), 1);
	settled(8, 0);
}

// A UDP header that says more than there is.
Test(dpdk_defrag, what_is_malformed_as_a_whole_is_dropped)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];
	int n = cut(1000, 3478, 600, parts);

	((uint8_t *)(ip_of(parts[0]) + 1))[4]++;
	arrive(parts, n);
	cr_assert_eq(lab_count(&lab, TP_C_frame_malformed), 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 0);
	settled((uint64_t)n, 0);
}

Test(dpdk_defrag, fragments_of_anything_but_udp_are_the_kernels)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];
	int n = cut(1000, 3478, 600, parts);

	for (int i = 0; i < n; i++) {
		ip_of(parts[i])->next_proto_id = IPPROTO_ICMP;
		seal(ip_of(parts[i]));
	}
	arrive(parts, n);
	cr_assert_eq(lab_count(&lab, TP_C_kernel_in_full), (uint64_t)n);
	settled(0, 0);
}

Test(dpdk_defrag, a_datagram_that_is_none_of_ours_goes_to_the_kernel_in_fragments_again)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];
	int n = cut(3000, 53, 800, parts); // 3012 bytes of UDP: 3 pieces of at most 1480

	arrive(parts, n);
	cr_assert_eq(lab_count(&lab, TP_C_kernel_in_full), 3);
	settled((uint64_t)n, 0);
}
