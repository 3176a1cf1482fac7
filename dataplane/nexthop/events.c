// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What changes in the kernel, and which destinations that may concern.

#include <errno.h>

#include "nexthops.h"

#define SCAN_EACH 64u // destinations under one lock, each perhaps against CHANGES_MAX prefixes
#define SCAN_PAUSE_MS 50u // so that changes in a row share scans

static void on_neighbour(void *context, const struct rtnl_neighbour *neighbour)
{
	struct nexthops *n = context;
	uint8_t port = nexthops_port_of(n, neighbour->ifindex);

	if (port == NEXTHOPS_PORTS_MAX)
		return;
	nexthops_lock(n);
	hop_neighbour(n, port, neighbour);
	pthread_mutex_unlock(&n->lock);
}

static void on_link(void *context, const struct rtnl_link *link)
{
	events_link(context, link);
}

static void on_prefix(
	void *context, enum tp_family family, const struct tp_ip *ip, unsigned int length)
{
	struct nexthops *n = context;

	changes_add(&n->changed, family, ip, length);
}

static void on_everything(void *context)
{
	struct nexthops *n = context;

	changes_add_all(&n->changed);
}

void events_link(struct nexthops *n, const struct rtnl_link *link)
{
	uint8_t i = nexthops_port_of(n, link->ifindex);
	struct port *port = &n->port[i];
	uint16_t mtu;
	bool changed;

	if (i == NEXTHOPS_PORTS_MAX) {
		// Routes may have left it for one of ours.
		if (link->changed)
			changes_add_all(&n->changed);
		return;
	}
	mtu = (uint16_t)(link->mtu < port->mtu_max ? link->mtu : port->mtu_max);
	if (!link->mtu) // not every notification says it
		mtu = port->mtu;
	if (port->running == link->running && port->mtu == mtu)
		return;
	changed = port->running != link->running;
	nexthops_lock(n);
	port->mtu = mtu;
	port->running = link->running;
	pthread_mutex_unlock(&n->lock);
	if (changed)
		hops_walk(n, hop_port_changed, i);
	changes_add_all(&n->changed);
}

bool events_read(struct nexthops *n)
{
	const struct rtnl_listener to = {on_neighbour, on_link, on_prefix, on_everything, n};
	int more = rtnl_listen(&n->rtnl, &to);

	if (more < 0)
		n->lost = true;
	return more != 0;
}

static void look_at(struct nexthops *n, uint32_t hop, uint8_t)
{
	hop_look(n, hop);
}

// The kernel had no room for what it had to tell: everything may have changed. What serves goes on serving,
// and the rate holds for this too.
void events_resync(struct nexthops *n)
{
	struct rtnl_link link;

	n->lost = false;
	for (uint8_t i = 0; i < n->ports; i++) {
		int err = rtnl_get_link(&n->rtnl, n->port[i].ifindex, &link);

		if (err == -ENODEV)
			link = (struct rtnl_link){.ifindex = n->port[i].ifindex};
		else if (err < 0)
			n->lost = true; // no answer: nothing is known of it that wasn't before
		if (err == 0 || err == -ENODEV)
			events_link(n, &link);
	}
	changes_add_all(&n->changed);
	nexthops_lock(n);
	n->status.resyncs++;
	pthread_mutex_unlock(&n->lock);
	hops_walk(n, look_at, 0);
}

// Under the lock.
static bool begin(struct nexthops *n, uint64_t now)
{
	if (!changes_any(&n->changed) && !(n->settle && n->status.unsettled))
		return false;
	if (now < n->scan_next_ms)
		return false;
	n->scanned = n->changed;
	n->changed = (struct changes){.count = 0};
	n->settle = false;
	n->cursor = 1;
	return true;
}

bool events_scan(struct nexthops *n, uint64_t now)
{
	uint32_t end;

	nexthops_lock(n);
	if (!n->cursor && !begin(n, now)) {
		pthread_mutex_unlock(&n->lock);
		return false;
	}
	end = n->cursor + SCAN_EACH < n->destinations_fresh ? n->cursor + SCAN_EACH
							    : n->destinations_fresh;
	for (uint32_t d = n->cursor; d < end; d++) {
		if (!n->destinations[d].refs)
			continue;
		destination_settle(n, d);
		if (changes_cover(&n->scanned, &n->destinations[d].ip))
			destination_enqueue(n, d, QUEUED_AGAIN);
	}
	n->cursor = end < n->destinations_fresh ? end : 0;
	if (!n->cursor)
		n->scan_next_ms = now + SCAN_PAUSE_MS;
	pthread_mutex_unlock(&n->lock);
	return n->cursor != 0;
}
