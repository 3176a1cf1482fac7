// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// RFC 8656 sections 13 and 14: what becomes of the IP header's fields.

#include <criterion/criterion.h>
#include <netinet/in.h>

#include "rig.h"

static const uint8_t tid[TP_STUN_TID] = "abcdefghijkl";

static void set_header(int fd, bool is4, int ttl, int tos)
{
	int level = is4 ? IPPROTO_IP : IPPROTO_IPV6;

	cr_assert_eq(setsockopt(fd, level, is4 ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, sizeof(ttl)), 0);
	cr_assert_eq(setsockopt(fd, level, is4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof(tos)), 0);
}

static void check_headers(uint8_t server, uint8_t relay)
{
	struct rig rig;
	struct tp_endpoint peer;
	struct client c;
	struct packet p;
	uint8_t message[16];
	size_t length = channel_data(message, 0x4000, "data", 4);
	int fd;

	rig_start(&rig, 1, NULL);
	fd = socket_at(&rig.peer[relay], &peer);
	c = rig_client(&rig, 0, 1, server, relay);
	cr_assert_eq(rig_bind(&rig, &c, &peer, 0x4000), TP_STATUS_OK);
	// Expedited forwarding, ECN-capable; then the other way: AF41, not ECN-capable.
	set_header(c.fd, server == RIG_SERVER4, 37, 0xb9);
	client_send(&rig, &c, message, length);
	receive(fd, &p);
	cr_assert_eq(p.ttl, 36);
	cr_assert_eq(p.tos, 0xb9);
	set_header(fd, relay == RIG_RELAY4, 2, 0x88);
	send_to(fd, &c.relayed, "data", 4);
	receive(c.fd, &p);
	cr_assert_eq(p.ttl, 1);
	cr_assert_eq(p.tos, 0x88);
	// A TTL of 1 has come to its end.
	set_header(c.fd, server == RIG_SERVER4, 1, 0);
	client_send(&rig, &c, message, length);
	set_header(fd, relay == RIG_RELAY4, 1, 0);
	send_to(fd, &c.relayed, "data", 4);
	rig_expect(&rig, TP_C_client_ttl_expired, 1);
	rig_expect(&rig, TP_C_peer_ttl_expired, 1);
	expect_silence(fd);
	expect_silence(c.fd);
	rig_stop(&rig);
}

Test(header, ttl_is_one_less_and_dscp_and_ecn_are_kept_from_ipv4_to_ipv4)
{
	check_headers(RIG_SERVER4, RIG_RELAY4);
}

Test(header, ttl_is_one_less_and_dscp_and_ecn_are_kept_from_ipv4_to_ipv6)
{
	check_headers(RIG_SERVER4, RIG_RELAY6);
}

Test(header, ttl_is_one_less_and_dscp_and_ecn_are_kept_from_ipv6_to_ipv4)
{
	check_headers(RIG_SERVER6, RIG_RELAY4);
}

Test(header, ttl_is_one_less_and_dscp_and_ecn_are_kept_from_ipv6_to_ipv6)
{
	check_headers(RIG_SERVER6, RIG_RELAY6);
}

Test(header, a_send_with_dont_fragment_arrives_and_so_does_what_follows)
{
	struct rig rig;
	struct tp_endpoint peer;
	struct client c;
	uint8_t message[128];
	int fd;

	rig_start(&rig, 1, NULL);
	fd = socket_at(&rig.peer[RIG_RELAY4], &peer);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	cr_assert_eq(rig_permit(&rig, &c, &peer), TP_STATUS_OK);
	for (int i = 0; i < 4; i++) {
		client_send(&rig, &c, message,
			indication(message, TP_STUN_TYPE_SEND, tid, &peer, "a", 1, true));
		client_send(&rig, &c, message,
			indication(message, TP_STUN_TYPE_SEND, tid, &peer, "b", 1, false));
	}
	for (int i = 0; i < 4; i++) {
		expect_bytes(fd, "a", 1);
		expect_bytes(fd, "b", 1);
	}
	rig_stop(&rig);
}

Test(header, dont_fragment_refuses_what_exceeds_the_mtu_and_nothing_else_is_refused)
{
	static uint8_t payload[2000], message[2100];
	struct rig rig;
	struct tp_endpoint peer;
	struct client c;
	int fd;

	rig_start(&rig, 1, NULL);
	fd = socket_at(&rig.peer[RIG_RELAY4], &peer);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	cr_assert_eq(rig_permit(&rig, &c, &peer), TP_STATUS_OK);
	cr_assert_eq(system("PATH=$PATH:/usr/sbin:/sbin; ip link set lo mtu 1500"), 0);
	client_send(&rig, &c, message,
		indication(message, TP_STUN_TYPE_SEND, tid, &peer, payload, 2000, true));
	client_send(&rig, &c, message,
		indication(message, TP_STUN_TYPE_SEND, tid, &peer, payload, 2000, false));
	expect_bytes(fd, payload, 2000);
	rig_expect(&rig, TP_C_client_tx_too_big, 1);
	rig_expect(&rig, TP_C_relayed_to_peer, 1);
	expect_silence(fd);
	rig_stop(&rig);
}
