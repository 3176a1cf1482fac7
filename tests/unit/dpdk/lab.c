// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "lab.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <rte_eth_ring.h>
#include <rte_ip.h>

#include <eal.h>
#include <handoff.h>

#define RING 256u

const uint8_t lab_mac[6] = {0x02, 0, 0, 0, 0, 0x10};
const uint8_t lab_client_mac[6] = {0x02, 0, 0, 0, 0, 0xc1};
const uint8_t lab_peer_mac[6] = {0x02, 0, 0, 0, 0, 0xee};

static struct tp_ip ip4(const char *text)
{
	struct in_addr in;

	cr_assert_eq(inet_pton(AF_INET, text, &in), 1);
	return tp_ip4(in.s_addr);
}

static struct tp_endpoint endpoint(const char *text, uint16_t port)
{
	return (struct tp_endpoint){.ip = ip4(text), .port = port};
}

struct tp_endpoint lab_server(void)
{
	return endpoint("198.51.100.1", 3478);
}

struct tp_endpoint lab_relayed(uint16_t port)
{
	return endpoint("198.51.100.1", port);
}

struct tp_endpoint lab_client(void)
{
	return endpoint("192.0.2.7", 40000);
}

struct tp_endpoint lab_peer(void)
{
	return endpoint("203.0.113.9", 7000);
}

static void make_rings(struct lab *l, uint32_t workers)
{
	for (uint32_t i = 0; i < workers; i++) {
		char name[16];

		snprintf(name, sizeof(name), "in%u", i);
		l->in[i] = rte_ring_create(name, RING, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
		snprintf(name, sizeof(name), "out%u", i);
		l->out[i] = rte_ring_create(name, RING, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
		cr_assert(l->in[i] && l->out[i]);
	}
	cr_assert_geq(rte_eth_from_rings("wire", l->in, workers, l->out, workers, 0), 0);
}

void lab_start(struct lab *l, uint32_t workers, const char *placement)
{
	bool rss = !strcmp(placement, "rss");
	char count[8];
	char *argv[] = {"turnpike-dpdk", "--link", "/nowhere", "--listen", "198.51.100.1:3478",
		"--relay", "198.51.100.1", "--ports", "50000-50015", "--allocations", "16",
		"--workers", count, "--port", "net_ring_wire", "--exception", "none,lo",
		"--no-huge", "--rx-ring", "64", "--tx-ring", "64", "--rss-key", LAB_KEY,
		"--rss-hash", "destination-port", "--placement", rss ? "owner" : (char *)placement,
		"--steering", rss ? "rss" : "bits", NULL};
	struct tp_endpoint client = lab_client(), peer = lab_peer();
	struct settings settings;

	memset(l, 0, sizeof(*l));
	snprintf(count, sizeof(count), "%u", workers);
	optind = 1;
	cr_assert_eq(settings_parse(&settings, (int)(sizeof(argv) / sizeof(argv[0])) - 1, argv),
		OPTIONS_RUN);
	cr_assert_eq(eal_start(&settings), 0);
	make_rings(l, workers);
	cr_assert_eq(plane_make(&l->plane, &settings), 0);
	// A port of rings has no address of its own.
	memcpy(l->plane.shared.port[0].mac, lab_mac, 6);
	hops_set_port(l->plane.shared.nexthops, lab_mac);
	l->w = l->plane.worker[0];
	hops_set(l->plane.shared.nexthops, &client.ip, NEXTHOP_READY, lab_client_mac, 1500);
	hops_set(l->plane.shared.nexthops, &peer.ip, NEXTHOP_READY, lab_peer_mac, 1500);
	for (uint32_t i = 0; i < workers; i++)
		worker_housekeeping(l->plane.worker[i], LAB_NOW);
}

void lab_client_worker(struct lab *l, uint32_t index)
{
	l->client_worker = index;
}

static void apply(struct lab *l, const struct tp_command *c)
{
	for (uint32_t i = 0; i < l->plane.workers; i++) {
		struct agent_ops *ops = &l->plane.worker[i]->agent.ops;

		if (l->holders[c->allocation] >> i & 1)
			cr_assert_eq(ops->apply(ops->context, c), TP_STATUS_OK);
	}
}

void lab_put_allocation(
	struct lab *l, uint32_t slot, const struct tp_endpoint *client, uint16_t port)
{
	const struct tp_command c = {.kind = TP_PUT_ALLOCATION,
		.generation = 1,
		.expires_ms = LAB_NOW + 600000,
		.allocation = slot,
		.client = *client,
		.relay_port = port};

	l->holders[slot] = UINT64_MAX;
	if (l->plane.shared.owners)
		l->holders[slot] = 1u << l->client_worker | 1u << handoff_owner(l->w, 0, port);
	apply(l, &c);
}

void lab_put_channel(struct lab *l, uint32_t slot, const struct tp_endpoint *peer, uint16_t channel)
{
	struct tp_command c = {.kind = TP_PUT_PERMISSION,
		.generation = 1,
		.expires_ms = LAB_NOW + 300000,
		.allocation = slot,
		.peer = {.ip = peer->ip}};

	apply(l, &c);
	c.kind = TP_PUT_CHANNEL;
	c.peer = *peer;
	c.channel = channel;
	apply(l, &c);
}

struct rte_mbuf *lab_frame(struct lab *l, const struct tp_endpoint *from,
	const struct tp_endpoint *to, const void *payload, uint32_t length)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(l->plane.shared.pools.frames);

	return lab_frame_in(l, m, from, to, payload, length);
}

struct rte_mbuf *lab_frame_in(struct lab *l, struct rte_mbuf *m, const struct tp_endpoint *from,
	const struct tp_endpoint *to, const void *payload, uint32_t length)
{
	struct frame_send s = {
		.source = *from, .destination = *to, .length = length, .l2_length = 14};
	uint8_t *data, *start;

	cr_assert(m);
	memcpy(s.l2, l->plane.shared.port[0].mac, 6);
	memcpy(s.l2 + 6, lab_client_mac, 6);
	data = rte_pktmbuf_mtod(m, uint8_t *) + 64;
	memcpy(data, payload, length);
	start = frame_build(data, length, &s);
	m->data_off = (uint16_t)(start - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)(data + length - start);
	m->pkt_len = m->data_len;
	return m;
}

void lab_set_dont_fragment(struct rte_mbuf *m, bool dont_fragment)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);

	ip->fragment_offset = rte_cpu_to_be_16(dont_fragment ? RTE_IPV4_HDR_DF_FLAG : 0);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

void lab_set_ttl(struct rte_mbuf *m, uint8_t ttl)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);

	ip->time_to_live = ttl;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

void lab_arrive(struct lab *l, uint32_t queue, struct rte_mbuf *m)
{
	cr_assert_eq(rte_ring_enqueue(l->in[queue], m), 0);
}

void lab_round(struct lab *l, uint32_t index)
{
	struct worker *w = l->plane.worker[index];

	worker_round(w);
	worker_housekeeping(w, w->agent.now);
}

struct rte_mbuf *lab_leaves(struct lab *l, uint32_t queue)
{
	void *m;

	return rte_ring_dequeue(l->out[queue], &m) == 0 ? m : NULL;
}

uint64_t lab_count(const struct lab *l, enum tp_counter which)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < l->plane.workers; i++)
		n += tp_counter(&l->plane.worker[i]->agent.out->counters, which) +
		     l->plane.worker[i]->agent.tally.n[which];
	return n;
}

void lab_expect(const struct rte_mbuf *m, const uint8_t *to_mac, const struct tp_endpoint *from,
	const struct tp_endpoint *to, const void *payload, uint32_t length)
{
	const uint8_t *data;
	struct frame f;

	cr_assert(m, "no frame left");
	data = rte_pktmbuf_mtod(m, const uint8_t *);
	frame_parse(&f, data, m->data_len, m->pkt_len, false);
	cr_assert_eq(f.kind, FRAME_UDP);
	cr_assert_arr_eq(data, to_mac, 6);
	cr_assert_arr_eq(&f.source, from, sizeof(*from));
	cr_assert_arr_eq(&f.destination, to, sizeof(*to));
	cr_assert_eq(f.payload_length, length);
	cr_assert_arr_eq(data + f.payload, payload, length);
}
