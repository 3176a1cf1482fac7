// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// RFC 8656 section 11.5: ICMP errors about relayed datagrams.

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>

#include "rig.h"

static const uint8_t tid[TP_STUN_TID] = "abcdefghijkl";

// A Data indication with XOR-PEER-ADDRESS and ICMP, without DATA.
static size_t icmp_indication(
	uint8_t *out, const uint8_t *tid_, const struct tp_endpoint *peer, const uint8_t icmp[8])
{
	static const uint8_t head[4] = {TP_ATTR_ICMP >> 8, TP_ATTR_ICMP & 0xff, 0, 8};
	size_t n = indication(out, TP_STUN_TYPE_DATA, tid_, peer, "", 0, false) - 4;

	memcpy(out + n, head, 4);
	memcpy(out + n + 4, icmp, 8);
	n += 12;
	out[2] = 0;
	out[3] = (uint8_t)(n - TP_STUN_HEADER);
	return n;
}

// Type and code share 16 bits of the attribute, after 16 reserved ones: 7 bits and 9 bits.
static void put_type(uint8_t icmp[8], unsigned int type, unsigned int code)
{
	memset(icmp, 0, 8);
	icmp[2] = (uint8_t)(type << 1 | code >> 8);
	icmp[3] = (uint8_t)code;
}

static void check_unreachable(uint8_t relay, unsigned int type, unsigned int code)
{
	struct rig rig;
	struct tp_endpoint peer = {0};
	struct client c;
	struct packet p;
	uint8_t message[128], expected[128], icmp[8];
	size_t length;

	rig_start(&rig, 1, NULL);
	peer.ip = rig.peer[relay];
	c = rig_client(&rig, 0, 1, RIG_SERVER4, relay);
	peer.port = free_port(&peer.ip);
	cr_assert_eq(rig_permit(&rig, &c, &peer), TP_STATUS_OK);
	length = indication(message, TP_STUN_TYPE_SEND, tid, &peer, "x", 1, false);
	client_send(&rig, &c, message, length);
	receive(c.fd, &p);
	put_type(icmp, type, code);
	length = icmp_indication(expected, p.bytes + 8, &peer, icmp);
	cr_assert_eq(p.length, length);
	cr_assert_eq(memcmp(p.bytes, expected, length), 0);
	rig_expect(&rig, TP_C_icmp_relayed, 1);
	rig_stop(&rig);
}

Test(icmp, port_unreachable_from_an_ipv4_peer_becomes_an_icmp_attribute)
{
	check_unreachable(RIG_RELAY4, 3, 3);
}

Test(icmp, port_unreachable_from_an_ipv6_peer_becomes_an_icmp_attribute)
{
	check_unreachable(RIG_RELAY6, 1, 4);
}

// A pending error on a socket makes the next call on it fail: that must cost no datagram of anyone.
// The program is stopped while a burst gathers, so that one call sends to both peers, and, where
// DONT-FRAGMENT parts them, one after the other.
Test(icmp, errors_about_one_peer_lose_nothing_of_what_goes_to_another)
{
	enum { ROUNDS = 20, PAIRS = 16 };
	struct rig rig;
	struct tp_endpoint dead = {0}, alive;
	struct client c;
	uint8_t message[64];
	int fd, status;

	rig_start(&rig, 1, NULL);
	dead.ip = rig.peer[RIG_RELAY4];
	dead.port = free_port(&dead.ip);
	fd = socket_at(&dead.ip, &alive);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	cr_assert_eq(rig_permit(&rig, &c, &dead), TP_STATUS_OK);
	cr_assert_eq(rig_bind(&rig, &c, &alive, 0x4001), TP_STATUS_OK);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		cr_assert_eq(kill(rig.child, SIGSTOP), 0);
		cr_assert_eq(waitpid(rig.child, &status, WUNTRACED), rig.child);
		for (int i = 0; i < PAIRS; i++) {
			client_send(&rig, &c, message,
				indication(message, TP_STUN_TYPE_SEND, tid, &dead, "x", 1, i % 2));
			client_send(&rig, &c, message, channel_data(message, 0x4001, "ping", 4));
			send_to(fd, &c.relayed, "pong", 4);
		}
		cr_assert_eq(kill(rig.child, SIGCONT), 0);
		for (int i = 0; i < PAIRS; i++)
			expect_bytes(fd, "ping", 4);
		rig_expect(&rig, TP_C_relayed_to_peer, (round + 1) * 2 * PAIRS);
		rig_expect(&rig, TP_C_relayed_to_client,
			(round + 1) * PAIRS + rig_counter(&rig, TP_C_icmp_relayed));
	}
	cr_assert_gt(rig_counter(&rig, TP_C_icmp_relayed), ROUNDS);
	cr_assert_eq(rig_counter(&rig, TP_C_rx_error), 0);
	rig_stop(&rig);
}
