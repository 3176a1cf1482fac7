// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/un.h>

#include "plane.h"

static const char *on_refuse(void *context, const struct tp_capabilities *c)
{
	(void)context;
	return c->port_max == PLANE_PORT_REFUSED ? "the test says so" : NULL;
}

static void on_attached(void *context, const struct tp_capabilities *c, uint32_t workers)
{
	struct plane *p = context;

	cr_assert_eq(workers, PLANE_WORKERS);
	cr_assert_str_eq(c->name, "test");
	p->attached++;
}

static void on_detached(void *context)
{
	((struct plane *)context)->detached++;
}

static void on_outcome(void *context, uint64_t id, uint32_t status, uint32_t failed)
{
	struct plane *p = context;

	cr_assert_lt(p->outcomes, PLANE_NOTES);
	p->outcome[p->outcomes].id = id;
	p->outcome[p->outcomes].failed = failed;
	p->outcome[p->outcomes++].status = status;
}

static void on_punt(
	void *context, uint32_t worker, const struct tp_punt *punt, const uint8_t *bytes)
{
	struct plane *p = context;

	p->punted++;
	p->punt_worker = worker;
	p->outcomes_by_punt = p->outcomes;
	p->punt = *punt;
	memcpy(p->punt_bytes, bytes, punt->length);
	if (p->on_punt)
		p->on_punt(p);
}

static void on_arrival(void *context, const struct tp_arrival *arrival)
{
	struct plane *p = context;

	p->arrivals++;
	p->arrival = *arrival;
}

static void on_room(void *context)
{
	((struct plane *)context)->room++;
}

void plane_open(struct plane *p)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(sa_family_t);
	struct link_events events = {.refuse = on_refuse,
		.attached = on_attached,
		.detached = on_detached,
		.outcome = on_outcome,
		.punt = on_punt,
		.arrival = on_arrival,
		.room = on_room,
		.context = p};

	memset(p, 0, sizeof(*p));
	p->socket = -1;
	p->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	// An abstract name of the kernel's choice: nothing to clean up, nobody to collide with.
	cr_assert_eq(bind(p->listener, (struct sockaddr *)&address, length), 0);
	cr_assert_eq(listen(p->listener, 4), 0);
	cr_assert_eq(shm_link_create(&p->link, p->listener), 0);
	shm_link_events(p->link, &events);
	p->ops = shm_link_link(p->link);
	for (uint32_t i = 0; i < PLANE_WORKERS; i++)
		cr_assert_eq(tp_bell_make(p->bells[i]), 0);
}

void plane_hang_up(struct plane *p)
{
	if (p->socket >= 0)
		close(p->socket);
	p->socket = -1;
	shm_link_on_socket(p->link, 0);
	tp_unmap(&p->control);
}

void plane_close(struct plane *p)
{
	if (p->socket >= 0)
		plane_hang_up(p);
	shm_link_destroy(p->link);
	tp_unmap(&p->own);
	close(p->listener);
	for (uint32_t i = 0; i < PLANE_WORKERS; i++)
		for (int end = 0; end < 2; end++)
			close(p->bells[i][end]);
}

int plane_segment(struct plane *p, uint32_t workers, enum tp_placement placement)
{
	struct tp_header h = {.abi = TP_ABI,
		.workers = workers,
		.epoch = 7,
		.results = PLANE_RESULTS,
		.punts = PLANE_PUNTS};
	struct tp_capabilities caps = {.name = "test",
		.placement = placement,
		.servers = 2,
		.relays = 1,
		.allocations = 100,
		.peers = 300,
		.port_min = 49152,
		.port_max = 65535,
		.channel_max = TP_CHANNEL_MAX};
	struct tp_capabilities *c;
	int fd;

	tp_unmap(&p->own);
	if (placement == TP_PLACEMENT_OWNER)
		h.owners = tp_owners_size(&caps);
	h.size = tp_dataplane_size(&h);
	fd = tp_segment_create("test-dataplane", h.size, &p->own);
	cr_assert_geq(fd, 0);
	memcpy(p->own.base, &h, sizeof(h));
	c = &plane_own(p)->capabilities;
	*c = caps;
	c->server[0] = (struct tp_endpoint){.ip = tp_ip4(TP_BE32(0xc0000201u)), .port = 3478};
	c->server[1] = (struct tp_endpoint){
		.ip = {.b = {0x20, 1, 0xd, 0xb8, [15] = 1}}, .port = 3478};
	c->relay[0].local = c->relay[0].public_ = c->server[0].ip;
	for (uint32_t i = 0; i < h.owners; i++)
		*plane_owner(p, (uint16_t)(caps.port_min + i)) = (caps.port_min + i) % 2;
	return fd;
}

uint8_t *plane_owner(struct plane *p, uint16_t port)
{
	struct tp_dataplane_segment *own = plane_own(p);

	return (uint8_t *)p->own.base + tp_owners_offset(&own->header) +
	       tp_owner_index(&own->capabilities, 0, port);
}

bool plane_hello(struct plane *p, int segment, uint32_t workers)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	int fds[PLANE_WORKERS + 1] = {segment, p->bells[0][1], p->bells[1][1]};
	unsigned int before = p->attached;

	p->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	cr_assert_eq(getsockname(p->listener, (struct sockaddr *)&address, &length), 0);
	cr_assert_eq(connect(p->socket, (struct sockaddr *)&address, length), 0);
	shm_link_on_socket(p->link, 0);
	cr_assert_eq(tp_greeting_send(p->socket, TP_HELLO_MAGIC, workers, fds, workers + 1), 0);
	shm_link_on_socket(p->link, 0);
	close(segment);
	return p->attached == before + 1;
}

void plane_attach(struct plane *p, enum tp_placement placement)
{
	int segment = plane_segment(p, PLANE_WORKERS, placement);
	struct tp_dataplane_segment *own = plane_own(p);
	const struct tp_control_segment *theirs;
	int fds[2];
	uint32_t n;

	__atomic_store_n(&own->header.magic, TP_MAGIC_DATAPLANE, __ATOMIC_RELEASE);
	cr_assert(plane_hello(p, segment, PLANE_WORKERS));
	cr_assert_eq(
		tp_greeting_receive(p->socket, TP_WELCOME_MAGIC, fds, 2, &n), (int)PLANE_WORKERS);
	cr_assert_eq(tp_segment_map(fds[0], TP_MAGIC_CONTROL, &p->control), 0);
	close(fds[0]);
	close(fds[1]);
	theirs = p->control.base;
	for (uint32_t i = 0; i < PLANE_WORKERS; i++) {
		const uint8_t *data = (uint8_t *)p->control.base +
				      tp_commands_offset(&p->control.header, i);
		uint8_t *base = p->own.base;

		tp_consumer_resume(&p->commands[i], data, p->control.header.commands,
			&theirs->worker[i].commands_tail, &own->worker[i].commands_head);
		tp_producer_resume(&p->results[i], base + tp_results_offset(&own->header, i),
			PLANE_RESULTS, &own->worker[i].results_tail,
			&theirs->worker[i].results_head);
		tp_producer_resume(&p->punts[i], base + tp_punts_offset(&own->header, i),
			PLANE_PUNTS, &own->worker[i].punts_tail, &theirs->worker[i].punts_head);
	}
}

struct tp_command plane_command(struct plane *p, uint32_t worker)
{
	struct tp_command c;
	uint32_t kind;

	cr_assert_eq(tp_ring_next(&p->commands[worker], &kind, &c, sizeof(c)), (int)sizeof(c));
	cr_assert_eq(kind, TP_COMMAND);
	tp_ring_release(&p->commands[worker]);
	return c;
}

struct tp_send plane_send(struct plane *p, uint32_t worker, uint8_t bytes[TP_PUNT_MAX])
{
	struct {
		struct tp_send send;
		uint8_t bytes[TP_PUNT_MAX];
	} s;
	uint32_t kind;
	int n = tp_ring_next(&p->commands[worker], &kind, &s, sizeof(s));

	cr_assert_geq(n, (int)sizeof(s.send));
	cr_assert_eq(kind, TP_SEND);
	cr_assert_eq(n, (int)sizeof(s.send) + s.send.length);
	memcpy(bytes, s.bytes, s.send.length);
	tp_ring_release(&p->commands[worker]);
	return s.send;
}

struct tp_punt plane_honest_punt(void)
{
	return (struct tp_punt){.client = {.ip = tp_ip4(TP_BE32(0xc6336407u)), .port = 4000},
		.transport = TP_UDP,
		.length = 4};
}

bool plane_idle(struct plane *p, uint32_t worker)
{
	return !tp_ring_ready(&p->commands[worker]);
}

void plane_put(struct tp_producer *ring, uint32_t kind, const void *bytes, uint32_t length)
{
	void *at = tp_ring_reserve(ring, kind, length);

	cr_assert_not_null(at);
	memcpy(at, bytes, length);
	tp_ring_publish(ring);
}

void plane_result(struct plane *p, uint32_t worker, const struct tp_command *c, uint32_t status)
{
	struct tp_result r = {
		.sequence = c->sequence, .transaction = c->transaction, .status = status};

	plane_put(&p->results[worker], TP_RESULT, &r, sizeof(r));
}

uint64_t plane_counter(struct plane *p, enum tp_control_counter c)
{
	return tp_counter(shm_link_own_counters(p->link), c);
}
