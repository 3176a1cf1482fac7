// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A client that moves (RFC 8016) to an address that another worker serves: both have the allocation then, and
// one relay socket between them.

#include <criterion/criterion.h>

#include "rig.h"

#define CHANNEL 0x4000

static struct rig rig;
static struct client home, away; // of worker 0, and the same allocation's on worker 1
static int peer_fd;
static struct tp_endpoint peer;

static struct tp_command put(const struct client *c)
{
	return (struct tp_command){.kind = TP_PUT_ALLOCATION,
		.allocation = home.slot,
		.client = c->endpoint,
		.server = RIG_SERVER4,
		.relay = RIG_RELAY4,
		.relay_port = home.relayed.port};
}

static void both(struct tp_command command)
{
	for (uint32_t w = 0; w < 2; w++)
		cr_assert_eq(rig_command(&rig, w, command), TP_STATUS_OK);
}

static void move(void)
{
	const struct tp_command m = {.kind = TP_MOVE_ALLOCATION,
		.allocation = home.slot,
		.client = away.endpoint,
		.server = RIG_SERVER4};

	cr_assert_eq(rig_command(&rig, 1, put(&home)), TP_STATUS_OK);
	cr_assert_eq(rig_bind(&rig, &away, &peer, CHANNEL), TP_STATUS_OK);
	both(m);
}

static void set_up(void)
{
	rig_start(&rig, 2, NULL);
	peer_fd = socket_at(&rig.peer[RIG_RELAY4], &peer);
	home = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	cr_assert_eq(rig_bind(&rig, &home, &peer, CHANNEL), TP_STATUS_OK);
	away = home;
	rig_leave_home(&rig, &away, 1);
}

static void tear_down(void)
{
	rig_stop(&rig);
}

TestSuite(move, .init = set_up, .fini = tear_down);

static void expect_to_peer(const struct client *from)
{
	uint8_t message[16];
	size_t length = channel_data(message, CHANNEL, "out", 3);
	struct packet p;

	client_send(&rig, from, message, length);
	receive(peer_fd, &p);
	cr_assert_eq(p.length, 3u);
	cr_assert(tp_endpoint_equal(&p.from, &home.relayed));
}

static void expect_to_client(const struct client *to, const struct client *other)
{
	uint8_t message[16];
	size_t length = channel_data(message, CHANNEL, "in", 2);

	send_to(peer_fd, &home.relayed, "in", 2);
	expect_bytes(to->fd, message, length);
	expect_silence(other->fd);
}

static void settle(void)
{
	both(put(&away));
	expect_to_peer(&away);
	expect_to_client(&away, &home);
}

Test(move, both_workers_relay_its_data_and_the_former_address_is_sent_to_until_it_is_put)
{
	const struct tp_arrival arrival = {
		.client = away.endpoint, .allocation = home.slot, .server = RIG_SERVER4};
	uint8_t message[16];
	size_t length = channel_data(message, CHANNEL, "out", 3);

	move();
	expect_to_peer(&home);
	expect_to_client(&home, &away);
	expect_to_peer(&away);
	rig_expect_arrival(&rig, 1, &arrival);
	expect_to_peer(&home);
	expect_to_client(&home, &away);
	settle();
	client_send(&rig, &home, message, length);
	rig_expect(&rig, TP_C_channel_unbound, 1);
	expect_silence(peer_fd);
}

Test(move, who_opened_the_socket_may_let_go_first_and_the_other_reads_on)
{
	struct tp_command drop = {.kind = TP_DROP_ALLOCATION, .allocation = home.slot};

	move();
	settle();
	cr_assert_eq(rig_command(&rig, 0, drop), TP_STATUS_OK);
	expect_to_peer(&away);
	expect_to_client(&away, &home);
	// Back to the first: the second reads, the first only sends.
	cr_assert_eq(rig_command(&rig, 0, put(&away)), TP_STATUS_OK);
	expect_to_client(&away, &home);
	cr_assert_eq(rig_command(&rig, 0, drop), TP_STATUS_OK);
	cr_assert_eq(rig_command(&rig, 1, drop), TP_STATUS_OK);
	// The port is free.
	cr_assert_eq(rig_command(&rig, 0, put(&home)), TP_STATUS_OK);
	cr_assert_eq(rig_bind(&rig, &home, &peer, CHANNEL), TP_STATUS_OK);
	expect_to_peer(&home);
	expect_to_client(&home, &away);
}

Test(move, the_port_of_another_allocation_is_taken_still)
{
	struct tp_command other = put(&away);

	other.allocation = 2;
	cr_assert_eq(rig_command(&rig, 1, other), TP_STATUS_PORT_TAKEN);
	expect_to_peer(&home);
	expect_to_client(&home, &away);
}

Test(move, after_a_restart_of_the_control_plane_the_new_worker_alone_has_it)
{
	struct tp_command sweep = {.kind = TP_SWEEP};

	move();
	settle();
	rig_detach(&rig);
	rig_attach(&rig);
	// What the control plane puts again is the new client's worker's, which never opened a socket.
	cr_assert_eq(rig_command(&rig, 1, put(&away)), TP_STATUS_OK);
	cr_assert_eq(rig_bind(&rig, &away, &peer, CHANNEL), TP_STATUS_OK);
	expect_to_client(&away, &home);
	both(sweep);
	expect_to_peer(&away);
	expect_to_client(&away, &home);
}
