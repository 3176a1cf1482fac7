// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// STUN messages from clients: requests pass up to the control plane, Send indications are relayed (RFC 8656 section
// 11.2), anything else no server takes.
#pragma once

#include "peer.h"

#define ATTRIBUTES_MAX 8u // of a Send indication; one with more passes up
#define FRONT_MAX 128u // bytes before its data; one with more passes up

// What a Send indication says.
struct send {
	struct tp_ip ip;
	uint16_t port; // 0: no peer is there
	bool address;
	bool data;
	bool dont_fragment;
	bool unknown; // it has an attribute that has to be understood, and isn't
	bool ended; // what follows doesn't count
	uint32_t offset; // of DATA's value in the payload
	uint32_t length;
};

// XOR-PEER-ADDRESS (RFC 8489 section 14.2). False: not an address.
static TP_ALWAYS_INLINE bool read_address(struct send *send, const uint8_t *message,
	const uint8_t *value, uint32_t length, const uint8_t *end)
{
	if (value + 8 > end)
		return false;
	send->port = tp_get16(value + 2) ^ TP_STUN_COOKIE >> 16;
	send->address = true;
	if (value[1] == TP_IPV4 && length == 8) {
		send->ip = tp_ip4(tp_load32(value + 4) ^ TP_BE32(TP_STUN_COOKIE));
		return true;
	}
	if (value[1] != TP_IPV6 || length != 20 || value + 20 > end)
		return false;
	for (uint32_t i = 0; i < 4; i++)
		send->ip.w[i] = tp_load32(value + 4 + 4 * i) ^ tp_load32(message + 4 + 4 * i);
	// A mapped address would pass for IPv4: port 0 makes it an invalid peer.
	if (tp_ip_is4(&send->ip))
		send->port = 0;
	return true;
}

// The attribute at `at` of a message of `length` bytes that begins at byte `message` of the frame. Returns where the
// next one is, or -1: out of bounds. Global, so that the verifier looks at it once, and not at all that several
// attributes may come to: a program that takes long to load is a relay that takes long to be back.
__attribute__((noinline)) int read_attribute(
	struct xdp_md *ctx, struct send *send, uint32_t message, uint32_t at, uint32_t length)
{
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;
	const uint8_t *start = (const uint8_t *)(long)ctx->data + (message & 0xff);
	const uint8_t *attribute = start + (at & 0x7fff);
	uint32_t type, size, whole;

	if (!send || length - at < 4 || start + TP_STUN_HEADER > end || attribute + 4 > end)
		return -1;
	type = tp_get16(attribute);
	size = tp_get16(attribute + 2);
	whole = 4 + size + tp_pad4(size);
	if (length - at < whole)
		return -1;
	// Nothing counts behind MESSAGE-INTEGRITY (RFC 8489 section 14.5).
	if (send->ended)
		return (int)(at + whole);
	if (type == TP_ATTR_XOR_PEER_ADDRESS) {
		if (!send->address && !read_address(send, start, attribute + 4, size, end))
			return -1;
	} else if (type == TP_ATTR_DATA) {
		if (!send->data) {
			send->offset = at + 4;
			send->length = size;
			send->data = true;
		}
	} else if (type == TP_ATTR_DONT_FRAGMENT) {
		send->dont_fragment = true;
	} else if (!tp_attr_known(type)) {
		send->unknown = true;
	}
	send->ended = type == TP_ATTR_MESSAGE_INTEGRITY || type == TP_ATTR_MESSAGE_INTEGRITY_SHA256;
	return (int)(at + whole);
}

// Sum of a message's bytes before its data, of which there are a multiple of 4 and at most FRONT_MAX. Global, so
// that the verifier looks at its loop once.
__attribute__((noinline)) uint64_t sum_front(struct xdp_md *ctx, uint32_t message, uint32_t length)
{
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;
	const uint8_t *b = (const uint8_t *)(long)ctx->data + (message & 0xff);
	uint64_t sum = 0;

#pragma clang loop unroll(disable)
	for (uint32_t at = 0; at < FRONT_MAX && at < length; at += 4, b += 4) {
		if (b + 4 > end)
			break;
		sum += tp_load32(b);
	}
	return sum;
}

// A Send indication that has been read, to the allocation that it is for.
static TP_ALWAYS_INLINE int relay_send(struct xdp_md *ctx, struct xdp_cpu *cpu,
	const struct packet *p, const struct send *send, struct sending *s, bool from4)
{
	uint16_t family = (uint16_t)tp_ip_family(&send->ip);
	struct key key = {
		.ip = p->source,
		.word = xdp_client_word(p->source_port, family, (uint8_t)p->index),
	};
	struct xdp_line client, peer;
	uint32_t tick = now(cpu);
	int found = find(true, &key, &client);

	if (!found) {
		key.word = xdp_client_word(
			p->source_port, family ^ TP_IPV4 ^ TP_IPV6, (uint8_t)p->index);
		return drop_client(cpu, p,
			find(true, &key, &client) ? TP_C_send_invalid_peer
						  : TP_C_send_no_allocation);
	}
	if (found < 0)
		return pass(cpu, TP_C_passed_busy);
	if (client.until <= tick)
		return pass(cpu, TP_C_passed_expired);
	if (!send->port)
		return drop_client(cpu, p, TP_C_send_invalid_peer);
	key = (struct key){.ip = send->ip, .word = xdp_peer_word(client.client.allocation, 0)};
	found = find_peer(cpu, &key, &peer, tick);
	if (!found)
		return drop_client(cpu, p, TP_C_send_no_permission);
	if (found < 0)
		return XDP_PASS;
	if (peer.peer.hairpin)
		return pass(cpu, TP_C_passed_hairpin);
	s->destination = send->ip;
	s->to = peer.peer.destination;
	s->offset = send->offset;
	s->length = send->length;
	s->dont_fragment = send->dont_fragment;
	return relay_to_peer(ctx, cpu, p, s, client.client.relay, client.client.relay_port,
		send->port, true, from4);
}

static TP_ALWAYS_INLINE int stun_client(struct xdp_md *ctx, bool from4)
{
	const uint8_t *data = (const uint8_t *)(long)ctx->data;
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;
	const uint8_t *message = data + PAYLOAD_AT(from4);
	struct sending s = {};
	struct send send = {};
	uint32_t at = TP_STUN_HEADER, zero = 0, type, size;
	struct xdp_cpu *cpu = bpf_map_lookup_elem(&cpus, &zero);
	struct packet p;

	if (!cpu || (from4 ? read_packet4(&p, data, end) : read_packet6(&p, data, end)) != SERVERS)
		return XDP_PASS;
	if (message + TP_STUN_HEADER > end)
		return drop_client(cpu, &p, TP_C_client_stun_malformed);
	type = tp_get16(message);
	size = tp_get16(message + 2);
	// No size goes with a payload that is shorter than the header.
	if (tp_get32(message + 4) != TP_STUN_COOKIE || size != p.length - TP_STUN_HEADER ||
		size % 4)
		return drop_client(cpu, &p, TP_C_client_stun_malformed);
	if (TP_STUN_TYPE_CLASS(type) == TP_STUN_REQUEST)
		return is_ours(p.source.q[0], p.source.q[1])
			       ? drop_client(cpu, &p, TP_C_client_source_invalid)
			       : pass(cpu, TP_C_passed_request);
	if (type != TP_STUN_TYPE_SEND)
		return drop_client(cpu, &p, TP_C_client_stun_unexpected);
#pragma clang loop unroll(disable)
	for (uint32_t i = 0; i < ATTRIBUTES_MAX && at < p.length; i++) {
		int next = read_attribute(ctx, &send, PAYLOAD_AT(from4), at, p.length);

		if (next < 0)
			return drop_client(cpu, &p, TP_C_client_stun_malformed);
		at = (uint32_t)next;
	}
	if (at < p.length)
		return pass(cpu, TP_C_passed_unread);
	if (send.unknown)
		return drop_client(cpu, &p, TP_C_send_unknown_attribute);
	if (!send.address || !send.data)
		return drop_client(cpu, &p, TP_C_send_incomplete);
	if (send.offset > FRONT_MAX)
		return pass(cpu, TP_C_passed_unread);
	s.less = sum_front(ctx, PAYLOAD_AT(from4), send.offset);
	return relay_send(ctx, cpu, &p, &send, &s, from4);
}

// Not inlined, and global, as from_other_peer() is.
__attribute__((noinline)) int from_stun_client(struct xdp_md *ctx, bool from4)
{
	return from4 ? stun_client(ctx, true) : stun_client(ctx, false);
}
