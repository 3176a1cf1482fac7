// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <sys/resource.h>

#include "rig.h"

static void push_send(struct rig *rig, const struct client *c, uint64_t transaction, char byte)
{
	struct {
		struct tp_send send;
		char byte[8];
	} record = {.send = {.client = c->endpoint, .length = 8, .transaction = transaction}};

	memset(record.byte, byte, sizeof(record.byte));
	rig_push(rig, c->worker, TP_SEND, &record, sizeof(record));
}

static void push_permission(
	struct rig *rig, const struct client *c, uint64_t transaction, uint32_t allocation)
{
	struct tp_command command = {.kind = TP_PUT_PERMISSION,
		.sequence = ++rig->sequence,
		.transaction = transaction,
		.generation = rig->generation,
		.expires_ms = ~0ull >> 1,
		.allocation = allocation,
		.peer.ip = ip_of("192.0.2.1")};

	rig_push(rig, c->worker, TP_COMMAND, &command, sizeof(command));
}

Test(command, a_reply_leaves_only_if_every_command_of_its_transaction_succeeded)
{
	static const enum tp_status expected[] = {TP_STATUS_OK, TP_STATUS_OK,
		TP_STATUS_NO_ALLOCATION, TP_STATUS_SKIPPED, TP_STATUS_OK};
	struct rig rig;
	struct client c;

	rig_start(&rig, 1, NULL);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	push_permission(&rig, &c, 1, 1);
	push_send(&rig, &c, 1, 'A');
	push_permission(&rig, &c, 2, 1);
	push_permission(&rig, &c, 2, 63); // no such allocation
	push_permission(&rig, &c, 2, 1);
	push_send(&rig, &c, 2, 'B');
	push_permission(&rig, &c, 3, 1);
	push_send(&rig, &c, 3, 'C');
	push_send(&rig, &c, 0, 'D');
	rig_ring(&rig, 0);
	for (uint64_t i = 0; i < 5; i++) {
		struct tp_result result = rig_result(&rig, 0);

		cr_assert_eq(result.sequence, rig.sequence - 4 + i);
		cr_assert_eq(result.status, expected[i], "%lu: %u", i, result.status);
	}
	expect_bytes(c.fd, "AAAAAAAA", 8);
	expect_bytes(c.fd, "CCCCCCCC", 8);
	expect_bytes(c.fd, "DDDDDDDD", 8);
	expect_silence(c.fd);
	rig_expect(&rig, TP_C_replies_sent, 3);
	rig_expect(&rig, TP_C_replies_withheld, 1);
	rig_stop(&rig);
}

Test(command, an_allocation_at_a_port_that_another_program_holds_is_refused_and_leaves_nothing)
{
	struct rig rig;
	struct tp_endpoint taken;
	struct client c;
	struct tp_command command;
	int fd;

	rig_start(&rig, 2, NULL);
	fd = socket_at(&rig.relay_local[RIG_RELAY4], &taken);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	command = (struct tp_command){.kind = TP_PUT_ALLOCATION,
		.allocation = 2,
		.client = {.ip = c.endpoint.ip, .port = 9},
		.relay_port = taken.port};
	cr_assert_eq(rig_command(&rig, 0, command), TP_STATUS_PORT_TAKEN);
	command.relay_port =
		c.relayed.port; // another worker's, and another allocation's of this one
	cr_assert_eq(rig_command(&rig, 1, command), TP_STATUS_PORT_TAKEN);
	cr_assert_eq(rig_command(&rig, 0, command), TP_STATUS_PORT_TAKEN);
	close(fd);
	command.relay_port = taken.port;
	cr_assert_eq(rig_command(&rig, 0, command), TP_STATUS_OK);
	rig_stop(&rig);
}

Test(command, a_port_that_an_earlier_generation_holds_is_taken_over)
{
	struct rig rig;
	struct client c, other;
	struct tp_command command;

	rig_start(&rig, 1, NULL);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	other = rig_client(&rig, 0, 2, RIG_SERVER4, RIG_RELAY4);
	rig.generation++;
	// The client of slot 2, at the port of slot 1, in a third slot: both of the others go.
	command = (struct tp_command){.kind = TP_PUT_ALLOCATION,
		.allocation = 3,
		.client = other.endpoint,
		.relay_port = c.relayed.port};
	cr_assert_eq(rig_command(&rig, 0, command), TP_STATUS_OK);
	command = (struct tp_command){.kind = TP_PUT_ALLOCATION,
		.allocation = 1,
		.client = c.endpoint,
		.relay_port = other.relayed.port};
	cr_assert_eq(rig_command(&rig, 0, command), TP_STATUS_OK);
	// Of one generation, a port is one allocation's.
	command.allocation = 4;
	command.client.port = 9;
	cr_assert_eq(rig_command(&rig, 0, command), TP_STATUS_PORT_TAKEN);
	rig_stop(&rig);
}

Test(command, a_dropped_allocation_gives_its_port_back_to_the_host)
{
	struct rig rig;
	struct client c;
	struct tp_endpoint any = {0};

	rig_start(&rig, 1, NULL);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	any = (struct tp_endpoint){.ip = rig.peer[RIG_RELAY4], .port = 9};
	cr_assert_eq(rig_bind(&rig, &c, &any, 0x4000), TP_STATUS_OK);
	for (int i = 0; i < 3; i++) {
		struct tp_command put = {.kind = TP_PUT_ALLOCATION,
			.allocation = 1,
			.client = c.endpoint,
			.relay_port = c.relayed.port};

		// A refresh keeps the socket, a drop closes it: the same port can be had again.
		cr_assert_eq(rig_command(&rig, 0, put), TP_STATUS_OK);
		cr_assert_eq(
			rig_command(&rig, 0,
				(struct tp_command){.kind = TP_DROP_ALLOCATION, .allocation = 1}),
			TP_STATUS_OK);
		put.allocation = 2;
		cr_assert_eq(rig_command(&rig, 0, put), TP_STATUS_OK);
		cr_assert_eq(
			rig_command(&rig, 0,
				(struct tp_command){.kind = TP_DROP_ALLOCATION, .allocation = 2}),
			TP_STATUS_OK);
	}
	rig_stop(&rig);
}

Test(command, a_ring_full_of_garbage_is_counted_and_the_relay_goes_on)
{
	static uint8_t garbage[TP_PUNT_MAX + 200];
	struct rig rig;
	struct tp_endpoint peer;
	struct client c;
	struct tp_send send = {.server = 77, .length = 1};
	uint8_t message[32];
	uint32_t seed = 1;
	int fd;

	rig_start(&rig, 1, NULL);
	fd = socket_at(&rig.peer[RIG_RELAY6], &peer);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY6);
	cr_assert_eq(rig_bind(&rig, &c, &peer, 0x4000), TP_STATUS_OK);
	for (unsigned int i = 0; i < sizeof(garbage); i++)
		garbage[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
	rig_push(&rig, 0, 99, garbage, 40); // no such kind
	rig_push(&rig, 0, TP_COMMAND, garbage, 127); // too short
	rig_push(&rig, 0, TP_SEND, garbage, 10); // too short
	rig_push(&rig, 0, TP_SEND, garbage, 200); // another length than it says
	rig_push(&rig, 0, TP_SEND, garbage, sizeof(garbage)); // too long
	garbage[sizeof(send)] = 1;
	memcpy(garbage, &send, sizeof(send));
	rig_push(&rig, 0, TP_SEND, garbage, sizeof(send) + 1); // no such server
	send = (struct tp_send){.client = c.endpoint, .server = RIG_SERVER6, .length = 1};
	memcpy(garbage, &send, sizeof(send));
	rig_push(&rig, 0, TP_SEND, garbage, sizeof(send) + 1); // another family
	for (int i = 0; i < 100; i++) {
		for (unsigned int n = 0; n < sizeof(struct tp_command); n++)
			garbage[n] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
		garbage[32] = (uint8_t)i; // the kind
		garbage[33] = 0;
		rig_push(&rig, 0, TP_COMMAND, garbage, sizeof(struct tp_command));
	}
	rig_ring(&rig, 0);
	for (int i = 0; i < 100; i++)
		cr_assert_neq(rig_result(&rig, 0).status, TP_STATUS_COUNT);
	rig_expect(&rig, TP_C_record_bad, 5);
	rig_expect(&rig, TP_C_send_bad, 2);
	cr_assert_gt(rig_counter(&rig, TP_C_command_bad), 50);
	// A record that reaches beyond the tail, then a tail that can't be.
	rig_push(&rig, 0, TP_COMMAND, garbage, sizeof(struct tp_command));
	memset(rig.commands[0].data + (rig.commands[0].published & 65535), 0xff, 4);
	rig_ring(&rig, 0);
	rig_expect(&rig, TP_C_ring_bad, 1);
	rig.commands[0].local += 64 * 5000;
	rig_ring(&rig, 0);
	rig_expect(&rig, TP_C_ring_bad, 2);
	// It takes commands again, if the sweep among them left the allocation or not.
	c = rig_client(&rig, 0, 5, RIG_SERVER4, RIG_RELAY6);
	cr_assert_eq(rig_bind(&rig, &c, &peer, 0x4000), TP_STATUS_OK);
	client_send(&rig, &c, message, channel_data(message, 0x4000, "alive", 5));
	expect_bytes(fd, "alive", 5);
	rig_stop(&rig);
}

Test(command, without_descriptors_an_allocation_is_refused_and_the_others_go_on)
{
	struct rig rig;
	struct tp_endpoint peer;
	struct client c;
	uint8_t message[32];
	struct tp_command command;
	// Less than are open, but enough for the program's own poll().
	const struct rlimit none = {4, 4};
	int fd;

	rig_start(&rig, 1, NULL);
	fd = socket_at(&rig.peer[RIG_RELAY4], &peer);
	c = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	cr_assert_eq(rig_bind(&rig, &c, &peer, 0x4000), TP_STATUS_OK);
	cr_assert_eq(prlimit(rig.child, RLIMIT_NOFILE, &none, NULL), 0);
	command = (struct tp_command){.kind = TP_PUT_ALLOCATION,
		.allocation = 2,
		.client = {.ip = c.endpoint.ip, .port = 9},
		.relay_port = (uint16_t)(c.relayed.port ^ 1)};
	cr_assert_eq(rig_command(&rig, 0, command), TP_STATUS_NO_DESCRIPTORS);
	client_send(&rig, &c, message, channel_data(message, 0x4000, "alive", 5));
	expect_bytes(fd, "alive", 5);
	rig_stop(&rig);
}
