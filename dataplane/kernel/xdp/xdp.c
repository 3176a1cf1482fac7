// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "xdp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <nexthop.h>

#include <bpf/libbpf.h>

#include <relay.h>

#include "far_end.h"

#define LOG_NAME "dataplane/xdp-verifier.log"

static int say_nothing(enum libbpf_print_level, const char *, va_list)
{
	return 0;
}

// In the directory that the launcher makes for us beside the control plane's socket.
static void log_path(const char *link, char *out, size_t size)
{
	const char *slash = strrchr(link, '/');

	snprintf(out, size, "%.*s" LOG_NAME, slash ? (int)(slash - link + 1) : 0, link);
}

// Every address of a client or peer may be another one, and a client that moves is in two places.
static uint32_t destinations(const struct tp_capabilities *c)
{
	uint64_t n = 2ull * c->allocations + c->peers;

	return n < RELAY_DESTINATION_MAX ? (uint32_t)n : RELAY_DESTINATION_MAX;
}

static void find(struct xdp *x, const struct settings *s, const struct tp_capabilities *caps)
{
	struct interface found[TP_INTERFACES_MAX];
	int n = interfaces_find(found, s->interface, s->interfaces, caps);

	for (int i = 0; i < n; i++)
		x->hook[x->hooks++] = (struct hook){.interface = found[i], .link = -1};
}

// Puts probes on the interfaces. Writes the indices of those that took one; returns their number.
static uint32_t probe(struct xdp *x, enum xdp_wish wish, uint32_t ifindex[TP_INTERFACES_MAX])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->hooks; i++)
		if (hook_probe(&x->hook[i], wish, x->hooks > 1))
			ifindex[n++] = x->hook[i].interface.ifindex;
	return n;
}

// With the interfaces in the order of config.ifindex, which hops refer to.
static int follow_hops(struct xdp *x)
{
	struct nexthops_listener listener = maps_listener;
	struct nexthop_port ports[TP_INTERFACES_MAX];
	uint32_t n = 0;
	int err;

	for (uint32_t i = 0; i < x->hooks; i++) {
		const struct interface *f = &x->hook[i].interface;

		if (x->hook[i].link < 0)
			continue;
		ports[n].ifindex = f->ifindex;
		ports[n].mtu = 0;
		memcpy(ports[n++].mac, f->mac, sizeof(f->mac));
	}
	err = nexthops_create(&x->nexthops, ports, n, x->program.config.destinations - 1);
	listener.context = x;
	if (!err)
		nexthops_listen(x->nexthops, &listener);
	return err;
}

// Whether senders may leave checksums to a device: on virtual interfaces, and on any where the program sees what
// the stack sees.
static bool partial(const struct xdp *x)
{
	for (uint32_t i = 0; i < x->hooks; i++)
		if (x->hook[i].interface.told.virtual_ ||
			x->hook[i].interface.told.mode == TP_XDP_GENERIC)
			return true;
	return false;
}

// Bit i: the i-th of those that carry a probe is a veth whose far end may have GRO and no program. veth's XDP_TX hands
// frames to such an end and does not wake it (veth_xdp_flush()); what is redirected to it does.
static uint32_t redirected(const struct xdp *x)
{
	uint32_t mask = 0, n = 0;

	for (uint32_t i = 0; i < x->hooks; i++) {
		const struct interface *f = &x->hook[i].interface;

		if (x->hook[i].link < 0)
			continue;
		if (f->told.mode == TP_XDP_NATIVE && !strcmp(f->told.driver, "veth") &&
			!far_end_has_program(f->ifindex))
			mask |= 1u << n;
		n++;
	}
	return mask;
}

// Loads the program for the interfaces that carry a probe, and what it depends on.
static int load(struct xdp *x, const struct settings *s, const struct tp_capabilities *caps,
	const uint32_t *ifindex, uint32_t n)
{
	struct mirror_ops ops = maps_ops;
	char log[256];
	int err;

	log_path(s->common.link, log, sizeof(log));
	err = program_load(
		&x->program, caps, ifindex, n, redirected(x), partial(x), destinations(caps), log);
	if (!err)
		err = follow_hops(x);
	ops.context = x;
	return err ? err : mirror_create(&x->mirror, caps, &x->program.config, &ops);
}

static uint32_t take_over(struct xdp *x, enum xdp_wish wish)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->hooks; i++)
		n += x->hook[i].link >= 0 &&
		     hook_take_over(&x->hook[i], wish, program_fd(&x->program));
	return n;
}

static void release(struct xdp *x)
{
	for (uint32_t i = 0; i < x->hooks; i++)
		hook_release(&x->hook[i]);
	mirror_destroy(x->mirror);
	nexthops_destroy(x->nexthops);
	program_free(&x->program);
	x->mirror = NULL;
	x->nexthops = NULL;
}

static void tell_interface(const struct tp_interface *told)
{
	static const char *const modes[] = {"no XDP", "XDP in native mode", "XDP in generic mode"};

	fprintf(stderr,
		"turnpike-kernel: %s: %s%s%s; driver %s, %u queue%s, MTU %u, headroom %s%s.\n",
		told->name, modes[told->mode], *told->why ? ", " : "", told->why,
		*told->driver ? told->driver : "unknown", told->queues,
		told->queues == 1 ? "" : "s", told->mtu,
		told->headroom_lacking ? "lacking"
		: told->headroom_seen  ? "enough"
				       : "not seen yet",
		told->partial_checksums ? ", senders leave checksums partial" : "");
}

static void tell(const struct xdp *x, struct tp_capabilities *caps, const char *why)
{
	bool runs = xdp_runs(x);

	for (uint32_t i = 0; i < x->hooks; i++) {
		caps->interface[caps->interfaces] = x->hook[i].interface.told;
		tell_interface(&caps->interface[caps->interfaces++]);
	}
	strcpy(caps->name, runs ? "xdp" : "sockets");
	fprintf(stderr, "turnpike-kernel: dataplane: %s, because %s.\n", caps->name, why);
}

// Returns why the program is on interfaces, or NULL and why it isn't in `not`.
static const char *start(struct xdp *x, const struct settings *settings,
	const struct tp_capabilities *caps, char not_[128])
{
	uint32_t ifindex[TP_INTERFACES_MAX], n;
	int err;

	snprintf(not_, 128, "XDP was not asked for");
	if (settings->xdp == XDP_WISH_OFF)
		return NULL;
	libbpf_set_print(say_nothing);
	find(x, settings, caps);
	snprintf(not_, 128, "%s",
		x->hooks ? "no interface takes an XDP program"
			 : "no interface but loopback holds an address of the relay");
	n = probe(x, settings->xdp, ifindex);
	err = n ? load(x, settings, caps, ifindex, n) : 0;
	if (err)
		snprintf(not_, 128, "the XDP program can't be loaded: %s", strerror(-err));
	return n && !err && take_over(x, settings->xdp) ? "an interface takes the XDP program"
							: NULL;
}

void xdp_start(struct xdp *x, const struct settings *settings, struct tp_capabilities *caps)
{
	const char *why;
	char not_[128];

	*x = (struct xdp){.hooks = 0};
	caps->interfaces = 0;
	why = start(x, settings, caps, not_);
	if (!why)
		release(x);
	tell(x, caps, why ? why : not_);
}

void xdp_stop(struct xdp *x)
{
	release(x);
}

void xdp_publish(struct xdp *x, struct tp_counters *page)
{
	struct xdp_cpu sum;

	program_count(&x->program, &sum);
	for (unsigned int i = 0; i < TP_COUNTER_COUNT; i++)
		__atomic_store_n(&page->value[i], sum.counter[i], __ATOMIC_RELAXED);
}
