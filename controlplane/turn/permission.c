// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// CreatePermission and ChannelBind (RFC 8656 sections 10.2 and 12.2).
#include <errno.h>
#include <string.h>

#include "reply.h"

// The slot that relays to this peer, whose family has been checked: of a dual allocation there are two.
static uint32_t slot_for(const struct request *r, const struct stun_peer *peer)
{
	return table_of_family(r->s->table, r->slot, peer->family);
}

int turn_check_peer(const struct request *r, const struct stun_peer *peer)
{
	const struct tp_ip *ip = &peer->endpoint.ip;

	if (!peer->family)
		return 400;
	// The family is the attribute's: an IPv4 address in IPv6 clothes is not IPv4.
	if (slot_for(r, peer) == TABLE_NONE)
		return 443;
	if (peer->family == TP_IPV6 && tp_ip_is4(ip))
		return 403;
	// Our own addresses are nobody's peer, but where a client's relayed address is (hairpin). A
	// permission has no port: port 0 names the address alone.
	if (table_is_relay(r->s->table, ip) && policy_operator_denies(r->s->policy, ip))
		return 403;
	if (table_is_relay(r->s->table, ip))
		return !peer->endpoint.port ||
				       table_is_relayed(r->s->table, ip, peer->endpoint.port)
			       ? 0
			       : 403;
	return policy_allows(r->s->policy, ip) ? 0 : 403;
}

// What a request puts in force: at most a permission for each peer and one channel.
struct change {
	struct tp_command commands[LINK_COMMANDS_MAX];
	uint64_t before[LINK_COMMANDS_MAX]; // expiry to go back to; 0: made by this request
	uint32_t records[LINK_COMMANDS_MAX];
	uint32_t count;
};

static void undo(struct turn_server *s, struct change *c)
{
	while (c->count--) {
		const uint32_t index = c->records[c->count];

		if (c->before[c->count]) {
			table_set_peer_expiry(s->table, index, c->before[c->count]);
			continue;
		}
		if (!table_peer(s->table, index)->channel)
			rates_unmeet_peer(s, table_peer(s->table, index)->allocation);
		table_remove_peer(s->table, index);
	}
}

// A record that is not there yet. Returns 0, -EDQUOT or -ENOSPC.
static int add(struct turn_server *s, uint32_t slot, const struct tp_endpoint *peer,
	uint16_t channel, uint64_t expires_ms, uint32_t *index)
{
	int err = channel ? 0 : rates_meet_peer(s, slot);

	if (err)
		return err;
	err = table_add_peer(s->table, slot, peer, channel, expires_ms, index);
	if (err == -EDQUOT)
		turn_count(s, channel ? TP_CC_channels_limited : TP_CC_permissions_limited);
	if (err && !channel)
		rates_unmeet_peer(s, slot);
	return err;
}

// Makes or refreshes a record, found as `index` or TABLE_NONE. Returns 0, -EDQUOT or -ENOSPC.
static int put(struct request *r, struct change *c, uint32_t slot, uint32_t index,
	const struct tp_endpoint *peer, uint16_t channel, uint64_t expires_ms)
{
	struct table *t = r->s->table;
	uint64_t before = 0;
	int err;

	if (index != TABLE_NONE) {
		before = table_peer(t, index)->expires_ms;
		table_set_peer_expiry(t, index, expires_ms);
	} else {
		err = add(r->s, slot, peer, channel, expires_ms, &index);
		if (err)
			return err;
	}
	c->records[c->count] = index;
	c->before[c->count] = before;
	c->commands[c->count++] = command_peer(r->s, index);
	return 0;
}

static int put_permission(struct request *r, struct change *c, const struct stun_peer *peer)
{
	const uint32_t slot = slot_for(r, peer);
	const struct tp_endpoint *e = &peer->endpoint;

	return put(r, c, slot, table_find_permission(r->s->table, slot, &e->ip, r->s->now_ms), e, 0,
		r->s->now_ms + TURN_PERMISSION_MS);
}

// Sends commands and answer as one transaction, or takes everything back.
static void submit(struct request *r, struct change *c, enum transaction_kind kind)
{
	struct turn_server *s = r->s;
	struct pending *p = pending_take(s, kind);
	struct stun_writer w;
	uint8_t bytes[REPLY_MAX];

	if (!p) {
		undo(s, c);
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	pending_fill(p, r);
	pending_add_half(s, p, r->slot);
	if (s->table->slots[r->slot].twin != TABLE_NONE)
		pending_add_half(s, p, s->table->slots[r->slot].twin);
	p->peers.count = (uint8_t)c->count;
	memcpy(p->peers.records, c->records, c->count * sizeof(*c->records));
	memcpy(p->peers.before, c->before, c->count * sizeof(*c->before));
	reply_begin(&w, &r->to, TP_STUN_SUCCESS, bytes);
	if (reply_finish(s, &r->to, &w) <= 0 ||
		turn_submit(s, p->id, table_record(s->table, r->slot)->worker, c->commands,
			c->count, &r->to.head, bytes) != 0) {
		undo(s, c);
		pending_end(s, p);
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	for (uint32_t i = 0; i < p->peers.count; i++)
		s->table->peers[p->peers.records[i]].put_by = (uint16_t)(p - s->pending);
	turn_count(s, TP_CC_success_responses);
}

void turn_create_permission(struct request *r)
{
	const struct stun_message *m = r->m;
	struct change c = {.count = 0};

	if (!(m->has & STUN_HAS_PEER_ADDRESS) || m->malformed) {
		reply_error(r->s, &r->to, 400, NULL);
		return;
	}
	// All are checked before any is made.
	for (uint16_t i = 0; i < m->peers_count; i++) {
		int code = turn_check_peer(r, &m->peers[i]);

		if (code) {
			reply_error(r->s, &r->to, (unsigned int)code, NULL);
			return;
		}
	}
	if (m->peers_overflow) {
		reply_error(r->s, &r->to, 508, NULL);
		return;
	}
	for (uint16_t i = 0; i < m->peers_count; i++) {
		if (put_permission(r, &c, &m->peers[i]) != 0) {
			undo(r->s, &c);
			reply_error(r->s, &r->to, 508, NULL);
			return;
		}
	}
	submit(r, &c, TX_PERMISSION);
}

// Whether number and peer are free, or bound to each other (then *index is the record): else 400. A number
// is bound once in both halves of a dual allocation, ChannelData has no other address.
static int find_binding(
	const struct request *r, const struct stun_peer *peer, uint16_t number, uint32_t *index)
{
	const struct table *t = r->s->table;
	const uint64_t now = r->s->now_ms;
	uint32_t slot = slot_for(r, peer), twin = t->slots[slot].twin;

	*index = table_find_channel(t, slot, number, now);
	if (*index != table_find_channel_to(t, slot, &peer->endpoint, now))
		return 400;
	return twin != TABLE_NONE && table_find_channel(t, twin, number, now) != TABLE_NONE ? 400
											    : 0;
}

void turn_channel_bind(struct request *r)
{
	const struct stun_message *m = r->m;
	const struct stun_peer *peer = &m->peers[0];
	struct change c = {.count = 0};
	uint32_t index = TABLE_NONE;
	uint64_t expires_ms = r->s->now_ms + TURN_CHANNEL_MS;
	int code = 0;

	if (!(m->has & STUN_HAS_PEER_ADDRESS) || !(m->has & STUN_HAS_CHANNEL_NUMBER) ||
		m->malformed || m->channel_number < TP_CHANNEL_MIN ||
		m->channel_number > r->s->channel_max)
		code = 400;
	// Bound is bound: another peer for the number, or another number for the peer.
	if (!code && slot_for(r, peer) != TABLE_NONE)
		code = find_binding(r, peer, m->channel_number, &index);
	if (!code)
		code = turn_check_peer(r, peer);
	if (!code && !peer->endpoint.port)
		code = 400;
	if (code) {
		reply_error(r->s, &r->to, (unsigned int)code, NULL);
		return;
	}
	if (put_permission(r, &c, peer) != 0 ||
		put(r, &c, slot_for(r, peer), index, &peer->endpoint, m->channel_number,
			expires_ms) != 0) {
		undo(r->s, &c);
		reply_error(r->s, &r->to, 508, NULL);
		return;
	}
	submit(r, &c, TX_CHANNEL);
}
