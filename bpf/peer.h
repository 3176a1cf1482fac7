// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// Peer to client (RFC 8656 sections 11.3 and 12.7): ChannelData where a channel is bound to the peer, else a Data
// indication; never without a live permission.
#pragma once

#include "client.h"

// The fields of a relay port that its packets need.
struct port_copy {
	uint32_t allocation;
	uint32_t until;
	uint16_t client_port;
	uint8_t server;
	uint16_t channel; // of the peer inline, if it is this one and may send; 0: another
};

// A port may be written while it is read. 1: a whole copy; 0: no allocation; -1: it is being changed.
static TP_ALWAYS_INLINE int find_port(
	const struct packet *p, struct port_copy *out, struct sending *s, uint32_t tick)
{
	uint32_t index = xdp_port_index(&config, p->index, p->port);
	const volatile struct xdp_port *port = bpf_map_lookup_elem(&ports, &index);
	uint32_t sequence;

	if (!port)
		return -1;
	sequence = port->sequence;
	read_order();
	out->allocation = port->allocation;
	out->until = port->until;
	out->client_port = port->client_port;
	out->server = port->server;
	out->channel = 0;
	s->destination.q[0] = port->client.q[0];
	s->destination.q[1] = port->client.q[1];
	s->sum = port->sum;
	s->to = port->destination;
	if (port->peer.port == p->source_port && port->peer.ip.q[1] == p->source.q[1] &&
		port->peer.ip.q[0] == p->source.q[0] && port->peer.until > tick)
		out->channel = port->peer.channel;
	read_order();
	if (sequence & 1 || port->sequence != sequence)
		return -1;
	return out->allocation != 0;
}

// What an entry of `peers` says. 1: it is in force, *out is a copy; 0: there is none; -1: pass, and why is counted.
static TP_ALWAYS_INLINE int find_peer(
	struct xdp_cpu *cpu, const struct key *key, struct xdp_line *out, uint32_t tick)
{
	int found = find(false, key, out);

	if (found < 0)
		pass(cpu, TP_C_passed_busy);
	if (found <= 0)
		return found;
	if (out->until <= tick) {
		pass(cpu, TP_C_passed_expired);
		return -1;
	}
	return 1;
}

// A Data indication up to the data, of which `length` bytes follow.
static TP_ALWAYS_INLINE void put_indication(
	struct sending *s, uint32_t *w, const struct packet *p, bool from4)
{
	uint32_t address = from4 ? 8 : 20;

	s->padding = tp_pad4(p->length);
	w[0] = TP_BE32(TP_STUN_TYPE_DATA << 16 | (4 + address + 4 + p->length + s->padding));
	w[1] = TP_BE32(TP_STUN_COOKIE);
	w[2] = bpf_get_prandom_u32();
	w[3] = bpf_get_prandom_u32();
	w[4] = bpf_get_prandom_u32();
	w[5] = TP_BE32(TP_ATTR_XOR_PEER_ADDRESS << 16 | address);
	w[6] = TP_BE32((from4 ? TP_IPV4 : TP_IPV6) << 16 | (p->source_port ^ TP_STUN_COOKIE >> 16));
	// XORed with cookie and transaction ID (RFC 8489 section 14.2).
	if (from4) {
		w[7] = p->source.w[3] ^ w[1];
		w[8] = TP_BE32(TP_ATTR_DATA << 16 | p->length);
	} else {
		for (uint32_t i = 0; i < 4; i++)
			w[7 + i] = p->source.w[i] ^ w[1 + i];
		w[11] = TP_BE32(TP_ATTR_DATA << 16 | p->length);
	}
	for (uint32_t i = 0; i < (from4 ? 9 : 12); i++)
		s->front_sum += w[i];
}

static TP_ALWAYS_INLINE int relay_to_client(struct xdp_md *ctx, struct xdp_cpu *cpu,
	const struct packet *p, const struct sending *s, bool from4, const uint32_t *words,
	uint32_t front)
{
	int verdict;

	if (tp_ip_is4(&s->destination))
		verdict = relay(ctx, cpu, p, s, from4, true, words, front);
	else
		verdict = relay(ctx, cpu, p, s, from4, false, words, front);
	if (verdict == XDP_PASS)
		return verdict;
	if (verdict == XDP_DROP)
		return drop_peer(cpu, p, TP_C_peer_tx_other);
	cpu->counter[TP_C_peer_packets]++;
	cpu->counter[TP_C_peer_bytes] += p->length;
	cpu->counter[TP_C_relayed_to_client]++;
	cpu->counter[TP_C_relayed_to_client_bytes] += p->length;
	return verdict;
}

// The allocation that a peer's packet is for, and how its packets leave. 1; 0: *verdict says what becomes of it.
static TP_ALWAYS_INLINE int begin_to_client(struct xdp_cpu *cpu, const struct packet *p,
	struct port_copy *port, struct sending *s, uint32_t tick, int *verdict)
{
	const volatile struct tp_endpoint *server;
	int found = find_port(p, port, s, tick);

	// Without an allocation the port is not ours: the kernel gives such ports to any program of the host.
	if (!found)
		*verdict = XDP_PASS;
	else if (found < 0)
		*verdict = pass(cpu, TP_C_passed_busy);
	else if (port->until <= tick)
		*verdict = pass(cpu, TP_C_passed_expired);
	if (found != 1 || port->until <= tick)
		return 0;
	server = &config.server[port->server % XDP_SERVERS_MAX];
	s->source.q[0] = server->ip.q[0];
	s->source.q[1] = server->ip.q[1];
	s->ports = TP_BE32((uint32_t)server->port << 16 | port->client_port);
	return 1;
}

static TP_ALWAYS_INLINE int relay_channel(struct xdp_md *ctx, struct xdp_cpu *cpu,
	const struct packet *p, struct sending *s, uint16_t channel, bool from4)
{
	uint32_t front = TP_BE32((uint32_t)channel << 16 | p->length);

	s->front_sum = front;
	return relay_to_client(ctx, cpu, p, s, from4, &front, TP_CHANNEL_HEADER);
}

// From a peer that its relay port doesn't hold: `peers` knows.
static TP_ALWAYS_INLINE int other_peer(struct xdp_md *ctx, bool from4)
{
	const uint8_t *data = (const uint8_t *)(long)ctx->data;
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;
	struct sending s = {};
	uint32_t zero = 0, tick;
	struct xdp_cpu *cpu = bpf_map_lookup_elem(&cpus, &zero);
	struct port_copy port;
	struct xdp_line peer;
	uint32_t front[12];
	struct packet p;
	struct key key;
	int found;

	if (!cpu || (from4 ? read_packet4(&p, data, end) : read_packet6(&p, data, end)) != RELAYS)
		return XDP_PASS;
	tick = now(cpu);
	s.length = p.length;
	if (!begin_to_client(cpu, &p, &port, &s, tick, &found))
		return found;
	key.ip = p.source;
	key.word = xdp_peer_word(port.allocation, p.source_port);
	found = find_peer(cpu, &key, &peer, tick);
	if (!found && p.source_port) {
		key.word = xdp_peer_word(port.allocation, 0);
		found = find_peer(cpu, &key, &peer, tick);
	}
	if (!found)
		return drop_peer(cpu, &p, TP_C_peer_no_permission);
	if (found < 0)
		return XDP_PASS;
	if (peer.peer.hairpin && is_ours(p.source.q[0], p.source.q[1]))
		return drop_peer(cpu, &p, TP_C_peer_source_invalid);
	if (peer.peer.channel)
		return relay_channel(ctx, cpu, &p, &s, peer.peer.channel, from4);
	put_indication(&s, front, &p, from4);
	return relay_to_client(ctx, cpu, &p, &s, from4, front, from4 ? 36 : 48);
}

// Not inlined: what goes by the channel at hand shall not wait for its registers; the packet is read again. Global,
// so that the verifier looks at it once.
__attribute__((noinline)) int from_other_peer(struct xdp_md *ctx, bool from4)
{
	return from4 ? other_peer(ctx, true) : other_peer(ctx, false);
}

static TP_ALWAYS_INLINE int from_peer(
	struct xdp_md *ctx, struct xdp_cpu *cpu, const struct packet *p, bool from4)
{
	struct sending s = {.length = p->length};
	struct port_copy port;
	int verdict;

	if (!begin_to_client(cpu, p, &port, &s, now(cpu), &verdict))
		return verdict;
	if (!port.channel)
		return from_other_peer(ctx, from4);
	return relay_channel(ctx, cpu, p, &s, port.channel, from4);
}
