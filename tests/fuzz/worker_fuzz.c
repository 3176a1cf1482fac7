// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A worker whose control plane has gone mad: any word of the segment that it maps changes at any time, also while a
// command is applied or a message sent, and clients and peers go on sending. Nothing is read outside of the
// mapping or of what was checked, each round ends, tables keep to their capacity, the worker's own segment says
// what it did; and the next control plane, an honest one, finds a worker that does as it is told.
//
// Input: steps of eight bytes: what, which word, and what it becomes.
#include <stdlib.h>
#include <string.h>

#include <agent.h>
#include <turnpike/wire.h>

#include "plane.h"

#define COMMANDS_SIZE 4096u
#define ROUNDS 64u // that a sweep may take

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bench {
	struct segment segment;
	struct tp_mapping ours; // the control plane's, to write
	struct attachment attachment;
	struct agent agent;
	const uint8_t *input;
	size_t left;
	unsigned int unsent;
} b;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static struct tp_endpoint stranger(uint8_t which)
{
	struct tp_endpoint e = {.port = (uint16_t)(4000 + which / 2 % 2)};

	if (which & 1)
		e.ip = (struct tp_ip){.b = {0x20, 1, 0xd, 0xb8, [15] = which / 4}};
	else
		e.ip = tp_ip4(TP_BE32(0xc6336400u + which / 4));
	return e;
}

static bool next(uint8_t step[STEP])
{
	if (b.left < STEP)
		return false;
	memcpy(step, b.input, STEP);
	b.input += STEP;
	b.left -= STEP;
	return true;
}

// A word of the mapping: its positions and the doorbell half of the time, else any.
static void scribble(const uint8_t s[STEP])
{
	struct tp_control_segment *c = b.ours.base;
	uint64_t *hot[] = {&c->worker[0].commands_tail.value, &c->worker[0].results_head.value,
		&c->worker[0].punts_head.value, (uint64_t *)(void *)&c->bell};
	uint64_t words = b.ours.size / sizeof(uint64_t);
	uint64_t *word = s[1] & 1 ? hot[s[1] / 2 % 4]
				  : (uint64_t *)b.ours.base + (s[2] | s[3] << 8) % words;

	plane_spoil(word, s);
}

// A command in good shape where the tail is, wherever that is, with what an honest one might say.
static void push(const uint8_t s[STEP])
{
	struct tp_control_segment *c = b.ours.base;
	uint8_t *data = (uint8_t *)c + tp_commands_offset(&b.attachment.control.header, 0);
	struct tp_command command = {.sequence = s[7],
		.transaction = s[1] >> 6,
		.kind = (uint16_t)(TP_PUT_ALLOCATION + s[1] % 8),
		.expires_ms = b.agent.now + s[7] * 16u,
		.allocation = s[2] % (SLOTS + 1),
		.generation = 1 + (s[2] >> 6),
		.relay = s[3] & 1,
		.relay_port = (uint16_t)(PORT + s[3] / 2 % PORTS),
		.server = s[2] >> 5 & 1,
		.channel = (uint16_t)(TP_CHANNEL_MIN + s[4] % 4),
		.client = stranger((uint8_t)((s[5] & ~1) | (s[2] >> 5 & 1))),
		.peer = stranger((uint8_t)((s[6] & ~1) | (s[3] & 1)))};
	struct tp_record record = {.length = sizeof(command), .kind = TP_COMMAND};
	uint64_t tail = c->worker[0].commands_tail.value;
	uint64_t offset = tail % COMMANDS_SIZE & ~(uint64_t)(TP_RING_ALIGN - 1);
	uint64_t rest = COMMANDS_SIZE - offset;

	if (tp_record_span(record.length) > rest) {
		struct tp_record filler = {.length = (uint32_t)(rest - sizeof(filler))};

		memcpy(data + offset, &filler, sizeof(filler));
		tail += rest;
		offset = 0;
	}
	memcpy(data + offset, &record, sizeof(record));
	memcpy(data + offset + sizeof(record), &command, sizeof(command));
	__atomic_store_n(&c->worker[0].commands_tail.value, tail + tp_record_span(record.length),
		__ATOMIC_RELAXED);
}

static void meanwhile(void)
{
	uint8_t s[STEP];

	if (b.left >= STEP && b.input[0] & 0x80 && next(s))
		scribble(s);
}

static enum tp_status on_apply(void *, const struct tp_command *command)
{
	enum tp_status status;

	meanwhile();
	status = relay_apply(b.agent.relay, command, b.agent.now);
	check((unsigned int)status < TP_STATUS_COUNT);
	return status;
}

static void on_send(void *, const struct tp_send *send, const uint8_t *bytes)
{
	uint8_t before[TP_PUNT_MAX];

	check(send->server < 2 && send->length && send->length <= TP_PUNT_MAX);
	memcpy(before, bytes, send->length);
	meanwhile();
	check(memcmp(before, bytes, send->length) == 0);
	check(++b.unsent <= RELAY_BURST);
}

static void on_flush(void *)
{
	b.unsent = 0;
}

static struct tp_header header(void)
{
	struct tp_header h = {
		.magic = TP_MAGIC_CONTROL, .abi = TP_ABI, .workers = 1, .commands = COMMANDS_SIZE};

	h.size = tp_control_size(&h);
	return h;
}

static void make(void)
{
	struct tp_capabilities c = plane_capabilities();
	struct tp_header h = header();
	int fd;

	check(segment_make(&b.segment, 1, &c, NULL) == 0);
	fd = tp_segment_create("fuzz", h.size, &b.ours);
	check(fd >= 0);
	memcpy(b.ours.base, &h, sizeof(h));
	b.attachment.doorbell = -1;
	check(tp_segment_map(fd, TP_MAGIC_CONTROL, &b.attachment.control) == 0);
	close(fd);
	b.attachment.segment = b.attachment.control.base;
}

// An honest control plane's beginning: both ends at the other's positions.
static void attach(void)
{
	struct tp_control_segment *c = b.ours.base;
	struct tp_worker_out *out = &b.segment.shared->worker[0];
	struct tp_header h = header();

	agent_offer(&b.agent, NULL);
	agent_follow(&b.agent);
	check(agent_holds(&b.agent, NULL));
	memset(c, 0, b.ours.size);
	memcpy(c, &h, sizeof(h));
	c->worker[0].commands_tail.value = out->commands_head.value;
	c->worker[0].results_head.value = out->results_tail.value;
	c->worker[0].punts_head.value = out->punts_tail.value;
	agent_offer(&b.agent, &b.attachment);
	agent_follow(&b.agent);
	check(agent_holds(&b.agent, &b.attachment));
}

// Within one burst nothing of the mapping holds the worker.
static void round_of_worker(void)
{
	struct relay_usage u;

	b.agent.now++;
	agent_follow(&b.agent);
	check(agent_run(&b.agent) <= AGENT_ROUND);
	check(!b.unsent);
	agent_publish(&b.agent);
	check(b.agent.out->commands_head.value % TP_RING_ALIGN == 0);
	check(b.agent.out->results_tail.value % TP_RING_ALIGN == 0);
	relay_usage(b.agent.relay, &u);
	check(u.allocations <= SLOTS && u.permissions + u.channels <= PEERS);
}

static void from_client(const uint8_t s[STEP])
{
	struct relay_from_client in = {.data = s,
		.length = s[1] % (STEP + 1),
		.server = s[2] & 1,
		.client = stranger(s[3])};
	uint8_t stun[TP_STUN_HEADER] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
	struct relay_decision d;

	in.client.ip = stranger((uint8_t)((s[3] & ~1) | in.server)).ip;
	if (s[2] & 2) {
		in.data = stun;
		in.length = sizeof(stun);
	}
	relay_decide_clients(b.agent.relay, &in, &d, 1, b.agent.now);
	if (d.verdict == RELAY_PUNT)
		agent_punt(&b.agent, &in, d.known, NULL);
	else if (d.verdict == RELAY_DROP)
		check(d.drop < TP_COUNTER_COUNT);
	else
		check(d.offset <= in.length && d.length <= in.length - d.offset);
}

static void from_peer(const uint8_t s[STEP])
{
	struct relay_from_peer in = {.data = s,
		.length = s[1] % (STEP + 1),
		.relay = s[2] & 1,
		.port = (uint16_t)(PORT + s[4] % PORTS)};
	struct relay_decision d;

	in.peer = stranger((uint8_t)((s[3] & ~1) | in.relay));
	relay_decide_peers(b.agent.relay, &in, &d, 1, b.agent.now);
	check(d.verdict == RELAY_DROP || d.verdict == RELAY_CLIENT);
	check(d.verdict == RELAY_DROP ? d.drop < TP_COUNTER_COUNT : d.server < 2);
}

static void *put(struct tp_producer *p, enum tp_record_kind kind, uint32_t length)
{
	void *at = tp_ring_reserve(p, kind, length);

	check(at != NULL);
	return at;
}

// The next control plane sweeps, and has its own allocation: each command gets its result.
static void honest_end(void)
{
	struct tp_control_segment *c = b.ours.base;
	struct tp_dataplane_segment *s = b.segment.shared;
	struct tp_command commands[] = {{.kind = TP_SWEEP, .sequence = 1, .generation = UINT32_MAX},
		{.kind = TP_PUT_ALLOCATION,
			.sequence = 2,
			.generation = UINT32_MAX,
			.expires_ms = b.agent.now + 1000000,
			.relay_port = PORT,
			.client = stranger(0)}};
	struct tp_producer p;
	struct tp_consumer results;
	struct relay_usage u;

	attach();
	tp_producer_resume(&p, (uint8_t *)c + tp_commands_offset(&c->header, 0), COMMANDS_SIZE,
		&c->worker[0].commands_tail, &s->worker[0].commands_head);
	tp_consumer_resume(&results, (uint8_t *)s + tp_results_offset(&s->header, 0),
		s->header.results, &s->worker[0].results_tail, &c->worker[0].results_head);
	b.left = 0;
	for (unsigned int i = 0; i < 2; i++)
		memcpy(put(&p, TP_COMMAND, sizeof(commands[i])), &commands[i], sizeof(commands[i]));
	tp_ring_publish(&p);
	for (unsigned int i = 0; i < ROUNDS; i++)
		round_of_worker();
	for (unsigned int i = 0; i < 2; i++) {
		struct tp_result r;
		uint32_t kind;

		check(tp_ring_next(&results, &kind, &r, sizeof(r)) == (int)sizeof(r));
		check(kind == TP_RESULT && r.sequence == i + 1 && r.status == TP_STATUS_OK);
	}
	relay_usage(b.agent.relay, &u);
	check(u.allocations == 1 && u.permissions + u.channels == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct relay_config config = {.capabilities = plane_capabilities(), .secret = {1, 2}};
	uint8_t s[STEP];

	if (!b.ours.base)
		make();
	b.input = data;
	b.left = size;
	agent_init(&b.agent, 0, &b.segment,
		&(struct agent_ops){.apply = on_apply, .send = on_send, .flush = on_flush});
	check(relay_create(&b.agent.relay, &config) == 0);
	b.agent.now = 1000;
	attach();
	while (next(s)) {
		switch (s[0] & 7) {
		default:
			scribble(s);
			break;
		case 2:
		case 3:
			push(s);
			break;
		case 4:
			round_of_worker();
			break;
		case 5:
			from_client(s);
			break;
		case 6:
			from_peer(s);
			break;
		case 7:
			attach();
			break;
		}
	}
	honest_end();
	relay_destroy(b.agent.relay);
	return 0;
}
