// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A worker's end of the link under a control plane that says whatever it likes, while clients and peers send.
// Input: steps of four bytes each and, for whole records, what is in them. Every command gets one result, in
// order; no table grows beyond its capacity; what was relayed went where a command said; and when all is
// dropped nothing is left, of the tables nor of the next hops that were taken for them.
#include <stdlib.h>
#include <string.h>

#include <agent.h>
#include <turnpike/wire.h>

#include "plane.h"

#define COMMANDS_SIZE (1u << 16)
#define STRANGERS 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

// What lives as long as the process, and what each input begins anew.
static struct bench {
	struct segment segment;
	struct tp_mapping ours;
	struct tp_control_segment *control;
	struct attachment attachment;
	struct agent agent;
	struct tp_producer commands;
	struct tp_consumer results;
	uint64_t expected[AGENT_ROUND]; // sequences of commands without a result
	uint32_t first, last; // of them, not wrapped
	uint64_t sequence;
	unsigned int unsent; // given to send() since the last flush()
	int destinations[2 * STRANGERS + 1]; // how often each is held
} b;

static struct tp_endpoint stranger(uint32_t which)
{
	struct tp_endpoint e = {.port = (uint16_t)(4000 + which / 2 % 2)};

	if (which & 1)
		e.ip = (struct tp_ip){.b = {0x20, 1, 0xd, 0xb8, [15] = (uint8_t)(which / 4)}};
	else
		e.ip = tp_ip4(TP_BE32(0xc6336400u + which / 4));
	return e;
}

static uint32_t on_take(void *, const struct tp_ip *ip)
{
	uint32_t at = 1 + ip->b[15] % STRANGERS + (tp_ip_is4(ip) ? 0 : STRANGERS);

	// None left, now and then.
	if (b.destinations[at] == 5)
		return 0;
	b.destinations[at]++;
	return at;
}

static void on_give_back(void *, uint32_t destination)
{
	check(destination && destination <= 2 * STRANGERS);
	check(b.destinations[destination]-- > 0);
}

static void on_dropped(void *, uint32_t allocation, uint8_t relay, uint16_t port)
{
	check(allocation < SLOTS && relay < 2 && port - PORT < PORTS);
}

static void on_send(void *, const struct tp_send *send, const uint8_t *bytes)
{
	static volatile uint8_t sink;

	check(send->server < 2 && send->length && send->length <= TP_PUNT_MAX);
	check(tp_ip_is4(&send->client.ip) == (send->server == 0) && send->client.port);
	for (uint32_t i = 0; i < send->length; i++)
		sink = bytes[i];
	(void)sink;
	check(++b.unsent <= RELAY_BURST);
}

static void on_flush(void *)
{
	b.unsent = 0;
}

static void make(void)
{
	struct tp_header h = {
		.magic = TP_MAGIC_CONTROL, .abi = TP_ABI, .workers = 1, .commands = COMMANDS_SIZE};
	struct tp_capabilities c = plane_capabilities();
	int fd;

	check(segment_make(&b.segment, 1, &c, NULL) == 0);
	h.size = tp_control_size(&h);
	fd = tp_segment_create("fuzz", h.size, &b.ours);
	check(fd >= 0);
	b.control = b.ours.base;
	b.control->header = h;
	b.attachment.doorbell = -1;
	check(tp_segment_map(fd, TP_MAGIC_CONTROL, &b.attachment.control) == 0);
	close(fd);
	b.attachment.segment = b.attachment.control.base;
}

static void attach(void)
{
	struct tp_dataplane_segment *s = b.segment.shared;
	struct tp_worker_in *in = &b.control->worker[0];

	agent_offer(&b.agent, NULL);
	agent_follow(&b.agent);
	// Both ends begin at the other's position.
	in->results_head.value = s->worker[0].results_tail.value;
	in->commands_tail.value = s->worker[0].commands_head.value;
	tp_producer_resume(&b.commands,
		(uint8_t *)b.control + tp_commands_offset(&b.control->header, 0), COMMANDS_SIZE,
		&in->commands_tail, &s->worker[0].commands_head);
	tp_consumer_resume(&b.results, (uint8_t *)s + tp_results_offset(&s->header, 0),
		s->header.results, &s->worker[0].results_tail, &in->results_head);
	b.first = b.last = 0;
	agent_offer(&b.agent, &b.attachment);
	agent_follow(&b.agent);
}

static void begin(void)
{
	struct relay_config config = {.capabilities = plane_capabilities(), .secret = {1, 2}};

	if (!b.control)
		make();
	agent_init(
		&b.agent, 0, &b.segment, &(struct agent_ops){.send = on_send, .flush = on_flush});
	check(relay_create(&b.agent.relay, &config) == 0);
	relay_on_dropped(b.agent.relay, on_dropped, NULL);
	relay_on_destinations(b.agent.relay, on_take, on_give_back, NULL);
	b.agent.now = 1000;
	attach();
}

// Every command has its result by now, but what a sweep under way holds up.
static void take_results(void)
{
	struct tp_result r;
	uint32_t kind;
	int n;

	agent_publish(&b.agent);
	while ((n = tp_ring_next(&b.results, &kind, &r, sizeof(r))) != -EAGAIN) {
		check(n == (int)sizeof(r) && kind == TP_RESULT && r.status < TP_STATUS_COUNT);
		check(b.first != b.last);
		check(r.sequence == b.expected[b.first++ % AGENT_ROUND]);
	}
	tp_ring_release(&b.results);
}

static void run(void)
{
	struct relay_usage u;

	tp_ring_publish(&b.commands);
	while (agent_run(&b.agent))
		;
	take_results();
	check(b.first == b.last && !b.unsent);
	relay_usage(b.agent.relay, &u);
	check(u.allocations <= SLOTS && u.permissions + u.channels <= PEERS);
}

static void push(enum tp_record_kind kind, const void *bytes, uint32_t length)
{
	void *at = tp_ring_reserve(&b.commands, kind, length);
	struct tp_command c;

	check(at != NULL);
	memcpy(at, bytes, length);
	if (kind == TP_COMMAND && length == sizeof(c)) {
		memcpy(&c, bytes, sizeof(c));
		b.expected[b.last++ % AGENT_ROUND] = c.sequence;
	}
	// There is always room: no more than this waits.
	if (b.last - b.first == AGENT_ROUND || tp_ring_room(&b.commands) < 8192)
		run();
}

// A command as an honest control plane might make it, of three bytes.
static void push_command(const uint8_t *s)
{
	struct tp_command c = {.sequence = ++b.sequence,
		.transaction = s[0] >> 6,
		.kind = (uint16_t)(TP_PUT_ALLOCATION + (s[0] & 7)),
		.expires_ms = b.agent.now + (uint64_t)(s[0] >> 3 & 7) * 100,
		.allocation = s[1] % (SLOTS + 1),
		.generation = 1 + (s[1] >> 6),
		.relay = s[2] & 1,
		.relay_port = (uint16_t)(PORT + (s[2] >> 1) % PORTS),
		.server = s[1] >> 5 & 1,
		.channel = (uint16_t)(TP_CHANNEL_MIN + (s[2] >> 5)),
		.client = stranger((s[2] >> 3) * 2u + (s[1] >> 5 & 1)),
		.peer = stranger((s[1] >> 3) * 2u + (s[2] & 1))};

	push(TP_COMMAND, &c, sizeof(c));
}

static void check_decision(const struct relay_decision *d, uint32_t length)
{
	switch (d->verdict) {
	case RELAY_DROP:
		check(d->drop < TP_COUNTER_COUNT);
		break;
	case RELAY_PEER:
	case RELAY_HAIRPIN:
		check(d->offset <= length && d->length <= length - d->offset);
		check(d->relay < 2 && d->port - PORT < PORTS && d->allocation < SLOTS);
		check(tp_ip_is4(&d->to.ip) == (d->relay == 0) && d->to.port);
		check(d->verdict == RELAY_PEER || d->target < 2);
		break;
	case RELAY_CLIENT:
		check(d->length == length && d->front_length <= RELAY_FRONT_MAX && d->padding < 4);
		check(d->server < 2 && d->allocation < SLOTS);
		check(tp_ip_is4(&d->to.ip) == (d->server == 0));
		break;
	case RELAY_PUNT:
		check(length >= TP_STUN_HEADER);
		break;
	default:
		abort();
	}
}

static void from_client(const uint8_t *s, const uint8_t *data, uint32_t length)
{
	struct relay_from_client in = {.data = data,
		.length = length,
		.server = s[0] & 1,
		.client = stranger((s[1] >> 3) * 2u + (s[0] & 1))};
	struct relay_decision d;

	relay_decide_clients(b.agent.relay, &in, &d, 1, b.agent.now);
	check_decision(&d, length);
	if (d.verdict == RELAY_PUNT)
		agent_punt(&b.agent, &in, d.known, NULL);
}

static void from_peer(const uint8_t *s, const uint8_t *data, uint32_t length)
{
	struct relay_from_peer in = {.data = data,
		.length = length,
		.relay = s[0] & 1,
		.port = (uint16_t)(PORT + s[1] % (PORTS + 1)),
		.peer = stranger((s[2] >> 3) * 2u + (s[0] & 1))};
	struct relay_icmp icmp = {.relay = in.relay,
		.port = in.port,
		.peer = in.peer,
		.type = s[1],
		.code = s[2],
		.data = length};
	uint8_t message[RELAY_ICMP_MAX];
	struct relay_decision d;

	if (s[0] & 8) {
		length = relay_decide_icmp(b.agent.relay, &icmp, &d, message, b.agent.now);
		check(length <= RELAY_ICMP_MAX);
		return;
	}
	relay_decide_peers(b.agent.relay, &in, &d, 1, b.agent.now);
	check_decision(&d, length);
}

// Drops of everything, after which nothing is left.
static void end(void)
{
	struct relay_usage u;

	for (uint32_t i = 0; i < SLOTS; i++) {
		struct tp_command c = {
			.sequence = ++b.sequence, .kind = TP_DROP_ALLOCATION, .allocation = i};

		push(TP_COMMAND, &c, sizeof(c));
	}
	run();
	relay_usage(b.agent.relay, &u);
	check(u.allocations + u.permissions + u.channels == 0);
	for (size_t i = 0; i < sizeof(b.destinations) / sizeof(b.destinations[0]); i++)
		check(b.destinations[i] == 0);
	relay_destroy(b.agent.relay);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { COMMAND, RECORD, RUN, TIME, CLIENT, PEER, ATTACH, HEAD, STEPS };

	begin();
	while (size >= 4) {
		const uint8_t *s = data;
		size_t most = size - 4, n = s[3] < most ? s[3] : most;

		data += 4;
		size -= 4;
		switch (s[0] / 16 % STEPS) {
		case COMMAND:
			push_command(s + 1);
			break;
		case RECORD:
			push(1 + s[1] % 4, data, (uint32_t)n); // contract_fuzz.c has fillers
			break;
		case RUN:
			run();
			break;
		case TIME:
			b.agent.now += s[1] * 10u;
			break;
		case CLIENT:
			run();
			from_client(s, data, (uint32_t)n);
			break;
		case PEER:
			run();
			from_peer(s, data, (uint32_t)n);
			break;
		case ATTACH:
			run();
			attach();
			break;
		case HEAD:
			// Not where the results are: the worker counts, and attaching mends it.
			run();
			b.control->worker[0].results_head.value += s[1] * 8u;
			push_command((const uint8_t[3]){s[1], s[2], s[3]});
			tp_ring_publish(&b.commands);
			agent_run(&b.agent);
			while (agent_run(&b.agent))
				;
			attach();
			break;
		}
		if (s[0] / 16 % STEPS == RECORD || s[0] / 16 % STEPS == CLIENT) {
			data += n;
			size -= n;
		}
	}
	end();
	return 0;
}
