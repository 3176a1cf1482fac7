// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A device of DPDK's, one queue, whole frames.

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_version.h>

#include <turnpike/header.h>

#include "../../dataplane/frame/frame.h"
#include "gaps.h"
#include "link.h"
#include "wire.h"

#define BUFFERS 16383u
#define CACHE 256u
#define RING 1024u // descriptors
#define LOOP "loop"
// Where a UDP payload begins in a buffer: behind the longest headers, and aligned.
#define PAYLOAD_AT 64u

struct wire_dpdk {
	struct wire wire;
	struct rte_mempool *pool;
	uint16_t port;
	bool resolve; // ask for next hops; without, frames go to `beyond`
	struct tp_ip gateway;
	struct link link;
	struct wire_counters counters; // `errors` and `missed` are the device's to tell
	char driver[32];
};

// Something at the far end of a wire that takes whatever comes.
static const uint8_t beyond[6] = {0x02, 0, 0, 0, 0, 0x01};

static struct wire_dpdk *self(struct wire *w)
{
	return (struct wire_dpdk *)w;
}

static uint32_t emit(struct wire_dpdk *w, struct rte_mbuf **m, uint32_t n)
{
	uint32_t taken = rte_eth_tx_burst(w->port, 0, m, (uint16_t)n);

	w->counters.refused += n - taken;
	rte_pktmbuf_free_bulk(m + taken, n - taken);
	return taken;
}

static void emit_bytes(struct wire_dpdk *w, const uint8_t *bytes, uint32_t length)
{
	struct rte_mbuf *m = length ? rte_pktmbuf_alloc(w->pool) : NULL;

	if (!m)
		return;
	memcpy(rte_pktmbuf_append(m, (uint16_t)length), bytes, length);
	emit(w, &m, 1);
}

static int dpdk_find(struct wire *wire, struct path *p, uint64_t now_ns)
{
	struct wire_dpdk *w = self(wire);
	const struct tp_ip *hop = w->gateway.q[1] ? &w->gateway : &p->remote.ip;
	uint8_t frame[LINK_FRAME_MAX];
	uint32_t asking;
	int err;

	if (!w->resolve) {
		memcpy(p->mac, beyond, 6);
		return 0;
	}
	err = link_find(&w->link, hop, &p->local.ip, now_ns, p->mac, frame, &asking);
	if (err == -EAGAIN)
		emit_bytes(w, frame, asking);
	return err;
}

static bool dpdk_prepare(struct wire *wire, struct departure *d, uint32_t n)
{
	struct rte_mbuf *m[WIRE_BURST];

	if (rte_pktmbuf_alloc_bulk(self(wire)->pool, m, n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		d[i].buffer = m[i];
		d[i].data = rte_pktmbuf_mtod(m[i], uint8_t *) + PAYLOAD_AT;
	}
	return true;
}

// Ethernet, IP and UDP in front of the payload. Returns the headers' length.
static uint32_t put_headers(const struct wire_dpdk *w, const struct departure *d)
{
	const struct path *p = d->path;
	bool ip4 = tp_ip_is4(&p->remote.ip);
	uint32_t length = TP_UDP_HEADER + d->length, ip_header = tp_ip_header_length(ip4);
	uint32_t headers = TP_ETHERNET_HEADER + ip_header + TP_UDP_HEADER;
	struct tp_ip_fields ip = {.source = &p->local.ip,
		.destination = &p->remote.ip,
		.length = length,
		.protocol = TP_PROTO_UDP,
		.ttl = TP_TTL_DEFAULT,
		.dont_fragment = true};
	uint8_t *b = d->data - headers;

	memcpy(b, p->mac, 6);
	memcpy(b + 6, w->link.mac, 6);
	tp_put16(b + 12, ip4 ? TP_ETHERTYPE_IP4 : TP_ETHERTYPE_IP6);
	if (ip4)
		tp_put_ip4(b + TP_ETHERNET_HEADER, &ip);
	else
		tp_put_ip6(b + TP_ETHERNET_HEADER, &ip);
	tp_put_udp(b + TP_ETHERNET_HEADER + ip_header, tp_udp_ports(&p->local, &p->remote), length,
		tp_udp_checksum(d->sum + tp_sum_udp_headers(&p->local, &p->remote, ip4, length)));
	return headers;
}

static uint32_t dpdk_send(struct wire *wire, struct departure *d, uint32_t n)
{
	struct rte_mbuf *m[WIRE_BURST];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t headers = put_headers(self(wire), &d[i]);

		m[i] = d[i].buffer;
		m[i]->data_off = (uint16_t)(m[i]->data_off + PAYLOAD_AT - headers);
		m[i]->data_len = (uint16_t)(headers + d[i].length);
		m[i]->pkt_len = m[i]->data_len;
	}
	return emit(self(wire), m, n);
}

// A frame that carries no datagram for the load, or none at all.
static void other_frame(struct wire_dpdk *w, struct rte_mbuf *m, const struct frame *f)
{
	uint8_t answer[LINK_FRAME_MAX];

	w->counters.malformed += f->kind == FRAME_MALFORMED || m->nb_segs > 1;
	if (m->nb_segs == 1)
		emit_bytes(w, answer,
			link_input(&w->link, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len,
				answer));
	rte_pktmbuf_free(m);
}

static uint32_t dpdk_receive(struct wire *wire, struct arrival *a, bool *more)
{
	struct wire_dpdk *w = self(wire);
	struct rte_mbuf *m[WIRE_BURST];
	uint32_t n = rte_eth_rx_burst(w->port, 0, m, WIRE_BURST), found = 0;
	struct frame f;

	*more = n == WIRE_BURST;
	for (uint32_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *data = rte_pktmbuf_mtod(m[i], const uint8_t *);

		frame_parse(&f, data, m[i]->data_len, m[i]->pkt_len, false);
		if (f.kind != FRAME_UDP || m[i]->nb_segs > 1) {
			other_frame(w, m[i], &f);
			continue;
		}
		a[found++] = (struct arrival){.data = data + f.payload,
			.length = f.payload_length,
			.summed = !f.checksum_zero,
			.sum = f.payload_sum,
			.source = f.source,
			.destination = f.destination,
			.buffer = m[i]};
	}
	return found;
}

static void dpdk_release(struct wire *, const struct arrival *a, uint32_t n)
{
	struct rte_mbuf *m[WIRE_BURST];

	for (uint32_t i = 0; i < n; i++)
		m[i] = a[i].buffer;
	rte_pktmbuf_free_bulk(m, n);
}

static uint32_t dpdk_reflect(struct wire *wire)
{
	struct wire_dpdk *w = self(wire);
	struct rte_mbuf *m[WIRE_BURST];
	uint32_t n = rte_eth_rx_burst(w->port, 0, m, WIRE_BURST);
	uint8_t mac[6];

	for (uint32_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], void *));
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *data = rte_pktmbuf_mtod(m[i], uint8_t *);

		memcpy(mac, data, 6);
		memmove(data, data + 6, 6);
		memcpy(data + 6, mac, 6);
	}
	return n ? emit(w, m, n) : 0;
}

static struct wire_counters dpdk_count(const struct wire *wire)
{
	const struct wire_dpdk *w = (const struct wire_dpdk *)wire;
	struct wire_counters c = w->counters;
	struct rte_eth_stats s;

	if (rte_eth_stats_get(w->port, &s) == 0) {
		c.missed = s.imissed + s.rx_nombuf;
		c.errors = s.ierrors + s.oerrors;
	}
	return c;
}

static void dpdk_close(struct wire *wire)
{
	struct wire_dpdk *w = self(wire);

	rte_eth_dev_stop(w->port);
	rte_eth_dev_close(w->port);
	free(w);
	rte_eal_cleanup();
}

static const struct wire_ops ops = {
	.find = dpdk_find,
	.prepare = dpdk_prepare,
	.send = dpdk_send,
	.receive = dpdk_receive,
	.release = dpdk_release,
	.reflect = dpdk_reflect,
	.count = dpdk_count,
	.close = dpdk_close,
};

static bool is_pci(const char *spec)
{
	return spec[strspn(spec, "0123456789abcdefABCDEF")] == ':';
}

static bool given(const struct options *o, const char *name)
{
	for (int i = 0; i < o->eal_argc; i++)
		if (!strncmp(o->eal_argv[i], name, strlen(name)))
			return true;
	return false;
}

// The main lcore is this thread, where it may run already.
static void name_lcore(char *out, size_t size)
{
	cpu_set_t allowed;
	size_t used = (size_t)snprintf(out, size, "--lcores=0@(");

	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE && used + 8 < size; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			used += (size_t)snprintf(out + used, size - used, "%d,", cpu);
	out[used - 1] = ')';
}

static int start_eal(const struct options *o)
{
	enum { OWN_MAX = 16 };
	static char lcore[512];
	char **argv = calloc((size_t)o->eal_argc + OWN_MAX, sizeof(*argv));
	int argc = 0, done;

	if (!argv)
		return -ENOMEM;
	name_lcore(lcore, sizeof(lcore));
	// One program is all that net_af_xdp needs; libxdp's dispatcher of several takes more memory and words.
	setenv("LIBXDP_SKIP_DISPATCHER", "1", 0);
	argv[argc++] = (char *)"turngun";
	argv[argc++] = lcore;
	argv[argc++] = (char *)"--no-telemetry";
	argv[argc++] = (char *)"--no-shconf";
	if (!given(o, "--log-level"))
		argv[argc++] = (char *)"--log-level=error";
	if (!is_pci(o->wire)) {
		argv[argc++] = (char *)"--no-pci";
		if (!given(o, "--no-huge") && !given(o, "--in-memory") && !given(o, "--huge"))
			argv[argc++] = (char *)"--no-huge";
		if (!given(o, "-m") && !given(o, "--in-memory") && !given(o, "--huge"))
			argv[argc++] = (char *)"-m256";
	}
	for (int i = 0; i < o->eal_argc; i++)
		argv[argc++] = o->eal_argv[i];
	done = rte_eal_init(argc, argv);
	// EAL keeps pointers to its arguments for as long as the process lives: `argv` is not freed.
	return done < 0 ? -rte_errno : 0;
}

static int attach(struct wire_dpdk *w, const char *spec)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	struct rte_ring *ring;
	int err;

	if (!strcmp(spec, LOOP)) {
		ring = rte_ring_create(LOOP, RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		err = ring ? rte_eth_from_ring(ring) : -rte_errno;
		w->port = (uint16_t)err;
		return err < 0 ? err : 0;
	}
	err = rte_dev_probe(spec);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(spec, ","), spec);
	return err ? err : rte_eth_dev_get_port_by_name(name, &w->port);
}

static int start_device(struct wire_dpdk *w, const struct options *o)
{
	const struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	int err = attach(w, o->wire);

	if (!err)
		err = rte_eth_dev_configure(w->port, 1, 1, &conf);
	if (!err)
		err = rte_eth_rx_queue_setup(w->port, 0, RING, SOCKET_ID_ANY, NULL, w->pool);
	if (!err)
		err = rte_eth_tx_queue_setup(w->port, 0, RING, SOCKET_ID_ANY, NULL);
	if (!err)
		err = rte_eth_dev_start(w->port);
	if (!err)
		err = rte_eth_dev_info_get(w->port, &info);
	if (!err)
		err = rte_eth_macaddr_get(w->port, &mac);
	if (err)
		return err;
	// Solicitations come by multicast; a device that has no such mode takes them anyway.
	rte_eth_allmulticast_enable(w->port);
	snprintf(w->driver, sizeof(w->driver), "%s", info.driver_name);
	link_init(&w->link, mac.addr_bytes, &o->clients_from, &o->peers_from);
	return 0;
}

int wire_open_dpdk(struct wire **out, const struct options *o)
{
	struct wire_dpdk *w = calloc(1, sizeof(*w));
	int err = w ? start_eal(o) : -ENOMEM;

	if (err) {
		fprintf(stderr, "turngun: DPDK's environment does not start: %s.\n",
			strerror(-err));
		free(w);
		return err;
	}
	w->wire = (struct wire){.ops = &ops, .driver = w->driver, .dpdk = rte_version()};
	w->resolve = o->command == COMMAND_LOAD;
	w->gateway = o->gateway;
	w->pool = rte_pktmbuf_pool_create(
		"frames", BUFFERS, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	err = w->pool ? start_device(w, o) : -rte_errno;
	if (err) {
		fprintf(stderr, "turngun: %s: %s. Is it there, and may this process use it?\n",
			o->wire, strerror(-err));
		free(w);
		rte_eal_cleanup();
		return err;
	}
	*out = &w->wire;
	return 0;
}
