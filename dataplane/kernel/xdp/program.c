// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "verifier_log.h"

#include <relay.skel.h>

#define LOG_BYTES (4u << 20)

static int make_hash(struct xdp_hash *hash)
{
	return getrandom(hash, sizeof(*hash), 0) == sizeof(*hash) ? 0 : -errno;
}

static int fill_config(struct xdp_config *c, const struct tp_capabilities *caps,
	const uint32_t *ifindex, uint32_t interfaces, uint32_t redirect, bool partial,
	uint32_t destinations)
{
	*c = (struct xdp_config){.servers = caps->servers,
		.relays = caps->relays,
		.devices = interfaces,
		.channel_max = caps->channel_max,
		.port_min = caps->port_min,
		.port_max = caps->port_max,
		.destinations = destinations + 1,
		.partial = partial,
		.redirect = redirect,
		.client_homes = 2 * (2 * caps->allocations + caps->peers),
		.peer_homes = 2 * caps->peers};
	memcpy(c->server, caps->server, sizeof(c->server));
	for (uint32_t i = 0; i < caps->relays; i++) {
		c->relay[i] = caps->relay[i].local;
		c->relay_public[i] = caps->relay[i].public_;
	}
	memcpy(c->ifindex, ifindex, interfaces * sizeof(*ifindex));
	xdp_config_index(c);
	return make_hash(&c->hash);
}

static int set_sizes(struct relay_bpf *o, const struct xdp_config *c, uint32_t ports)
{
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{o->maps.clients, xdp_lines(c->client_homes)},
		{o->maps.peers, xdp_lines(c->peer_homes)},
		{o->maps.ports, ports},
		{o->maps.destinations, xdp_destinations_lines(c->destinations)},
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !err; i++)
		err = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);
	return err;
}

static int load(struct program *p, const struct tp_capabilities *caps, const char *log)
{
	char *text = calloc(1, LOG_BYTES);
	LIBBPF_OPTS(
		bpf_object_open_opts, opts, .kernel_log_buf = text, .kernel_log_size = LOG_BYTES);
	int err = -ENOMEM;

	if (text)
		p->object = relay_bpf__open_opts(&opts);
	if (p->object) {
		memcpy((void *)&p->object->rodata->config, &p->config, sizeof(p->config));
		err = set_sizes(p->object, &p->config, tp_owners_size(caps));
		if (!err)
			err = relay_bpf__load(p->object);
		if (err)
			verifier_log_keep(log, text);
	} else if (text) {
		err = -errno;
	}
	free(text);
	return err;
}

static size_t map_bytes(const struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map);

	return (bytes + page - 1) / page * page;
}

// NULL, with errno: it can't be had.
static void *map(const struct bpf_map *map)
{
	void *base = mmap(
		NULL, map_bytes(map), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return base == MAP_FAILED ? NULL : base;
}

static void unmap(const struct bpf_map *map, void *base)
{
	if (base)
		munmap(base, map_bytes(map));
}

static bool map_all(struct program *p)
{
	const struct relay_bpf *o = p->object;

	p->clients = (struct table){.lines = map(o->maps.clients),
		.hash = &p->config.hash,
		.key = XDP_CLIENT_KEY,
		.homes = p->config.client_homes};
	p->peers = (struct table){.lines = map(o->maps.peers),
		.hash = &p->config.hash,
		.key = XDP_PEER_KEY,
		.homes = p->config.peer_homes};
	p->ports = map(o->maps.ports);
	p->destinations = map(o->maps.destinations);
	p->hops = map(o->maps.hops);
	return p->clients.lines && p->peers.lines && p->ports && p->destinations && p->hops;
}

// Each CPU's identifiers of IPv4 datagrams begin somewhere else.
static int prepare_cpus(struct program *p)
{
	const uint32_t zero = 0;

	p->cpus_count = libbpf_num_possible_cpus();
	if (p->cpus_count < 0)
		return p->cpus_count;
	p->cpus = calloc((size_t)p->cpus_count, sizeof(*p->cpus));
	if (!p->cpus)
		return -ENOMEM;
	for (int i = 0; i < p->cpus_count; i++)
		if (getrandom(&p->cpus[i].ip_id, sizeof(p->cpus[i].ip_id), 0) < 0)
			return -errno;
	return bpf_map_update_elem(bpf_map__fd(p->object->maps.cpus), &zero, p->cpus, BPF_ANY) < 0
		       ? -errno
		       : 0;
}

static int prepare_devices(struct program *p)
{
	for (uint32_t i = 0; i < p->config.devices; i++)
		if (bpf_map_update_elem(bpf_map__fd(p->object->maps.devices), &i,
			    &p->config.ifindex[i], BPF_ANY) < 0)
			return -errno;
	return 0;
}

int program_load(struct program *p, const struct tp_capabilities *capabilities,
	const uint32_t *ifindex, uint32_t interfaces, uint32_t redirect, bool partial,
	uint32_t destinations, const char *log)
{
	int err;

	*p = (struct program){.cpus_count = 0};
	err = fill_config(
		&p->config, capabilities, ifindex, interfaces, redirect, partial, destinations);
	if (!err)
		err = load(p, capabilities, log);
	if (err)
		return err;
	if (!map_all(p))
		return -errno;
	err = prepare_cpus(p);
	return err ? err : prepare_devices(p);
}

void program_free(struct program *p)
{
	if (p->object) {
		unmap(p->object->maps.clients, p->clients.lines);
		unmap(p->object->maps.peers, p->peers.lines);
		unmap(p->object->maps.ports, p->ports);
		unmap(p->object->maps.destinations, p->destinations);
		unmap(p->object->maps.hops, p->hops);
	}
	relay_bpf__destroy(p->object);
	free(p->cpus);
	*p = (struct program){.cpus_count = 0};
}

int program_fd(const struct program *p)
{
	return bpf_program__fd(p->object->progs.turnpike_relay);
}

void program_count(struct program *p, struct xdp_cpu *out)
{
	const uint32_t zero = 0;

	*out = (struct xdp_cpu){0};
	if (bpf_map_lookup_elem(bpf_map__fd(p->object->maps.cpus), &zero, p->cpus) < 0)
		return;
	for (int i = 0; i < p->cpus_count; i++) {
		for (unsigned int c = 0; c < TP_COUNTER_COUNT; c++)
			out->counter[c] += p->cpus[i].counter[c];
		out->redirected += p->cpus[i].redirected;
	}
}
