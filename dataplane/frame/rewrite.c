// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A datagram that is relayed: new headers in front of the same bytes (RFC 8656 sections 13 and 14, RFC 7915
// sections 4 and 5).

#include <errno.h>

#include "header.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))

// The payload as it lies.
struct payload {
	const uint8_t *data;
	frame_sum_fn *sum;
	void *context;
};

static NEVER_INLINE uint64_t sum_payload(const struct payload *p, uint32_t offset, uint32_t length)
{
	return p->sum ? p->sum(p->context, offset, length) : sum_bytes(p->data + offset, length);
}

// The sum of the data, from that of the whole: less the old headers, the old front, and what is behind.
static ALWAYS_INLINE uint64_t sum_data(
	const struct frame *f, const struct frame_send *s, const struct payload *p, bool from4)
{
	uint32_t end = s->offset + s->length;
	uint64_t less = sum_udp_headers(
		&f->source, &f->destination, from4, f->payload_length + TP_UDP_HEADER);

	less += sum_front(p->data, s->offset);
	if (end < f->payload_length)
		less += sum_at(sum_payload(p, end, f->payload_length - end), end);
	return tp_sum_less16(f->udp_checksum) + tp_sum_less(less);
}

static ALWAYS_INLINE uint16_t udp_checksum(const struct frame *f, const struct frame_send *s,
	const struct payload *p, uint32_t udp, bool from4, bool to4)
{
	uint64_t sum;

	if (!f->checksum_zero)
		sum = sum_at(sum_data(f, s, p, from4), s->offset ^ s->front_length);
	else if (to4)
		return 0;
	else
		sum = sum_at(sum_payload(p, s->offset, s->length), s->front_length);
	sum += sum_front(s->front, s->front_length);
	return tp_udp_checksum(sum + sum_udp_headers(&s->source, &s->destination, to4, udp));
}

static ALWAYS_INLINE void put_front(uint8_t *b, const uint8_t *front, uint32_t length)
{
	if (length == 4)
		memcpy(b, front, 4);
	else if (length)
		memcpy(b, front, length);
}

// Once for each pair of families, which are constants then.
static ALWAYS_INLINE int rewrite(uint8_t *data, const struct frame *f, const struct frame_send *s,
	struct frame_result *r, const struct payload *payload, bool from4, bool to4)
{
	uint32_t udp = TP_UDP_HEADER + s->front_length + s->length + s->padding;
	uint32_t ip_header = ip_header_length(to4);
	uint32_t headers = s->l2_length + ip_header + TP_UDP_HEADER + s->front_length;
	uint32_t length = ip_header + udp;
	uint32_t begin = f->payload + s->offset;
	struct ip_fields ip;
	uint16_t checksum;
	uint8_t *at;

	if ((uint64_t)s->offset + s->length > f->payload_length ||
		headers > begin + FRAME_HEADROOM ||
		(s->l2_length != TP_ETHERNET_HEADER && s->l2_length != FRAME_L2_MAX))
		return -EINVAL;
	if (f->ttl <= 1)
		return -ETIME;
	ip = (struct ip_fields){
		.source = &s->source.ip,
		.destination = &s->destination.ip,
		.length = udp,
		.flow_label = s->flow_label,
		.id = s->ip_id,
		.protocol = TP_PROTO_UDP,
		.tos = f->tos,
		.ttl = (uint8_t)(f->ttl - 1),
		.dont_fragment = tp_dont_fragment(
			from4, to4, f->dont_fragment, s->dont_fragment, length),
	};
	if (length > s->mtu && (ip.dont_fragment || (to4 ? length : udp) > 0xffff)) {
		r->mtu = tp_mtu_told(s->mtu, from4, to4, s->front_length != 0);
		return -EMSGSIZE;
	}
	checksum = udp_checksum(f, s, payload, udp, from4, to4);

	r->start = (int32_t)begin - (int32_t)headers;
	r->headers = headers;
	r->total = s->l2_length + length;
	r->fragment = length > s->mtu;
	at = data + r->start;
	put_l2(at, s->l2, s->l2_length, to4);
	at += s->l2_length;
	put_ip(at, to4, &ip);
	at += ip_header;
	put_udp(at, s->source.port, s->destination.port, udp, checksum);
	put_front(at + TP_UDP_HEADER, s->front, s->front_length);
	if (s->padding && !payload->sum)
		memset(data + begin + s->length, 0, s->padding);
	return 0;
}

int frame_rewrite(uint8_t *data, const struct frame *f, const struct frame_send *s,
	struct frame_result *r, frame_sum_fn *sum, void *context)
{
	const struct payload payload = {data + f->payload, sum, context};
	bool from4 = f->family == TP_IPV4, to4 = tp_ip_is4(&s->destination.ip);

	if (to4 != tp_ip_is4(&s->source.ip))
		return -EINVAL;
	if (from4)
		return to4 ? rewrite(data, f, s, r, &payload, true, true)
			   : rewrite(data, f, s, r, &payload, true, false);
	return to4 ? rewrite(data, f, s, r, &payload, false, true)
		   : rewrite(data, f, s, r, &payload, false, false);
}
