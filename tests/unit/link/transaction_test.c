// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <criterion/criterion.h>
#include <poll.h>

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

TestSuite(link_transaction, .init = setup, .fini = teardown);

static struct tp_command permission(uint32_t allocation)
{
	return (struct tp_command){.kind = TP_PUT_PERMISSION, .allocation = allocation};
}

static const struct tp_send reply = {.length = 6, .server = 1};

static int submit(uint64_t id, uint32_t worker, struct tp_command *c, uint32_t n, bool with_reply)
{
	struct link_transaction t = {.id = id,
		.worker = worker,
		.commands = c,
		.count = n,
		.reply = with_reply ? &reply : NULL,
		.bytes = "answer"};

	return p.ops->ops->submit(p.ops, &t);
}

Test(link_transaction, commands_and_their_reply_share_the_workers_fifo)
{
	struct tp_command c[2] = {permission(3), permission(4)}, got;
	uint8_t bytes[TP_PUNT_MAX];
	struct tp_send s;

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	cr_assert_eq(submit(77, 1, c, 2, true), 0);
	cr_assert(plane_idle(&p, 1), "nothing is shown before the flush");
	p.ops->ops->flush(p.ops);
	cr_assert(plane_idle(&p, 0));
	for (uint32_t i = 0; i < 2; i++) {
		got = plane_command(&p, 1);
		cr_assert_eq(got.allocation, 3 + i);
		cr_assert_eq(got.sequence, 1 + i);
		cr_assert_eq(got.transaction, 77);
	}
	s = plane_send(&p, 1, bytes);
	cr_assert_eq(s.transaction, 77);
	cr_assert_eq(s.length, 6);
	cr_assert_eq(s.server, 1);
	cr_assert_arr_eq(bytes, "answer", 6);
}

Test(link_transaction, the_outcome_comes_once_with_the_first_failure)
{
	struct tp_command c[3] = {permission(1), permission(2), permission(3)}, got;
	static const uint32_t statuses[] = {TP_STATUS_OK, TP_STATUS_NO_SPACE, TP_STATUS_SKIPPED};

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	cr_assert_eq(submit(5, 0, c, 3, true), 0);
	p.ops->ops->flush(p.ops);
	for (uint32_t i = 0; i < 3; i++) {
		cr_assert_eq(p.outcomes, 0);
		got = plane_command(&p, 0);
		plane_result(&p, 0, &got, statuses[i]);
		shm_link_poll(p.link, 16);
	}
	cr_assert_eq(p.outcomes, 1);
	cr_assert_eq(p.outcome[0].id, 5);
	cr_assert_eq(p.outcome[0].status, TP_STATUS_NO_SPACE);
	cr_assert_eq(p.outcome[0].failed, 1);
}

Test(link_transaction, where_every_worker_has_the_entries_the_reply_waits_for_all)
{
	struct tp_command c = permission(9), first, second;
	uint8_t bytes[TP_PUNT_MAX];

	plane_attach(&p, TP_PLACEMENT_EVERY);
	cr_assert_eq(submit(8, 1, &c, 1, true), 0);
	p.ops->ops->flush(p.ops);
	first = plane_command(&p, 0);
	second = plane_command(&p, 1);
	cr_assert(plane_idle(&p, 1), "no reply before both have answered");
	plane_result(&p, 1, &second, TP_STATUS_OK);
	shm_link_poll(p.link, 16);
	cr_assert_eq(p.outcomes, 0);
	cr_assert(plane_idle(&p, 1));
	plane_result(&p, 0, &first, TP_STATUS_OK);
	shm_link_poll(p.link, 16);
	cr_assert_eq(p.outcomes, 1);
	cr_assert_eq(p.outcome[0].status, TP_STATUS_OK);
	cr_assert_eq(plane_send(&p, 1, bytes).transaction, 0);
	cr_assert_arr_eq(bytes, "answer", 6);
}

Test(link_transaction, where_one_of_several_workers_refuses_no_reply_leaves)
{
	struct tp_command c = permission(9), got;

	plane_attach(&p, TP_PLACEMENT_EVERY);
	cr_assert_eq(submit(8, 1, &c, 1, true), 0);
	p.ops->ops->flush(p.ops);
	for (uint32_t i = 0; i < PLANE_WORKERS; i++) {
		got = plane_command(&p, i);
		plane_result(&p, i, &got, i ? TP_STATUS_OK : TP_STATUS_NO_SPACE);
	}
	shm_link_poll(p.link, 16);
	cr_assert_eq(p.outcomes, 1);
	cr_assert_eq(p.outcome[0].status, TP_STATUS_NO_SPACE);
	cr_assert(plane_idle(&p, 0) && plane_idle(&p, 1));
}

Test(link_transaction, no_more_is_under_way_than_the_results_ring_holds)
{
	struct tp_command c = permission(1), got;
	uint32_t n = 0;

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	while (submit(n + 1, 0, &c, 1, true) == 0)
		n++;
	cr_assert_eq(n, PLANE_RESULTS / TP_RING_ALIGN);
	p.ops->ops->flush(p.ops);
	got = plane_command(&p, 0);
	plane_result(&p, 0, &got, TP_STATUS_OK);
	shm_link_poll(p.link, 16);
	cr_assert_eq(p.room, 1, "who was refused is told when there is room");
	cr_assert_eq(submit(n + 1, 0, &c, 1, true), 0);
	cr_assert_eq(submit(n + 2, 0, &c, 1, true), -EAGAIN);
}

Test(link_transaction, the_end_of_a_dataplane_is_the_outcome_of_all_that_is_under_way)
{
	struct tp_command c = permission(1);

	plane_attach(&p, TP_PLACEMENT_EVERY);
	cr_assert_eq(submit(11, 0, &c, 1, true), 0);
	cr_assert_eq(submit(12, LINK_EVERY_WORKER, &c, 1, false), 0);
	plane_hang_up(&p);
	cr_assert_eq(p.detached, 1);
	cr_assert_eq(p.outcomes, 2);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(p.outcome[i].id, 11u + (unsigned)i);
		cr_assert_eq(p.outcome[i].status, TP_STATUS_COUNT);
	}
	cr_assert_eq(submit(13, 0, &c, 1, true), -ENOTCONN);
}

Test(link_transaction, a_dataplane_that_comes_back_starts_with_empty_rings)
{
	struct tp_command c = permission(1);

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	cr_assert_eq(submit(1, 0, &c, 1, true), 0);
	p.ops->ops->flush(p.ops);
	plane_hang_up(&p);
	plane_attach(&p, TP_PLACEMENT_CLIENT);
	cr_assert_eq(p.attached, 2);
	cr_assert(plane_idle(&p, 0) && plane_idle(&p, 1));
	cr_assert_eq(submit(2, 0, &c, 1, false), 0);
	p.ops->ops->flush(p.ops);
	cr_assert_eq(plane_command(&p, 0).transaction, 2);
}

Test(link_transaction, a_worker_that_sleeps_is_rung_and_one_that_is_awake_is_not)
{
	struct tp_command c = permission(1);
	struct pollfd bell = {.fd = p.bells[0][0], .events = POLLIN};

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	cr_assert_eq(submit(1, 0, &c, 1, false), 0);
	p.ops->ops->flush(p.ops);
	cr_assert_eq(poll(&bell, 1, 0), 0);
	tp_doorbell_sleep(&plane_own(&p)->worker[0].bell);
	cr_assert_eq(submit(2, 0, &c, 1, false), 0);
	p.ops->ops->flush(p.ops);
	cr_assert_eq(poll(&bell, 1, 0), 1);
}

static void punt(struct plane *plane, uint32_t worker)
{
	const struct tp_punt honest = plane_honest_punt();
	uint8_t record[sizeof(honest) + 4] = {0};

	memcpy(record, &honest, sizeof(honest));
	plane_put(&plane->punts[worker], TP_PUNT, record, sizeof(record));
}

static struct tp_command answered;

// While one request is handled, worker 0 ends a transaction, and the client whose it was asks worker 1.
static void answer_and_ask_again(struct plane *plane)
{
	plane->on_punt = NULL;
	plane_result(plane, 0, &answered, TP_STATUS_OK);
	punt(plane, 1);
}

Test(link_transaction, what_follows_an_answer_comes_up_after_what_the_answer_rests_on)
{
	struct tp_command c = permission(1);

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	cr_assert_eq(submit(1, 0, &c, 1, false), 0);
	p.ops->ops->flush(p.ops);
	answered = plane_command(&p, 0);
	punt(&p, 0);
	p.on_punt = answer_and_ask_again;
	cr_assert(shm_link_poll(p.link, 16), "there is more");
	cr_assert_eq(p.punted, 1);
	cr_assert_not(shm_link_poll(p.link, 16));
	cr_assert_eq(p.punted, 2);
	cr_assert_eq(p.outcomes_by_punt, 1);
}

Test(link_transaction, requests_wait_while_there_are_more_results_than_are_taken_at_once)
{
	struct tp_command c[3] = {permission(1), permission(2), permission(3)};

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(submit(1 + i, 0, &c[i], 1, false), 0);
	p.ops->ops->flush(p.ops);
	for (uint32_t i = 0; i < 3; i++) {
		c[i] = plane_command(&p, 0);
		plane_result(&p, 0, &c[i], TP_STATUS_OK);
	}
	punt(&p, 1);
	cr_assert(shm_link_poll(p.link, 2));
	cr_assert_eq(p.punted, 0);
	cr_assert_not(shm_link_poll(p.link, 2));
	cr_assert_eq(p.outcomes_by_punt, 3);
	cr_assert_eq(p.punted, 1);
}

Test(link_transaction,
	results_without_end_hold_up_no_request_but_for_those_that_were_there_before_it)
{
	struct tp_command c = permission(1);
	unsigned int published = 0;

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	for (uint32_t i = 0; i < 40; i++)
		cr_assert_eq(submit(1 + i, i % 2, &c, 1, false), 0);
	p.ops->ops->flush(p.ops);
	for (; published < 8; published++) {
		c = plane_command(&p, published % 2);
		plane_result(&p, published % 2, &c, TP_STATUS_OK);
	}
	punt(&p, 1);
	// As in a replay: for each result that is taken there is another one.
	while (!p.punted && published < 40) {
		cr_assert(shm_link_poll(p.link, 1));
		for (uint32_t w = 0; w < 2; w++, published++) {
			c = plane_command(&p, w);
			plane_result(&p, w, &c, TP_STATUS_OK);
		}
	}
	cr_assert_eq(p.punted, 1);
	cr_assert_eq(p.outcomes_by_punt, 8);
	// The next dataplane begins anew, wherever this one's rings stood.
	punt(&p, 1);
	cr_assert(shm_link_poll(p.link, 1));
	plane_hang_up(&p);
	plane_attach(&p, TP_PLACEMENT_CLIENT);
	punt(&p, 0);
	shm_link_poll(p.link, 1);
	cr_assert_eq(p.punted, 2);
}

Test(link_transaction, the_worker_of_a_client_is_a_function_of_its_address)
{
	struct tp_endpoint client = {.ip = tp_ip4(TP_BE32(0xc6336407u)), .port = 1};
	unsigned int seen[PLANE_WORKERS] = {0};

	plane_attach(&p, TP_PLACEMENT_CLIENT);
	for (; client.port < 1000; client.port++) {
		uint32_t w = p.ops->ops->worker(p.ops, &client, 9);

		cr_assert_eq(w, tp_client_worker(&client, PLANE_WORKERS));
		seen[w]++;
	}
	cr_assert(seen[0] > 300 && seen[1] > 300, "%u and %u", seen[0], seen[1]);
}
