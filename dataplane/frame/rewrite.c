// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A datagram that is relayed: new headers in front of the same bytes (RFC 8656 sections 13 and 14, RFC 7915
// sections 4 and 5).

#include <errno.h>

#include "plain.h"

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

// How a rewrite is, where the compiler is to know: one function for each.
struct shape {
	bool from4;
	bool to4;
};

// The sum of the data, from that of the payload: less the old front and what is behind.
static ALWAYS_INLINE uint64_t sum_data(
	const struct frame *f, const struct frame_send *s, const struct payload *p)
{
	uint32_t end = s->offset + s->length;
	uint64_t less = sum_front(p->data, s->offset);

	if (end < f->payload_length)
		less += sum_at(sum_payload(p, end, f->payload_length - end), end);
	return sum_at(f->payload_sum + tp_sum_less(less), s->offset ^ s->front_length);
}

static ALWAYS_INLINE uint16_t udp_checksum(const struct frame *f, const struct frame_send *s,
	const struct payload *p, const struct shape *shape, uint32_t length)
{
	uint64_t sum;

	if (!f->checksum_zero)
		sum = sum_data(f, s, p);
	else if (shape->to4)
		return 0;
	else
		sum = sum_at(sum_payload(p, s->offset, s->length), s->front_length);
	sum += sum_front(s->front, s->front_length);
	return tp_udp_checksum(
		sum + tp_sum_udp_headers(&s->source, &s->destination, shape->to4, length));
}

static ALWAYS_INLINE void put_front(uint8_t *b, const uint8_t *front, uint32_t length)
{
	if (length == 4)
		memcpy(b, front, 4);
	else if (length)
		memcpy(b, front, length);
}

static ALWAYS_INLINE int rewrite(uint8_t *data, const struct frame *f, const struct frame_send *s,
	struct frame_result *r, const struct payload *payload, const struct shape shape)
{
	uint32_t udp = TP_UDP_HEADER + s->front_length + s->length + s->padding;
	uint32_t l2_length = s->l2_length;
	uint32_t ip_header = tp_ip_header_length(shape.to4);
	uint32_t headers = l2_length + ip_header + TP_UDP_HEADER + s->front_length;
	uint32_t length = ip_header + udp;
	uint32_t begin = f->payload + s->offset;
	bool dont_fragment = tp_dont_fragment(
		shape.from4, shape.to4, f->dont_fragment, s->dont_fragment, length);
	uint16_t checksum;
	uint8_t *at;

	if (headers > begin + FRAME_HEADROOM)
		return -EINVAL;
	if (f->ttl <= 1)
		return -ETIME;
	if (length > s->mtu && (dont_fragment || (shape.to4 ? length : udp) > 0xffff)) {
		r->mtu = tp_mtu_told(s->mtu, shape.from4, shape.to4, s->front_length != 0);
		return -EMSGSIZE;
	}
	// Before anything is overwritten.
	checksum = udp_checksum(f, s, payload, &shape, udp);

	r->start = (int32_t)begin - (int32_t)headers;
	r->headers = headers;
	r->total = l2_length + length;
	r->fragment = length > s->mtu;
	at = data + begin - s->front_length - TP_UDP_HEADER;
	put_front(at + TP_UDP_HEADER, s->front, s->front_length);
	tp_put_udp(at, tp_udp_ports(&s->source, &s->destination), udp, checksum);
	at -= ip_header;
	put_ip(at, shape.to4,
		&(const struct tp_ip_fields){
			.source = &s->source.ip,
			.destination = &s->destination.ip,
			.length = udp,
			.flow_label = s->flow_label,
			.id = s->ip_id,
			.protocol = TP_PROTO_UDP,
			.tos = f->tos,
			.ttl = (uint8_t)(f->ttl - 1),
			.dont_fragment = dont_fragment,
		});
	put_l2(at - l2_length, s->l2, l2_length, shape.to4);
	// A payload in pieces is padded by its owner.
	if (s->padding && !payload->sum)
		memset(data + begin + s->length, 0, s->padding);
	return 0;
}

static NEVER_INLINE int rewrite_any(uint8_t *data, const struct frame *f,
	const struct frame_send *s, struct frame_result *r, frame_sum_fn *sum, void *context)
{
	const struct payload payload = {data + f->payload, sum, context};
	bool to4 = tp_ip_is4(&s->destination.ip);

	if ((uint64_t)s->offset + s->length > f->payload_length ||
		to4 != tp_ip_is4(&s->source.ip) ||
		(s->l2_length != TP_ETHERNET_HEADER && s->l2_length != FRAME_L2_MAX))
		return -EINVAL;
	if (f->family == TP_IPV4)
		return to4 ? rewrite(data, f, s, r, &payload, (struct shape){true, true})
			   : rewrite(data, f, s, r, &payload, (struct shape){true, false});
	return to4 ? rewrite(data, f, s, r, &payload, (struct shape){false, true})
		   : rewrite(data, f, s, r, &payload, (struct shape){false, false});
}

static ALWAYS_INLINE bool rewrite_plain(
	uint8_t *data, const struct frame *f, const struct frame_send *s, struct frame_result *r)
{
	const struct plain_send plain = {
		.source = &s->source.ip,
		.source_port = &s->source.port,
		.destination = &s->destination,
		.offset = s->offset,
		.length = s->length,
		.front = s->front,
		.front_length = s->front_length,
		.padding = s->padding,
		.dont_fragment = s->dont_fragment,
		.l2 = s->l2,
		.mtu = s->mtu,
		.ip_id = &s->ip_id,
	};

	if (s->l2_length != TP_ETHERNET_HEADER || !tp_ip_is4(&s->source.ip) ||
		!plain_put(data, f, &plain, s->offset, s->front_length))
		return false;
	r->start = (int32_t)s->offset - s->front_length;
	r->headers = PLAIN_HEADERS + s->front_length;
	r->total = r->headers + s->length;
	r->fragment = false;
	return true;
}

int frame_rewrite(uint8_t *data, const struct frame *f, const struct frame_send *s,
	struct frame_result *r, frame_sum_fn *sum, void *context)
{
	return rewrite_plain(data, f, s, r) ? 0 : rewrite_any(data, f, s, r, sum, context);
}
