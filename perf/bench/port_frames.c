// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "port_frames.h"

#include <string.h>

#include <rte_ip.h>

#include <turnpike/ip.h>

#define FRONT_MAX 48u
#define TTL 64u // of frame_build()

struct tp_endpoint peer_by(const struct scene *s, enum way way, uint32_t i)
{
	struct tp_endpoint peer = in_family(peer_of(i), s->family);

	peer.port = (uint16_t)(peer.port + (way == PEER_TO_INDICATION));
	return peer;
}

// A Send or Data indication up to its data: header, XOR-PEER-ADDRESS, DATA's header. Returns its length.
static uint16_t put_indication(
	uint8_t *b, uint16_t type, const uint8_t *tid, const struct tp_endpoint *peer)
{
	bool is4 = tp_ip_is4(&peer->ip);
	uint16_t address = is4 ? 8 : 20, front = (uint16_t)(28 + address);

	tp_put32(b, (uint32_t)type << 16 | (front - 20u + DATA));
	tp_put32(b + 4, TP_STUN_COOKIE);
	memcpy(b + 8, tid, TP_STUN_TID);
	tp_put32(b + 20, (uint32_t)TP_ATTR_XOR_PEER_ADDRESS << 16 | address);
	tp_put32(b + 24, (is4 ? TP_IPV4 : TP_IPV6) << 16 | (peer->port ^ TP_STUN_COOKIE >> 16));
	for (uint32_t k = 0; k < address - 4u; k++)
		b[28 + k] = peer->ip.b[(is4 ? 12 : 0) + k] ^ b[4 + k];
	tp_put32(b + 24 + address, (uint32_t)TP_ATTR_DATA << 16 | DATA);
	return front;
}

static void fill(uint8_t *payload, uint32_t i)
{
	memset(payload, (int)(i * 31 + 7), DATA);
}

static uint32_t headers(const struct scene *s)
{
	return TP_ETHERNET_HEADER + (s->family == TP_IPV4 ? TP_IP4_HEADER : TP_IP6_HEADER) +
	       TP_UDP_HEADER;
}

void frame_arrive(struct rte_mbuf *m, const struct scene *s, enum way way, uint32_t i)
{
	static const uint8_t tid[TP_STUN_TID] = "turnpike tid";
	struct frame_send send = {.dont_fragment = true, .l2_length = TP_ETHERNET_HEADER};
	struct tp_endpoint peer = peer_by(s, way, i);
	uint8_t front[FRONT_MAX], *data, *payload;

	memcpy(send.l2, s->shared.port[0].mac, 6);
	memcpy(send.l2 + 6, gateway_mac, 6);
	send.front = front;
	if (way == CHANNEL_TO_PEER || way == SEND_TO_PEER) {
		send.source = in_family(client_of(i), s->family);
		send.destination = in_family(server_address(), s->family);
		if (way == SEND_TO_PEER) {
			send.front_length = put_indication(front, TP_STUN_TYPE_SEND, tid, &peer);
		} else {
			tp_put32(front, TP_CHANNEL_MIN << 16 | DATA);
			send.front_length = TP_CHANNEL_HEADER;
		}
	} else {
		send.source = peer;
		send.destination = in_family(relay_of(i), s->family);
	}
	m->data_off = RTE_PKTMBUF_HEADROOM;
	data = rte_pktmbuf_mtod(m, uint8_t *);
	payload = data + headers(s) + send.front_length;
	fill(payload, i);
	if (frame_build(payload, DATA, &send) != data)
		fail("a frame was not built where it should be");
	m->data_len = (uint16_t)(payload + DATA - data);
	m->pkt_len = m->data_len;
}

// What differs from a frame of our own making by rule or by chance.
static void take_over(uint8_t *data, const uint8_t *left, const struct scene *s)
{
	struct rte_ipv4_hdr *ip4 = (void *)(data + TP_ETHERNET_HEADER);

	if (s->family == TP_IPV6) {
		memcpy(data + TP_ETHERNET_HEADER, left + TP_ETHERNET_HEADER, 4);
		data[TP_ETHERNET_HEADER] = 0x60;
		data[TP_ETHERNET_HEADER + TP_IP6_HOP_LIMIT] = TTL - 1;
		return;
	}
	memcpy(data + TP_ETHERNET_HEADER + TP_IP4_ID, left + TP_ETHERNET_HEADER + TP_IP4_ID, 4);
	ip4->time_to_live = TTL - 1;
	ip4->hdr_checksum = 0;
	ip4->hdr_checksum = rte_ipv4_cksum(ip4);
}

bool frame_left(const struct rte_mbuf *m, const struct scene *s, enum way way, uint32_t i)
{
	struct frame_send send = {.l2_length = TP_ETHERNET_HEADER};
	struct tp_endpoint peer = peer_by(s, way, i);
	const uint8_t *left = rte_pktmbuf_mtod(m, const uint8_t *);
	_Alignas(64) uint8_t expected[512], front[FRONT_MAX];
	uint8_t *payload = expected + 2 + headers(s), *data;

	memcpy(send.l2, gateway_mac, 6);
	memcpy(send.l2 + 6, s->shared.port[0].mac, 6);
	send.front = front;
	if (way == CHANNEL_TO_PEER || way == SEND_TO_PEER) {
		send.source = in_family(relay_of(i), s->family);
		send.destination = peer;
	} else {
		send.source = in_family(server_address(), s->family);
		send.destination = in_family(client_of(i), s->family);
	}
	if (way == PEER_TO_CHANNEL) {
		tp_put32(front, TP_CHANNEL_MIN << 16 | DATA);
		send.front_length = TP_CHANNEL_HEADER;
	} else if (way == PEER_TO_INDICATION) {
		send.front_length = put_indication(
			front, TP_STUN_TYPE_DATA, left + headers(s) + 8, &peer);
	}
	payload += send.front_length;
	fill(payload, i);
	data = frame_build(payload, DATA, &send);
	take_over(data, left, s);
	return m->data_len == payload + DATA - data && m->pkt_len == m->data_len &&
	       memcmp(left, data, m->data_len) == 0;
}
