// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <poll.h>

#include "rig.h"

static const uint8_t binding[TP_STUN_HEADER] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 'a', 'b', 'c',
	'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'};

Test(link, a_stun_request_is_punted_whole_by_its_clients_worker_and_the_answer_leaves)
{
	struct rig rig;
	struct tp_endpoint client;
	struct tp_punt punt;
	struct {
		struct tp_send send;
		uint8_t bytes[5];
	} answer = {.send = {.length = 5}, .bytes = {1, 2, 3, 4, 5}};
	uint8_t bytes[TP_PUNT_MAX];

	rig_start(&rig, 3, NULL);
	for (uint8_t server = 0; server < 2; server++) {
		int fd = socket_at(&rig.server[server].ip, &client);
		uint32_t worker = tp_client_worker(&client, 3);

		send_to(fd, &rig.server[server], binding, sizeof(binding));
		punt = rig_punt(&rig, worker, bytes);
		cr_assert(tp_endpoint_equal(&punt.client, &client));
		cr_assert_eq(punt.server, server);
		cr_assert_eq(punt.length, sizeof(binding));
		cr_assert_eq(memcmp(bytes, binding, sizeof(binding)), 0);
		answer.send.client = client;
		answer.send.server = server;
		rig_push(&rig, worker, TP_SEND, &answer, sizeof(answer.send) + 5);
		rig_ring(&rig, worker);
		expect_bytes(fd, answer.bytes, 5);
	}
	rig_expect(&rig, TP_C_punted, 2);
	rig_stop(&rig);
}

Test(link, it_publishes_that_a_clients_worker_brings_its_relay_port_itself)
{
	struct rig rig;

	rig_start(&rig, 1, NULL);
	cr_assert_str_eq(rig.plane->capabilities.name, "sockets");
	cr_assert_eq(rig.plane->capabilities.placement, TP_PLACEMENT_CLIENT);
	cr_assert_eq(rig.plane->header.owners, 0);
	rig_stop(&rig);
}

Test(link, without_a_control_plane_relaying_goes_on_and_the_next_one_finds_everything_in_place)
{
	struct rig rig;
	struct tp_endpoint peer;
	struct client c;
	uint8_t message[32], bytes[TP_PUNT_MAX];
	size_t length = channel_data(message, 0x4000, "data", 4);
	uint64_t lost = 0;
	int fd;

	rig_start(&rig, 2, NULL);
	fd = socket_at(&rig.peer[RIG_RELAY6], &peer);
	c = rig_client(&rig, 1, 1, RIG_SERVER4, RIG_RELAY6);
	cr_assert_eq(rig_bind(&rig, &c, &peer, 0x4000), TP_STATUS_OK);
	for (int life = 0; life < 5; life++) {
		rig_detach(&rig);
		for (int i = 0; i < 20; i++) {
			client_send(&rig, &c, message, length);
			expect_bytes(fd, "data", 4);
			send_to(fd, &c.relayed, "data", 4);
			expect_bytes(c.fd, message, length);
		}
		client_send(&rig, &c, binding, sizeof(binding));
		rig_attach(&rig);
		// The request went to the former life, to nobody, or to this one.
		client_send(&rig, &c, message, length);
		expect_bytes(fd, "data", 4);
		cr_assert_eq(rig_permit(&rig, &c, &peer), TP_STATUS_OK);
		while (tp_ring_ready(&rig.punts[1]))
			rig_punt(&rig, 1, bytes);
		lost = rig_counter(&rig, TP_C_punt_unattached);
		cr_assert_leq(lost, (uint64_t)life + 1);
	}
	client_send(&rig, &c, binding, sizeof(binding));
	cr_assert_eq(rig_punt(&rig, 1, bytes).length, sizeof(binding));
	rig_stop(&rig);
}

// What control pushes with its welcome is there before the worker takes over.
Test(link, commands_that_wait_in_the_ring_at_the_attach_are_not_skipped)
{
	struct rig rig;
	struct tp_command sweep = {.kind = TP_SWEEP, .sequence = 42, .generation = 1};

	rig_start(&rig, 1, NULL);
	for (int i = 0; i < 20; i++) {
		rig_detach(&rig);
		rig_attach(&rig);
		rig_push(&rig, 0, TP_COMMAND, &sweep, sizeof(sweep));
		rig_ring(&rig, 0);
		cr_assert_eq(rig_result(&rig, 0).sequence, 42);
	}
	rig_stop(&rig);
}

Test(link, a_full_punt_ring_is_counted_and_strangers_get_half_of_it)
{
	struct rig rig;
	struct client c;
	struct tp_endpoint stranger;
	uint8_t request[TP_STUN_HEADER];
	int fd;
	uint64_t half;

	rig_start(&rig, 1, NULL);
	half = rig.plane->header.punts / 2 / 128; // a record of 8 + 56 + 20 bytes takes 128
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	fd = socket_at(&rig.server[RIG_SERVER4].ip, &stranger);
	memcpy(request, binding, sizeof(request));
	for (uint64_t i = 1; i <= half + 10; i++) {
		send_to(fd, &rig.server[RIG_SERVER4], request, sizeof(request));
		if (i % 64 == 0)
			rig_expect(&rig, TP_C_client_packets, i);
	}
	rig_expect(&rig, TP_C_client_packets, half + 10);
	cr_assert_eq(rig_counter(&rig, TP_C_punted), half);
	cr_assert_eq(rig_counter(&rig, TP_C_punt_ring_full), 10);
	client_send(&rig, &c, binding, sizeof(binding));
	rig_expect(&rig, TP_C_punted, half + 1);
	rig_stop(&rig);
}
