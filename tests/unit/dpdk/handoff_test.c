// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Two workers: every one knows everything, or each relay port has an owner.

#include <criterion/criterion.h>
#include <fragment.h>
#include <handoff.h>
#include <rte_ip.h>

#include "lab.h"

#define EVEN 50002u // relay port of worker 0
#define ODD 50003u // relay port of worker 1
#define CHANNEL 0x4001u

static struct lab lab;

static void begin(const char *placement, uint16_t port)
{
	struct tp_endpoint client = lab_client(), peer = lab_peer();

	lab_start(&lab, 2, placement);
	lab_put_allocation(&lab, 0, &client, port);
	lab_put_channel(&lab, 0, &peer, CHANNEL);
}

static void arrive(uint32_t queue, struct tp_endpoint from, struct tp_endpoint to,
	const void *payload, uint32_t length)
{
	lab_arrive(&lab, queue, lab_frame(&lab, &from, &to, payload, length));
}

static void expect(uint32_t queue, const uint8_t *mac, struct tp_endpoint from,
	struct tp_endpoint to, const void *payload, uint32_t length)
{
	struct rte_mbuf *m = lab_leaves(&lab, queue);

	lab_expect(m, mac, &from, &to, payload, length);
	rte_pktmbuf_free(m);
}

static void nothing_leaves(void)
{
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_null(lab_leaves(&lab, 1));
}

Test(dpdk_handoff, every_worker_relays_for_every_relay_port)
{
	begin("every", ODD);
	for (uint32_t i = 0; i < 2; i++) {
		arrive(i, lab_peer(), lab_relayed(ODD), "x", 1);
		arrive(i, lab_client(), lab_server(), "\x40\x01\x00\x01y", 5);
		lab_round(&lab, i);
		expect(i, lab_peer_mac, lab_relayed(ODD), lab_peer(), "y", 1);
		expect(i, lab_client_mac, lab_server(), lab_client(), "\x40\x01\x00\x01x", 5);
	}
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 0);
}

Test(dpdk_handoff, an_owner_relays_what_comes_to_it)
{
	begin("owner", ODD);
	arrive(1, lab_peer(), lab_relayed(ODD), "x", 1);
	lab_round(&lab, 1);
	expect(1, lab_client_mac, lab_server(), lab_client(), "\x40\x01\x00\x01x", 5);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 0);
}

Test(dpdk_handoff, a_peers_datagram_at_another_worker_goes_to_the_owner)
{
	begin("owner", EVEN);
	arrive(1, lab_peer(), lab_relayed(EVEN), "x", 1);
	lab_round(&lab, 1);
	nothing_leaves();
	lab_round(&lab, 0);
	expect(0, lab_client_mac, lab_server(), lab_client(), "\x40\x01\x00\x01x", 5);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_client), 1);
}

Test(dpdk_handoff, a_clients_datagram_at_another_worker_finds_the_clients)
{
	begin("owner", EVEN);
	arrive(1, lab_client(), lab_server(), "\x40\x01\x00\x01y", 5);
	lab_round(&lab, 1);
	lab_round(&lab, 0);
	expect(0, lab_peer_mac, lab_relayed(EVEN), lab_peer(), "y", 1);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_bytes), 5);
}

// To 203.0.113.9:7000, "y".
static const uint8_t send_indication[20 + 12 + 8] = {0x00, 0x16, 0, 20, 0x21, 0x12, 0xa4, 0x42, 1,
	2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x00, 0x12, 0, 8, 0, 1, 0x1b58 >> 8 ^ 0x21, 0x58 ^ 0x12,
	203 ^ 0x21, 0 ^ 0x12, 113 ^ 0xa4, 9 ^ 0x42, 0x00, 0x13, 0, 1, 'y'};

Test(dpdk_handoff, a_send_indication_at_another_worker_finds_the_clients)
{
	begin("owner", EVEN);
	arrive(1, lab_client(), lab_server(), send_indication, sizeof(send_indication));
	lab_round(&lab, 1);
	lab_round(&lab, 0);
	expect(0, lab_peer_mac, lab_relayed(EVEN), lab_peer(), "y", 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 1);
}

Test(dpdk_handoff, what_no_worker_knows_is_dropped_by_the_last)
{
	begin("owner", EVEN);
	arrive(1, lab_client(), lab_server(), "\x40\x07\x00\x01y", 5);
	for (uint32_t i = 0; i < 6; i++)
		lab_round(&lab, i % 2);
	nothing_leaves();
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 1);
	cr_assert_eq(lab_count(&lab, TP_C_channel_unbound), 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 1);
}

Test(dpdk_handoff, a_strangers_flood_is_passed_round_up_to_a_budget_and_the_rest_dropped_here)
{
	begin("owner", EVEN);
	for (uint32_t i = 0; i < HANDOFF_PASS + 5; i++)
		arrive(1, lab_client(), lab_server(), "\x40\x07\x00\x01y", 5);
	arrive(1, lab_peer(), lab_relayed(EVEN), "x", 1);
	lab_round(&lab, 1);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), HANDOFF_PASS + 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_handoff_over), 5);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 5);
	lab_round(&lab, 0);
	expect(0, lab_client_mac, lab_server(), lab_client(), "\x40\x01\x00\x01x", 5);
	cr_assert_eq(lab_count(&lab, TP_C_channel_unbound), HANDOFF_PASS);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), HANDOFF_PASS + 5);
	// The next round has a budget of its own.
	arrive(1, lab_client(), lab_server(), "\x40\x07\x00\x01y", 5);
	lab_round(&lab, 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_handoff_over), 5);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), HANDOFF_PASS + 2);
}

Test(dpdk_handoff, a_relay_port_without_an_allocation_is_dropped_by_its_owner)
{
	begin("owner", EVEN);
	arrive(0, lab_peer(), lab_relayed(ODD), "x", 1);
	for (uint32_t i = 0; i < 4; i++)
		lab_round(&lab, i % 2);
	nothing_leaves();
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_no_allocation), 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_packets), 1);
}

// Of two workers, each with a channel to the other: the first one's is CHANNEL + 1.
static struct tp_endpoint two_clients(void)
{
	struct tp_endpoint bob = lab_client(), alice_relayed = lab_relayed(EVEN),
			   bob_relayed = lab_relayed(ODD);

	begin("owner", EVEN);
	bob.port++;
	lab_client_worker(&lab, 1);
	lab_put_allocation(&lab, 1, &bob, ODD);
	lab_put_channel(&lab, 0, &bob_relayed, CHANNEL + 1);
	lab_put_channel(&lab, 1, &alice_relayed, CHANNEL + 2);
	return bob;
}

Test(dpdk_handoff, a_hairpin_goes_to_the_owner_of_the_other_allocation)
{
	struct tp_endpoint bob = two_clients();

	arrive(0, lab_client(), lab_server(), "\x40\x02\x00\x02hi", 6);
	lab_round(&lab, 0);
	nothing_leaves();
	lab_round(&lab, 1);
	expect(1, lab_client_mac, lab_server(), bob, "\x40\x03\x00\x02hi", 6);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 1);
	cr_assert_eq(lab_count(&lab, TP_C_hairpinned), 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_client), 1);
}

// Each of the two relays that it passes takes one.
Test(dpdk_handoff, a_hairpin_that_is_handed_over_loses_two_of_its_ttl)
{
	struct tp_endpoint client = lab_client(), server = lab_server();
	struct rte_mbuf *m;

	two_clients();
	m = lab_frame(&lab, &client, &server, "\x40\x02\x00\x02hi", 6);
	lab_set_ttl(m, 9);
	lab_arrive(&lab, 0, m);
	lab_round(&lab, 0);
	lab_round(&lab, 1);
	m = lab_leaves(&lab, 1);
	cr_assert(m);
	cr_assert_eq(rte_pktmbuf_mtod(m, uint8_t *)[14 + 8], 7);
}

Test(dpdk_handoff, a_hairpin_to_an_allocation_that_has_gone_meanwhile_is_dropped)
{
	const struct tp_command drop = {.kind = TP_DROP_ALLOCATION, .allocation = 1};
	struct agent_ops *ops;

	two_clients();
	ops = &lab.plane.worker[1]->agent.ops;
	arrive(0, lab_client(), lab_server(), "\x40\x02\x00\x02hi", 6);
	lab_round(&lab, 0);
	cr_assert_eq(ops->apply(ops->context, &drop), TP_STATUS_OK);
	lab_round(&lab, 1);
	nothing_leaves();
	cr_assert_eq(lab_count(&lab, TP_C_hairpin_no_allocation), 1);
	cr_assert_eq(lab_count(&lab, TP_C_client_packets), 1);
	cr_assert_eq(lab_count(&lab, TP_C_relayed_to_peer), 0);
}

Test(dpdk_handoff, what_comes_for_anothers_relay_port_goes_there_also_where_its_client_is)
{
	struct tp_endpoint client = lab_client();

	begin("owner", EVEN);
	client.port++;
	lab_put_allocation(&lab, 1, &client, ODD); // its client is on worker 0
	arrive(0, lab_peer(), lab_relayed(ODD), "x", 1);
	lab_round(&lab, 0);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_packets), 0);
	lab_round(&lab, 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_no_permission), 1);
}

Test(dpdk_handoff, what_was_handed_over_is_not_handed_back)
{
	uint8_t *owner;

	begin("owner", EVEN);
	owner = segment_owners(&lab.plane.segment) +
		tp_owner_index(lab.w->agent.capabilities, 0, ODD);
	arrive(0, lab_peer(), lab_relayed(ODD), "x", 1);
	lab_round(&lab, 0);
	*owner = 0;
	lab_round(&lab, 1);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_no_allocation), 1);
}

static void in_two_pieces(
	const struct tp_endpoint *from, const struct tp_endpoint *to, const uint8_t *payload)
{
	struct rte_mbuf *parts[FRAGMENTS_MAX], *whole = lab_frame(&lab, from, to, payload, 1004);
	int n;

	// With DF, which pieces may have: whoever sends them can't mean it.
	n = fragment(whole, 600, 7, lab.plane.shared.pools.frames, parts);
	rte_pktmbuf_free(whole);
	for (int i = 0; i < n; i++) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(
			parts[i], struct rte_ipv4_hdr *, 14);

		ip->fragment_offset |= rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		lab_arrive(&lab, 0, parts[i]);
	}
}

static const uint8_t large[1004] = {0x40, 0x02, 1000 >> 8, 1000 & 0xff};

Test(dpdk_handoff, what_came_in_pieces_may_be_cut_by_the_worker_that_it_is_handed_to)
{
	struct tp_endpoint client = lab_client(), peer = lab_peer(), relayed = lab_relayed(ODD);

	begin("owner", EVEN);
	lab_client_worker(&lab, 1);
	client.port++;
	lab_put_allocation(&lab, 1, &client, ODD);
	lab_put_channel(&lab, 1, &peer, CHANNEL);
	hops_set(lab.plane.shared.nexthops, &client.ip, NEXTHOP_READY, lab_client_mac, 576);
	in_two_pieces(&peer, &relayed, large);
	lab_round(&lab, 0);
	lab_round(&lab, 1);
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 1);
	cr_assert_eq(lab_count(&lab, TP_C_fragments_sent), 2);
}

Test(dpdk_handoff, a_hairpin_that_came_in_pieces_may_be_cut)
{
	struct tp_endpoint client = lab_client(), server = lab_server();

	two_clients();
	hops_set(lab.plane.shared.nexthops, &client.ip, NEXTHOP_READY, lab_client_mac, 576);
	in_two_pieces(&client, &server, large);
	lab_round(&lab, 0);
	lab_round(&lab, 1);
	cr_assert_eq(lab_count(&lab, TP_C_hairpinned), 1);
	cr_assert_eq(lab_count(&lab, TP_C_fragments_sent), 2);
}

Test(dpdk_handoff, fragments_at_another_worker_are_joined_and_handed_over)
{
	struct tp_endpoint peer = lab_peer(), relayed = lab_relayed(EVEN);
	uint8_t expected[1004] = {0x40, 0x01, 1000 >> 8, 1000 & 0xff};
	struct rte_mbuf *parts[FRAGMENTS_MAX], *whole;
	int n;

	begin("owner", EVEN);
	memset(expected + 4, 'f', 1000);
	whole = lab_frame(&lab, &peer, &relayed, expected + 4, 1000);
	n = fragment(whole, 600, 7, lab.plane.shared.pools.frames, parts);
	rte_pktmbuf_free(whole);
	for (int i = 0; i < n; i++)
		lab_arrive(&lab, 1, parts[i]);
	lab_round(&lab, 1);
	nothing_leaves();
	lab_round(&lab, 0);
	expect(0, lab_client_mac, lab_server(), lab_client(), expected, sizeof(expected));
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), 1);
}

Test(dpdk_handoff, a_full_ring_drops_and_counts)
{
	begin("owner", EVEN);
	for (uint32_t i = 0; i < HANDOFF_RING + 32; i++) {
		arrive(1, lab_peer(), lab_relayed(EVEN), "x", 1);
		lab_round(&lab, 1);
	}
	cr_assert_eq(lab_count(&lab, TP_C_handed_off), HANDOFF_RING - 1);
	cr_assert_eq(lab_count(&lab, TP_C_peer_handoff_full), 33);
	cr_assert_eq(lab_count(&lab, TP_C_peer_packets), 33);
}
