// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Datagrams that start here.

#include "header.h"

uint8_t *frame_build(uint8_t *payload, uint32_t length, const struct frame_send *s)
{
	bool ip4 = tp_ip_is4(&s->destination.ip);
	uint32_t udp = TP_UDP_HEADER + s->front_length + length;
	uint8_t *udp_at = payload - s->front_length - TP_UDP_HEADER;
	uint8_t *ip_at = udp_at - tp_ip_header_length(ip4);
	struct tp_ip_fields ip = {
		.source = &s->source.ip,
		.destination = &s->destination.ip,
		.length = udp,
		.flow_label = s->flow_label,
		.id = s->ip_id,
		.protocol = TP_PROTO_UDP,
		.ttl = s->ttl ? s->ttl : TP_TTL_DEFAULT,
		.tos = s->tos,
		.dont_fragment = s->dont_fragment,
	};
	uint64_t sum = tp_sum_udp_headers(&s->source, &s->destination, ip4, udp);

	if (s->front_length)
		memcpy(payload - s->front_length, s->front, s->front_length);
	sum += sum_bytes(payload - s->front_length, s->front_length + length);
	tp_put_udp(udp_at, tp_udp_ports(&s->source, &s->destination), udp, tp_udp_checksum(sum));
	put_ip(ip_at, ip4, &ip);
	put_l2(ip_at - s->l2_length, s->l2, s->l2_length, ip4);
	return ip_at - s->l2_length;
}
