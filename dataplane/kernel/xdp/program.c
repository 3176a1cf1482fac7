// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <relay.skel.h>

#define LOG_BYTES (4u << 20)

static void fill_config(struct xdp_config *c, const struct tp_capabilities *caps,
	const uint32_t *ifindex, uint32_t interfaces, bool partial, uint32_t destinations)
{
	*c = (struct xdp_config){.servers = caps->servers,
		.relays = caps->relays,
		.devices = interfaces,
		.channel_max = caps->channel_max,
		.port_min = caps->port_min,
		.port_max = caps->port_max,
		.hops = destinations + 1,
		.partial = partial};
	memcpy(c->server, caps->server, sizeof(c->server));
	for (uint32_t i = 0; i < caps->relays; i++) {
		c->relay[i] = caps->relay[i].local;
		c->relay_public[i] = caps->relay[i].public_;
	}
	memcpy(c->ifindex, ifindex, interfaces * sizeof(*ifindex));
	xdp_config_index(c);
}

static int set_sizes(struct relay_bpf *o, const struct tp_capabilities *caps, uint32_t hops)
{
	int err = bpf_map__set_max_entries(o->maps.clients, caps->allocations + caps->peers);

	if (!err)
		err = bpf_map__set_max_entries(o->maps.peers, caps->peers);
	if (!err)
		err = bpf_map__set_max_entries(o->maps.ports, tp_owners_size(caps));
	if (!err)
		err = bpf_map__set_max_entries(o->maps.hops, hops);
	return err;
}

#define LOG_END 1000u // bytes, where the reason is

// In the file where we may write there (a user of our own may not), and its end on stderr.
static void keep_log(const char *path, const char *text)
{
	FILE *file = *text ? fopen(path, "we") : NULL;
	size_t length = strlen(text);

	if (!*text)
		return;
	fprintf(stderr, "turnpike-kernel: the kernel's verifier ends with:\n%s\n",
		text + (length > LOG_END ? length - LOG_END : 0));
	if (!file)
		return;
	fputs(text, file);
	fclose(file);
	fprintf(stderr, "turnpike-kernel: all of it is in %s.\n", path);
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
		err = set_sizes(p->object, caps, p->config.hops);
		if (!err)
			err = relay_bpf__load(p->object);
		if (err)
			keep_log(log, text);
	} else if (text) {
		err = -errno;
	}
	free(text);
	return err;
}

static size_t map_bytes(uint32_t entries, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (entries * size + page - 1) / page * page;
}

static void *map(struct bpf_map *map, size_t size)
{
	void *base = mmap(NULL, map_bytes(bpf_map__max_entries(map), size), PROT_READ | PROT_WRITE,
		MAP_SHARED, bpf_map__fd(map), 0);

	return base == MAP_FAILED ? NULL : base;
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
	const uint32_t *ifindex, uint32_t interfaces, bool partial, uint32_t destinations,
	const char *log)
{
	int err;

	*p = (struct program){.cpus_count = 0};
	fill_config(&p->config, capabilities, ifindex, interfaces, partial, destinations);
	err = load(p, capabilities, log);
	if (err)
		return err;
	p->ports = map(p->object->maps.ports, sizeof(*p->ports));
	p->hops = map(p->object->maps.hops, sizeof(*p->hops));
	if (!p->ports || !p->hops)
		return -errno;
	err = prepare_cpus(p);
	return err ? err : prepare_devices(p);
}

void program_free(struct program *p)
{
	if (p->ports)
		munmap(p->ports,
			map_bytes(bpf_map__max_entries(p->object->maps.ports), sizeof(*p->ports)));
	if (p->hops)
		munmap(p->hops,
			map_bytes(bpf_map__max_entries(p->object->maps.hops), sizeof(*p->hops)));
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
		for (unsigned int c = 0; c < XDP_PASS_COUNT; c++)
			out->passed[c] += p->cpus[i].passed[c];
		out->redirected += p->cpus[i].redirected;
	}
}
