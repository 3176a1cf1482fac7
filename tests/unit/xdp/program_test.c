// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the table of frames can't say: entries that are over or being written, next hops, interfaces, room. What
// passes up is as it came, and counted under its reason alone.

#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "scene.h"

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
	struct tp_endpoint from = ep("0.0.0.9", 68), to;
	uint32_t length;

	open_lab(UINT32_MAX);
	to = server();
	length = frame(b, &from, &to, "@", 1);
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
