// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// New headers in front of the same bytes, by the rules of <turnpike/ip.h> (RFC 8656 sections 13 and 14, RFC 7915
// sections 4 and 5). Checks everything, then mutates: what is passed up is as it came.
#pragma once

#include "count.h"

#define CUT_MAX 128u // bytes behind the data whose sum is taken out; a datagram with more passes up

// A relayed datagram: bytes [offset, offset + length) of the payload, with a front before and `padding` zero
// bytes behind them.
struct sending {
	struct tp_ip source;
	struct tp_ip destination;
	uint64_t less; // sum of payload bytes [0, offset)
	uint32_t sum; // xdp_sum() of source and destination
	uint32_t ports; // as in UDP's header
	uint32_t to; // the destination's index
	uint32_t offset;
	uint32_t length;
	uint32_t padding;
	bool dont_fragment; // DONT-FRAGMENT of a Send indication
	uint64_t front_sum;
};

// Sum of the frame's bytes [from, to), as 16-bit words, `from` being at an even place of the payload or, if `odd`,
// at an odd one. At most CUT_MAX. A global function: the verifier looks at its loop once.
__attribute__((noinline)) uint64_t sum_cut(
	struct xdp_md *ctx, uint32_t from, uint32_t to, uint32_t odd)
{
	const uint8_t *data = (const uint8_t *)(long)ctx->data;
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;
	const uint8_t *b = data + (from & 0x7fff);
	uint32_t sum = 0;

#pragma clang loop unroll(disable)
	for (uint32_t i = 0; i < CUT_MAX && from + i < to; i++, b++) {
		if (b + 1 > end)
			break;
		// A byte at an even place is the first of its word, the high half.
		sum += (uint32_t)*b << (~(i ^ odd) & 1) * 8;
	}
	return tp_sum_field(tp_sum_fold(sum));
}

// Which way a frame leaves, and by which link-layer header.
struct way {
	uint64_t to;
	uint64_t from;
	uint32_t device;
};

// 0, or what to return instead: the next hop is not known, or takes no packet of `length` bytes.
static TP_ALWAYS_INLINE bool find_way(
	struct xdp_cpu *cpu, uint32_t to, uint32_t length, struct way *way)
{
	uint32_t at = to / XDP_DESTINATIONS_EACH, number = 0;
	const volatile struct xdp_destinations *line = bpf_map_lookup_elem(&destinations, &at);
	const volatile struct xdp_hop *hop = NULL;

	if (line) {
		number = line->hop[to % XDP_DESTINATIONS_EACH];
		hop = bpf_map_lookup_elem(&hops, &number);
	}
	if (!hop) {
		pass(cpu, TP_C_passed_hop);
		return false;
	}
	way->to = hop->to;
	way->from = hop->from;
	read_order();
	if (line->hop[to % XDP_DESTINATIONS_EACH] != number) {
		pass(cpu, TP_C_passed_busy);
		return false;
	}
	way->device = (uint32_t)(way->from >> 48);
	if (!(way->to >> 48) || way->device >= XDP_DEVICES_MAX) {
		pass(cpu, TP_C_passed_hop);
		return false;
	}
	if (length > way->to >> 48) {
		pass(cpu, TP_C_passed_too_big);
		return false;
	}
	return true;
}

static TP_ALWAYS_INLINE int leave(struct xdp_md *ctx, struct xdp_cpu *cpu, uint32_t device)
{
	bool back = config.ifindex[device % XDP_DEVICES_MAX] == ctx->ingress_ifindex;
	int verdict;

	if (back && !(config.redirect >> device % XDP_DEVICES_MAX & 1))
		return XDP_TX;
	verdict = (int)bpf_redirect_map(&devices, device, XDP_DROP);
	if (verdict == XDP_REDIRECT && !back)
		cpu->redirected++;
	return verdict;
}

static TP_ALWAYS_INLINE void put_link(uint8_t *b, const struct way *way, bool ip4)
{
	tp_store32(b, (uint32_t)way->to);
	tp_store16(b + 4, (uint16_t)(way->to >> 32));
	tp_store32(b + 6, (uint32_t)way->from);
	tp_store16(b + 10, (uint16_t)(way->from >> 32));
	tp_put16(b + 12, ip4 ? TP_ETHERTYPE_IP4 : TP_ETHERTYPE_IP6);
}

// `words`: `front` bytes to go before the data, in memory order. `from4`, `to4`, `front` are constants where this is
// inlined. Returns what the program returns;
// XDP_PASS is counted, the others are the caller's to count: XDP_DROP is a frame that could not be sent.
static TP_ALWAYS_INLINE int relay(struct xdp_md *ctx, struct xdp_cpu *cpu, const struct packet *p,
	const struct sending *s, bool from4, bool to4, const uint32_t *words, uint32_t front)
{
	uint32_t cut = p->length - s->offset - s->length;
	uint32_t udp = TP_UDP_HEADER + front + s->length + s->padding;
	uint32_t length = (to4 ? TP_IP4_HEADER : TP_IP6_HEADER) + udp;
	int32_t head = (int32_t)(PAYLOAD_AT(from4) + s->offset) -
		       (int32_t)(PAYLOAD_AT(to4) + front);
	int32_t tail = (int32_t)(PAYLOAD_AT(from4) + s->offset + s->length + s->padding) -
		       (int32_t)p->frame;
	uint64_t less = s->less;
	uint16_t checksum = 0;
	struct way way;
	const uint8_t *end;
	uint8_t *b;

	if (p->ttl <= 1)
		return pass(cpu, TP_C_passed_ttl);
	if (!find_way(cpu, s->to, length, &way))
		return XDP_PASS;
	if (!p->checksum_zero) {
		if (cut > CUT_MAX)
			return pass(cpu, TP_C_passed_unread);
		if (cut)
			less += sum_cut(ctx, PAYLOAD_AT(from4) + p->length - cut,
				PAYLOAD_AT(from4) + p->length, p->length - cut);
		checksum = tp_udp_checksum(
			p->sum + tp_sum_less(less) + s->front_sum + s->sum + 2 * tp_sum_field(udp));
	} else if (!to4) {
		return pass(cpu, TP_C_passed_checksum);
	}

	if (head && bpf_xdp_adjust_head(ctx, head))
		return pass(cpu, TP_C_passed_room);
	if (tail && bpf_xdp_adjust_tail(ctx, tail)) {
		if (head && bpf_xdp_adjust_head(ctx, -head))
			return XDP_DROP;
		return pass(cpu, TP_C_passed_room);
	}
	b = (uint8_t *)(long)ctx->data;
	end = (const uint8_t *)(long)ctx->data_end;
	if (b + PAYLOAD_AT(to4) + front > end)
		return XDP_DROP;
	put_link(b, &way, to4);
	b += TP_ETHERNET_HEADER;
	struct tp_ip_fields ip = {
		.source = &s->source,
		.destination = &s->destination,
		.length = udp,
		.protocol = TP_PROTO_UDP,
		.tos = p->tos,
		.ttl = (uint8_t)(p->ttl - 1),
		.dont_fragment = tp_dont_fragment(
			from4, to4, p->dont_fragment, s->dont_fragment, length),
	};
	if (to4) {
		if (!ip.dont_fragment)
			ip.id = (uint16_t)cpu->ip_id++;
		tp_put_ip4(b, &ip);
		b += TP_IP4_HEADER;
	} else {
		tp_put_ip6(b, &ip);
		b += TP_IP6_HEADER;
	}
	tp_put_udp(b, s->ports, udp, checksum);
	b += TP_UDP_HEADER;
#pragma clang loop unroll(full)
	for (uint32_t i = 0; i < front / 4; i++)
		tp_store32(b + 4 * i, words[i]);
	return leave(ctx, cpu, way.device);
}
