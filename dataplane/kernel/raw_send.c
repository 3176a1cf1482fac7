// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "raw.h"

#include <errno.h>

#include <frame.h>

#include "worker.h"

// Of a path that a router may have made narrower than its first hop, IPv6 carries so much in any case (RFC
// 8200 section 5). The kernel knows what routers have said; what is larger is left to it.
#define IPV6_SURE 1280u

_Static_assert(
	RECEIVE_FRONT >= FRAME_HEADROOM + RELAY_FRONT_MAX, "what frame_build() puts in front");

static struct tp_endpoint source_of(const struct worker *w, const struct transmit_item *item)
{
	const struct tp_capabilities *caps = w->agent.capabilities;

	if (item->socket)
		return (struct tp_endpoint){
			.ip = caps->relay[item->socket->relay].local, .port = item->socket->port};
	return caps->server[item->server];
}

// Writes the frame around the payload, in the slot where that was received. False: it can't leave so, and
// what its UDP socket would send is as it was.
static bool make_frame(struct worker *w, const struct transmit_item *item, unsigned int n)
{
	struct raw_sender *r = &w->raw;
	const struct iovec *data = item->socket ? &item->part[0] : &item->part[1];
	struct frame_send s = {
		.ttl = item->header.ttl, .tos = item->header.tos, .destination = item->to};
	uint32_t length = (uint32_t)data->iov_len;
	const bool ip4 = tp_ip_is4(&item->to.ip);
	struct nexthop hop;
	uint8_t *frame;
	uint32_t packet;

	if (!item->destination || item->dont_fragment ||
		nexthops_view_read(&r->hops, item->destination, &hop) != NEXTHOP_READY)
		return false;
	if (!item->socket) {
		s.front = item->part[0].iov_base;
		s.front_length = (uint16_t)item->part[0].iov_len;
		length += (uint32_t)item->part[2].iov_len;
	}
	packet = (ip4 ? TP_IP4_HEADER : TP_IP6_HEADER) + TP_UDP_HEADER + s.front_length + length;
	if (packet > hop.mtu || (!ip4 && packet > IPV6_SURE))
		return false;
	s.source = source_of(w, item);
	if (ip4)
		s.ip_id = r->ip_id++;
	else
		s.flow_label = frame_flow_label(&s.source, &s.destination);
	memcpy(s.l2, hop.l2, sizeof(s.l2));
	s.l2_length = hop.l2_length;
	memset((uint8_t *)data->iov_base + data->iov_len, 0, length - data->iov_len);
	frame = frame_build(data->iov_base, length, &s);
	r->name[n] = (struct sockaddr_ll){
		.sll_family = AF_PACKET, .sll_ifindex = (int)r->raw->ifindex[hop.port]};
	r->part[n] = (struct iovec){frame, (size_t)hop.l2_length + packet};
	r->message[n] = (struct mmsghdr){.msg_hdr = {.msg_name = &r->name[n],
						 .msg_namelen = sizeof(r->name[n]),
						 .msg_iov = &r->part[n],
						 .msg_iovlen = 1}};
	return true;
}

uint64_t raw_send(struct worker *w, uint64_t left, unsigned int *sent)
{
	struct raw_sender *r = &w->raw;
	unsigned int n = 0, from = 0;

	for (uint64_t rest = left; rest; rest &= rest - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(rest);

		if (!make_frame(w, &w->transmit.item[i], n))
			continue;
		r->order[n++] = (uint8_t)i;
		left &= ~(1ull << i);
	}
	while (from < n) {
		int done = sendmmsg(r->fd, &r->message[from], n - from, MSG_DONTWAIT);
		int err = done < 0 ? errno : 0;

		for (int i = 0; i < done; i++)
			transmit_count(w, &w->transmit.item[r->order[from + (unsigned int)i]]);
		if (done > 0) {
			from += (unsigned int)done;
			*sent += (unsigned int)done;
			continue;
		}
		tally_add(&w->agent.tally,
			transmit_drop(w->transmit.item[r->order[from++]].kind, err), 1);
	}
	return left;
}
