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
	*lab = (struct lab){.until = UINT32_MAX};
	if (geteuid() != 0)
		return "loading BPF programs takes root here";
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL) != 1)
		return "this system loads no XDP programs";
	lab->skeleton = relay_bpf__open();
	cr_assert(lab->skeleton, "the object could not be opened: %s", strerror(errno));
	lab->config = (struct xdp_config *)&lab->skeleton->rodata->config;
	return NULL;
}

static void *map_memory(const struct bpf_map *map, size_t size)
{
	void *memory = mmap(NULL, size * bpf_map__max_entries(map), PROT_READ | PROT_WRITE,
		MAP_SHARED, bpf_map__fd(map), 0);

	cr_assert_neq(memory, MAP_FAILED, "%s: %s", bpf_map__name(map), strerror(errno));
	return memory;
}

void lab_load(struct lab *lab)
{
	struct xdp_config *c = lab->config;

	c->hops = 4;
	xdp_config_index(c);
	bpf_map__set_max_entries(lab->skeleton->maps.clients, LAB_ALLOCATIONS + LAB_PEERS);
	bpf_map__set_max_entries(lab->skeleton->maps.peers, LAB_PEERS);
	bpf_map__set_max_entries(
		lab->skeleton->maps.ports, c->relays * (c->port_max - c->port_min + 1));
	bpf_map__set_max_entries(lab->skeleton->maps.hops, c->hops);
	cr_assert_eq(relay_bpf__load(lab->skeleton), 0, "the program was not loaded");
	lab->ports = map_memory(lab->skeleton->maps.ports, sizeof(struct xdp_port));
	lab->hops = map_memory(lab->skeleton->maps.hops, sizeof(struct xdp_hop));
}

void lab_close(struct lab *lab)
{
	munmap(lab->ports,
		sizeof(struct xdp_port) * bpf_map__max_entries(lab->skeleton->maps.ports));
	munmap(lab->hops, sizeof(struct xdp_hop) * bpf_map__max_entries(lab->skeleton->maps.hops));
	relay_bpf__destroy(lab->skeleton);
}

static void put(const struct bpf_map *map, const void *key, const void *value)
{
	cr_assert_eq(bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY), 0, "%s: %s",
		bpf_map__name(map), strerror(errno));
}

static void put_client(
	struct lab *lab, const struct xdp_client_key *key, const struct xdp_client *client)
{
	struct xdp_client value = *client;

	value.check = xdp_client_check(key, &value);
	put(lab->skeleton->maps.clients, key, &value);
}

static void put_peer(struct lab *lab, const struct xdp_peer_key *key, const struct xdp_peer *peer)
{
	struct xdp_peer value = *peer;

	value.check = xdp_peer_check(key, &value);
	put(lab->skeleton->maps.peers, key, &value);
}

// Which of our relay addresses it is.
static uint8_t target(const struct lab *lab, const struct tp_ip *ip)
{
	const struct xdp_config *c = (const void *)&lab->skeleton->rodata->config;

	for (uint32_t i = 0; i < c->relays; i++)
		if (tp_ip_equal(&c->relay[i], ip) || tp_ip_equal(&c->relay_public[i], ip))
			return (uint8_t)i;
	return XDP_NOT_OURS;
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
		.hop = 1,
		.client = client->ip,
		.client_port = client->port,
		.server = server,
		.sum = xdp_sum(&c->server[server], client),
	};
	struct xdp_client_key key = {
		.ip = client->ip,
		.port = client->port,
		.channel = (uint16_t)tp_ip_family(&c->relay[relay]),
		.server = server,
	};

	xdp_port_write(port_of(lab, relay, relay_port), &port);
	put_client(lab, &key,
		&(struct xdp_client){
			.relay_port = relay_port,
			.relay = relay,
			.target = XDP_NOT_OURS,
			.until = lab->until,
			.allocation = slot,
		});
}

void lab_put_permission(struct lab *lab, uint32_t slot, const struct tp_ip *peer)
{
	struct xdp_peer_key key = {.ip = *peer, .allocation = slot};

	put_peer(lab, &key,
		&(struct xdp_peer){.until = lab->until, .target = target(lab, peer), .hop = 1});
}

void lab_put_channel(struct lab *lab, uint32_t slot, const struct tp_endpoint *client,
	uint8_t server, uint8_t relay, uint16_t relay_port, const struct tp_endpoint *peer,
	uint16_t channel)
{
	const struct xdp_config *c = (const void *)&lab->skeleton->rodata->config;
	struct tp_endpoint from = {.ip = c->relay[relay], .port = relay_port};
	struct xdp_peer_key peer_key = {.ip = peer->ip, .allocation = slot, .port = peer->port};
	struct xdp_client_key key = {
		.ip = client->ip, .port = client->port, .channel = channel, .server = server};
	struct xdp_port port = *port_of(lab, relay, relay_port);

	put_peer(lab, &peer_key,
		&(struct xdp_peer){.until = lab->until,
			.channel = channel,
			.target = target(lab, &peer->ip),
			.hop = 1});
	put_client(lab, &key,
		&(struct xdp_client){
			.peer = peer->ip,
			.peer_port = peer->port,
			.relay_port = relay_port,
			.relay = relay,
			.target = target(lab, &peer->ip),
			.until = lab->until,
			.allocation = slot,
			.hop = 1,
			.sum = xdp_sum(&from, peer),
		});
	// The first one is inline.
	if (port.peer.channel)
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
