// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "link.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <turnpike/header.h>
#include <turnpike/ip.h>

#include "../../dataplane/frame/checksum.h"

#define ETHERTYPE_ARP 0x0806u
#define ARP_LENGTH 28u
#define ARP_ETHERNET_IP4 0x00010800u
#define ARP_REQUEST 0x06040001u // address lengths and operation
#define ARP_REPLY 0x06040002u
#define NEIGHBOUR_SOLICITATION 135u
#define NEIGHBOUR_ADVERTISEMENT 136u
#define NEIGHBOUR_LENGTH 32u // with one link-layer address option
#define NEIGHBOUR_BARE 24u // without
#define SOLICITED_OVERRIDE 0x60000000u
#define OPTION_SOURCE 1u
#define OPTION_TARGET 2u
#define NEIGHBOUR_HOP_LIMIT 255u
#define IP6_AT TP_ETHERNET_HEADER
#define ICMP6_AT (IP6_AT + TP_IP6_HEADER)

static_assert(ICMP6_AT + NEIGHBOUR_LENGTH == LINK_FRAME_MAX, "the longest frame made here");

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

void link_init(struct link *l, const uint8_t mac[6], const struct range *a, const struct range *b)
{
	memset(l, 0, sizeof(*l));
	memcpy(l->mac, mac, 6);
	l->owned[0] = a;
	l->owned[1] = b;
}

static bool owns(const struct link *l, const struct tp_ip *ip)
{
	return range_has(l->owned[0], ip) || range_has(l->owned[1], ip);
}

static void learn(struct link *l, const struct tp_ip *ip, const uint8_t *mac)
{
	for (uint32_t i = 0; i < l->neighbours; i++)
		if (tp_ip_equal(&l->neighbour[i].ip, ip)) {
			memcpy(l->neighbour[i].mac, mac, 6);
			l->neighbour[i].known = true;
		}
}

static void put_ethernet(uint8_t *out, const uint8_t *to, const uint8_t *from, uint32_t type)
{
	memcpy(out, to, 6);
	memcpy(out + 6, from, 6);
	tp_put16(out + 12, type);
}

// `target_mac` of a request is not known: zeros.
static uint32_t put_arp(const struct link *l, uint8_t *out, uint32_t operation,
	const struct tp_ip *from, const uint8_t *target_mac, const struct tp_ip *target)
{
	uint8_t *arp = out + TP_ETHERNET_HEADER;

	put_ethernet(out, operation == ARP_REQUEST ? broadcast : target_mac, l->mac, ETHERTYPE_ARP);
	tp_put32(arp, ARP_ETHERNET_IP4);
	tp_put32(arp + 4, operation);
	memcpy(arp + 8, l->mac, 6);
	tp_store32(arp + 14, from->w[3]);
	memset(arp + 18, 0, 6);
	if (target_mac)
		memcpy(arp + 18, target_mac, 6);
	tp_store32(arp + 24, target->w[3]);
	return TP_ETHERNET_HEADER + ARP_LENGTH;
}

static uint32_t arp_input(struct link *l, const uint8_t *arp, uint8_t *out)
{
	struct tp_ip sender = tp_ip4(tp_load32(arp + 14)), target = tp_ip4(tp_load32(arp + 24));
	uint32_t operation = tp_get32(arp + 4);

	if (tp_get32(arp) != ARP_ETHERNET_IP4)
		return 0;
	learn(l, &sender, arp + 8);
	if (operation != ARP_REQUEST || !owns(l, &target))
		return 0;
	return put_arp(l, out, ARP_REPLY, &target, arp + 8, &sender);
}

static uint16_t icmp6_checksum(const uint8_t *ip6, const uint8_t *icmp, uint32_t length)
{
	return tp_checksum(sum_bytes(ip6 + TP_IP6_SOURCE, 32) + tp_sum_field(length) +
			   tp_sum_field(TP_PROTO_ICMP6) + sum_bytes(icmp, length));
}

static uint32_t put_neighbour(const struct link *l, uint8_t *out, uint8_t type,
	const uint8_t *to_mac, const struct tp_ip *from, const struct tp_ip *to,
	const struct tp_ip *target)
{
	struct tp_ip_fields ip = {.source = from,
		.destination = to,
		.length = NEIGHBOUR_LENGTH,
		.protocol = TP_PROTO_ICMP6,
		.ttl = NEIGHBOUR_HOP_LIMIT};
	uint8_t *icmp = out + ICMP6_AT;
	bool advertisement = type == NEIGHBOUR_ADVERTISEMENT;

	put_ethernet(out, to_mac, l->mac, TP_ETHERTYPE_IP6);
	tp_put_ip6(out + IP6_AT, &ip);
	tp_put32(icmp, (uint32_t)type << 24);
	tp_put32(icmp + 4, advertisement ? SOLICITED_OVERRIDE : 0);
	tp_store_ip6(icmp + 8, target);
	tp_put16(icmp + 24, (advertisement ? OPTION_TARGET : OPTION_SOURCE) << 8 | 1);
	memcpy(icmp + 26, l->mac, 6);
	tp_store16(icmp + 2, icmp6_checksum(out + IP6_AT, icmp, NEIGHBOUR_LENGTH));
	return LINK_FRAME_MAX;
}

static uint32_t neighbour_input(struct link *l, const uint8_t *frame, uint32_t length, uint8_t *out)
{
	const uint8_t *ip6 = frame + IP6_AT, *icmp = frame + ICMP6_AT;
	struct tp_ip source = tp_load_ip6(ip6 + TP_IP6_SOURCE), target = tp_load_ip6(icmp + 8);
	uint32_t said = tp_get16(ip6 + TP_IP6_LENGTH);

	if (ip6[TP_IP6_NEXT] != TP_PROTO_ICMP6 || ip6[TP_IP6_HOP_LIMIT] != NEIGHBOUR_HOP_LIMIT ||
		said < NEIGHBOUR_BARE || said > length - ICMP6_AT ||
		icmp6_checksum(ip6, icmp, said) != 0)
		return 0;
	if (icmp[0] == NEIGHBOUR_ADVERTISEMENT && said >= NEIGHBOUR_LENGTH &&
		icmp[24] == OPTION_TARGET)
		learn(l, &target, icmp + 26);
	// From nobody (::): somebody asks whether the address is free. It isn't, but it is not theirs to know.
	if (icmp[0] != NEIGHBOUR_SOLICITATION || !owns(l, &target) || !source.q[0])
		return 0;
	return put_neighbour(l, out, NEIGHBOUR_ADVERTISEMENT, frame + 6, &target, &source, &target);
}

uint32_t link_input(struct link *l, const uint8_t *frame, uint32_t length, uint8_t *out)
{
	uint32_t type = length >= TP_ETHERNET_HEADER ? tp_get16(frame + 12) : 0;

	if (type == ETHERTYPE_ARP && length >= TP_ETHERNET_HEADER + ARP_LENGTH)
		return arp_input(l, frame + TP_ETHERNET_HEADER, out);
	if (type == TP_ETHERTYPE_IP6 && length >= ICMP6_AT + NEIGHBOUR_BARE)
		return neighbour_input(l, frame, length, out);
	return 0;
}

static uint32_t ask(
	const struct link *l, const struct tp_ip *ip, const struct tp_ip *from, uint8_t *out)
{
	// The solicited-node multicast address (RFC 4291 section 2.7.1), and its Ethernet form (RFC 2464).
	struct tp_ip group = {.b = {0xff, 2, [11] = 1, 0xff, ip->b[13], ip->b[14], ip->b[15]}};
	uint8_t mac[6] = {0x33, 0x33, 0xff, ip->b[13], ip->b[14], ip->b[15]};

	if (tp_ip_is4(ip))
		return put_arp(l, out, ARP_REQUEST, from, NULL, ip);
	return put_neighbour(l, out, NEIGHBOUR_SOLICITATION, mac, from, &group, ip);
}

int link_find(struct link *l, const struct tp_ip *ip, const struct tp_ip *from, uint64_t now_ns,
	uint8_t mac[6], uint8_t *out, uint32_t *asking)
{
	struct neighbour *n = l->neighbour, *end = n + l->neighbours;

	while (n < end && !tp_ip_equal(&n->ip, ip))
		n++;
	*asking = 0;
	if (n == end) {
		if (l->neighbours == LINK_NEIGHBOURS_MAX)
			return -ENOSPC;
		*n = (struct neighbour){.ip = *ip};
		l->neighbours++;
	}
	if (n->known) {
		memcpy(mac, n->mac, 6);
		return 0;
	}
	if (!n->asked_ns || now_ns - n->asked_ns >= LINK_AGAIN_NS) {
		n->asked_ns = now_ns;
		*asking = ask(l, ip, from, out);
	}
	return -EAGAIN;
}
