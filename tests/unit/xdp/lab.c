// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lab.h"

const char *lab_open(struct lab *lab)
{
	*lab = (struct lab){.until = UINT32_MAX, .homes = lab->homes};
	if (geteuid() != 0)
		return "loading BPF programs takes root here";
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL) != 1)
		return "this system loads no XDP programs";
	lab->skeleton = relay_bpf__open();
	cr_assert(lab->skeleton, "the object could not be opened: %s", strerror(errno));
	lab->config = (struct xdp_config *)&lab->skeleton->rodata->config;
	return NULL;
}

static size_t map_bytes(const struct bpf_map *map)
{
	return (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
}

static void *map_memory(const struct bpf_map *map)
{
	void *memory = mmap(
		NULL, map_bytes(map), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	cr_assert_neq(memory, MAP_FAILED, "%s: %s", bpf_map__name(map), strerror(errno));
	return memory;
}

static struct table table_of(
	const struct xdp_config *c, const struct bpf_map *map, uint64_t key, uint32_t homes)
{
	return (struct table){
		.lines = map_memory(map), .hash = &c->hash, .key = key, .homes = homes};
}

void lab_load(struct lab *lab)
{
	struct xdp_config *c = lab->config;

	c->destinations = LAB_DESTINATIONS;
	c->client_homes = lab->homes ? lab->homes : 2 * (LAB_ALLOCATIONS + LAB_PEERS);
	c->peer_homes = lab->homes ? lab->homes : 2 * LAB_PEERS;
	c->hash = (struct xdp_hash){{0x8c5a1f3d9e6b7a41, 0xb7d3e84c52f91a6b, 0x3f6d5b29c48e17a5,
		0x1c93ad70f26be854, 0xe20b47f5a8391dc6, 0x57f8c6139b0de42a}};
	xdp_config_index(c);
	bpf_map__set_max_entries(lab->skeleton->maps.clients, xdp_lines(c->client_homes));
	bpf_map__set_max_entries(lab->skeleton->maps.peers, xdp_lines(c->peer_homes));
	bpf_map__set_max_entries(
		lab->skeleton->maps.ports, c->relays * (c->port_max - c->port_min + 1));
	bpf_map__set_max_entries(
		lab->skeleton->maps.destinations, xdp_destinations_lines(c->destinations));
	cr_assert_eq(relay_bpf__load(lab->skeleton), 0, "the program was not loaded");
	c = (struct xdp_config *)&lab->skeleton->rodata->config;
	lab->clients = table_of(c, lab->skeleton->maps.clients, XDP_CLIENT_KEY, c->client_homes);
	lab->peers = table_of(c, lab->skeleton->maps.peers, XDP_PEER_KEY, c->peer_homes);
	lab->ports = map_memory(lab->skeleton->maps.ports);
	lab->destinations = map_memory(lab->skeleton->maps.destinations);
	lab->hops = map_memory(lab->skeleton->maps.hops);
	xdp_destination_write(lab->destinations, 1, 1);
}

void lab_close(struct lab *lab)
{
	munmap(lab->clients.lines, map_bytes(lab->skeleton->maps.clients));
	munmap(lab->peers.lines, map_bytes(lab->skeleton->maps.peers));
	munmap(lab->ports, map_bytes(lab->skeleton->maps.ports));
	munmap(lab->destinations, map_bytes(lab->skeleton->maps.destinations));
	munmap(lab->hops, map_bytes(lab->skeleton->maps.hops));
	relay_bpf__destroy(lab->skeleton);
}

static void put(struct table *t, const struct xdp_line *entry)
{
	cr_assert_eq(table_put(t, entry), 0);
}

// Whether it is one of our relay addresses.
static bool hairpin(const struct lab *lab, const struct tp_ip *ip)
{
	const struct xdp_config *c = (const void *)&lab->skeleton->rodata->config;

	for (uint32_t i = 0; i < c->relays; i++)
		if (tp_ip_equal(&c->relay[i], ip) || tp_ip_equal(&c->relay_public[i], ip))
			return true;
	return false;
}

static struct xdp_port *port_of(const struct lab *lab, uint8_t relay, uint16_t port)
{
	return &lab->ports[xdp_port_index(&lab->skeleton->rodata->config, relay, port)];
}

void lab_put_allocation(struct lab *lab, uint32_t slot, const struct tp_endpoint *client,
	uint8_t server, uint8_t relay, uint16_t relay_port)
{
	const struct xdp_config *c = (const void *)&lab->skeleton->rodata->config;
	struct xdp_port port = {
		.allocation = slot + 1,
		.until = lab->until,
		.destination = 1,
		.client = client->ip,
		.client_port = client->port,
		.server = server,
		.sum = xdp_sum(&c->server[server], client),
	};
	const struct xdp_line entry = {.until = lab->until,
		.client = {.ip = client->ip,
			.port = client->port,
			.channel = (uint16_t)tp_ip_family(&c->relay[relay]),
			.server = server,
			.relay = relay,
			.relay_port = relay_port,
			.allocation = slot + 1}};

	xdp_port_write(port_of(lab, relay, relay_port), &port);
	put(&lab->clients, &entry);
}

void lab_put_permission(struct lab *lab, uint32_t slot, const struct tp_ip *peer)
{
	const struct xdp_line entry = {.until = lab->until,
		.peer = {.ip = *peer,
			.allocation = slot + 1,
			.destination = 1,
			.hairpin = hairpin(lab, peer)}};

	put(&lab->peers, &entry);
}

void lab_put_channel(struct lab *lab, uint32_t slot, const struct tp_endpoint *client,
	uint8_t server, uint8_t relay, uint16_t relay_port, const struct tp_endpoint *peer,
	uint16_t channel)
{
	const struct xdp_config *c = (const void *)&lab->skeleton->rodata->config;
	const struct tp_endpoint from = {.ip = c->relay[relay], .port = relay_port};
	const struct xdp_line back = {.until = lab->until,
		.peer = {.ip = peer->ip,
			.allocation = slot + 1,
			.port = peer->port,
			.channel = channel,
			.destination = 1,
			.hairpin = hairpin(lab, &peer->ip)}};
	const struct xdp_line entry = {.until = lab->until,
		.client = {.ip = client->ip,
			.port = client->port,
			.channel = channel,
			.server = server,
			.relay = (uint8_t)(relay | (hairpin(lab, &peer->ip) ? XDP_HAIRPIN : 0)),
			.sum = (uint16_t)xdp_sum(&from, peer),
			.peer = peer->ip,
			.peer_port = peer->port,
			.relay_port = relay_port,
			.destination = 1}};
	struct xdp_port port = *port_of(lab, relay, relay_port);

	put(&lab->peers, &back);
	put(&lab->clients, &entry);
	// The first one is inline, unless its packets don't come by the wire.
	if (port.peer.channel || hairpin(lab, &peer->ip))
		return;
	port.peer.ip = peer->ip;
	port.peer.port = peer->port;
	port.peer.channel = channel;
	port.peer.until = lab->until;
	xdp_port_write(port_of(lab, relay, relay_port), &port);
}

uint32_t lab_run(struct lab *lab, uint8_t *frame, uint32_t *length)
{
	uint8_t out[LAB_FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = *length,
		.data_out = out, .data_size_out = sizeof(out), .repeat = 1);

	cr_assert_eq(
		bpf_prog_test_run_opts(bpf_program__fd(lab->skeleton->progs.turnpike_relay), &opts),
		0, "%u bytes: %s", *length, strerror(errno));
	memcpy(frame, out, opts.data_size_out);
	*length = opts.data_size_out;
	return opts.retval;
}

void lab_counts(struct lab *lab, struct xdp_cpu *out)
{
	int cpus = libbpf_num_possible_cpus();
	struct xdp_cpu *each = calloc((size_t)cpus, sizeof(*each));
	uint64_t *sum = (uint64_t *)(void *)out;
	uint32_t zero = 0;

	cr_assert(each);
	cr_assert_eq(bpf_map_lookup_elem(bpf_map__fd(lab->skeleton->maps.cpus), &zero, each), 0);
	*out = (struct xdp_cpu){0};
	for (int i = 0; i < cpus; i++)
		for (size_t k = 0; k < offsetof(struct xdp_cpu, ip_id) / 8; k++)
			sum[k] += ((const uint64_t *)(const void *)&each[i])[k];
	free(each);
}
