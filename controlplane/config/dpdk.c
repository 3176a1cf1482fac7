// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The section dpdk: values are looked at, no device is.

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <turnpike/segment.h>

#include "resolve.h"
#include "text.h"

#define BURST 32u
#define RING 512u
#define RING_MIN 64u
#define RING_MAX 32768u
#define MBUFS_MAX (1u << 26)
#define MTU_MIN 1280u // IPv6's (RFC 8200 section 5)
#define MTU_MAX 9600u
#define IDLE_LATENCY 200u // microseconds
#define IDLE_LATENCY_MAX 100000u

static uint32_t ring(struct place *place, const char *path, const char *text)
{
	uint64_t n;

	if (!text)
		return RING;
	if (text_to_number(text, RING_MAX, &n) && n >= RING_MIN && !(n & (n - 1)))
		return (uint32_t)n;
	place_complain(place, path, "\"%s\" is not a power of two from %u to %u.", text, RING_MIN,
		RING_MAX);
	return RING;
}

static bool huge_pages(struct place *place, const char *text)
{
	if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		place_complain(place, "dpdk.huge_pages", "\"%s\" is neither true nor false.", text);
	return !text || strcmp(text, "false") != 0;
}

static enum config_exception exception(struct place *place, const char *text)
{
	if (!text || strcmp(text, "tap") == 0)
		return CONFIG_EXCEPTION_TAP;
	if (strcmp(text, "virtio-user") == 0)
		return CONFIG_EXCEPTION_VIRTIO_USER;
	if (strcmp(text, "none") != 0)
		place_complain(
			place, "dpdk.exception", "\"%s\" is none of tap, virtio-user, none.", text);
	return CONFIG_EXCEPTION_NONE;
}

static size_t hex(const char *text)
{
	return strspn(text, "0123456789abcdefABCDEF");
}

// "0000:03:00.0", or without the domain.
static bool is_pci(const char *text, size_t length)
{
	const char *end = text + length;

	if (hex(text) == 4 && text[4] == ':')
		text += 5;
	return end - text == 7 && hex(text) == 2 && text[2] == ':' && hex(text + 3) == 2 &&
	       text[5] == '.' && text[6] >= '0' && text[6] <= '7';
}

// "net_tap0" and the like, or another bus by its name: "auxiliary:mlx5_core.sf.4".
static bool is_named(const char *text, size_t length)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz", more[] = "0123456789_.:-";
	size_t word = strspn(text, letters), n = 0;
	bool virtual = strncmp(text, "net_", 4) == 0 || strncmp(text, "eth_", 4) == 0;

	while (n < length && (strchr(letters, text[n]) || strchr(more, text[n])))
		n++;
	return n == length &&
	       (virtual ? length > 4 : word && text[word] == ':' && length > word + 1);
}

static void check_port(const struct raw_dpdk *raw, uint32_t i, struct place *place)
{
	size_t length = strcspn(raw->ports[i], ",");
	char path[64];

	snprintf(path, sizeof(path), "dpdk.ports[%u]", i);
	if (!is_pci(raw->ports[i], length) && !is_named(raw->ports[i], length))
		place_complain(place, path,
			"\"%s\" is neither a PCI address such as 0000:03:00.0 nor a virtual device "
			"such as net_tap0,iface=tap0.",
			raw->ports[i]);
	for (uint32_t j = 0; j < i; j++)
		if (strcspn(raw->ports[j], ",") == length &&
			strncmp(raw->ports[i], raw->ports[j], length) == 0) {
			place_complain(place, path, "%.*s is in the list twice.", (int)length,
				raw->ports[i]);
			break;
		}
}

static void check_eal(const char *argument, uint32_t i, struct place *place)
{
	char path[64];

	snprintf(path, sizeof(path), "dpdk.eal[%u]", i);
	if (!*argument)
		place_complain(place, path, "is empty.");
	// The program sizes its memory by it, so it has to know.
	if (strcmp(argument, "--no-huge") == 0)
		place_complain(place, path, "--no-huge is not for here: write huge_pages: false.");
}

static void check_interfaces(const struct raw_dpdk *raw, struct place *place)
{
	resolve_interfaces(raw->interfaces, raw->interfaces_count, "dpdk.interfaces", place);
	if (raw->interfaces_count > raw->ports_count)
		place_complain(place, "dpdk.interfaces",
			"has %u names, but there are %u `ports`; each has one interface.",
			raw->interfaces_count, raw->ports_count);
}

static void resolve_workers(struct config *config, const struct raw *raw, struct place *place)
{
	uint32_t workers = (uint32_t)resolve_number(
		place, "dpdk.workers", raw->dpdk.workers, 1, TP_WORKERS_MAX, config->workers);

	if (raw->dpdk.workers && raw->workers)
		place_complain(
			place, "dpdk.workers", "`workers` is there too; one of them must go.");
	if (config->dataplane == CONFIG_DATAPLANE_DPDK)
		config->workers = workers;
}

// With no more buffers than the rings hold nothing could be received while they are full.
static void resolve_mbufs(struct config *config, const struct raw_dpdk *raw, struct place *place)
{
	struct config_dpdk *d = &config->dpdk;
	uint64_t held = (uint64_t)config->workers * d->ports_count *
			((uint64_t)d->rx_ring + d->tx_ring);

	d->mbufs = (uint32_t)resolve_number(place, "dpdk.mbufs", raw->mbufs, 0, MBUFS_MAX, 0);
	if (d->mbufs && d->mbufs <= held)
		place_complain(place, "dpdk.mbufs",
			"%u buffers are too few: the rings of %u workers on %zu ports (%u and %u "
			"each) hold %" PRIu64 ".",
			d->mbufs, config->workers, d->ports_count, d->rx_ring, d->tx_ring, held);
}

static bool is_any(const struct tp_ip *ip)
{
	return !ip->q[0] && !ip->w[3] && (!ip->w[2] || tp_ip_is4(ip));
}

// What there is no default for: the addresses of its ports are the relay's alone, and may get to this
// host only with the exception interface.
static void check_addresses(const struct raw *raw, struct place *place)
{
	static const char *const keys[] = {"listen", "relay"};
	struct tp_endpoint e;
	char path[64];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!place_has_value(place, keys[i]))
			place_complain(place, "dataplane",
				"dpdk has no default for `%s`: name the addresses that its ports "
				"are to have.",
				keys[i]);
	for (uint32_t i = 0; i < raw->listen_count; i++) {
		if (!text_to_endpoint(raw->listen[i], &e) || !is_any(&e.ip))
			continue;
		snprintf(path, sizeof(path), "listen[%u]", i);
		place_complain(place, path,
			"%s would be this host's addresses; with dataplane: dpdk name those that "
			"its ports are to have.",
			raw->listen[i]);
	}
}

int resolve_dpdk(struct config *config, const struct raw *raw, struct place *place)
{
	const struct raw_dpdk *r = &raw->dpdk;
	struct config_dpdk *d = &config->dpdk;
	bool used = config->dataplane == CONFIG_DATAPLANE_DPDK;

	d->given = place_has_value(place, "dpdk");
	d->exception = exception(place, r->exception);
	d->burst = (uint32_t)resolve_number(
		place, "dpdk.burst", r->burst, 1, CONFIG_BURST_MAX, BURST);
	d->rx_ring = ring(place, "dpdk.rx_ring", r->rx_ring);
	d->tx_ring = ring(place, "dpdk.tx_ring", r->tx_ring);
	d->huge_pages = huge_pages(place, r->huge_pages);
	if (r->mtu && strcmp(r->mtu, "0") != 0)
		d->mtu = (uint32_t)resolve_number(place, "dpdk.mtu", r->mtu, MTU_MIN, MTU_MAX, 0);
	d->idle_polls = (uint32_t)resolve_number(
		place, "dpdk.idle_polls", r->idle_polls, 0, UINT32_MAX, 0);
	d->idle_latency = (uint32_t)resolve_number(
		place, "dpdk.idle_latency", r->idle_latency, 1, IDLE_LATENCY_MAX, IDLE_LATENCY);
	for (uint32_t i = 0; i < r->eal_count; i++)
		check_eal(r->eal[i], i, place);
	for (uint32_t i = 0; i < r->ports_count; i++)
		check_port(r, i, place);
	if (r->eal_count > CONFIG_EAL_MAX)
		place_complain(place, "dpdk.eal", "more than %u arguments.", CONFIG_EAL_MAX);
	if (r->ports_count > CONFIG_DPDK_PORTS_MAX)
		place_complain(place, "dpdk.ports", "more than %u ports.", CONFIG_DPDK_PORTS_MAX);
	check_interfaces(r, place);
	if (resolve_copy(&d->eal, &d->eal_count, r->eal, r->eal_count) < 0 ||
		resolve_copy(&d->ports, &d->ports_count, r->ports, r->ports_count) < 0 ||
		resolve_copy(&d->interfaces, &d->interfaces_count, r->interfaces,
			r->interfaces_count) < 0)
		return -ENOMEM;
	resolve_workers(config, raw, place);
	resolve_mbufs(config, r, place);
	if (resolve_steering(config, r, place) < 0)
		return -ENOMEM;
	if (used && !r->ports_count)
		place_complain(place, d->given ? "dpdk.ports" : "dataplane",
			"dpdk takes ports of its own: name them in `dpdk.ports`, such as "
			"[\"0000:03:00.0\"].");
	if (used)
		check_addresses(raw, place);
	return 0;
}
