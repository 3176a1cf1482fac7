// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the table of frames can't say: entries that are over or being written, next hops, interfaces, room. What
// passes up is as it came, and counted under its reason alone.

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lab.h"

#define SERVER_PORT 3478
#define RELAY_PORT 50000
#define CHANNEL 0x4000
#define FRONT (TP_ETHERNET_HEADER + TP_IP4_HEADER + TP_UDP_HEADER)
#define LARGEST 3520u // of a test run: a page but for headroom and what the kernel keeps behind

static struct lab lab;
static const uint8_t l2[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

static struct tp_endpoint ep(const char *ip, uint16_t port)
{
	uint32_t ip4;

	cr_assert_eq(inet_pton(AF_INET, ip, &ip4), 1);
	return (struct tp_endpoint){.ip = tp_ip4(ip4), .port = port};
}

static struct tp_endpoint client(uint32_t i)
{
	struct tp_endpoint c = ep("192.0.2.9", (uint16_t)(4000 + i));

	return c;
}

static void set_way(const uint8_t mac[12], uint16_t mtu, uint16_t device)
{
	const struct xdp_hop hop = {
		.to = xdp_hop_word(mac, mtu), .from = xdp_hop_word(mac + 6, device)};

	xdp_hop_write(&lab.hops[1], &hop);
}

static void put(uint32_t i)
{
	struct tp_endpoint c = client(i), peer = ep("203.0.113.9", 5000);
	uint16_t port = (uint16_t)(RELAY_PORT + i);

	lab_put_allocation(&lab, i, &c, 0, 0, port);
	lab_put_permission(&lab, i, &peer.ip);
	lab_put_channel(&lab, i, &c, 0, 0, port, &peer, CHANNEL);
}

// One allocation with a permission and a channel, whose entries say `until`.
static void open_lab(uint32_t until)
{
	const char *why = lab_open(&lab);

	if (why)
		cr_skip_test("%s", why);
	lab.config->servers = lab.config->relays = 1;
	lab.config->server[0] = ep("198.51.100.1", SERVER_PORT);
	lab.config->relay[0] = ep("198.51.100.1", 0).ip;
	lab.config->relay_public[0] = ep("203.0.113.77", 0).ip;
	lab.config->port_min = RELAY_PORT;
	lab.config->port_max = RELAY_PORT + 100;
	lab.config->channel_max = TP_CHANNEL_MAX;
	// Test runs come from the loopback interface.
	lab.config->devices = 2;
	lab.config->ifindex[0] = 1;
	lab.config->ifindex[1] = 7;
	lab.until = until;
	lab_load(&lab);
	set_way(l2, 9000, 0);
	put(0);
}

// A frame with this payload. Returns its length.
static uint32_t frame(uint8_t *b, const struct tp_endpoint *from, const struct tp_endpoint *to,
	const void *payload, uint32_t length)
{
	const struct tp_ip_fields ip = {.source = &from->ip,
		.destination = &to->ip,
		.length = TP_UDP_HEADER + length,
		.protocol = TP_PROTO_UDP,
		.ttl = 64};

	memcpy(b, l2 + 6, 6);
	memcpy(b + 6, l2, 6);
	tp_put16(b + 12, TP_ETHERTYPE_IP4);
	tp_put_ip4(b + TP_ETHERNET_HEADER, &ip);
	// No checksum is one too (RFC 768).
	tp_put_udp(b + TP_ETHERNET_HEADER + TP_IP4_HEADER, tp_udp_ports(from, to),
		TP_UDP_HEADER + length, 0);
	memcpy(b + FRONT, payload, length);
	return FRONT + length;
}

static uint32_t channel_data(uint8_t *b, uint32_t i)
{
	static const uint8_t message[] = {CHANNEL >> 8, CHANNEL & 0xff, 0, 4, 'd', 'a', 't', 'a'};
	struct tp_endpoint c = client(i);

	return frame(b, &c, &lab.skeleton->rodata->config.server[0], message, sizeof(message));
}

static uint32_t send_indication(uint8_t *b)
{
	uint8_t message[40] = {0, 0x16, 0, 20, 0x21, 0x12, 0xa4, 0x42};
	struct tp_endpoint c = client(0), peer = ep("203.0.113.9", 6000);

	tp_put16(message + 20, TP_ATTR_XOR_PEER_ADDRESS);
	tp_put16(message + 22, 8);
	tp_put16(message + 24, TP_IPV4);
	tp_put16(message + 26, (uint16_t)(peer.port ^ TP_STUN_COOKIE >> 16));
	tp_store32(message + 28, peer.ip.w[3] ^ TP_BE32(TP_STUN_COOKIE));
	tp_put16(message + 32, TP_ATTR_DATA);
	tp_put16(message + 34, 4);
	return frame(b, &c, &lab.skeleton->rodata->config.server[0], message, sizeof(message));
}

static uint32_t peer_data(uint8_t *b, uint16_t from_port, uint32_t length)
{
	static const uint8_t data[LARGEST];
	struct tp_endpoint peer = ep("203.0.113.9", from_port);
	struct tp_endpoint relay = ep("198.51.100.1", RELAY_PORT);

	return frame(b, &peer, &relay, data, length);
}

static void passes(const uint8_t *sent, uint32_t length, enum tp_counter reason)
{
	uint8_t b[LAB_FRAME_MAX];
	struct xdp_cpu before, after;
	uint32_t n = length;

	memcpy(b, sent, length);
	lab_counts(&lab, &before);
	cr_assert_eq(lab_run(&lab, b, &n), XDP_PASS, "%u", reason);
	lab_counts(&lab, &after);
	cr_assert_eq(n, length);
	cr_assert_arr_eq(b, sent, n);
	for (unsigned int i = 0; i < TP_COUNTER_COUNT; i++)
		cr_assert_eq(
			after.counter[i] - before.counter[i], i == reason, "%u for %u", i, reason);
}

static uint32_t verdict(const uint8_t *sent, uint32_t length, uint8_t *out)
{
	memcpy(out, sent, length);
	return lab_run(&lab, out, &length);
}

static void all_ways(enum tp_counter reason)
{
	uint8_t b[LAB_FRAME_MAX];

	passes(b, channel_data(b, 0), reason);
	passes(b, send_indication(b), reason);
	passes(b, peer_data(b, 5000, 20), reason);
	passes(b, peer_data(b, 6000, 20), reason);
}

static void relays_all_ways(void)
{
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];

	cr_assert_eq(verdict(b, channel_data(b, 0), out), XDP_TX);
	cr_assert_eq(verdict(b, send_indication(b), out), XDP_TX);
	cr_assert_eq(verdict(b, peer_data(b, 5000, 20), out), XDP_TX);
	cr_assert_eq(verdict(b, peer_data(b, 6000, 20), out), XDP_TX);
}

TestSuite(xdp_program, .timeout = 120);

Test(xdp_program, what_is_in_force_is_relayed)
{
	open_lab(UINT32_MAX);
	relays_all_ways();
}

Test(xdp_program, entries_whose_promise_is_over_pass_up)
{
	open_lab(1);
	all_ways(TP_C_passed_expired);
}

Test(xdp_program, a_channel_and_a_permission_that_are_over_pass_up_though_the_allocation_is_not)
{
	struct tp_endpoint c = client(0), peer = ep("203.0.113.9", 5000);
	struct xdp_port *port;
	uint8_t b[LAB_FRAME_MAX];

	open_lab(UINT32_MAX);
	lab.until = 1;
	lab_put_permission(&lab, 0, &peer.ip);
	lab_put_channel(&lab, 0, &c, 0, 0, RELAY_PORT, &peer, CHANNEL);
	port = &lab.ports[0];
	port->peer.until = 1;
	all_ways(TP_C_passed_expired);
	// The moment itself is over too.
	port->until = 1;
	passes(b, peer_data(b, 5000, 20), TP_C_passed_expired);
}

static uint32_t tick(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return xdp_tick((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

// The program does not read its clock for every packet.
Test(xdp_program, a_promise_ends_under_traffic_when_it_says)
{
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];
	uint32_t until, asked, length;

	open_lab(UINT32_MAX);
	length = channel_data(b, 0);
	cr_assert_eq(verdict(b, length, out), XDP_TX);
	until = tick() + 3;
	for (uint32_t i = 0; i < xdp_lines(lab.clients.homes); i++)
		lab.clients.lines[i].until = until;
	// A second more, for what the coarse clock of a busy machine is behind.
	for (asked = tick(); verdict(b, length, out) == XDP_TX; asked = tick())
		cr_assert_leq(asked, until + 8);
	cr_assert_geq(tick(), until);
	passes(b, length, TP_C_passed_expired);
}

// A host that asks who it is (RFC 1122 section 3.2.1.3).
Test(xdp_program, a_source_in_this_network_is_left_to_the_kernel_uncounted)
{
	uint8_t b[LAB_FRAME_MAX];
	struct tp_endpoint from = ep("0.0.0.9", 68);
	uint32_t length;

	open_lab(UINT32_MAX);
	length = frame(b, &from, &lab.skeleton->rodata->config.server[0], "@", 1);
	passes(b, length, TP_COUNTER_COUNT);
}

// A relay address of ours may be a peer: its packets go from one allocation to another, and never by the wire.
Test(xdp_program, a_peer_that_is_our_own_address_is_not_heard_from_the_wire)
{
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];
	struct tp_endpoint c = client(0), own = ep("198.51.100.1", RELAY_PORT + 1);
	struct tp_endpoint relay = ep("198.51.100.1", RELAY_PORT),
			   public = ep("203.0.113.77", 5000);
	struct xdp_cpu counts;

	open_lab(UINT32_MAX);
	lab_put_permission(&lab, 0, &own.ip);
	lab_put_channel(&lab, 0, &c, 0, 0, RELAY_PORT, &own, CHANNEL + 1);
	cr_assert_eq(verdict(b, frame(b, &own, &relay, "data", 4), out), XDP_DROP);
	own.port++; // by the permission
	cr_assert_eq(verdict(b, frame(b, &own, &relay, "data", 4), out), XDP_DROP);
	lab_counts(&lab, &counts);
	cr_assert_eq(counts.counter[TP_C_peer_source_invalid], 2);
	cr_assert_eq(counts.counter[TP_C_peer_packets], 2);
	// Behind a NAT others may have the address by which we are known.
	lab_put_permission(&lab, 0, &public.ip);
	cr_assert_eq(verdict(b, frame(b, &public, &relay, "data", 4), out), XDP_TX);
}

Test(xdp_program, lines_that_are_being_written_pass_up)
{
	uint8_t b[LAB_FRAME_MAX];

	open_lab(UINT32_MAX);
	for (uint32_t i = 0; i < xdp_lines(lab.clients.homes); i++)
		lab.clients.lines[i].sequence |= 1;
	passes(b, channel_data(b, 0), TP_C_passed_busy);
	passes(b, send_indication(b), TP_C_passed_busy);
	for (uint32_t i = 0; i < xdp_lines(lab.clients.homes); i++)
		lab.clients.lines[i].sequence &= ~1u;
	for (uint32_t i = 0; i < xdp_lines(lab.peers.homes); i++)
		lab.peers.lines[i].sequence |= 1;
	passes(b, send_indication(b), TP_C_passed_busy);
	passes(b, peer_data(b, 6000, 20), TP_C_passed_busy);
	lab.ports[0].sequence |= 1;
	passes(b, peer_data(b, 5000, 20), TP_C_passed_busy);
}

Test(xdp_program, an_unknown_next_hop_passes_up)
{
	uint8_t b[LAB_FRAME_MAX];

	open_lab(UINT32_MAX);
	lab.hops[1].to = 0;
	all_ways(TP_C_passed_hop);
	// An interface that there can't be.
	set_way(l2, 1500, XDP_DEVICES_MAX);
	all_ways(TP_C_passed_hop);
	set_way(l2, 1500, 0);
	relays_all_ways();
	set_way(l2, TP_IP4_HEADER + TP_UDP_HEADER + 3, 0);
	passes(b, channel_data(b, 0), TP_C_passed_too_big);
	set_way(l2, TP_IP4_HEADER + TP_UDP_HEADER + 4, 0);
	cr_assert_eq(verdict(b, channel_data(b, 0), b), XDP_TX);
}

Test(xdp_program, each_destination_goes_by_its_own_next_hop)
{
	const uint32_t destination[] = {1, 2, 31, 32, 33, LAB_DESTINATIONS - 1};
	const uint16_t number[] = {2, 1, 3, XDP_HOPS - 1, 4, 5};
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX], mac[12];

	open_lab(UINT32_MAX);
	memcpy(mac, l2, sizeof(mac));
	for (uint32_t i = 0; i < 6; i++) {
		struct xdp_hop hop;

		mac[4] = (uint8_t)(0x80 + i);
		mac[10] = (uint8_t)(0xc0 + i);
		hop = (struct xdp_hop){xdp_hop_word(mac, 1500), xdp_hop_word(mac + 6, 0)};
		xdp_hop_write(&lab.hops[number[i]], &hop);
		xdp_destination_write(lab.destinations, destination[i], number[i]);
	}
	for (uint32_t i = 0; i < 6; i++) {
		lab.ports[0].destination = destination[i];
		cr_assert_eq(verdict(b, peer_data(b, 5000, 20), out), XDP_TX, "%u", i);
		mac[4] = (uint8_t)(0x80 + i);
		mac[10] = (uint8_t)(0xc0 + i);
		cr_assert_arr_eq(out, mac, sizeof(mac));
	}
}

Test(xdp_program, a_destination_that_there_is_none_of_passes_up)
{
	uint8_t b[LAB_FRAME_MAX];

	open_lab(UINT32_MAX);
	for (uint32_t i = 0; i < xdp_lines(lab.clients.homes); i++)
		if (lab.clients.lines[i].client.channel == CHANNEL)
			lab.clients.lines[i].client.destination = 0;
	passes(b, channel_data(b, 0), TP_C_passed_hop);
	lab.ports[0].destination = UINT32_MAX;
	passes(b, peer_data(b, 5000, 20), TP_C_passed_hop);
}

// A Data indication wants padding, and there is no room behind the frame: what was put before it is taken back.
Test(xdp_program, a_frame_without_room_passes_up_as_it_came)
{
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];

	open_lab(UINT32_MAX);
	passes(b, peer_data(b, 6000, LARGEST - FRONT - 1), TP_C_passed_room);
	// No padding is needed.
	cr_assert_eq(verdict(b, peer_data(b, 6000, LARGEST - FRONT - 2), out), XDP_TX);
}

Test(xdp_program, what_leaves_by_another_interface_is_redirected)
{
	const uint32_t device = 1, loopback = 1;
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];
	struct xdp_cpu counts;

	open_lab(UINT32_MAX);
	set_way(l2, 1500, (uint16_t)device);
	// An interface that has gone.
	cr_assert_eq(verdict(b, channel_data(b, 0), out), XDP_DROP);
	lab_counts(&lab, &counts);
	cr_assert_eq(counts.counter[TP_C_client_tx_other], 1);
	cr_assert_eq(counts.counter[TP_C_relayed_to_peer] + counts.redirected, 0);
	cr_assert_eq(bpf_map_update_elem(
			     bpf_map__fd(lab.skeleton->maps.devices), &device, &loopback, BPF_ANY),
		0);
	cr_assert_eq(verdict(b, channel_data(b, 0), out), XDP_REDIRECT);
	cr_assert_arr_eq(out, l2, sizeof(l2));
	cr_assert_eq(verdict(b, peer_data(b, 5000, 20), out), XDP_REDIRECT);
	cr_assert_arr_eq(out, l2, sizeof(l2));
	lab_counts(&lab, &counts);
	cr_assert_eq(counts.counter[TP_C_relayed_to_peer], 1);
	cr_assert_eq(counts.counter[TP_C_relayed_to_client], 1);
	cr_assert_eq(counts.redirected, 2);
}

Test(xdp_program, entries_far_from_their_homes_are_found_and_no_others)
{
	uint8_t b[LAB_FRAME_MAX], out[LAB_FRAME_MAX];
	struct xdp_cpu counts;

	// All keys have one home.
	lab.homes = 1;
	open_lab(UINT32_MAX);
	for (uint32_t i = 1; i < LAB_ALLOCATIONS; i++)
		put(i);
	for (uint32_t i = 0; i < LAB_ALLOCATIONS; i++) {
		uint32_t length = channel_data(b, i);

		cr_assert_eq(verdict(b, length, out), XDP_TX, "%u", i);
		cr_assert_eq(tp_get16(out + TP_ETHERNET_HEADER + TP_IP4_HEADER), RELAY_PORT + i);
	}
	cr_assert_eq(verdict(b, channel_data(b, LAB_ALLOCATIONS), out), XDP_DROP);
	lab_counts(&lab, &counts);
	cr_assert_eq(counts.counter[TP_C_channel_unbound], 1);
	cr_assert_eq(counts.counter[TP_C_relayed_to_peer], LAB_ALLOCATIONS);
}

// A relay that is started again relays nothing until the kernel has looked at its program: 0.7 s for 300,000
// instructions. It looked at 36,000 when this was written.
Test(xdp_program, the_verifier_has_little_to_look_at)
{
	static char log[1 << 16];
	const char *why = lab_open(&lab), *processed;

	if (why)
		cr_skip_test("%s", why);
	lab.config->port_max = 1;
	lab.config->relays = 1;
	bpf_program__set_log_level(lab.skeleton->progs.turnpike_relay, 4);
	bpf_program__set_log_buf(lab.skeleton->progs.turnpike_relay, log, sizeof(log));
	lab_load(&lab);
	processed = strstr(log, "processed ");
	cr_assert_not_null(processed, "%s", log);
	cr_assert_lt(strtoul(processed + strlen("processed "), NULL, 10), 100000, "%s", log);
}
