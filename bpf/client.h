// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// Client to peer: ChannelData (RFC 8656 section 12.6).
#pragma once

#include "find.h"
#include "rewrite.h"

// The coarse clock moves with jiffies, which are a load where the clock is a call: it is asked once a jiffy.
static TP_ALWAYS_INLINE uint32_t now(struct xdp_cpu *cpu)
{
	uint64_t jiffies = bpf_jiffies64();

	if (cpu->jiffies != jiffies) {
		cpu->tick = xdp_tick(bpf_ktime_get_coarse_ns());
		cpu->jiffies = jiffies;
	}
	return cpu->tick;
}

// To the peer, once all is known but the family of the relayed address. `sum`: s->sum isn't known either.
static TP_ALWAYS_INLINE int relay_to_peer(struct xdp_md *ctx, struct xdp_cpu *cpu,
	const struct packet *p, struct sending *s, uint32_t relay_index, uint16_t relay_port,
	uint16_t peer_port, bool sum, bool from4)
{
	const volatile struct tp_ip *from = &config.relay[relay_index % XDP_RELAYS_MAX];
	int verdict;

	s->source.q[0] = from->q[0];
	s->source.q[1] = from->q[1];
	s->ports = TP_BE32((uint32_t)relay_port << 16 | peer_port);
	if (sum)
		s->sum = xdp_sum_of(&s->source, &s->destination, s->ports);
	if (tp_ip_is4(&s->destination))
		verdict = relay(ctx, cpu, p, s, from4, true, NULL, 0);
	else
		verdict = relay(ctx, cpu, p, s, from4, false, NULL, 0);
	if (verdict == XDP_PASS)
		return verdict;
	if (verdict == XDP_DROP)
		return drop_client(cpu, p, TP_C_client_tx_other);
	cpu->counter[TP_C_client_packets]++;
	cpu->counter[TP_C_client_bytes] += p->length;
	cpu->counter[TP_C_relayed_to_peer]++;
	cpu->counter[TP_C_relayed_to_peer_bytes] += s->length;
	return verdict;
}

// Whether a client moves here whose packets the sockets relay meanwhile (RFC 8016): a promise that never held.
// Global, so that the verifier looks at it once.
__attribute__((noinline)) int moves_here(uint64_t ip0, uint64_t ip1, uint32_t port, uint32_t server)
{
	struct key key = {.ip = {.q = {ip0, ip1}}};
	struct xdp_line line;
	int found;

	key.word = xdp_client_word((uint16_t)port, TP_IPV4, (uint8_t)server);
	found = find(true, &key, &line);
	if (!found || (found > 0 && line.until)) {
		key.word = xdp_client_word((uint16_t)port, TP_IPV6, (uint8_t)server);
		found = find(true, &key, &line);
	}
	return found < 0 || (found && !line.until);
}

// ChannelData, or what isn't STUN either.
static TP_ALWAYS_INLINE int from_client(struct xdp_md *ctx, struct xdp_cpu *cpu,
	const struct packet *p, const uint8_t *payload, const uint8_t *end, bool from4)
{
	struct sending s = {.offset = TP_CHANNEL_HEADER};
	struct key key = {.ip = p->source};
	struct xdp_line line;
	int found;

	if (p->length < TP_CHANNEL_HEADER || payload + TP_CHANNEL_HEADER > end)
		return drop_client(cpu, p, TP_C_channel_malformed);
	key.word = xdp_client_word(p->source_port, tp_get16(payload), (uint8_t)p->index);
	s.length = tp_get16(payload + 2);
	s.less = tp_load32(payload);
	if (s.length > p->length - TP_CHANNEL_HEADER)
		return drop_client(cpu, p, TP_C_channel_malformed);
	found = find(true, &key, &line);
	if (!found)
		return moves_here(p->source.q[0], p->source.q[1], p->source_port, p->index)
			       ? pass(cpu, TP_C_passed_expired)
			       : drop_client(cpu, p, TP_C_channel_unbound);
	if (found < 0)
		return pass(cpu, TP_C_passed_busy);
	if (line.until <= now(cpu))
		return pass(cpu, TP_C_passed_expired);
	if (line.client.relay & XDP_HAIRPIN)
		return pass(cpu, TP_C_passed_hairpin);
	s.destination = line.client.peer;
	s.sum = line.client.sum;
	s.to = line.client.destination;
	return relay_to_peer(ctx, cpu, p, &s, line.client.relay, line.client.relay_port,
		line.client.peer_port, false, from4);
}
