// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "scene.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <string.h>

struct lab lab;
const uint8_t l2[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

struct tp_endpoint ep(const char *ip, uint16_t port)
{
	struct tp_endpoint e = {.port = port};
	uint32_t ip4;

	if (inet_pton(AF_INET, ip, &ip4) == 1)
		e.ip = tp_ip4(ip4);
	else
		cr_assert_eq(inet_pton(AF_INET6, ip, e.ip.b), 1);
	return e;
}

struct tp_endpoint client(uint32_t i)
{
	struct tp_endpoint c = ep("192.0.2.9", (uint16_t)(4000 + i));

	return c;
}

void set_way(const uint8_t mac[12], uint16_t mtu, uint16_t device)
{
	const struct xdp_hop hop = {
		.to = xdp_hop_word(mac, mtu), .from = xdp_hop_word(mac + 6, device)};

	xdp_hop_write(&lab.hops[1], &hop);
}

void put(uint32_t i)
{
	struct tp_endpoint c = client(i), peer = ep("203.0.113.9", 5000);
	uint16_t port = (uint16_t)(RELAY_PORT + i);

	lab_put_allocation(&lab, i, &c, 0, 0, port);
	lab_put_permission(&lab, i, &peer.ip);
	lab_put_channel(&lab, i, &c, 0, 0, port, &peer, CHANNEL);
}

struct tp_endpoint server(void)
{
	return lab.skeleton->rodata->config.server[0];
}

void open_scene(uint32_t until)
{
	const char *why = lab_open(&lab);

	if (why)
		cr_skip_test("%s", why);
	lab.config->servers = lab.config->relays = 1;
	lab.config->server[0] = ep("198.51.100.1", SERVER_PORT);
	lab.config->relay[0] = lab.config->relay_public[0] = ep("198.51.100.1", 0).ip;
	lab.config->port_min = RELAY_PORT;
	lab.config->port_max = RELAY_PORT + RELAY_PORTS - 1;
	lab.config->channel_max = TP_CHANNEL_MAX;
	// Test runs come from the loopback interface.
	lab.config->devices = 2;
	lab.config->ifindex[0] = 1;
	lab.config->ifindex[1] = 7;
	lab.until = until;
}

void load_scene(void)
{
	lab_load(&lab);
	set_way(l2, 9000, 0);
}

void open_lab(uint32_t until)
{
	open_scene(until);
	load_scene();
	put(0);
}

uint32_t frame(uint8_t *b, const struct tp_endpoint *from, const struct tp_endpoint *to,
	const void *payload, uint32_t length)
{
	const bool ip4 = tp_ip_is4(&from->ip);
	const struct tp_ip_fields ip = {.source = &from->ip,
		.destination = &to->ip,
		.length = TP_UDP_HEADER + length,
		.protocol = TP_PROTO_UDP,
		.ttl = 64};
	uint8_t *udp = b + TP_ETHERNET_HEADER + tp_ip_header_length(ip4);
	uint64_t sum = tp_sum_udp_headers(from, to, ip4, ip.length);

	memcpy(b, l2 + 6, 6);
	memcpy(b + 6, l2, 6);
	tp_put16(b + 12, ip4 ? TP_ETHERTYPE_IP4 : TP_ETHERTYPE_IP6);
	if (ip4)
		tp_put_ip4(b + TP_ETHERNET_HEADER, &ip);
	else
		tp_put_ip6(b + TP_ETHERNET_HEADER, &ip);
	for (uint32_t i = 0; i < length; i++)
		sum += tp_sum_field((uint32_t)((const uint8_t *)payload)[i] << (i % 2 ? 0 : 8));
	// No checksum is one too, but for IPv6 (RFC 768, RFC 8200 section 8.1).
	tp_put_udp(udp, tp_udp_ports(from, to), ip.length, ip4 ? 0 : tp_udp_checksum(sum));
	memcpy(udp + TP_UDP_HEADER, payload, length);
	return (uint32_t)(udp + TP_UDP_HEADER + length - b);
}

uint32_t channel_data(uint8_t *b, uint32_t i)
{
	static const uint8_t message[] = {CHANNEL >> 8, CHANNEL & 0xff, 0, 4, 'd', 'a', 't', 'a'};
	struct tp_endpoint c = client(i), to = server();

	return frame(b, &c, &to, message, sizeof(message));
}

uint32_t send_indication(uint8_t *b)
{
	uint8_t message[40] = {0, 0x16, 0, 20, 0x21, 0x12, 0xa4, 0x42};
	struct tp_endpoint c = client(0), peer = ep("203.0.113.9", 6000), to = server();

	tp_put16(message + 20, TP_ATTR_XOR_PEER_ADDRESS);
	tp_put16(message + 22, 8);
	tp_put16(message + 24, TP_IPV4);
	tp_put16(message + 26, (uint16_t)(peer.port ^ TP_STUN_COOKIE >> 16));
	tp_store32(message + 28, peer.ip.w[3] ^ TP_BE32(TP_STUN_COOKIE));
	tp_put16(message + 32, TP_ATTR_DATA);
	tp_put16(message + 34, 4);
	return frame(b, &c, &to, message, sizeof(message));
}

uint32_t peer_data(uint8_t *b, uint16_t from_port, uint32_t length)
{
	static const uint8_t data[LARGEST];
	struct tp_endpoint peer = ep("203.0.113.9", from_port);
	struct tp_endpoint relay = ep("198.51.100.1", RELAY_PORT);

	return frame(b, &peer, &relay, data, length);
}

// What has been counted beside `reason`: nothing.
static void counted(const struct xdp_cpu *before, enum tp_counter reason)
{
	struct xdp_cpu after;

	lab_counts(&lab, &after);
	for (unsigned int i = 0; i < TP_COUNTER_COUNT; i++)
		cr_assert_eq(
			after.counter[i] - before->counter[i], i == reason, "%u for %u", i, reason);
}

void passes(const uint8_t *sent, uint32_t length, enum tp_counter reason)
{
	uint8_t b[LAB_FRAME_MAX];
	struct xdp_cpu before;
	uint32_t n = length;

	memcpy(b, sent, length);
	lab_counts(&lab, &before);
	cr_assert_eq(lab_run(&lab, b, &n), XDP_PASS, "%u", reason);
	counted(&before, reason);
	cr_assert_eq(n, length);
	cr_assert_arr_eq(b, sent, n);
}

void drops(const uint8_t *sent, uint32_t length, uint32_t payload, enum tp_counter reason)
{
	uint8_t b[LAB_FRAME_MAX];
	struct xdp_cpu before;

	lab_counts(&lab, &before);
	cr_assert_eq(verdict(sent, length, b), XDP_DROP, "%u", reason);
	before.counter[TP_C_client_packets]++;
	before.counter[TP_C_client_bytes] += payload;
	counted(&before, reason);
}

uint32_t verdict(const uint8_t *sent, uint32_t length, uint8_t *out)
{
	memcpy(out, sent, length);
	return lab_run(&lab, out, &length);
}
