// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// ICMP errors for clients (RFC 8656 sections 11.5 and 18.13).

#include "indication.h"

#define ICMP4_UNREACHABLE 3
#define ICMP4_FRAGMENTATION_NEEDED 4 // code of the above; with the next hop's MTU
#define ICMP4_TIME_EXCEEDED 11
#define ICMP6_UNREACHABLE 1
#define ICMP6_TOO_BIG 2 // with the next hop's MTU
#define ICMP6_TIME_EXCEEDED 3

static bool relayed(bool ip4, uint8_t type)
{
	if (ip4)
		return type == ICMP4_UNREACHABLE || type == ICMP4_TIME_EXCEEDED;
	return type == ICMP6_UNREACHABLE || type == ICMP6_TOO_BIG || type == ICMP6_TIME_EXCEEDED;
}

// The attribute as Figure 11 draws it: 16 bits reserved, 7 of type, 9 of code, 32 of error data.
static void put_icmp(uint8_t *b, bool ip4, const struct relay_icmp *in)
{
	bool mtu = ip4 ? in->type == ICMP4_UNREACHABLE && in->code == ICMP4_FRAGMENTATION_NEEDED
		       : in->type == ICMP6_TOO_BIG;

	put16(b, TP_ATTR_ICMP);
	put16(b + 2, 8);
	put16(b + 4, 0);
	put16(b + 6, (uint32_t)in->type << 9 | in->code);
	put32(b + 8, mtu ? in->data : 0);
}

static uint32_t drop(struct relay_decision *d, enum tp_counter reason)
{
	d->verdict = RELAY_DROP;
	d->drop = (uint8_t)reason;
	return 0;
}

uint32_t relay_decide_icmp(struct relay *r, const struct relay_icmp *in, struct relay_decision *out,
	uint8_t out_message[RELAY_ICMP_MAX], uint64_t now)
{
	struct port_line *l = relay_port_line(r, in->relay, in->port);
	bool ip4 = tp_ip_is4(&in->peer.ip);
	uint32_t tick = clock_tick(now);
	uint32_t permission, at;

	if (!relayed(ip4, in->type))
		return drop(out, TP_C_icmp_ignored);
	if (!l || !l->allocation)
		return drop(out, TP_C_peer_no_allocation);
	if (!clock_live(l->expires, tick))
		return drop(out, TP_C_peer_expired);
	permission = relay_find_peer(r, l->allocation - 1, &in->peer.ip, 0);
	if (permission == RELAY_NONE || !clock_live(r->peers[permission].expires, tick))
		return drop(out, TP_C_icmp_no_permission);

	at = indication_begin(r, out_message, &in->peer, 12);
	put_icmp(out_message + at, ip4, in);
	*out = (struct relay_decision){
		.verdict = RELAY_CLIENT,
		.server = l->server,
		.transport = l->transport,
		.allocation = l->allocation - 1,
		.destination = l->destination,
		.to = {.ip = l->client, .port = l->client_port},
	};
	return at + 12;
}
