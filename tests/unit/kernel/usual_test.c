// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Sockets are set to the TTL and TOS that most of their datagrams have (usual.h). Whatever a socket was
// set to, each datagram arrives with its own.

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "rig.h"
#include "usual.h"

#define CHANNEL 0x4000
#define MANY (2 * (int)USUAL_PATIENCE)

static struct rig rig;
static struct tp_endpoint peer;
static int peer_fd;

static void set_header(int fd, bool is4, int ttl, int tos)
{
	int level = is4 ? IPPROTO_IP : IPPROTO_IPV6;

	cr_assert_eq(setsockopt(fd, level, is4 ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, sizeof(ttl)), 0);
	cr_assert_eq(setsockopt(fd, level, is4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof(tos)), 0);
}

static void expect_header(int fd, int ttl, int tos)
{
	struct packet p;

	receive(fd, &p);
	cr_assert_eq(p.ttl, ttl);
	cr_assert_eq(p.tos, tos);
}

static struct client start(uint32_t workers, uint8_t server, uint8_t relay)
{
	struct client c;

	rig_start(&rig, workers, NULL);
	peer_fd = socket_at(&rig.peer[relay], &peer);
	c = rig_client(&rig, 0, 1, server, relay);
	cr_assert_eq(rig_bind(&rig, &c, &peer, CHANNEL), TP_STATUS_OK);
	return c;
}

static void to_peer(const struct client *c)
{
	uint8_t message[16];

	client_send(&rig, c, message, channel_data(message, CHANNEL, "out", 3));
}

static void one_to_peer(const struct client *c, int ttl, int tos)
{
	set_header(c->fd, tp_ip_is4(&c->endpoint.ip), ttl, tos);
	to_peer(c);
	expect_header(peer_fd, ttl - 1, tos);
}

static void one_to_client(const struct client *c, int ttl, int tos)
{
	set_header(peer_fd, tp_ip_is4(&peer.ip), ttl, tos);
	send_to(peer_fd, &c->relayed, "in", 2);
	expect_header(c->fd, ttl - 1, tos);
}

static void check_both_ways(uint8_t server, uint8_t relay)
{
	struct client c = start(1, server, relay);

	for (int i = 0; i < MANY; i++) {
		one_to_peer(&c, 37, 0xb9);
		one_to_client(&c, 41, 0x88);
	}
	for (int ttl = 40; ttl > 30; ttl--) {
		one_to_peer(&c, ttl, 0xb9);
		one_to_client(&c, ttl, 0x88);
	}
	for (int tos = 0; tos < 256; tos += 15) {
		one_to_peer(&c, 37, tos);
		one_to_client(&c, 41, tos);
	}
	for (int i = 0; i < MANY; i++) {
		one_to_peer(&c, 255, 0);
		one_to_client(&c, 255, 0);
	}
	one_to_peer(&c, 37, 0xb9);
	one_to_client(&c, 41, 0x88);
	rig_stop(&rig);
}

Test(usual, what_differs_from_many_alike_keeps_its_header_over_ipv4)
{
	check_both_ways(RIG_SERVER4, RIG_RELAY4);
}

Test(usual, what_differs_from_many_alike_keeps_its_header_over_ipv6)
{
	check_both_ways(RIG_SERVER6, RIG_RELAY6);
}

// The program is stopped while a burst gathers, so that one call sends what is alike and what is not.
Test(usual, a_burst_of_two_kinds_arrives_as_two_kinds)
{
	struct client c = start(1, RIG_SERVER4, RIG_RELAY4);
	const int burst = 24;
	int status;

	for (int round = 0; round < 16; round++) {
		cr_assert_eq(kill(rig.child, SIGSTOP), 0);
		cr_assert_eq(waitpid(rig.child, &status, WUNTRACED), rig.child);
		for (int i = 0; i < burst; i++) {
			set_header(c.fd, true, (round + i) % 3 ? 50 : 37, i % 5 ? 0 : 0x88);
			to_peer(&c);
		}
		cr_assert_eq(kill(rig.child, SIGCONT), 0);
		for (int i = 0; i < burst; i++)
			expect_header(peer_fd, (round + i) % 3 ? 49 : 36, i % 5 ? 0 : 0x88);
	}
	rig_stop(&rig);
}

Test(usual, what_the_relay_itself_says_has_a_ttl_of_64_beside_whatever_it_relays)
{
	struct client c = start(1, RIG_SERVER4, RIG_RELAY4);
	struct tp_endpoint dead = {.ip = peer.ip, .port = free_port(&peer.ip)};
	const uint8_t tid[TP_STUN_TID] = "abcdefghijkl";
	struct pollfd readable = {.fd = c.fd, .events = POLLIN};
	uint8_t message[128];
	int tries = 0;
	struct {
		struct tp_send send;
		char byte[8];
	} reply = {.send = {.client = c.endpoint, .length = 8}};

	cr_assert_eq(rig_permit(&rig, &c, &dead), TP_STATUS_OK);
	for (int i = 0; i < MANY; i++) {
		one_to_client(&c, 41, 0x88);
		rig_push(&rig, 0, TP_SEND, &reply, sizeof(reply));
		rig_ring(&rig, 0);
		expect_header(c.fd, 64, 0);
	}
	// The kernel may leave out an ICMP error.
	do
		client_send(&rig, &c, message,
			indication(message, TP_STUN_TYPE_SEND, tid, &dead, "x", 1, false));
	while (poll(&readable, 1, 100) == 0 && ++tries < 50);
	expect_header(c.fd, 64, 0);
	rig_stop(&rig);
}

// A client that moves (RFC 8016): both workers send by one relay socket, and neither knows what the other
// would have it say.
Test(usual, two_workers_with_one_socket_keep_the_headers_of_both_their_clients)
{
	struct client home = start(2, RIG_SERVER4, RIG_RELAY4), away = home;
	struct tp_command put = {.kind = TP_PUT_ALLOCATION,
		.allocation = home.slot,
		.client = home.endpoint,
		.relay_port = home.relayed.port};

	rig_leave_home(&rig, &away, 1);
	for (int i = 0; i < MANY; i++)
		one_to_peer(&home, 37, 0x88);
	cr_assert_eq(rig_command(&rig, 1, put), TP_STATUS_OK);
	cr_assert_eq(rig_bind(&rig, &away, &peer, CHANNEL), TP_STATUS_OK);
	put.kind = TP_MOVE_ALLOCATION;
	put.client = away.endpoint;
	cr_assert_eq(rig_command(&rig, 0, put), TP_STATUS_OK);
	cr_assert_eq(rig_command(&rig, 1, put), TP_STATUS_OK);
	for (int i = 0; i < MANY; i++)
		one_to_peer(&away, 50, 0);
	one_to_peer(&home, 37, 0x88);
	for (int i = 0; i < MANY; i++)
		one_to_peer(&home, 60, 0x88);
	one_to_peer(&away, 50, 0);
	// The first lets go; the other has it for itself.
	put = (struct tp_command){.kind = TP_DROP_ALLOCATION, .allocation = home.slot};
	cr_assert_eq(rig_command(&rig, 0, put), TP_STATUS_OK);
	for (int i = 0; i < MANY; i++)
		one_to_peer(&away, 50, 0x14);
	one_to_peer(&away, 37, 0x88);
	rig_stop(&rig);
}
