// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <fragment.h>

#include "lab.h"

#define PORT 50003u
#define CHANNEL 0x4001u

static struct lab lab;

static void bound(void)
{
	struct tp_endpoint client = lab_client(), peer = lab_peer();

	lab_start(&lab, 1, "every");
	lab_put_allocation(&lab, 0, &client, PORT);
	lab_put_channel(&lab, 0, &peer, CHANNEL);
}

TestSuite(dpdk_worker, .init = bound);

static void arrive(
	struct tp_endpoint from, struct tp_endpoint to, const void *payload, uint32_t length)
{
	lab_arrive(&lab, 0, lab_frame(&lab, &from, &to, payload, length));
}

static void expect(const uint8_t *mac, struct tp_endpoint from, struct tp_endpoint to,
	const void *payload, uint32_t length)
{
	struct rte_mbuf *m = lab_leaves(&lab, 0);

	lab_expect(m, mac, &from, &to, payload, length);
	rte_pktmbuf_free(m);
}

Test(dpdk_worker, channel_data_leaves_as_the_peers_datagram)
{
	arrive(lab_client(), lab_server(), "\x40\x01\x00\x05hello", 9);
	lab_round(&lab, 0);
	expect(lab_peer_mac, lab_relayed(PORT), lab_peer(), "hello", 5);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer_bytes), 5);
}

Test(dpdk_worker, a_peers_datagram_leaves_as_channel_data)
{
	arrive(lab_peer(), lab_relayed(PORT), "world", 5);
	lab_round(&lab, 0);
	expect(lab_client_mac, lab_server(), lab_client(), "\x40\x01\x00\x05world", 9);
	cr_assert_eq(lab_count(&lab, TP_C_peer_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_client), 1);
}

Test(dpdk_worker, a_burst_keeps_its_order)
{
	for (uint8_t i = 0; i < 32; i++) {
		const uint8_t data[] = {0x40, 0x01, 0, 1, i};

		arrive(lab_client(), lab_server(), data, sizeof(data));
	}
	lab_round(&lab, 0);
	for (uint8_t i = 0; i < 32; i++)
		expect(lab_peer_mac, lab_relayed(PORT), lab_peer(), &i, 1);
}

Test(dpdk_worker, an_unbound_channel_is_counted_and_nothing_leaves)
{
	arrive(lab_client(), lab_server(), "\x40\x02\x00\x01x", 5);
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_channel_unbound), 1);
}

Test(dpdk_worker, a_stranger_is_not_relayed_to_the_client)
{
	struct tp_endpoint stranger = lab_peer();

	stranger.ip.b[15]++;
	arrive(stranger, lab_relayed(PORT), "x", 1);
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_peer_no_permission), 1);
}

Test(dpdk_worker, a_datagram_to_a_relayed_address_of_ours_hairpins)
{
	struct tp_endpoint bob = lab_client(), alice_relayed = lab_relayed(PORT),
			   bob_relayed = lab_relayed(PORT + 1);

	bob.port++;
	lab_put_allocation(&lab, 1, &bob, PORT + 1);
	lab_put_channel(&lab, 0, &bob_relayed, CHANNEL + 1);
	lab_put_channel(&lab, 1, &alice_relayed, CHANNEL + 2);
	arrive(lab_client(), lab_server(), "\x40\x02\x00\x02hi", 6);
	lab_round(&lab, 0);
	expect(lab_client_mac, lab_server(), bob, "\x40\x03\x00\x02hi", 6);
	cr_assert_eq(lab_count(&lab, TP_C_hairpinned), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_client), 1);
}

// To 198.51.100.1:50004, 600 bytes, DONT-FRAGMENT (RFC 8656 section 14).
Test(dpdk_worker, dont_fragment_holds_for_both_relays_of_a_hairpin)
{
	static uint8_t send[20 + 12 + 4 + 4 + 600] = {0x00, 0x16, 620 >> 8, 620 & 0xff, 0x21, 0x12,
		0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x00, 0x12, 0, 8, 0, 1,
		50004 >> 8 ^ 0x21, (50004 & 0xff) ^ 0x12, 198 ^ 0x21, 51 ^ 0x12, 100 ^ 0xa4,
		1 ^ 0x42, 0x00, 0x1a, 0, 0, 0x00, 0x13, 600 >> 8, 600 & 0xff};
	struct tp_endpoint client = lab_client(), server = lab_server(), bob = lab_client(),
			   alice_relayed = lab_relayed(PORT), bob_relayed = lab_relayed(PORT + 1);

	bob.port++;
	lab_put_allocation(&lab, 1, &bob, PORT + 1);
	lab_put_channel(&lab, 0, &bob_relayed, CHANNEL + 1);
	lab_put_channel(&lab, 1, &alice_relayed, CHANNEL + 2);
	hops_set(lab.plane.shared.nexthops, &bob.ip, NEXTHOP_READY, lab_client_mac, 576);
	for (unsigned int i = 0; i < 2; i++) {
		struct rte_mbuf *m = lab_frame(&lab, &client, &server, send, sizeof(send));

		lab_set_dont_fragment(m, false);
		lab_arrive(&lab, 0, m);
		lab_round(&lab, 0);
		// Then an attribute that nobody knows, and need not.
		memcpy(send + 32, (uint8_t[]){0xc0, 0x57}, 2);
	}
	cr_assert_eq(lab_count(&lab, TP_C_hairpinned), 2);
	cr_assert_eq(lab_count(&lab, TP_C_peer_tx_too_big), 1);
	cr_assert_eq(lab_count(&lab, TP_C_fragments_sent), 2);
}

// Two relays: the second one's step is one too many for a TTL of 2.
Test(dpdk_worker, a_hairpin_ends_where_its_ttl_does)
{
	struct tp_endpoint client = lab_client(), server = lab_server(), bob = lab_client(),
			   alice_relayed = lab_relayed(PORT), bob_relayed = lab_relayed(PORT + 1);

	bob.port++;
	lab_put_allocation(&lab, 1, &bob, PORT + 1);
	lab_put_channel(&lab, 0, &bob_relayed, CHANNEL + 1);
	lab_put_channel(&lab, 1, &alice_relayed, CHANNEL + 2);
	for (uint8_t ttl = 1; ttl <= 3; ttl++) {
		struct rte_mbuf *m = lab_frame(&lab, &client, &server, "\x40\x02\x00\x02hi", 6);

		lab_set_ttl(m, ttl);
		lab_arrive(&lab, 0, m);
	}
	lab_round(&lab, 0);
	cr_assert_eq(lab_count(&lab, TP_C_client_ttl_expired), 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_ttl_expired), 1);
	cr_assert_eq(lab_count(&lab, TP_C_icmp_errors_sent), 2);
	cr_assert_eq(lab_count(&lab, TP_C_hairpinned), 2);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_client), 1);
}

Test(dpdk_worker, a_client_without_a_port_is_refused)
{
	struct tp_endpoint client = lab_client();

	client.port = 0;
	arrive(client, lab_server(), "\x40\x01\x00\x01x", 5);
	lab_round(&lab, 0);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_source_invalid), 1);
}

Test(dpdk_worker, a_relayed_address_without_an_allocation_does_not_hairpin)
{
	struct tp_endpoint nobody = lab_relayed(PORT + 2);

	lab_put_channel(&lab, 0, &nobody, CHANNEL + 1);
	arrive(lab_client(), lab_server(), "\x40\x02\x00\x02hi", 6);
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_hairpin_no_allocation), 1);
}

Test(dpdk_worker, stun_without_a_control_plane_is_counted)
{
	static const uint8_t binding[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};

	arrive(lab_client(), lab_server(), binding, sizeof(binding));
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_punt_unattached), 1);
}

Test(dpdk_worker, what_is_not_ours_has_nowhere_to_go_without_an_exception_interface)
{
	struct tp_endpoint elsewhere = lab_server();

	elsewhere.port = 53;
	arrive(lab_client(), elsewhere, "x", 1);
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_kernel_in_full), 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 0);
}

Test(dpdk_worker, a_frame_for_another_station_is_not_relayed)
{
	struct tp_endpoint client = lab_client(), server = lab_server();
	struct rte_mbuf *m = lab_frame(&lab, &client, &server, "\x40\x01\x00\x01x", 5);

	rte_pktmbuf_mtod(m, uint8_t *)[5] ^= 2;
	lab_arrive(&lab, 0, m);
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 0);
}

Test(dpdk_worker, a_full_ring_drops_and_counts)
{
	struct rte_mbuf *filler = rte_pktmbuf_alloc(lab.plane.shared.pools.frames);

	while (rte_ring_enqueue(lab.out[0], filler) == 0)
		;
	arrive(lab_client(), lab_server(), "\x40\x01\x00\x01x", 5);
	lab_round(&lab, 0);
	cr_assert_eq(lab_count(&lab, TP_C_client_tx_full), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 0);
}

Test(dpdk_worker, no_buffer_is_lost_whatever_becomes_of_frames)
{
	struct rte_mempool *pool = lab.plane.shared.pools.frames;
	unsigned int before = rte_mempool_avail_count(pool);

	arrive(lab_client(), lab_server(), "\x40\x01\x00\x01x", 5);
	arrive(lab_client(), lab_server(), "\x40\x02\x00\x01x", 5);
	arrive(lab_peer(), lab_relayed(PORT), "x", 1);
	arrive(lab_peer(), lab_relayed(PORT + 1), "x", 1);
	arrive(lab_peer(), lab_server(), "\xff", 1);
	lab_round(&lab, 0);
	rte_pktmbuf_free(lab_leaves(&lab, 0));
	rte_pktmbuf_free(lab_leaves(&lab, 0));
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(rte_mempool_avail_count(pool), before);
}

static void peers_hop(enum nexthop_state state, uint16_t mtu)
{
	struct tp_endpoint peer = lab_peer();

	hops_set(lab.plane.shared.nexthops, &peer.ip, state,
		state == NEXTHOP_READY ? lab_peer_mac : NULL, mtu);
}

Test(dpdk_worker, what_has_no_next_hop_yet_waits_for_it_in_order)
{
	peers_hop(NEXTHOP_RESOLVING, 1500);
	arrive(lab_client(), lab_server(),
		"\x40\x01\x00\x01"
		"1",
		5);
	arrive(lab_client(), lab_server(),
		"\x40\x01\x00\x01"
		"2",
		5);
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	peers_hop(NEXTHOP_READY, 1500);
	arrive(lab_client(), lab_server(),
		"\x40\x01\x00\x01"
		"3",
		5);
	lab_round(&lab, 0);
	expect(lab_peer_mac, lab_relayed(PORT), lab_peer(), "1", 1);
	expect(lab_peer_mac, lab_relayed(PORT), lab_peer(), "2", 1);
	expect(lab_peer_mac, lab_relayed(PORT), lab_peer(), "3", 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 3);
}

Test(dpdk_worker, what_waits_too_long_for_its_next_hop_is_dropped)
{
	peers_hop(NEXTHOP_RESOLVING, 1500);
	arrive(lab_client(), lab_server(), "\x40\x01\x00\x01x", 5);
	lab_round(&lab, 0);
	lab.w->agent.now += WAITING_MS - 1;
	lab_round(&lab, 0);
	cr_assert_eq(lab.w->waiting.count, 1);
	lab.w->agent.now++;
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_client_no_next_hop), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 0);
	cr_assert_eq(lab.w->waiting.count, 0);
}

Test(dpdk_worker, so_many_wait_and_no_more)
{
	peers_hop(NEXTHOP_RESOLVING, 1500);
	for (uint32_t i = 0; i < WAITING_MAX + 2; i++) {
		arrive(lab_client(), lab_server(), "\x40\x01\x00\x01x", 5);
		lab_round(&lab, 0);
	}
	cr_assert_eq(lab.w->waiting.count, WAITING_MAX);
	cr_assert_eq(lab_count(&lab, TP_C_client_no_next_hop), 2);
}

Test(dpdk_worker, what_waited_has_the_whole_link_layer_header_of_its_next_hop)
{
	struct rte_mbuf *m;

	peers_hop(NEXTHOP_RESOLVING, 0);
	arrive(lab_client(), lab_server(), "\x40\x01\x00\x01x", 5);
	lab_round(&lab, 0);
	peers_hop(NEXTHOP_READY, 1500);
	lab_round(&lab, 0);
	m = lab_leaves(&lab, 0);
	cr_assert(m);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *), lab_peer_mac, 6);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *) + 6, lab.plane.shared.port[0].mac, 6);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *) + 12, ((uint8_t[]){8, 0, 0x45}), 3);
}

Test(dpdk_worker, what_cannot_be_reached_is_dropped_at_once)
{
	peers_hop(NEXTHOP_UNREACHABLE, 0);
	arrive(lab_client(), lab_server(), "\x40\x01\x00\x01x", 5);
	lab_round(&lab, 0);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_client_tx_unreachable), 1);
}

// 1000 bytes of data after ChannelData's header.
static void arrive_large(bool dont_fragment)
{
	struct tp_endpoint client = lab_client(), server = lab_server();
	uint8_t payload[1004] = {0x40, 0x01, 1000 >> 8, 1000 & 0xff};
	struct rte_mbuf *m = lab_frame(&lab, &client, &server, payload, sizeof(payload));

	lab_set_dont_fragment(m, dont_fragment);
	lab_arrive(&lab, 0, m);
}

Test(dpdk_worker, larger_than_the_mtu_leaves_in_fragments)
{
	peers_hop(NEXTHOP_READY, 576);
	arrive_large(false);
	lab_round(&lab, 0);
	// 1008 bytes of UDP: 552 and 456.
	for (uint32_t i = 0; i < 2; i++) {
		struct rte_mbuf *m = lab_leaves(&lab, 0);
		const uint8_t *ip;

		cr_assert(m);
		ip = rte_pktmbuf_mtod(m, const uint8_t *) + 14;
		cr_assert_eq(m->pkt_len, 14u + 20 + (i ? 456 : 552));
		cr_assert_eq(ip[6] << 8 | ip[7], i ? 552 / 8 : 0x2000);
		rte_pktmbuf_free(m);
	}
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 1);
	cr_assert_eq(lab_count(&lab, TP_C_fragments_sent), 2);
}

// What it was made for was the largest it might be.
Test(dpdk_worker, what_waited_for_a_next_hop_of_smaller_mtu_is_cut_only_without_df)
{
	peers_hop(NEXTHOP_RESOLVING, 1500);
	arrive_large(true);
	arrive_large(false);
	lab_round(&lab, 0);
	peers_hop(NEXTHOP_READY, 576);
	lab_round(&lab, 0);
	cr_assert_eq(lab_count(&lab, TP_C_client_tx_too_big), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 1);
	cr_assert_eq(lab_count(&lab, TP_C_fragments_sent), 2);
}

Test(dpdk_worker, larger_than_the_mtu_with_df_is_refused_and_its_sender_told)
{
	struct rte_mbuf *m;
	const uint8_t *data;

	peers_hop(NEXTHOP_READY, 576);
	arrive_large(true);
	lab_round(&lab, 0);
	m = lab_leaves(&lab, 0);
	cr_assert(m);
	data = rte_pktmbuf_mtod(m, const uint8_t *);
	cr_assert_arr_eq(data, lab_client_mac, 6);
	cr_assert_eq(data[14 + 9], 1, "ICMP");
	cr_assert_eq(data[34], 3, "destination unreachable");
	cr_assert_eq(data[35], 4, "fragmentation needed");
	cr_assert_eq(data[40] << 8 | data[41], 576);
	cr_assert_eq(lab_count(&lab, TP_C_client_tx_too_big), 1);
	cr_assert_eq(lab_count(&lab, TP_C_icmp_errors_sent), 1);
	cr_assert_null(lab_leaves(&lab, 0));
}

Test(dpdk_worker, fragments_are_put_together_and_relayed_as_one)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX];
	struct tp_endpoint client = lab_client(), server = lab_server();
	uint8_t payload[1004] = {0x40, 0x01, 1000 >> 8, 1000 & 0xff};
	struct rte_mbuf *whole;
	int n;

	for (uint32_t i = 4; i < sizeof(payload); i++)
		payload[i] = (uint8_t)i;
	whole = lab_frame(&lab, &client, &server, payload, sizeof(payload));
	n = fragment(whole, 300, 7, lab.plane.shared.pools.frames, parts);
	rte_pktmbuf_free(whole);
	cr_assert_eq(n, 4);
	for (int i = n - 1; i >= 0; i--)
		lab_arrive(&lab, 0, parts[i]);
	lab_round(&lab, 0);
	expect(lab_peer_mac, lab_relayed(PORT), lab_peer(), payload + 4, 1000);
	cr_assert_eq(lab_count(&lab, TP_C_fragments), 4);
	cr_assert_eq(lab_count(&lab, TP_C_fragments_joined), 4);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 1);
}

Test(dpdk_worker, a_relay_port_where_clients_are_listened_to_is_taken)
{
	struct tp_command c = {.kind = TP_PUT_ALLOCATION,
		.generation = 1,
		.expires_ms = LAB_NOW + 600000,
		.allocation = 1,
		.client = lab_client(),
		.relay_port = PORT + 1};
	struct tp_capabilities caps = lab.plane.shared.settings.common.capabilities;
	struct agent_ops *ops = &lab.w->agent.ops;

	c.client.port++;
	caps.server[0].port = PORT + 1;
	addresses_init(&lab.plane.shared.addresses, &caps);
	cr_assert_eq(ops->apply(ops->context, &c), TP_STATUS_PORT_TAKEN);
	c.relay_port++;
	cr_assert_eq(ops->apply(ops->context, &c), TP_STATUS_OK);
}
