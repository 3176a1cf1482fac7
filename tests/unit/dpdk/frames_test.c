// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The table of whole frames (tests/frames/), through a worker: each frame arrives at a ring, in a
// fresh state, and what leaves by the other is what the table says.

#include <arpa/inet.h>
#include <cases.h>
#include <criterion/criterion.h>
#include <rte_ip.h>

#include "lab.h"

static struct lab lab;
static struct segment segment;
static struct shared shared;
static struct worker *w;

static void apply(const struct tp_command *c)
{
	cr_assert_eq(w->agent.ops.apply(w, c), TP_STATUS_OK);
}

static void populate(const struct case_state *s)
{
	struct tp_command c = {.expires_ms = LAB_NOW + 600000};

	for (uint32_t i = 0; i < s->allocations; i++) {
		const struct case_allocation *a = &s->allocation[i];

		c.kind = TP_PUT_ALLOCATION;
		c.allocation = i;
		c.server = a->server;
		c.relay = a->relay;
		c.relay_port = a->relay_port;
		c.client = case_endpoint(a->client, a->client_port);
		apply(&c);
	}
	for (uint32_t i = 0; i < s->peers; i++) {
		const struct case_peer *p = &s->peer[i];

		c.kind = TP_PUT_PERMISSION;
		c.allocation = p->allocation;
		c.peer = case_endpoint(p->ip, 0);
		apply(&c);
		c.kind = TP_PUT_CHANNEL;
		c.peer.port = p->port;
		c.channel = p->channel;
		if (p->channel)
			apply(&c);
	}
}

static void make_worker(const struct case_state *s)
{
	struct tp_capabilities c = {.allocations = 16,
		.peers = 64,
		.port_min = 49152,
		.port_max = 49199,
		.channel_max = TP_CHANNEL_MAX};

	for (; c.servers < 4 && s->server[c.servers]; c.servers++)
		c.server[c.servers] = case_endpoint(s->server[c.servers], 3478);
	for (; c.relays < 4 && s->relay[c.relays]; c.relays++) {
		const char *known = s->public_[c.relays];

		c.relay[c.relays].local = case_endpoint(s->relay[c.relays], 0).ip;
		c.relay[c.relays].public_ = case_endpoint(known ? known : s->relay[c.relays], 0).ip;
	}
	cr_assert_eq(segment_make(&segment, 1, &c, NULL), 0);
	shared = lab.plane.shared;
	addresses_init(&shared.addresses, &c);
	cr_assert_eq(worker_init(w, 0, &shared, &segment), 0);
	worker_housekeeping(w, LAB_NOW);
	populate(s);
}

static void arrive(const uint8_t *in, uint32_t length)
{
	bool big = length > RTE_MBUF_DEFAULT_DATAROOM;
	struct rte_mbuf *m = rte_pktmbuf_alloc(big ? shared.pools.big : shared.pools.frames);
	char *data = m ? rte_pktmbuf_append(m, (uint16_t)length) : NULL;

	cr_assert(data && length <= UINT16_MAX, "no buffer for %u bytes", length);
	memcpy(data, in, length);
	if (length >= 14)
		memcpy(shared.port[0].mac, in, 6);
	lab_arrive(&lab, 0, m);
	worker_round(w);
}

// Puts fragments together again, as their receiver would.
static struct rte_mbuf *join(struct rte_mbuf *m)
{
	struct rte_mbuf *whole = NULL;

	for (; m; m = lab_leaves(&lab, 0)) {
		const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
		struct frame f;

		frame_parse(&f, data, m->data_len, m->pkt_len, false);
		cr_assert_eq(f.kind, FRAME_FRAGMENT);
		whole = defrag_add(w, m, &f);
	}
	cr_assert(whole, "not all the fragments");
	return whole;
}

static uint8_t *ip_of(struct case_result *out)
{
	return out->frame + (out->frame[12] == 0x81 ? 18 : 14);
}

// The worker has a flow label of its own for each pair, or none: never the one that came.
static void take_label(struct case_result *out, const struct case_next_hop *hop, const uint8_t *in)
{
	uint8_t *ip = ip_of(out);
	uint32_t label = (ip[1] & 15u) << 16 | ip[2] << 8 | ip[3];

	if (ip[0] >> 4 != 6 || ip[6] != 17)
		return;
	if (label && in[14] >> 4 == 6)
		cr_assert_neq(label, (in[15] & 15u) << 16 | in[16] << 8 | in[17]);
	ip[1] = (uint8_t)((ip[1] & 0xf0) | hop->flow_label >> 16);
	ip[2] = (uint8_t)(hop->flow_label >> 8);
	ip[3] = (uint8_t)hop->flow_label;
}

static void take_frame(struct case_result *out)
{
	struct rte_mbuf *m = lab_leaves(&lab, 0);
	bool joined;

	out->length = 0;
	if (!m)
		return;
	joined = w->agent.tally.n[TP_C_fragments_sent] != 0;
	if (joined)
		m = join(m);
	out->length = m->pkt_len;
	memcpy(out->frame, rte_pktmbuf_mtod(m, const void *), m->pkt_len);
	rte_pktmbuf_free(m);
	if (joined) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)ip_of(out);

		out->outcome = OUTCOME_TO_FRAGMENT;
		if (ip->version == 4)
			ip->hdr_checksum = rte_ipv4_cksum(ip);
	}
	cr_assert_null(lab_leaves(&lab, 0));
}

static void take_outcome(struct case_result *out)
{
	const uint64_t *n = w->agent.tally.n;

	out->outcome = OUTCOME_SENT;
	if (n[TP_C_punt_unattached])
		out->outcome = OUTCOME_PUNTED;
	else if (n[TP_C_kernel_in_full])
		out->outcome = OUTCOME_KERNEL;
	else if (n[TP_C_fragments])
		out->outcome = OUTCOME_REASSEMBLE;
	else if (n[TP_C_frame_malformed])
		out->outcome = OUTCOME_MALFORMED;
	else
		for (unsigned int i = TP_C_client_reserved_byte; i <= TP_C_icmp_ignored; i++)
			if (n[i]) {
				out->outcome = OUTCOME_DROPPED;
				out->drop = (enum tp_counter)i;
			}
}

static void run(struct case_result *out, const struct case_state *state,
	const struct case_next_hop *hop, const uint8_t *in, uint32_t length)
{
	struct nexthop every = {.mtu = hop->mtu ? hop->mtu : 1500,
		.l2_length = hop->vlan ? 18 : 14,
		.state = NEXTHOP_READY};

	memcpy(every.l2, next_hop_l2, 12);
	if (hop->vlan)
		memcpy(every.l2 + 12,
			(uint8_t[]){0x81, 0, (uint8_t)(hop->vlan >> 8), (uint8_t)hop->vlan}, 4);
	hops_set_every(lab.plane.shared.nexthops, &every);
	make_worker(state);
	w->ip_id = hop->ip_id;
	arrive(in, length);
	take_outcome(out);
	take_frame(out);
	if (out->length && out->outcome != OUTCOME_DROPPED)
		take_label(out, hop, in);
	worker_free(w);
	segment_free(&segment);
}

Test(dpdk_frames, the_table_holds_through_a_worker)
{
	lab_start(&lab, 1, "every");
	w = aligned_alloc(64, (sizeof(*w) + 63) & ~(size_t)63);
	cr_assert(w);
	cr_assert_eq(cases_run(run), 0);
	free(w);
}
