// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>

#include "rig.h"

static const uint8_t tid[TP_STUN_TID] = "abcdefghijkl";

// ChannelData both ways between a client and a peer of any families.
static void check_channel(uint8_t server, uint8_t relay)
{
	struct rig rig;
	struct tp_endpoint peer;
	struct client c;
	struct packet p;
	uint8_t message[64];
	size_t length;
	int fd;

	rig_start(&rig, 2, NULL);
	fd = socket_at(&rig.peer[relay], &peer);
	for (uint32_t worker = 0; worker < 2; worker++) {
		c = rig_client(&rig, worker, 1 + worker, server, relay);
		cr_assert_eq(rig_bind(&rig, &c, &peer, 0x4001), TP_STATUS_OK);
		length = channel_data(message, 0x4001, "to the peer", 11);
		client_send(&rig, &c, message, length);
		receive(fd, &p);
		cr_assert_eq(p.length, 11);
		cr_assert_eq(memcmp(p.bytes, "to the peer", 11), 0);
		cr_assert(tp_endpoint_equal(&p.from, &c.relayed));
		send_to(fd, &c.relayed, "back", 4);
		length = channel_data(message, 0x4001, "back", 4);
		receive(c.fd, &p);
		cr_assert_eq(p.length, length);
		cr_assert_eq(memcmp(p.bytes, message, length), 0);
		cr_assert(tp_endpoint_equal(&p.from, &rig.server[server]));
	}
	rig_expect(&rig, TP_C_relayed_to_peer, 2);
	rig_expect(&rig, TP_C_relayed_to_peer_bytes, 22);
	rig_expect(&rig, TP_C_relayed_to_client, 2);
	rig_expect(&rig, TP_C_relayed_to_client_bytes, 8);
	rig_stop(&rig);
}

Test(relay, channel_data_goes_both_ways_from_ipv4_to_ipv4)
{
	check_channel(RIG_SERVER4, RIG_RELAY4);
}

Test(relay, channel_data_goes_both_ways_from_ipv4_to_ipv6)
{
	check_channel(RIG_SERVER4, RIG_RELAY6);
}

Test(relay, channel_data_goes_both_ways_from_ipv6_to_ipv4)
{
	check_channel(RIG_SERVER6, RIG_RELAY4);
}

Test(relay, channel_data_goes_both_ways_from_ipv6_to_ipv6)
{
	check_channel(RIG_SERVER6, RIG_RELAY6);
}

Test(relay, send_and_data_indications_carry_what_has_no_channel)
{
	struct rig rig;
	struct tp_endpoint peer;
	struct client c;
	struct packet p;
	uint8_t message[128];
	size_t length;
	int fd;

	rig_start(&rig, 1, NULL);
	fd = socket_at(&rig.peer[RIG_RELAY4], &peer);
	c = rig_client(&rig, 0, 1, RIG_SERVER6, RIG_RELAY4);
	cr_assert_eq(rig_permit(&rig, &c, &peer), TP_STATUS_OK);
	length = indication(message, TP_STUN_TYPE_SEND, tid, &peer, "hello", 5, false);
	client_send(&rig, &c, message, length);
	expect_bytes(fd, "hello", 5);
	send_to(fd, &c.relayed, "world", 5);
	receive(c.fd, &p);
	// The transaction ID is the relay's own choice.
	length = indication(message, TP_STUN_TYPE_DATA, p.bytes + 8, &peer, "world", 5, false);
	cr_assert_eq(p.length, length);
	cr_assert_eq(memcmp(p.bytes, message, length), 0);
	rig_stop(&rig);
}

Test(relay, an_empty_datagram_is_relayed_as_one_in_both_directions)
{
	struct rig rig;
	struct tp_endpoint peer;
	struct client c;
	uint8_t message[8];
	size_t length = channel_data(message, 0x4002, "", 0);
	int fd;

	rig_start(&rig, 1, NULL);
	fd = socket_at(&rig.peer[RIG_RELAY4], &peer);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	cr_assert_eq(rig_bind(&rig, &c, &peer, 0x4002), TP_STATUS_OK);
	client_send(&rig, &c, message, length);
	expect_bytes(fd, "", 0);
	send_to(fd, &c.relayed, "", 0);
	expect_bytes(c.fd, message, length);
	rig_stop(&rig);
}

Test(relay, datagrams_of_64_kilobytes_are_relayed_whole)
{
	static uint8_t payload[65000], message[65100];
	struct rig rig;
	struct tp_endpoint peer;
	struct client c;
	size_t length;
	int fd;

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 31 >> 3);
	rig_start(&rig, 1, NULL);
	fd = socket_at(&rig.peer[RIG_RELAY6], &peer);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY6);
	cr_assert_eq(rig_bind(&rig, &c, &peer, 0x4002), TP_STATUS_OK);
	length = channel_data(message, 0x4002, payload, sizeof(payload));
	client_send(&rig, &c, message, length);
	expect_bytes(fd, payload, sizeof(payload));
	send_to(fd, &c.relayed, payload, sizeof(payload));
	expect_bytes(c.fd, message, length);
	rig_stop(&rig);
}

// Bursts beyond one call, over several channels and allocations: order within each is kept.
Test(relay, a_burst_over_many_allocations_arrives_complete_and_in_order)
{
	enum { CLIENTS = 8, EACH = 40 };
	struct rig rig;
	struct tp_endpoint peer[CLIENTS];
	struct client c[CLIENTS];
	uint8_t message[16];
	int fd[CLIENTS];

	rig_start(&rig, 2, NULL);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		fd[i] = socket_at(&rig.peer[RIG_RELAY4], &peer[i]);
		c[i] = rig_client(&rig, i % 2, i, RIG_SERVER4, RIG_RELAY4);
		cr_assert_eq(rig_bind(&rig, &c[i], &peer[i], 0x4000), TP_STATUS_OK);
	}
	for (unsigned int n = 0; n < EACH; n++)
		for (unsigned int i = 0; i < CLIENTS; i++) {
			uint8_t payload[2] = {(uint8_t)n, (uint8_t)i};

			client_send(
				&rig, &c[i], message, channel_data(message, 0x4000, payload, 2));
			send_to(fd[i], &c[i].relayed, payload, 2);
		}
	for (unsigned int i = 0; i < CLIENTS; i++)
		for (unsigned int n = 0; n < EACH; n++) {
			uint8_t payload[2] = {(uint8_t)n, (uint8_t)i};

			expect_bytes(fd[i], payload, 2);
			expect_bytes(c[i].fd, message, channel_data(message, 0x4000, payload, 2));
		}
	rig_expect(&rig, TP_C_relayed_to_peer, CLIENTS * EACH);
	rig_expect(&rig, TP_C_relayed_to_client, CLIENTS * EACH);
	rig_stop(&rig);
}

Test(relay, what_is_not_relayed_is_counted_under_its_reason)
{
	struct rig rig;
	struct tp_endpoint peer, stranger;
	struct client c;
	struct tp_ip elsewhere = ip_of("127.0.0.3");
	uint8_t message[64], byte = 0x90;
	int fd, other;

	rig_start(&rig, 1, NULL);
	fd = socket_at(&rig.peer[RIG_RELAY4], &peer);
	other = socket_at(&elsewhere, &stranger);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	client_send(&rig, &c, message, channel_data(message, 0x4005, "x", 1));
	client_send(&rig, &c, &byte, 1);
	cr_assert_eq(rig_bind(&rig, &c, &peer, 0x4005), TP_STATUS_OK);
	send_to(other, &c.relayed, "x", 1);
	rig_expect(&rig, TP_C_channel_unbound, 1);
	rig_expect(&rig, TP_C_client_reserved_byte, 1);
	rig_expect(&rig, TP_C_peer_no_permission, 1);
	expect_silence(fd);
	expect_silence(c.fd);
	rig_stop(&rig);
}
