// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The control plane's link under a dataplane that has gone mad: any word of the segment that it maps changes between
// looks at it, before and after the hello, and the connection ends when it likes. Nothing is read outside of the
// mapping or of what was checked; punts and capabilities that come up are within bounds; every transaction has
// one outcome, at the latest when the dataplane is gone.
//
// Input: the first byte says how relay ports are placed, then steps of eight bytes as in worker_fuzz.c.
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <turnpike/attach.h>
#include <turnpike/wire.h>

#include "../../controlplane/link/shm.h"
#include "plane.h"

#define WORKERS 2u
#define RESULTS 4096u
#define ALLOCATIONS 50u
#define BUDGET 32u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bench {
	int listener;
	struct sockaddr_un address;
	socklen_t address_length;
	struct shm_link *link;
	int connection; // -1: none
	struct tp_mapping own; // the dataplane's segment, to write
	int segment;
	struct tp_capabilities seen;
	uint32_t workers; // 0: not attached
	uint64_t id;
	uint64_t waiting; // transactions without an outcome
} b;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void on_attached(void *, const struct tp_capabilities *c, uint32_t workers)
{
	check(workers && workers <= TP_WORKERS_MAX && c->servers && c->servers <= TP_SERVERS_MAX);
	check(c->relays && c->relays <= TP_RELAYS_MAX && c->interfaces <= TP_INTERFACES_MAX);
	check(c->allocations && c->allocations <= TP_ALLOCATIONS_MAX && c->port_min &&
		c->port_min <= c->port_max && memchr(c->name, 0, sizeof(c->name)));
	check(!b.workers);
	b.seen = *c;
	b.workers = workers;
}

static void on_detached(void *)
{
	check(b.workers);
	b.workers = 0;
}

static void on_outcome(void *, uint64_t id, uint32_t status, uint32_t)
{
	check(id && id <= b.id && status <= TP_STATUS_COUNT);
	check(b.waiting-- > 0);
}

static void on_punt(void *, uint32_t worker, const struct tp_punt *p, const uint8_t *bytes)
{
	static volatile uint8_t sink;

	check(worker < b.workers && p->server < b.seen.servers && p->length <= TP_PUNT_MAX);
	check(p->client.port);
	for (uint32_t i = 0; i < p->length; i++)
		sink = bytes[i];
	(void)sink;
}

static void on_arrival(void *, const struct tp_arrival *)
{
	check(b.workers);
}

static void on_room(void *)
{
	check(b.workers);
}

static struct tp_dataplane_segment *own(void)
{
	return b.own.base;
}

static void make(void)
{
	b.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	b.address.sun_family = AF_UNIX;
	// An abstract name of the kernel's choice.
	check(bind(b.listener, (struct sockaddr *)&b.address, sizeof(sa_family_t)) == 0);
	b.address_length = sizeof(b.address);
	check(getsockname(b.listener, (struct sockaddr *)&b.address, &b.address_length) == 0);
	check(listen(b.listener, 4) == 0);
	b.connection = b.segment = -1;
}

static struct tp_capabilities capabilities(enum tp_placement placement)
{
	struct tp_capabilities c = {.name = "fuzz",
		.placement = placement,
		.servers = 2,
		.relays = 1,
		.allocations = ALLOCATIONS,
		.peers = 300,
		.port_min = 49152,
		.port_max = 49152 + 999,
		.channel_max = TP_CHANNEL_MAX};

	c.server[0] = (struct tp_endpoint){.ip = tp_ip4(TP_BE32(0xc0000201u)), .port = 3478};
	c.server[1] = (struct tp_endpoint){
		.ip = {.b = {0x20, 1, 0xd, 0xb8, [15] = 1}}, .port = 3478};
	c.relay[0].local = c.relay[0].public_ = c.server[0].ip;
	return c;
}

static void begin_segment(enum tp_placement placement)
{
	struct tp_capabilities c = capabilities(placement);
	struct tp_header h = {.magic = TP_MAGIC_DATAPLANE,
		.abi = TP_ABI,
		.workers = WORKERS,
		.epoch = 7,
		.results = RESULTS,
		.punts = RESULTS,
		.owners = placement == TP_PLACEMENT_OWNER ? tp_owners_size(&c) : 0};

	h.size = tp_dataplane_size(&h);
	b.segment = tp_segment_create("fuzz", h.size, &b.own);
	check(b.segment >= 0);
	own()->header = h;
	own()->capabilities = c;
}

// Any word; positions, capabilities and the owners more often than the rest.
static void scribble(const uint8_t s[STEP])
{
	struct tp_dataplane_segment *o = own();
	struct tp_worker_out *out = &o->worker[s[1] >> 3 & 1];
	uint64_t *caps = (uint64_t *)(void *)&o->capabilities;
	uint64_t *hot[] = {&out->results_tail.value, &out->punts_tail.value,
		&out->commands_head.value, (uint64_t *)(void *)&out->bell,
		caps + s[2] % (sizeof(o->capabilities) / 8), (uint64_t *)(void *)&o->header,
		&o->heartbeat.ms, caps + 2 + s[2] % 4};
	uint64_t words = b.own.size / sizeof(uint64_t);
	uint64_t *word = s[1] & 16 ? (uint64_t *)b.own.base + (s[2] | s[3] << 8) % words
				   : hot[s[1] & 7];

	plane_spoil(word, s);
}

// A record where the tail is, in good shape but for what the step says.
static void push(const uint8_t s[STEP])
{
	const struct tp_header h = {.workers = WORKERS, .results = RESULTS, .punts = RESULTS};
	uint32_t w = s[1] & 1;
	bool result = s[1] & 2;
	struct tp_worker_out *out = &own()->worker[w];
	uint8_t *data = (uint8_t *)b.own.base +
			(result ? tp_results_offset(&h, w) : tp_punts_offset(&h, w));
	struct tp_position *tail = result ? &out->results_tail : &out->punts_tail;
	struct tp_result r = {.sequence = s[2], .transaction = s[3], .status = s[4] % 16};
	struct tp_punt p = {
		.client = {.ip = tp_ip4(TP_BE32(0xc6336407u)), .port = (uint16_t)(s[2] * 16u)},
		.server = s[3] % 3,
		.transport = TP_UDP,
		.length = s[4] % 8};
	struct tp_record record = {.length = result ? sizeof(r) : (uint32_t)sizeof(p) + s[4] % 8,
		.kind = result ? TP_RESULT : TP_PUNT};
	uint64_t offset = tail->value % RESULTS & ~(uint64_t)(TP_RING_ALIGN - 1);
	uint64_t span = tp_record_span(record.length);

	if (offset + span > RESULTS)
		offset = 0; // where no reader expects it
	memcpy(data + offset, &record, sizeof(record));
	if (result)
		memcpy(data + offset + sizeof(record), &r, sizeof(r));
	else
		memcpy(data + offset + sizeof(record), &p, sizeof(p));
	__atomic_store_n(&tail->value, tail->value + span, __ATOMIC_RELEASE);
}

static void submit(const uint8_t s[STEP])
{
	struct tp_command commands[LINK_COMMANDS_MAX] = {0};
	struct tp_send reply = {.server = 0,
		.transport = TP_UDP,
		.length = STEP,
		.client = {.ip = tp_ip4(TP_BE32(0xc6336407u)), .port = 4000}};
	struct link *link = shm_link_link(b.link);
	struct link_transaction t = {.id = b.id + 1,
		.worker = s[1] & 1 ? LINK_EVERY_WORKER : s[2] % 3,
		.count = s[3] % (LINK_COMMANDS_MAX + 1),
		.commands = commands,
		.reply = s[1] & 2 ? &reply : NULL,
		.bytes = s};

	for (uint32_t i = 0; i < t.count; i++)
		commands[i] = (struct tp_command){.kind = TP_PUT_ALLOCATION,
			.allocation = (s[4] + i) % ALLOCATIONS,
			.relay_port = (uint16_t)(49152 + s[5]),
			.client = reply.client};
	if (!t.count && !t.reply)
		return;
	if (t.worker == LINK_EVERY_WORKER && !t.count)
		t.worker = 0;
	if (link->ops->submit(link, &t) == 0 && t.count) {
		b.id++;
		b.waiting++;
	}
}

static void hello(const uint8_t s[STEP])
{
	int fds[WORKERS + 1] = {b.segment}, bell[2];

	if (b.connection >= 0)
		return;
	b.connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	check(connect(b.connection, (struct sockaddr *)&b.address, b.address_length) == 0);
	shm_link_on_socket(b.link, 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		check(tp_bell_make(bell) == 0);
		close(bell[0]);
		fds[1 + i] = bell[1];
	}
	tp_greeting_send(b.connection, TP_HELLO_MAGIC, s[1] % 16 ? WORKERS : 1, fds,
		s[1] % 16 ? WORKERS + 1 : 2);
	for (uint32_t i = 0; i < WORKERS; i++)
		close(fds[1 + i]);
	shm_link_on_socket(b.link, 0);
}

static void hang_up(void)
{
	if (b.connection < 0)
		return;
	close(b.connection);
	b.connection = -1;
	// Unless the link has hung up already, this is what it sees; else it accepts nobody.
	shm_link_on_socket(b.link, 0);
	check(!b.workers && !b.waiting);
}

static void look(void)
{
	shm_link_poll(b.link, BUDGET);
	if (shm_link_sleep(b.link))
		shm_link_awake(b.link);
	if (!b.workers)
		check(!b.waiting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link_events events = {.attached = on_attached,
		.detached = on_detached,
		.outcome = on_outcome,
		.punt = on_punt,
		.arrival = on_arrival,
		.room = on_room};

	if (!b.address.sun_family)
		make();
	check(shm_link_create(&b.link, b.listener) == 0);
	shm_link_events(b.link, &events);
	begin_segment(size ? data[0] % 3 : TP_PLACEMENT_CLIENT);
	if (size && !(data[0] & 0x80))
		hello((const uint8_t[STEP]){0, 1});
	for (size_t i = 1; i + STEP <= size; i += STEP) {
		const uint8_t *s = data + i;

		switch (s[0] & 15) {
		default:
			scribble(s);
			break;
		case 4:
		case 5:
		case 6:
			push(s);
			break;
		case 7:
		case 8:
		case 9:
			submit(s);
			break;
		case 10:
		case 11:
			look();
			break;
		case 12:
			shm_link_tick(b.link, s[4]);
			break;
		case 13:
			hello(s);
			break;
		case 14:
			hang_up();
			break;
		}
	}
	look();
	hang_up();
	check(!b.workers && !b.waiting);
	shm_link_destroy(b.link);
	tp_unmap(&b.own);
	close(b.segment);
	b.id = 0;
	return 0;
}
