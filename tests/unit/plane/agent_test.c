// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>

#include "agent.h"

#define COMMANDS_BYTES (1u << 18)

// An agent, and a control plane's segment beside it.
struct bench {
	struct segment segment;
	struct agent agent;
	struct attachment attachment;
	struct tp_mapping ours;
	struct tp_producer commands;
	struct tp_consumer results;
	struct tp_consumer punts;
	unsigned int applied;
	unsigned int swept; // parts of sweeps beside the relay
	unsigned int parts; // that one takes
	unsigned int sent; // since the last flush
	unsigned int flushed[8]; // how many each flush had
	unsigned int flushes;
	bool early; // an answer left before the result that it rests on
	char last[8];
	struct tp_via via;
};

static enum tp_status apply(void *context, const struct tp_command *command)
{
	struct bench *b = context;

	b->applied++;
	return command->allocation ? TP_STATUS_CONFLICT : TP_STATUS_OK;
}

// In as many parts as the bench says.
static uint32_t sweep_beside(void *context, const struct tp_command *command, uint32_t from)
{
	struct bench *b = context;

	cr_assert_eq(command->generation, 2);
	cr_assert_eq(from, b->swept % b->parts);
	return ++b->swept % b->parts;
}

static void send_one(void *context, const struct tp_send *send, const uint8_t *bytes)
{
	struct bench *b = context;

	b->sent++;
	b->via = send->via;
	memcpy(b->last, bytes, send->length < 8 ? send->length : 8);
}

static void flush(void *context)
{
	struct bench *b = context;

	if (b->sent)
		b->flushed[b->flushes++ % 8] = b->sent;
	b->early |= b->applied && !tp_ring_ready(&b->results);
	b->sent = 0;
}

// Makes worker 1 of two, so that offsets count.
static struct bench *bench_make(const uint8_t *owners)
{
	static struct bench b;
	struct tp_capabilities caps = {.servers = 1,
		.relays = 1,
		.allocations = 8,
		.peers = 8,
		.port_min = 50000,
		.port_max = 50003,
		.channel_max = TP_CHANNEL_MAX};
	struct tp_header header = {
		.magic = TP_MAGIC_CONTROL, .abi = TP_ABI, .workers = 2, .commands = COMMANDS_BYTES};
	struct tp_control_segment *control;
	int fd;

	caps.server[0] = (struct tp_endpoint){.ip = tp_ip4(TP_BE32(0x0a000001)), .port = 3478};
	caps.relay[0].local = caps.relay[0].public_ = tp_ip4(TP_BE32(0x0a000002));
	cr_assert_eq(segment_make(&b.segment, 2, &caps, owners), 0);
	b.parts = 1;
	agent_init(&b.agent, 1, &b.segment,
		&(struct agent_ops){.apply = apply,
			.sweep = sweep_beside,
			.send = send_one,
			.flush = flush,
			.context = &b});
	cr_assert_eq(relay_create(&b.agent.relay, &(struct relay_config){.capabilities = caps}), 0);
	header.size = tp_control_size(&header);
	fd = tp_segment_create("control", header.size, &b.ours);
	cr_assert_geq(fd, 0);
	control = b.ours.base;
	control->header = header;
	b.attachment.doorbell = -1;
	cr_assert_eq(tp_segment_map(fd, TP_MAGIC_CONTROL, &b.attachment.control), 0);
	close(fd);
	b.attachment.segment = b.attachment.control.base;
	tp_producer_init(&b.commands, (uint8_t *)control + tp_commands_offset(&header, 1),
		COMMANDS_BYTES, &control->worker[1].commands_tail, &b.agent.out->commands_head);
	tp_consumer_init(&b.results,
		(uint8_t *)b.segment.shared + tp_results_offset(&b.segment.shared->header, 1),
		b.segment.shared->header.results, &b.agent.out->results_tail,
		&control->worker[1].results_head);
	tp_consumer_init(&b.punts,
		(uint8_t *)b.segment.shared + tp_punts_offset(&b.segment.shared->header, 1),
		b.segment.shared->header.punts, &b.agent.out->punts_tail,
		&control->worker[1].punts_head);
	return &b;
}

static void push(struct bench *b, enum tp_record_kind kind, const void *record, uint32_t length)
{
	void *out = tp_ring_reserve(&b->commands, kind, length);

	cr_assert_not_null(out);
	memcpy(out, record, length);
	tp_ring_publish(&b->commands);
}

static void push_send(struct bench *b, uint64_t transaction, char byte)
{
	struct {
		struct tp_send send;
		char byte[8];
	} r = {.send = {.client = {.ip = tp_ip4(TP_BE32(0x0a000002)), .port = 9},
		       .via.b = {1, 2, 3},
		       .length = 8,
		       .transaction = transaction}};

	memset(r.byte, byte, sizeof(r.byte));
	push(b, TP_SEND, &r, sizeof(r));
}

static void attach(struct bench *b)
{
	agent_offer(&b->agent, &b->attachment);
	agent_follow(&b->agent);
}

static uint64_t counted(const struct bench *b, enum tp_counter which)
{
	return tp_counter(&b->segment.shared->worker[1].counters, which);
}

Test(agent, takes_over_and_lets_go_when_it_follows_and_rings_the_main_thread)
{
	struct bench *b = bench_make(NULL);
	uint64_t woken = 0;

	push_send(b, 0, 'a');
	agent_offer(&b->agent, &b->attachment);
	cr_assert(agent_holds(&b->agent, NULL));
	cr_assert_not(agent_ready(&b->agent));
	cr_assert_eq(agent_run(&b->agent), 0);
	cr_assert_eq(read(b->segment.wake[1], &woken, sizeof(woken)), 8, "the worker was woken");
	agent_follow(&b->agent);
	cr_assert(agent_holds(&b->agent, &b->attachment));
	cr_assert_eq(read(b->segment.ready, &woken, sizeof(woken)), 8);
	cr_assert(agent_ready(&b->agent));
	agent_offer(&b->agent, NULL);
	agent_follow(&b->agent);
	cr_assert(agent_holds(&b->agent, NULL));
	cr_assert_eq(agent_run(&b->agent), 0);
}

Test(agent, messages_are_flushed_by_the_burst_and_keep_their_bytes_and_via)
{
	struct bench *b = bench_make(NULL);

	attach(b);
	for (unsigned int i = 0; i < RELAY_BURST + 3; i++)
		push_send(b, 0, i == RELAY_BURST + 2 ? 'z' : 'a');
	cr_assert_eq(agent_run(&b->agent), RELAY_BURST + 3);
	cr_assert_eq(b->flushes, 2);
	cr_assert_eq(b->flushed[0], RELAY_BURST);
	cr_assert_eq(b->flushed[1], 3);
	cr_assert_eq(memcmp(b->last, "zzzzzzzz", 8), 0);
	cr_assert_eq(memcmp(b->via.b, "\1\2\3", 4), 0);
}

Test(agent, a_round_takes_a_bounded_number_of_records)
{
	struct bench *b = bench_make(NULL);

	attach(b);
	for (unsigned int i = 0; i < AGENT_ROUND + 1; i++)
		push_send(b, 0, 'a');
	cr_assert_eq(agent_run(&b->agent), AGENT_ROUND);
	cr_assert_eq(agent_run(&b->agent), 1);
}

Test(agent, every_command_gets_its_result_and_a_failed_one_ends_its_transaction)
{
	static const enum tp_status expected[] = {
		TP_STATUS_OK, TP_STATUS_CONFLICT, TP_STATUS_SKIPPED, TP_STATUS_OK};
	struct bench *b = bench_make(NULL);
	uint32_t kind;

	attach(b);
	for (uint64_t i = 0; i < 4; i++) {
		struct tp_command c = {.sequence = i + 1,
			.transaction = i < 3 ? 7 : 8,
			.allocation = i == 1,
			.kind = TP_PUT_PERMISSION};

		push(b, TP_COMMAND, &c, sizeof(c));
	}
	push_send(b, 7, 'x');
	cr_assert_eq(agent_run(&b->agent), 5);
	agent_publish(&b->agent);
	cr_assert_eq(b->applied, 3);
	cr_assert_eq(b->flushes, 0);
	cr_assert_eq(counted(b, TP_C_replies_withheld), 1);
	for (uint64_t i = 0; i < 4; i++) {
		struct tp_result r;

		cr_assert_eq(tp_ring_next(&b->results, &kind, &r, sizeof(r)), sizeof(r));
		cr_assert_eq(kind, TP_RESULT);
		cr_assert_eq(r.sequence, i + 1);
		cr_assert_eq(r.status, expected[i]);
	}
	cr_assert_eq(tp_ring_next(&b->results, &kind, &(struct tp_result){0}, 24), -EAGAIN);
}

Test(agent, an_answer_leaves_after_the_results_it_rests_on_are_published)
{
	struct bench *b = bench_make(NULL);
	const struct tp_command c = {.sequence = 1, .transaction = 7, .kind = TP_PUT_PERMISSION};

	attach(b);
	push(b, TP_COMMAND, &c, sizeof(c));
	push_send(b, 7, 'x');
	cr_assert_eq(agent_run(&b->agent), 2);
	cr_assert_eq(b->flushes, 1);
	cr_assert_not(b->early);
}

#define SLOTS 10000u // of a relay to sweep: three parts
#define STALE (AGENT_SWEEP_DROP + 8) // allocations of generation 1 in it

static void with_relay(struct bench *b)
{
	struct relay_config config = {.capabilities = *b->agent.capabilities};

	config.capabilities.allocations = SLOTS;
	config.capabilities.peers = 1;
	config.capabilities.port_max = 60000;
	config.capabilities.channel_max = TP_CHANNEL_MAX;
	cr_assert_eq(relay_create(&b->agent.relay, &config), 0);
	for (uint32_t i = 0; i < STALE; i++) {
		struct tp_command c = {.kind = TP_PUT_ALLOCATION,
			.generation = 1,
			.expires_ms = 600000,
			.allocation = i,
			.client = {.ip = tp_ip4(TP_BE32(0x0a000002)), .port = (uint16_t)(1 + i)},
			.relay_port = (uint16_t)(50000 + i)};

		cr_assert_eq(relay_apply(b->agent.relay, &c, 0), TP_STATUS_OK);
	}
}

static uint32_t allocations(const struct bench *b)
{
	struct relay_usage usage;

	relay_usage(b->agent.relay, &usage);
	return usage.allocations;
}

static void push_sweep(struct bench *b, uint64_t sequence, uint64_t transaction)
{
	const struct tp_command c = {.kind = TP_SWEEP,
		.sequence = sequence,
		.transaction = transaction,
		.generation = 2};

	push(b, TP_COMMAND, &c, sizeof(c));
}

Test(agent, a_sweep_is_done_in_bounded_parts_and_what_follows_it_waits)
{
	struct bench *b = bench_make(NULL);
	const struct tp_command next = {.kind = TP_PUT_PERMISSION, .sequence = 2};
	struct tp_result r;
	uint32_t kind;

	with_relay(b);
	attach(b);
	push_sweep(b, 1, 0);
	push(b, TP_COMMAND, &next, sizeof(next));
	push_send(b, 0, 'a');
	cr_assert_eq(agent_run(&b->agent), 1);
	cr_assert_eq(allocations(b), STALE - AGENT_SWEEP_DROP);
	for (unsigned int part = 0; part < 2; part++) {
		cr_assert(agent_ready(&b->agent));
		cr_assert_eq(agent_run(&b->agent), 1);
		cr_assert_eq(allocations(b), 0);
	}
	agent_publish(&b->agent);
	cr_assert_eq(b->applied + b->flushes + b->swept, 0);
	cr_assert_eq(tp_ring_next(&b->results, &kind, &r, sizeof(r)), -EAGAIN);
	cr_assert_eq(agent_run(&b->agent), 1);
	cr_assert_eq(b->swept, 1);
	cr_assert_eq(agent_run(&b->agent), 2);
	agent_publish(&b->agent);
	for (uint64_t i = 1; i <= 2; i++) {
		cr_assert_eq(tp_ring_next(&b->results, &kind, &r, sizeof(r)), sizeof(r));
		cr_assert_eq(r.sequence, i);
		cr_assert_eq(r.status, TP_STATUS_OK);
	}
	cr_assert_eq(counted(b, TP_C_commands_applied), 2);
	cr_assert_eq(b->flushes, 1);
	cr_assert_not(agent_ready(&b->agent));
	relay_destroy(b->agent.relay);
}

Test(agent, what_is_kept_beside_the_relay_is_swept_in_parts_as_well)
{
	struct bench *b = bench_make(NULL);
	const struct tp_command next = {.kind = TP_PUT_PERMISSION, .sequence = 2};
	struct tp_result r;
	uint32_t kind;

	b->parts = 3;
	with_relay(b);
	attach(b);
	push_sweep(b, 1, 0);
	push(b, TP_COMMAND, &next, sizeof(next));
	// The relay's last part is the first beside it, and the last one is followed by what waited.
	for (unsigned int part = 1; part <= 6; part++) {
		agent_publish(&b->agent);
		cr_assert_eq(tp_ring_next(&b->results, &kind, &r, sizeof(r)), -EAGAIN);
		cr_assert(agent_ready(&b->agent));
		cr_assert_eq(agent_run(&b->agent), 1);
		cr_assert_eq(b->swept, part > 3 ? part - 3 : 0);
		cr_assert_eq(b->applied, 0);
	}
	cr_assert_eq(agent_run(&b->agent), 1);
	agent_publish(&b->agent);
	for (uint64_t i = 1; i <= 2; i++) {
		cr_assert_eq(tp_ring_next(&b->results, &kind, &r, sizeof(r)), sizeof(r));
		cr_assert_eq(r.sequence, i);
		cr_assert_eq(r.status, TP_STATUS_OK);
	}
	cr_assert_not(agent_ready(&b->agent));
	cr_assert_eq(b->swept, 3);
	relay_destroy(b->agent.relay);
}

Test(agent, a_sweep_beside_the_relay_ends_with_its_control_plane_too)
{
	struct bench *b = bench_make(NULL);

	b->parts = 3;
	attach(b);
	push_sweep(b, 1, 0);
	cr_assert_eq(agent_run(&b->agent), 1);
	agent_offer(&b->agent, NULL);
	agent_follow(&b->agent);
	attach(b);
	cr_assert_not(agent_ready(&b->agent));
	cr_assert_eq(agent_run(&b->agent), 0);
	cr_assert_eq(b->swept, 1);
}

Test(agent, a_sweep_ends_with_the_control_plane_that_asked_for_it)
{
	struct bench *b = bench_make(NULL);

	with_relay(b);
	attach(b);
	push_sweep(b, 1, 0);
	cr_assert_eq(agent_run(&b->agent), 1);
	agent_offer(&b->agent, NULL);
	agent_follow(&b->agent);
	cr_assert_eq(agent_run(&b->agent), 0);
	attach(b);
	cr_assert_not(agent_ready(&b->agent));
	cr_assert_eq(agent_run(&b->agent), 0);
	cr_assert_eq(allocations(b), STALE - AGENT_SWEEP_DROP);
	cr_assert_eq(b->swept, 0);
	relay_destroy(b->agent.relay);
}

Test(agent, a_sweep_in_a_transaction_that_failed_is_skipped)
{
	struct bench *b = bench_make(NULL);
	const struct tp_command fails = {
		.kind = TP_PUT_PERMISSION, .sequence = 1, .transaction = 7, .allocation = 1};
	struct tp_result r;
	uint32_t kind;

	with_relay(b);
	attach(b);
	push(b, TP_COMMAND, &fails, sizeof(fails));
	push_sweep(b, 2, 7);
	cr_assert_eq(agent_run(&b->agent), 2);
	agent_publish(&b->agent);
	cr_assert_eq(allocations(b), STALE);
	cr_assert_eq(b->swept, 0);
	tp_ring_next(&b->results, &kind, &r, sizeof(r));
	cr_assert_eq(tp_ring_next(&b->results, &kind, &r, sizeof(r)), sizeof(r));
	cr_assert_eq(r.status, TP_STATUS_SKIPPED);
	relay_destroy(b->agent.relay);
}

Test(agent, a_punt_tells_how_it_came_and_is_shown_by_publish)
{
	struct bench *b = bench_make(NULL);
	const struct tp_via via = {.b = "fedcba987654321"};
	struct relay_from_client in = {.data = (const uint8_t *)"stun",
		.length = 4,
		.client = {.ip = tp_ip4(TP_BE32(0x0a000002)), .port = 9}};
	struct {
		struct tp_punt punt;
		char bytes[4];
	} got;
	uint32_t kind;

	agent_punt(&b->agent, &in, true, &via);
	attach(b);
	b->agent.now = 1234;
	agent_punt(&b->agent, &in, false, &via);
	agent_punt(&b->agent, &in, true, NULL);
	cr_assert_eq(tp_ring_next(&b->punts, &kind, &got, sizeof(got)), -EAGAIN);
	agent_publish(&b->agent);
	cr_assert_eq(tp_ring_next(&b->punts, &kind, &got, sizeof(got)), sizeof(struct tp_punt) + 4);
	cr_assert_eq(kind, TP_PUNT);
	cr_assert_eq(memcmp(&got.punt.via, &via, sizeof(via)), 0);
	cr_assert_eq(memcmp((char *)&got + sizeof(got.punt), "stun", 4), 0);
	cr_assert_eq(got.punt.received_ms, 1234);
	cr_assert_eq(tp_ring_next(&b->punts, &kind, &got, sizeof(got)), sizeof(struct tp_punt) + 4);
	cr_assert_eq(memcmp(&got.punt.via, &(struct tp_via){0}, sizeof(via)), 0);
	cr_assert_eq(counted(b, TP_C_punted), 2);
	cr_assert_eq(counted(b, TP_C_punt_unattached), 1);
}

Test(segment, publishes_the_map_of_owners_behind_the_rings_and_a_control_plane_maps_it)
{
	static const uint8_t owners[] = {1, 0, 0, 1};
	struct bench *b = bench_make(owners);
	struct tp_mapping m;

	cr_assert_eq(tp_segment_map(b->segment.fd, TP_MAGIC_DATAPLANE, &m), 0);
	cr_assert_eq(m.header.owners, 4);
	cr_assert_eq(memcmp((uint8_t *)m.base + tp_owners_offset(&m.header), owners, 4), 0);
	__atomic_store_n(&segment_owners(&b->segment)[2], 1, __ATOMIC_RELAXED);
	cr_assert_eq(((uint8_t *)m.base)[tp_owners_offset(&m.header) + 2], 1);
	segment_beat(&b->segment, 77);
	cr_assert_eq(((const struct tp_dataplane_segment *)m.base)->heartbeat.ms, 77);
}
