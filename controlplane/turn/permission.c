// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// CreatePermission and ChannelBind (RFC 8656 sections 10.2 and 12.2).
#include <string.h>

#include "reply.h"

int turn_check_peer(struct request *r, const struct stun_peer *peer)
{
	const struct tp_ip *relay = &table_record(r->s->table, r->slot)->relay;
	const struct tp_ip *ip = &peer->endpoint.ip;

	if (!peer->family)
		return 400;
	// The family is the attribute's: an IPv4 address in IPv6 clothes is not IPv4.
	if (peer->family != tp_ip_family(relay))
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
		if (c->before[c->count])
			table_set_peer_expiry(s->table, c->records[c->count], c->before[c->count]);
		else
			table_remove_peer(s->table, c->records[c->count]);
	}
}

// Makes or refreshes a record, found as `index` or TABLE_NONE. Returns 0 or -ENOSPC.
static int put(struct request *r, struct change *c, uint32_t index, const struct tp_endpoint *peer,
	uint16_t channel, uint64_t expires_ms)
{
	struct table *t = r->s->table;
	uint64_t before = 0;
	int err;

	if (index != TABLE_NONE) {
		before = table_peer(t, index)->expires_ms;
		table_set_peer_expiry(t, index, expires_ms);
	} else {
		err = table_add_peer(t, r->slot, peer, channel, expires_ms, &index);
		if (err)
			return err;
	}
	c->records[c->count] = index;
	c->before[c->count] = before;
	c->commands[c->count++] = command_peer(r->s, index);
	return 0;
}

static int put_permission(struct request *r, struct change *c, const struct tp_endpoint *peer)
{
	return put(r, c, table_find_permission(r->s->table, r->slot, &peer->ip, r->s->now_ms), peer,
		0, r->s->now_ms + TURN_PERMISSION_MS);
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
	pending_fill(p, r, r->slot);
	p->count = (uint8_t)c->count;
	memcpy(p->records, c->records, c->count * sizeof(*c->records));
	memcpy(p->before, c->before, c->count * sizeof(*c->before));
	reply_begin(&w, &r->to, TP_STUN_SUCCESS, bytes);
	if (reply_finish(s, &r->to, &w) <= 0 ||
		turn_submit(s, p->id, table_record(s->table, r->slot)->worker, c->commands,
			c->count, &r->to.head, bytes) != 0) {
		undo(s, c);
		pending_end(s, p);
		turn_count(s, TP_CC_drop_congested);
		return;
	}
	for (uint32_t i = 0; i < p->count; i++)
		s->table->peers[p->records[i]].put_by = (uint32_t)(p - s->pending);
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
		if (put_permission(r, &c, &m->peers[i].endpoint) != 0) {
			undo(r->s, &c);
			reply_error(r->s, &r->to, 508, NULL);
			return;
		}
	}
	submit(r, &c, TX_PERMISSION);
}

void turn_channel_bind(struct request *r)
{
	struct table *t = r->s->table;
	const struct stun_message *m = r->m;
	const struct stun_peer *peer = &m->peers[0];
	struct change c = {.count = 0};
	uint32_t by_number = TABLE_NONE, by_peer;
	uint64_t expires_ms = r->s->now_ms + TURN_CHANNEL_MS;
	int code = 0;

	if (!(m->has & STUN_HAS_PEER_ADDRESS) || !(m->has & STUN_HAS_CHANNEL_NUMBER) ||
		m->malformed || m->channel_number < TP_CHANNEL_MIN ||
		m->channel_number > r->s->channel_max)
		code = 400;
	if (!code) {
		by_number = table_find_channel(t, r->slot, m->channel_number, r->s->now_ms);
		by_peer = table_find_channel_to(t, r->slot, &peer->endpoint, r->s->now_ms);
		// Bound is bound: another peer for the number, or another number for the peer.
		if (by_number != by_peer)
			code = 400;
	}
	if (!code)
		code = turn_check_peer(r, peer);
	if (!code && !peer->endpoint.port)
		code = 400;
	if (code) {
		reply_error(r->s, &r->to, (unsigned int)code, NULL);
		return;
	}
	if (put_permission(r, &c, &peer->endpoint) != 0 ||
		put(r, &c, by_number, &peer->endpoint, m->channel_number, expires_ms) != 0) {
		undo(r->s, &c);
		reply_error(r->s, &r->to, 508, NULL);
		return;
	}
	submit(r, &c, TX_CHANNEL);
}
