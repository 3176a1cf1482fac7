// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <table.h>

#include "figure.h"
#include "xdp_world.h"

#define TRIES 10u
#define FIRST_HOP 2u // as dataplane/nexthop/ numbers them
#define NEIGHBOURS 1000u // as many as Linux keeps unless told otherwise, on the link itself

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "xdp_bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void attach(uint32_t ifindex, const struct bpf_program *program)
{
	check(bpf_xdp_attach((int)ifindex, bpf_program__fd(program), XDP_FLAGS_DRV_MODE, NULL) == 0,
		"attach");
}

void world_make(struct world *w)
{
	*w = (struct world){0};
	check(unshare(CLONE_NEWNET) == 0, "a network namespace (root?)");
	check(system("ip link add near address 02:00:00:00:00:01 type veth peer name far address "
		     "02:00:00:00:00:02 && ip link set near up && ip link set far up") == 0,
		"ip link");
	w->near = if_nametoindex("near");
	w->far = if_nametoindex("far");
	w->load = xdp_load_bpf__open_and_load();
	check(w->load, "the programs around");
	attach(w->near, w->load->progs.sink);
}

static struct tp_endpoint endpoint(uint32_t ip, uint32_t port)
{
	return (struct tp_endpoint){.ip = tp_ip4(TP_BE32(ip)), .port = (uint16_t)port};
}

static void configure(struct world *w, struct xdp_config *c)
{
	c->servers = 1;
	c->server[0] = endpoint(LOAD_SERVER, LOAD_SERVER_PORT);
	c->relays = (w->allocations + LOAD_PORTS - 1) / LOAD_PORTS;
	for (uint32_t i = 0; i < c->relays; i++)
		c->relay[i] = c->relay_public[i] = endpoint(LOAD_RELAY + i, 0).ip;
	c->port_min = LOAD_PORT_MIN;
	c->port_max = LOAD_PORT_MIN + LOAD_PORTS - 1;
	c->channel_max = TP_CHANNEL_MAX;
	c->devices = 1;
	c->ifindex[0] = w->far;
	c->destinations = 2 * w->allocations + 1;
	// As turnpike-kernel has them: an allocation, three permissions or channels each.
	c->client_homes = 2 * 4 * w->allocations;
	c->peer_homes = 2 * 3 * w->allocations;
	c->hash = (struct xdp_hash){{0x8c5a1f3d9e6b7a41, 0xb7d3e84c52f91a6b, 0x3f6d5b29c48e17a5,
		0x1c93ad70f26be854, 0xe20b47f5a8391dc6, 0x57f8c6139b0de42a}};
	xdp_config_index(c);
}

static void *map_memory(const struct bpf_map *map)
{
	void *memory = mmap(NULL, (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map),
		PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	check(memory != MAP_FAILED, "mmap");
	return memory;
}

static void unmap_memory(const struct bpf_map *map, void *memory)
{
	munmap(memory, (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map));
}

static void put(struct table *clients, const struct xdp_line *entry)
{
	check(table_put(clients, entry) == 0, "a table is full");
}

static void put_neighbour(struct xdp_hop *hops, uint32_t i)
{
	static const uint8_t own[6] = {2, 0, 0, 0, 0, 2};
	const uint8_t mac[6] = {2, 0, 0, 1, (uint8_t)(i >> 8), (uint8_t)i};
	const struct xdp_hop hop = {xdp_hop_word(mac, 1500), xdp_hop_word(own, 0)};

	xdp_hop_write(&hops[FIRST_HOP + i], &hop);
}

static void put_allocation(struct table *clients, struct xdp_port *ports,
	struct xdp_destinations *destinations, uint32_t i)
{
	struct tp_endpoint server = endpoint(LOAD_SERVER, LOAD_SERVER_PORT);
	struct tp_endpoint client = endpoint(LOAD_CLIENT + i, LOAD_CLIENT_PORT);
	struct tp_endpoint peer = endpoint(LOAD_PEER + i, LOAD_PEER_PORT);
	struct tp_endpoint relay = endpoint(
		LOAD_RELAY + i / LOAD_PORTS, LOAD_PORT_MIN + i % LOAD_PORTS);
	struct xdp_line entry = {.until = UINT32_MAX,
		.client = {.ip = client.ip,
			.port = client.port,
			.channel = LOAD_CHANNEL,
			.relay = (uint8_t)(i / LOAD_PORTS),
			.sum = (uint16_t)xdp_sum(&relay, &peer),
			.peer = peer.ip,
			.peer_port = peer.port,
			.relay_port = relay.port,
			.destination = 2 * i + 1}};
	struct xdp_port port = {.allocation = i + 1,
		.until = UINT32_MAX,
		.destination = 2 * i + 2,
		.client = client.ip,
		.client_port = client.port,
		.sum = xdp_sum(&server, &client),
		.peer = {peer.ip, peer.port, LOAD_CHANNEL, UINT32_MAX}};

	for (uint32_t d = 2 * i + 1; d <= 2 * i + 2; d++)
		xdp_destination_write(destinations, d, (uint16_t)(FIRST_HOP + d % NEIGHBOURS));
	xdp_port_write(&ports[i], &port);
	put(clients, &entry);
	// The line of its Send indications fills the table as it does in life.
	entry.client.channel = TP_IPV4;
	put(clients, &entry);
}

static void fill(struct world *w)
{
	const struct xdp_config *c = (const struct xdp_config *)&w->relay->rodata->config;
	struct table clients = {.lines = map_memory(w->relay->maps.clients),
		.hash = &c->hash,
		.key = XDP_CLIENT_KEY,
		.homes = c->client_homes};
	struct xdp_port *ports = map_memory(w->relay->maps.ports);
	struct xdp_destinations *destinations = map_memory(w->relay->maps.destinations);
	struct xdp_hop *hops = map_memory(w->relay->maps.hops);

	for (uint32_t i = 0; i < NEIGHBOURS; i++)
		put_neighbour(hops, i);
	for (uint32_t i = 0; i < w->allocations; i++)
		put_allocation(&clients, ports, destinations, i);
	unmap_memory(w->relay->maps.clients, clients.lines);
	unmap_memory(w->relay->maps.ports, ports);
	unmap_memory(w->relay->maps.destinations, destinations);
	unmap_memory(w->relay->maps.hops, hops);
}

void world_populate(struct world *w, uint32_t allocations)
{
	struct xdp_config *c;

	w->allocations = allocations;
	w->relay = relay_bpf__open();
	check(w->relay, "the relay");
	c = (struct xdp_config *)&w->relay->rodata->config;
	configure(w, c);
	bpf_map__set_max_entries(w->relay->maps.clients, xdp_lines(c->client_homes));
	bpf_map__set_max_entries(w->relay->maps.peers, xdp_lines(c->peer_homes));
	bpf_map__set_max_entries(w->relay->maps.ports, c->relays * LOAD_PORTS);
	bpf_map__set_max_entries(
		w->relay->maps.destinations, xdp_destinations_lines(c->destinations));
	check(relay_bpf__load(w->relay) == 0, "the relay was not loaded");
	fill(w);
}

void world_clear(struct world *w)
{
	bpf_xdp_detach((int)w->far, XDP_FLAGS_DRV_MODE, NULL);
	relay_bpf__destroy(w->relay);
	w->relay = NULL;
}

static const struct bpf_program *program_of(const struct world *w, enum subject subject)
{
	return subject == BARE ? w->load->progs.bare : w->relay->progs.turnpike_relay;
}

// Nanoseconds for a packet that came back; 0: some did not.
static double run_once(struct world *w, enum subject subject, bool from_peer, uint32_t size)
{
	struct load *load = &w->load->bss->load;
	uint8_t frame[2048] = {0};
	struct xdp_md ctx = {.data_end = size, .ingress_ifindex = w->near};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size, .ctx_in = &ctx,
		.ctx_size_in = sizeof(ctx), .repeat = (int)w->packets,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	double start;

	attach(w->far, program_of(w, subject));
	*load = (struct load){
		.allocations = w->allocations,
		// Any order but one after the other, which a processor foresees.
		.step = (uint32_t)((double)w->allocations * 0.6180339887) | 1,
		.from_peer = from_peer,
		.length = size - TP_ETHERNET_HEADER - TP_IP4_HEADER - TP_UDP_HEADER,
	};
	start = now_ns();
	check(bpf_prog_test_run_opts(bpf_program__fd(w->load->progs.source), &opts) == 0, "run");
	start = now_ns() - start;
	return load->arrived > w->packets / 100 * 99 ? start / (double)load->arrived : 0;
}

// Where the machine is busy, rings overflow now and then.
double world_run(struct world *w, enum subject subject, bool from_peer, uint32_t size)
{
	double ns = 0;

	for (unsigned int i = 0; i < TRIES && ns == 0; i++)
		ns = run_once(w, subject, from_peer, size);
	errno = EIO;
	check(ns > 0, "packets are missing, every time");
	return ns;
}

double world_program_ns(struct world *w, enum subject subject, bool from_peer, uint32_t size)
{
	struct bpf_prog_info before = {0}, after = {0};
	uint32_t length = sizeof(before);
	int fd = bpf_program__fd(program_of(w, subject));

	check(bpf_obj_get_info_by_fd(fd, &before, &length) == 0, "statistics");
	world_run(w, subject, from_peer, size);
	check(bpf_obj_get_info_by_fd(fd, &after, &length) == 0, "statistics");
	return (double)(after.run_time_ns - before.run_time_ns) /
	       (double)(after.run_cnt - before.run_cnt);
}
