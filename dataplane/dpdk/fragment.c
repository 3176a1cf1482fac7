// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "fragment.h"

#include <errno.h>
#include <string.h>

#include <rte_ether.h>

#define IPV6_MTU 1280u
#define MORE_FRAGMENTS 0x2000u
#define FRAGMENT_HEADER 8u // IPv6's

// A packet that is to be cut.
struct whole {
	const uint8_t *l2;
	const uint8_t *ip;
	const uint8_t *data; // behind the IP header
	uint32_t l2_length;
	uint32_t header; // bytes of the IP header
	uint32_t length; // of data
	bool is4;
};

static void put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static int read_whole(const struct rte_mbuf *m, struct whole *w)
{
	uint32_t left = m->data_len, length;

	w->l2 = rte_pktmbuf_mtod(m, const uint8_t *);
	w->l2_length = left >= 18 && get16(w->l2 + 12) == RTE_ETHER_TYPE_VLAN ? 18 : 14;
	if (m->nb_segs != 1 || left < w->l2_length + 20)
		return -EINVAL;
	left -= w->l2_length;
	w->ip = w->l2 + w->l2_length;
	w->is4 = w->ip[0] >> 4 == 4;
	if (!w->is4 && w->ip[0] >> 4 != 6)
		return -EINVAL;
	w->header = w->is4 ? (w->ip[0] & 15u) * 4 : 40;
	length = get16(w->ip + (w->is4 ? 2 : 4)) + (w->is4 ? 0 : 40);
	if (w->header < 20 || w->header > left || length > left || length < w->header)
		return -EINVAL;
	w->data = w->ip + w->header;
	w->length = length - w->header;
	return 0;
}

static void finish4(uint8_t *ip, uint32_t header, uint32_t length, uint32_t offset, bool last)
{
	uint32_t sum = 0;

	put16(ip + 2, header + length);
	put16(ip + 6, offset >> 3 | (last ? 0 : MORE_FRAGMENTS));
	put16(ip + 10, 0);
	for (uint32_t i = 0; i < header; i += 2)
		sum += get16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~sum & 0xffff);
}

static void finish6(
	uint8_t *ip, uint8_t next, uint32_t length, uint32_t offset, bool last, uint32_t id)
{
	uint8_t *f = ip + 40;

	put16(ip + 4, FRAGMENT_HEADER + length);
	ip[6] = 44;
	f[0] = next;
	f[1] = 0;
	put16(f + 2, offset | (last ? 0 : 1));
	put16(f + 4, id >> 16);
	put16(f + 6, id);
}

static struct rte_mbuf *make(const struct whole *w, struct rte_mempool *pool, uint32_t offset,
	uint32_t length, uint32_t id)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint32_t headers = w->l2_length + w->header + (w->is4 ? 0 : FRAGMENT_HEADER);
	bool last = offset + length == w->length;
	uint8_t *at;

	if (!m)
		return NULL;
	at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(headers + length));
	if (!at) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	memcpy(at, w->l2, w->l2_length + w->header);
	memcpy(at + headers, w->data + offset, length);
	if (w->is4)
		finish4(at + w->l2_length, w->header, length, offset, last);
	else
		finish6(at + w->l2_length, w->ip[6], length, offset, last, id);
	return m;
}

int fragment(const struct rte_mbuf *m, uint16_t mtu, uint32_t id, struct rte_mempool *pool,
	struct rte_mbuf *out[FRAGMENTS_MAX])
{
	struct whole w;
	uint32_t each, overhead;
	int n = 0, err = read_whole(m, &w);

	if (err)
		return err;
	if (!w.is4 && mtu > IPV6_MTU)
		mtu = IPV6_MTU;
	overhead = w.header + (w.is4 ? 0 : FRAGMENT_HEADER);
	if (mtu < overhead + 8)
		return -EINVAL;
	each = (mtu - overhead) & ~7u;
	if ((w.length + each - 1) / each > FRAGMENTS_MAX)
		return -EINVAL;
	for (uint32_t offset = 0; offset < w.length; offset += each) {
		uint32_t left = w.length - offset;

		out[n] = make(&w, pool, offset, left < each ? left : each, id);
		if (!out[n]) {
			rte_pktmbuf_free_bulk(out, (unsigned int)n);
			return -ENOMEM;
		}
		n++;
	}
	return n;
}
