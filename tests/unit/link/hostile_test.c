// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <criterion/criterion.h>
#include <errno.h>

#include "plane.h"

static struct plane p;

static void setup(void)
{
	plane_open(&p);
}

static void teardown(void)
{
	plane_close(&p);
}

TestSuite(link_hostile, .init = setup, .fini = teardown);

// Attaches with a segment that `spoil` has been at. Expects a refusal, and that an honest one gets in then.
static void expect_refusal(
	enum tp_placement placement, void (*spoil)(struct tp_dataplane_segment *))
{
	int segment = plane_segment(&p, PLANE_WORKERS, placement);
	uint64_t refused = plane_counter(&p, TP_CC_attach_refused);
	char byte;

	plane_own(&p)->header.magic = TP_MAGIC_DATAPLANE;
	spoil(plane_own(&p));
	cr_assert_not(plane_hello(&p, segment, PLANE_WORKERS));
	cr_assert_eq(plane_counter(&p, TP_CC_attach_refused), refused + 1);
	cr_assert_eq(recv(p.socket, &byte, 1, MSG_DONTWAIT), 0, "it is hung up on");
	close(p.socket);
	plane_attach(&p, placement);
	plane_hang_up(&p);
}

#define REFUSED(name, statement) REFUSED_WITH(TP_PLACEMENT_CLIENT, name, statement)
#define REFUSED_WITH(placement, name, statement) \
	static void spoil_##name(struct tp_dataplane_segment *s) \
	{ \
		statement; \
	} \
	Test(link_hostile, a_segment_with_##name##_is_refused) \
	{ \
		expect_refusal(placement, spoil_##name); \
	}

REFUSED(no_magic, s->header.magic = 0)
REFUSED(another_abi, s->header.abi++)
REFUSED(a_wrong_size, s->header.size += 64)
REFUSED(another_number_of_workers, s->header.workers = 1)
REFUSED(a_ring_of_odd_size, s->header.punts = 5000)
REFUSED(a_name_without_end, memset(s->capabilities.name, 'x', sizeof(s->capabilities.name)))
REFUSED(a_name_that_is_not_printable, s->capabilities.name[1] = 27)
REFUSED(a_name_that_is_not_ascii, s->capabilities.name[0] = (char)0xe9)
REFUSED(what_the_server_cannot_use, s->capabilities.port_max = PLANE_PORT_REFUSED)
REFUSED(an_unknown_placement, s->capabilities.placement = 3)
REFUSED(too_many_interfaces, s->capabilities.interfaces = TP_INTERFACES_MAX + 1)
REFUSED(an_interface_in_an_unknown_mode,
	(s->capabilities.interfaces = 1, s->capabilities.interface[0].mode = 3))
REFUSED(an_interface_whose_name_has_no_end,
	(s->capabilities.interfaces = 1, memset(s->capabilities.interface[0].name, 'x', 16)))
REFUSED(a_reason_that_is_not_printable,
	(s->capabilities.interfaces = 1, s->capabilities.interface[0].why[0] = '\n'))
REFUSED(no_servers, s->capabilities.servers = 0)
REFUSED(too_many_servers, s->capabilities.servers = TP_SERVERS_MAX + 1)
REFUSED(too_many_relays, s->capabilities.relays = UINT32_MAX)
REFUSED(no_capacity, s->capabilities.allocations = 0)
REFUSED(too_much_capacity, s->capabilities.allocations = TP_ALLOCATIONS_MAX + 1)
REFUSED(ports_the_wrong_way_round, s->capabilities.port_max = 1)
REFUSED(a_server_without_a_port, s->capabilities.server[1].port = 0)
REFUSED(a_misaligned_tail, s->worker[1].punts_tail.value = 7)
REFUSED(a_misaligned_head, s->worker[0].commands_head.value = 1)
REFUSED(no_map_of_owners_where_one_is_due, s->capabilities.placement = TP_PLACEMENT_OWNER)
REFUSED_WITH(TP_PLACEMENT_OWNER, a_map_of_owners_that_nobody_reads,
	s->capabilities.placement = TP_PLACEMENT_EVERY)
REFUSED_WITH(TP_PLACEMENT_OWNER, more_owners_than_relay_ports, s->capabilities.port_max--)
REFUSED_WITH(TP_PLACEMENT_OWNER, fewer_owners_than_relay_ports, s->capabilities.relays = 2)
REFUSED_WITH(TP_PLACEMENT_OWNER, an_owner_that_is_no_worker,
	*plane_owner(&p, s->capabilities.port_max) = PLANE_WORKERS)

Test(link_hostile, who_says_nothing_is_hung_up_on_after_a_second)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char byte;

	p.socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	cr_assert_eq(getsockname(p.listener, (struct sockaddr *)&address, &length), 0);
	cr_assert_eq(connect(p.socket, (struct sockaddr *)&address, length), 0);
	shm_link_on_socket(p.link, 5000);
	shm_link_tick(p.link, 6000);
	cr_assert_eq(plane_counter(&p, TP_CC_attach_refused), 0);
	shm_link_tick(p.link, 6001);
	cr_assert_eq(plane_counter(&p, TP_CC_attach_refused), 1);
	cr_assert_eq(recv(p.socket, &byte, 1, MSG_DONTWAIT), 0);
	close(p.socket);
	p.socket = -1;
}

static void put_punt(const struct tp_punt *punt, uint32_t kind, uint32_t bytes)
{
	uint8_t record[sizeof(*punt) + TP_PUNT_MAX + 64] = {0};

	memcpy(record, punt, sizeof(*punt));
	memcpy(record + sizeof(*punt), "stun", 4);
	plane_put(&p.punts[1], kind, record, (uint32_t)sizeof(*punt) + bytes);
	shm_link_poll(p.link, 16);
}

Test(link_hostile, an_honest_punt_comes_up_whole)
{
	struct tp_punt punt = plane_honest_punt();

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	put_punt(&punt, TP_PUNT, 4);
	cr_assert_eq(p.punted, 1);
	cr_assert_eq(p.punt_worker, 1);
	cr_assert_arr_eq((uint8_t *)&p.punt, (uint8_t *)&punt, sizeof(punt));
	cr_assert_arr_eq(p.punt_bytes, "stun", 4);
}

Test(link_hostile, a_bad_punt_is_counted_and_the_next_good_one_comes_up)
{
	struct tp_punt good = plane_honest_punt(), bad;
	uint64_t n = 0;

	plane_attach(&p, TP_PLACEMENT_CLIENT);
#define BAD(kind, bytes, statement) \
	do { \
		bad = good; \
		statement; \
		put_punt(&bad, kind, bytes); \
		cr_assert_eq(plane_counter(&p, TP_CC_punt_bad), ++n); \
		cr_assert_eq(p.punted, n - 1); \
		put_punt(&good, TP_PUNT, 4); \
		cr_assert_eq(p.punted, n); \
	} while (0)
	BAD(TP_PUNT, 4, bad.server = 2);
	BAD(TP_PUNT, 4, bad.server = 1); // an IPv4 client of an IPv6 server
	BAD(TP_PUNT, 4, bad.transport = 1);
	BAD(TP_PUNT, 4, bad.client.port = 0);
	BAD(TP_PUNT, 4, bad.client.zero[2] = 1);
	BAD(TP_PUNT, 4, bad.length = 5);
	BAD(TP_PUNT, 4, bad.length = 3);
	BAD(TP_PUNT, TP_PUNT_MAX + 1, bad.length = TP_PUNT_MAX + 1);
	BAD(TP_RESULT, 4, (void)bad);
	BAD(99, 4, (void)bad);
	plane_put(&p.punts[1], TP_PUNT, &good, 3);
	shm_link_poll(p.link, 16);
	cr_assert_eq(plane_counter(&p, TP_CC_punt_bad), n + 1);
}

Test(link_hostile, a_bad_arrival_is_counted_and_the_next_good_one_comes_up)
{
	const struct tp_punt punt = plane_honest_punt();
	const struct tp_arrival good = {.client = punt.client, .allocation = 99, .server = 0};
	uint64_t n = 0;

	plane_attach(&p, TP_PLACEMENT_CLIENT);
#define BAD_ARRIVAL(length, statement) \
	do { \
		struct tp_arrival bad = good; \
\
		statement; \
		plane_put(&p.punts[1], TP_ARRIVAL, &bad, length); \
		plane_put(&p.punts[1], TP_ARRIVAL, &good, sizeof(good)); \
		shm_link_poll(p.link, 16); \
		cr_assert_eq(plane_counter(&p, TP_CC_punt_bad), ++n); \
		cr_assert_eq(p.arrivals, n); \
	} while (0)
	BAD_ARRIVAL(sizeof(bad), bad.allocation = 100);
	BAD_ARRIVAL(sizeof(bad), bad.server = 2);
	BAD_ARRIVAL(sizeof(bad), bad.server = 1);
	BAD_ARRIVAL(sizeof(bad), bad.transport = 1);
	BAD_ARRIVAL(sizeof(bad), bad.client.port = 0);
	BAD_ARRIVAL(sizeof(bad), bad.client.zero[0] = 1);
	BAD_ARRIVAL(sizeof(bad) - 8, (void)0);
	cr_assert_arr_eq((uint8_t *)&p.arrival, (uint8_t *)&good, sizeof(good));
	cr_assert_eq(p.punted, 0);
}

// That the dataplane has been hung up on, and attaches again with all in step.
static void expect_hung_up(uint64_t results_bad, uint64_t ring_bad)
{
	unsigned int detached = p.detached;
	struct tp_command c = {.kind = TP_PUT_PERMISSION}, got;
	struct link_transaction t = {.id = 9, .worker = 0, .commands = &c, .count = 1};
	char byte;

	cr_expect_not(shm_link_poll(p.link, 16));
	cr_expect_eq(p.detached, detached + 1);
	cr_expect_eq(plane_counter(&p, TP_CC_result_bad), results_bad);
	cr_expect_eq(plane_counter(&p, TP_CC_ring_bad), ring_bad);
	cr_expect_eq(shm_link_socket(p.link), p.listener);
	cr_assert_eq(recv(p.socket, &byte, 1, MSG_DONTWAIT), 0);
	close(p.socket);
	tp_unmap(&p.control);
	plane_attach(&p, TP_PLACEMENT_CLIENT);
	p.outcomes = 0;
	cr_assert_eq(p.ops->ops->submit(p.ops, &t), 0);
	p.ops->ops->flush(p.ops);
	got = plane_command(&p, 0);
	plane_result(&p, 0, &got, TP_STATUS_OK);
	shm_link_poll(p.link, 16);
	cr_assert_eq(p.outcomes, 1);
	cr_assert_eq(p.outcome[0].id, 9);
	cr_assert_eq(p.outcome[0].status, TP_STATUS_OK);
}

Test(link_hostile, results_that_answer_nothing_are_counted_and_hung_up_on)
{
	struct tp_command none = {.sequence = 1}, c = {.kind = TP_PUT_PERMISSION}, got;
	struct link_transaction t = {.id = 3, .worker = 0, .commands = &c, .count = 1};
	uint8_t junk[24] = {0};

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	plane_result(&p, 0, &none, TP_STATUS_OK); // nothing is under way
	plane_result(&p, 0, &none, TP_STATUS_OK); // no more is read of it
	expect_hung_up(1, 0);
	plane_put(&p.results[1], TP_RESULT, junk, 23);
	expect_hung_up(2, 0);
	plane_put(&p.results[0], TP_PUNT, junk, 24);
	expect_hung_up(3, 0);
	cr_assert_eq(p.ops->ops->submit(p.ops, &t), 0);
	p.ops->ops->flush(p.ops);
	got = plane_command(&p, 0);
	none.sequence = got.sequence + 1;
	p.outcomes = 0;
	plane_result(&p, 0, &none, TP_STATUS_OK);
	shm_link_poll(p.link, 16);
	cr_assert_eq(plane_counter(&p, TP_CC_result_bad), 4);
	cr_assert_eq(p.outcomes, 1); // what was under way
	cr_assert_eq(p.outcome[0].id, 3);
	cr_assert_eq(p.outcome[0].status, TP_STATUS_COUNT);
	cr_assert_eq(p.ops->ops->submit(p.ops, &t), -ENOTCONN);
}

Test(link_hostile, a_status_that_is_none_is_a_failure)
{
	struct tp_command c = {.kind = TP_PUT_PERMISSION}, got;
	struct link_transaction t = {.id = 3, .worker = 0, .commands = &c, .count = 1};

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	cr_assert_eq(p.ops->ops->submit(p.ops, &t), 0);
	p.ops->ops->flush(p.ops);
	got = plane_command(&p, 0);
	plane_result(&p, 0, &got, 4711);
	shm_link_poll(p.link, 16);
	cr_assert_eq(p.outcomes, 1);
	cr_assert_eq(p.outcome[0].status, TP_STATUS_INVALID);
}

Test(link_hostile, a_results_tail_that_lied_for_a_moment_holds_up_no_request)
{
	struct tp_punt punt = plane_honest_punt();
	uint64_t *tail;

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	tail = &plane_own(&p)->worker[0].results_tail.value;
	*tail += 36;
	shm_link_poll(p.link, 0); // looks, and has no time for more
	*tail -= 36;
	put_punt(&punt, TP_PUNT, 4);
	shm_link_poll(p.link, 16);
	cr_assert_eq(p.punted, 1);
}

Test(link_hostile, a_results_tail_that_lies_is_counted_and_hung_up_on)
{
	plane_attach(&p, TP_PLACEMENT_CLIENT);
	plane_own(&p)->worker[0].results_tail.value = 3;
	expect_hung_up(0, 1);
}

Test(link_hostile, tails_and_heads_that_lie_are_counted_and_stop_nobody)
{
	struct tp_command c = {.kind = TP_PUT_PERMISSION};
	struct link_transaction t = {.id = 3, .worker = 0, .commands = &c, .count = 1};
	struct tp_punt punt = plane_honest_punt();
	struct tp_dataplane_segment *own;

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	own = plane_own(&p);
	own->worker[0].punts_tail.value = 1ull << 40;
	shm_link_poll(p.link, 16);
	cr_assert_eq(plane_counter(&p, TP_CC_ring_bad), 1);
	own->worker[0].commands_head.value = 640;
	cr_assert_eq(p.ops->ops->submit(p.ops, &t), -EAGAIN);
	cr_assert_eq(plane_counter(&p, TP_CC_ring_bad), 2);
	t.worker = 1;
	cr_assert_eq(p.ops->ops->submit(p.ops, &t), 0, "the other worker's ring is as it was");
	put_punt(&punt, TP_PUNT, 4);
	cr_assert_eq(p.punted, 1);
}
