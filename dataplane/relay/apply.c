// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Commands: every field is checked here, then the command goes where its noun lives.

#include "tables.h"

static bool endpoint_valid(const struct tp_endpoint *e)
{
	return e->port && !(e->zero[0] | e->zero[1] | e->zero[2]);
}

static bool client_valid(const struct relay *r, const struct tp_command *c)
{
	const struct tp_capabilities *caps = &r->capabilities;

	return c->server < caps->servers && c->transport == TP_UDP && endpoint_valid(&c->client) &&
	       tp_ip_family(&c->client.ip) == tp_ip_family(&caps->server[c->server].ip);
}

static bool allocation_valid(const struct relay *r, const struct tp_command *c)
{
	const struct tp_capabilities *caps = &r->capabilities;

	return c->relay < caps->relays && c->relay_port >= caps->port_min &&
	       c->relay_port <= caps->port_max && client_valid(r, c) &&
	       c->user < tp_users_for(caps->allocations) &&
	       c->bits_per_second <= TP_BITS_PER_SECOND_MAX &&
	       c->user_bits_per_second <= TP_BITS_PER_SECOND_MAX;
}

// RFC 8656 section 9.2: a peer has the family of the relayed address.
static bool peer_valid(const struct relay *r, const struct tp_command *c)
{
	uint8_t relay = r->allocations[c->allocation].relay;

	return tp_ip_family(&c->peer.ip) == tp_ip_family(&r->capabilities.relay[relay].local);
}

// Entry `i` of all: peers come first, so that an allocation has few left to take with it.
static bool sweep_entry(struct relay *r, uint32_t generation, uint32_t i)
{
	uint32_t slot = i - r->fresh_peers;

	if (i >= r->fresh_peers)
		return relay_displace(r, slot, generation);
	if (r->links[i].allocation == RELAY_NONE || r->links[i].generation == generation)
		return false;
	peer_drop(r, i);
	return true;
}

uint32_t relay_sweep(
	struct relay *r, uint32_t generation, uint32_t from, uint32_t look, uint32_t drop)
{
	uint32_t end = r->fresh_peers + r->capabilities.allocations;

	for (; look && drop && from < end; look--)
		drop -= sweep_entry(r, generation, from++);
	return from < end ? from : 0;
}

static enum tp_status apply_to_peer(struct relay *r, const struct tp_command *c, uint64_t now)
{
	bool exists = r->allocations[c->allocation].relay_port;
	bool channel = c->channel >= TP_CHANNEL_MIN && c->channel <= r->channel_max;

	switch (c->kind) {
	case TP_PUT_PERMISSION:
		if (!exists)
			return TP_STATUS_NO_ALLOCATION;
		return peer_valid(r, c) ? permission_put(r, c) : TP_STATUS_INVALID;
	case TP_PUT_CHANNEL:
		if (!channel || !endpoint_valid(&c->peer))
			return TP_STATUS_INVALID;
		if (!exists)
			return TP_STATUS_NO_ALLOCATION;
		return peer_valid(r, c) ? channel_put(r, c, now) : TP_STATUS_INVALID;
	case TP_DROP_PERMISSION:
		if (exists)
			permission_drop(r, c->allocation, &c->peer.ip);
		return TP_STATUS_OK;
	case TP_DROP_CHANNEL:
		if (exists && channel)
			channel_drop(r, c->allocation, c->channel);
		return TP_STATUS_OK;
	}
	return TP_STATUS_INVALID;
}

enum tp_status relay_apply(struct relay *r, const struct tp_command *c, uint64_t now)
{
	r->now_ms = now;
	if (c->kind == TP_SWEEP) {
		relay_sweep(r, c->generation, 0, UINT32_MAX, UINT32_MAX);
		return TP_STATUS_OK;
	}
	if (c->allocation >= r->capabilities.allocations)
		return TP_STATUS_INVALID;
	switch (c->kind) {
	case TP_PUT_ALLOCATION:
		return allocation_valid(r, c) ? allocation_put(r, c) : TP_STATUS_INVALID;
	case TP_MOVE_ALLOCATION:
		if (!client_valid(r, c))
			return TP_STATUS_INVALID;
		return r->allocations[c->allocation].relay_port ? move_put(r, c)
								: TP_STATUS_NO_ALLOCATION;
	case TP_DROP_ALLOCATION:
		if (r->allocations[c->allocation].relay_port)
			allocation_drop(r, c->allocation);
		return TP_STATUS_OK;
	}
	return apply_to_peer(r, c, now);
}
