// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The plain shape, which nearly all frames have: IPv4 without options and without a VLAN tag, one whole UDP
// datagram with a checksum, sent on over IPv4 within the MTU. It is here to be compiled into the loop of
// whoever relays bursts: where the compiler sees both sides, most of what they tell each other stays in
// registers. Whatever is not plain in any respect is left to frame_parse() and frame_rewrite(), which say
// the same about a plain frame.
#pragma once

#include "header.h"
#include "parse.h"

#define PLAIN_HEADERS (TP_ETHERNET_HEADER + TP_IP4_HEADER + TP_UDP_HEADER)

// The port in one word with the zeroes behind it, for the sake of who copies it next.
static ALWAYS_INLINE void put_port(struct tp_endpoint *e, uint16_t port)
{
	uint64_t word = TP_BE64((uint64_t)TP_BE16(port) << 48);

	memcpy(&e->port, &word, sizeof(word));
}

static ALWAYS_INLINE void put_endpoint4(struct tp_endpoint *e, uint32_t be, uint16_t port)
{
	e->ip.q[0] = 0;
	e->ip.q[1] = TP_IP_MAPPED_WORD(be);
	put_port(e, port);
}

// Word by word, as plain_parse() writes them: the compiler then takes them from registers, and no load has to
// wait for the pieces of what it reads.
static ALWAYS_INLINE void plain_copy_endpoint(
	struct tp_endpoint *to, const struct tp_endpoint *from)
{
	uint64_t word;

	to->ip.q[0] = from->ip.q[0];
	to->ip.q[1] = from->ip.q[1];
	memcpy(&word, &from->port, sizeof(word));
	memcpy(&to->port, &word, sizeof(word));
}

// 1 to 126 and 128 to 223 in front: no source that anyone might object to.
static ALWAYS_INLINE bool usual_source4(uint8_t first)
{
	return (uint8_t)(first - 1) < 223 && first != 127;
}

// Not 0: the version isn't.
static ALWAYS_INLINE uint64_t sum_plain_ip4(const uint8_t *ip)
{
	return (uint64_t)tp_load32(ip) + tp_load32(ip + 4) + tp_load32(ip + 8) +
	       tp_load32(ip + 12) + tp_load32(ip + 16);
}

// Whether a frame is plain and all is well with it: parameters as frame_parse()'s.
static ALWAYS_INLINE bool plain_is(
	const uint8_t *data, uint32_t length, uint32_t total, bool checked)
{
	// EtherType, version, header length; flags, offset, TTL, protocol.
	const uint32_t start = TP_BE32(TP_ETHERTYPE_IP4 << 16 | 0x4500);
	const uint32_t start_mask = TP_BE32(0xffffff00);
	const uint32_t whole_udp = TP_BE32(TP_PROTO_UDP);
	const uint32_t whole_udp_mask = TP_BE32((TP_IP4_MF | TP_IP4_OFFSET) << 16 | 0xff);
	const uint8_t *ip = data + TP_ETHERNET_HEADER, *udp = ip + TP_IP4_HEADER;
	uint32_t ip_length, udp_length;

	if (length < PLAIN_HEADERS || (tp_load32(ip - 2) & start_mask) != start ||
		(tp_load32(ip + TP_IP4_FRAGMENT) & whole_udp_mask) != whole_udp ||
		!usual_source4(ip[TP_IP4_SOURCE]))
		return false;
	ip_length = tp_get16(ip + TP_IP4_LENGTH);
	udp_length = tp_get16(udp + TP_UDP_LENGTH);
	return ip_length <= total - TP_ETHERNET_HEADER && udp_length >= TP_UDP_HEADER &&
	       udp_length + TP_IP4_HEADER <= ip_length && tp_load16(udp + TP_UDP_CHECKSUM) &&
	       (checked || sum_plain_ip4(ip) % 0xffff == 0);
}

// Parses a frame that plain_is().
static ALWAYS_INLINE void plain_parse(struct frame *f, const uint8_t *data)
{
	const uint8_t *ip = data + TP_ETHERNET_HEADER, *udp = ip + TP_IP4_HEADER;
	uint32_t source = tp_load32(ip + TP_IP4_SOURCE);
	uint32_t destination = tp_load32(ip + TP_IP4_DESTINATION);
	uint32_t length = tp_get16(udp + TP_UDP_LENGTH);
	uint64_t headers = (uint64_t)source + destination + tp_load32(udp) +
			   2 * tp_sum_field(length) + tp_sum_field(TP_PROTO_UDP);

	f->kind = FRAME_UDP;
	f->family = TP_IPV4;
	f->plain = true;
	f->l2_length = TP_ETHERNET_HEADER;
	f->l4 = TP_ETHERNET_HEADER + TP_IP4_HEADER;
	f->payload = PLAIN_HEADERS;
	f->ttl = ip[TP_IP4_TTL];
	f->tos = ip[TP_IP4_TOS];
	f->dont_fragment = ip[TP_IP4_FRAGMENT] & TP_IP4_DF >> 8;
	f->checksum_zero = false;
	f->payload_length = length - TP_UDP_HEADER;
	f->payload_sum = tp_sum_less(headers + tp_load16(udp + TP_UDP_CHECKSUM));
	put_endpoint4(&f->source, source, tp_get16(udp));
	put_endpoint4(&f->destination, destination, tp_get16(udp + TP_UDP_DESTINATION));
}

// How a plain frame leaves: struct frame_send's fields, where they are. Source and destination are of one family:
// the caller knows. What is pointed to is read when its turn comes, so that fewer registers hold it meanwhile.
struct plain_send {
	const struct tp_ip *source;
	const uint16_t *source_port;
	const struct tp_endpoint *destination;
	uint32_t offset;
	uint32_t length;
	const uint8_t *front;
	uint16_t front_length;
	uint8_t padding; // what has to be padded isn't plain
	bool dont_fragment;
	const uint8_t *l2; // two MAC addresses
	uint16_t mtu;
	const uint16_t *ip_id;
};

// Returns false, and nothing has changed, when the new frame isn't plain either. `offset` and `front_length`
// are those of `s`, for the compiler to know.
static ALWAYS_INLINE bool plain_put(uint8_t *data, const struct frame *f,
	const struct plain_send *s, uint32_t offset, uint32_t front_length)
{
	uint32_t udp_length = TP_UDP_HEADER + front_length + s->length;
	uint8_t *udp = data + PLAIN_HEADERS - TP_UDP_HEADER + offset - front_length;
	uint8_t *ip = udp - TP_IP4_HEADER;
	uint32_t ports;
	const uint8_t *old = data + PLAIN_HEADERS - TP_UDP_HEADER;
	uint64_t less, sum;
	uint16_t checksum;

	if (!f->plain || s->padding || f->ttl <= 1 || !tp_ip_is4(&s->destination->ip) ||
		((offset | front_length) & 1) || front_length > FRAME_HEADROOM ||
		(uint64_t)offset + s->length != f->payload_length ||
		TP_IP4_HEADER + udp_length > s->mtu)
		return false;
	// Before anything is overwritten. What changes leaves the sum, and comes in anew; the length stands in it
	// twice, and changes by what is cut off and put in front.
	less = (uint64_t)tp_load32(old - 8) + tp_load32(old - 4) + tp_load32(old) +
	       tp_load16(old + TP_UDP_CHECKSUM) + sum_front(data + PLAIN_HEADERS, offset) +
	       2 * tp_sum_field(offset);
	ports = TP_BE32((uint32_t)*s->source_port << 16 | s->destination->port);
	sum = tp_sum_less(less) + s->source->w[3] + s->destination->ip.w[3] + ports +
	      sum_front(s->front, front_length) + 2 * tp_sum_field(front_length);
	checksum = tp_udp_checksum(sum);

	if (front_length)
		memcpy(udp + TP_UDP_HEADER, s->front, front_length);
	tp_put_udp(udp, ports, udp_length, checksum);
	tp_put_ip4(ip, &(const struct tp_ip_fields){
			       .source = s->source,
			       .destination = &s->destination->ip,
			       .length = udp_length,
			       .id = *s->ip_id,
			       .protocol = TP_PROTO_UDP,
			       .tos = f->tos,
			       .ttl = (uint8_t)(f->ttl - 1),
			       .dont_fragment = f->dont_fragment || s->dont_fragment,
		       });
	put_l2(ip - TP_ETHERNET_HEADER, s->l2, TP_ETHERNET_HEADER, true);
	return true;
}

// As frame_rewrite(), of a plain frame with ChannelData's header, or an indication's of an IPv4 peer, to cut
// off or to put in front, if what comes of it is plain too. False, and nothing has changed: it is something
// else, or must not leave. The new frame has PLAIN_HEADERS + front_length + length bytes, and starts `offset`
// - `front_length` bytes behind where the old one did.
static ALWAYS_INLINE bool plain_rewrite(
	uint8_t *data, const struct frame *f, const struct plain_send *s)
{
	if (!s->front_length && s->offset == TP_CHANNEL_HEADER)
		return plain_put(data, f, s, TP_CHANNEL_HEADER, 0);
	if (!s->front_length && s->offset == INDICATION_FRONT)
		return plain_put(data, f, s, INDICATION_FRONT, 0);
	if (!s->offset && s->front_length == TP_CHANNEL_HEADER)
		return plain_put(data, f, s, 0, TP_CHANNEL_HEADER);
	if (!s->offset && s->front_length == INDICATION_FRONT)
		return plain_put(data, f, s, 0, INDICATION_FRONT);
	return false;
}
