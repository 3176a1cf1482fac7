// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

// rte_ip_frag_table_del_expired_entries(): without it old fragments stay until new ones come.
#define ALLOW_EXPERIMENTAL_API

#include "defrag.h"

#include <errno.h>

#include <rte_ip.h>

#include "fragment.h"
#include "receive.h"

#define BUCKET 8u

// The table takes any clock that grows: the worker's.
int defrag_init(struct defrag *d)
{
	d->table = rte_ip_frag_table_create(DEFRAG_DATAGRAMS / BUCKET, BUCKET, DEFRAG_DATAGRAMS,
		DEFRAG_MS, (int)rte_socket_id());
	return d->table ? 0 : -ENOMEM;
}

void defrag_free(struct defrag *d)
{
	if (d->table)
		rte_ip_frag_table_destroy(d->table);
}

bool defrag_wants(const struct rte_mbuf *m, const struct frame *f)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, f->l2_length);

	if (f->family == TP_IPV4)
		return ip[9] == IPPROTO_UDP;
	return m->data_len >= f->l2_length + 48u && ip[6] == IPPROTO_FRAGMENT &&
	       ip[40] == IPPROTO_UDP;
}

// The marks of a datagram's fragments (RFC 3168 section 5.3). Each waits in its buffer's private area, since
// reassembly takes the headers off.
#define ECN 3u
#define CE 3u
#define SEEN(ecn) (1u << (ecn))

// Returns false for one that must be dropped: congestion that its sender does not understand.
static bool merge_marks(struct rte_mbuf *whole, const struct frame *f)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(whole, uint8_t *, whole->l2_len);
	unsigned int seen = 0;

	for (struct rte_mbuf *part = whole; part; part = part->next)
		seen |= SEEN(*(const uint8_t *)rte_mbuf_to_priv(part) & ECN);
	if (!(seen & SEEN(CE)))
		return true;
	if (seen & SEEN(0))
		return false;
	if (f->family == TP_IPV4)
		ip[1] |= CE;
	else
		ip[1] |= CE << 4;
	return true;
}

static void bury(struct worker *w)
{
	struct rte_ip_frag_death_row *dead = &w->defrag.dead;

	// Where a hole was found some have been put together already.
	for (uint32_t i = 0; i < dead->cnt; i++)
		tally_add(&w->agent.tally, TP_C_fragment_dropped, dead->row[i]->nb_segs);
	rte_ip_frag_free_death_row(dead, 3);
}

struct rte_mbuf *defrag_flatten(struct worker *w, struct rte_mbuf *m)
{
	uint32_t length = m->pkt_len;
	bool big = length > RTE_MBUF_DEFAULT_DATAROOM;
	struct rte_mbuf *flat = NULL;
	uint8_t *to;

	if (length <= UINT16_MAX - RTE_PKTMBUF_HEADROOM)
		flat = rte_pktmbuf_alloc(big ? w->shared->pools.big : w->shared->pools.frames);
	else
		tally_add(&w->agent.tally, TP_C_fragment_too_large, 1);
	if (!flat && length <= UINT16_MAX - RTE_PKTMBUF_HEADROOM)
		tally_add(&w->agent.tally, TP_C_frame_no_buffer, 1);
	if (flat) {
		to = (uint8_t *)rte_pktmbuf_append(flat, (uint16_t)length);
		for (const struct rte_mbuf *part = m; part; part = part->next) {
			memcpy(to, rte_pktmbuf_mtod(part, const void *), part->data_len);
			to += part->data_len;
		}
	}
	rte_pktmbuf_free(m);
	return flat;
}

struct rte_mbuf *defrag_add(struct worker *w, struct rte_mbuf *m, const struct frame *f)
{
	struct defrag *d = &w->defrag;
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, f->l2_length);
	uint64_t now = w->agent.now;
	struct rte_mbuf *whole;

	tally_add(&w->agent.tally, TP_C_fragments, 1);
	*(uint8_t *)rte_mbuf_to_priv(m) = f->tos & ECN;
	m->l2_len = f->l2_length;
	if (f->family == TP_IPV4) {
		m->l3_len = (uint64_t)(ip[0] & 15) * 4;
		whole = rte_ipv4_frag_reassemble_packet(
			d->table, &d->dead, m, now, (struct rte_ipv4_hdr *)ip);
	} else {
		m->l3_len = sizeof(struct rte_ipv6_hdr) + sizeof(struct rte_ipv6_fragment_ext);
		whole = rte_ipv6_frag_reassemble_packet(d->table, &d->dead, m, now,
			(struct rte_ipv6_hdr *)ip,
			(struct rte_ipv6_fragment_ext *)(ip + sizeof(struct rte_ipv6_hdr)));
	}
	bury(w);
	if (!whole)
		return NULL;
	if (!merge_marks(whole, f)) {
		tally_add(&w->agent.tally, TP_C_fragment_dropped, whole->nb_segs);
		rte_pktmbuf_free(whole);
		return NULL;
	}
	tally_add(&w->agent.tally, TP_C_fragments_joined, whole->nb_segs);
	return defrag_flatten(w, whole);
}

void defrag_undo(struct worker *w, struct rte_mbuf *m, uint8_t port)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];
	uint16_t mtu = w->shared->port[port].mtu;
	int n = fragment(m, mtu, w->fragment_id++, w->shared->pools.frames, parts);

	rte_pktmbuf_free(m);
	if (n < 0)
		tally_add(&w->agent.tally, TP_C_frame_no_buffer, 1);
	for (int i = 0; i < n; i++)
		leave_to_kernel(w, parts[i], port);
}

void defrag_expire(struct worker *w)
{
	rte_ip_frag_table_del_expired_entries(w->defrag.table, &w->defrag.dead, w->agent.now);
	bury(w);
}
