// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <forward.h>
#include <fragment.h>
#include <rte_ip.h>

#include "lab.h"

static struct lab lab;

static void start(void)
{
	lab_start(&lab, 1, "every");
}

TestSuite(dpdk_fragment, .init = start);

static struct tp_endpoint endpoint6(uint8_t last)
{
	return (struct tp_endpoint){
		.ip.b = {0x20, 0x01, 0x0d, 0xb8, [15] = last}, .port = 1000u + last};
}

static int cut(bool is4, uint32_t length, uint16_t mtu, struct rte_mbuf *out[FRAGMENTS_MAX])
{
	struct tp_endpoint from = is4 ? lab_client() : endpoint6(1);
	struct tp_endpoint to = is4 ? lab_server() : endpoint6(2);
	static uint8_t payload[1500];
	struct rte_mbuf *m;
	int n;

	for (uint32_t i = 0; i < length; i++)
		payload[i] = (uint8_t)(i * 7);
	m = lab_frame(&lab, &from, &to, payload, length);
	n = fragment(m, mtu, 0x01020304, lab.plane.shared.pools.frames, out);
	rte_pktmbuf_free(m);
	return n;
}

Test(dpdk_fragment, ipv4_fragments_have_good_headers_and_all_the_data)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];
	uint32_t offset = 0;
	int n = cut(true, 1000, 400, parts); // 1008 bytes: 376, 376, 256

	cr_assert_eq(n, 3);
	for (int i = 0; i < n; i++) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(
			parts[i], struct rte_ipv4_hdr *, 14);
		uint16_t length = (uint16_t)(rte_be_to_cpu_16(ip->total_length) - 20);

		cr_assert_eq(parts[i]->pkt_len, 34u + length);
		cr_assert_leq(20 + length, 400);
		cr_assert_eq(rte_be_to_cpu_16(ip->fragment_offset),
			offset / 8 | (i < n - 1 ? 0x2000 : 0));
		cr_assert_eq(rte_ipv4_cksum(ip), 0, "the sum over a good header is 0");
		for (uint32_t k = 0; k < length; k++)
			if (offset + k >= 8)
				cr_assert_eq(*rte_pktmbuf_mtod_offset(parts[i], uint8_t *, 34 + k),
					(uint8_t)((offset + k - 8) * 7));
		offset += length;
	}
	cr_assert_eq(offset, 1008);
}

Test(dpdk_fragment, ipv6_fragments_are_at_most_1280_bytes_whatever_the_mtu)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];
	int n = cut(false, 1400, 1500, parts); // 1408 bytes: 1232 and 176
	const uint8_t *ip;

	cr_assert_eq(n, 2);
	cr_assert_eq(parts[0]->pkt_len, 14u + 1280);
	cr_assert_eq(parts[1]->pkt_len, 14u + 48 + 176);
	ip = rte_pktmbuf_mtod(parts[1], const uint8_t *) + 14;
	cr_assert_eq(ip[4] << 8 | ip[5], 8 + 176);
	cr_assert_eq(ip[6], 44);
	cr_assert_arr_eq(ip + 40, ((uint8_t[]){17, 0, 1232 >> 8, 1232 & 0xff, 1, 2, 3, 4}), 8);
	ip = rte_pktmbuf_mtod(parts[0], const uint8_t *) + 14;
	cr_assert_arr_eq(ip + 40, ((uint8_t[]){17, 0, 0, 1, 1, 2, 3, 4}), 8);
}

Test(dpdk_fragment, no_fragment_is_made_for_an_mtu_without_room)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];

	cr_assert_eq(cut(true, 1000, 27, parts), -EINVAL);
	cr_assert_eq(cut(false, 1000, 55, parts), -EINVAL);
	cr_assert_eq(cut(true, 1000, 28, parts), -EINVAL, "126 fragments");
}

Test(dpdk_fragment, without_buffers_none_is_left_behind)
{
	struct rte_mempool *pool = lab.plane.shared.pools.frames;
	struct rte_mbuf *parts[FRAGMENTS_MAX], *taken[16384];
	unsigned int left = 3, n = rte_mempool_avail_count(pool) - left;

	cr_assert_eq(rte_pktmbuf_alloc_bulk(pool, taken, n), 0);
	cr_assert_eq(cut(true, 1000, 400, parts), -ENOMEM);
	cr_assert_eq(rte_mempool_avail_count(pool), left);
}

Test(dpdk_fragment, a_datagram_of_a_few_bytes_is_its_own_fragment)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];

	cr_assert_eq(cut(true, 1, 1500, parts), 1);
	cr_assert_eq(parts[0]->pkt_len, 14u + 20 + 8 + 1);
	cr_assert_eq(cut(false, 1, 1500, parts), 1);
	cr_assert_eq(parts[0]->pkt_len, 14u + 48 + 8 + 1);
}

// RFC 8200 section 4.5: different from that of any other datagram sent recently.
Test(dpdk_fragment, each_datagram_has_an_identification_of_its_own)
{
	const struct departure d = {.mtu = 1280, .kind = OUT_CLIENT};
	struct tp_endpoint from = endpoint6(1), to = endpoint6(2);
	static const uint8_t payload[1400];
	uint32_t id[2];

	for (unsigned int i = 0; i < 2; i++) {
		struct rte_mbuf *m;

		forward_frame(lab.w, lab_frame(&lab, &from, &to, payload, sizeof(payload)), &d);
		lab_round(&lab, 0);
		for (unsigned int k = 0; k < 2; k++) {
			m = lab_leaves(&lab, 0);
			cr_assert(m);
			memcpy(&id[i], rte_pktmbuf_mtod(m, uint8_t *) + 14 + 40 + 4, 4);
		}
	}
	cr_assert_neq(id[0], id[1]);
}
