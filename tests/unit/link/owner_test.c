// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Placement `owner`: what concerns an allocation goes to its client's worker and to its relay port's.
#include <criterion/criterion.h>
#include <errno.h>

#include "plane.h"

#define EVEN 50000u // relay ports: worker 0's
#define ODD 50001u // worker 1's

static struct plane p;

static void setup(void)
{
	plane_open(&p);
	plane_attach(&p, TP_PLACEMENT_OWNER);
}

static void teardown(void)
{
	plane_close(&p);
}

TestSuite(link_owner, .init = setup, .fini = teardown);

static const struct tp_send reply = {.length = 6};

static int submit(uint64_t id, uint32_t worker, struct tp_command *c, uint32_t n, bool with_reply)
{
	struct link_transaction t = {.id = id,
		.worker = worker,
		.commands = c,
		.count = n,
		.reply = with_reply ? &reply : NULL,
		.bytes = "answer"};
	int err = p.ops->ops->submit(p.ops, &t);

	p.ops->ops->flush(p.ops);
	return err;
}

static struct tp_command command(uint16_t kind, uint32_t allocation)
{
	return (struct tp_command){.kind = kind, .allocation = allocation};
}

static struct tp_command put(uint32_t allocation, uint16_t port)
{
	return (struct tp_command){
		.kind = TP_PUT_ALLOCATION, .allocation = allocation, .relay_port = port};
}

// One command of this kind for this slot waits at each worker of the set, and nothing else; it is answered.
static void expect_at(uint32_t workers, uint16_t kind, uint32_t allocation)
{
	for (uint32_t i = 0; i < PLANE_WORKERS; i++) {
		struct tp_command c;

		cr_assert_eq(plane_idle(&p, i), !(workers & 1u << i), "worker %u", i);
		if (!(workers & 1u << i))
			continue;
		c = plane_command(&p, i);
		cr_assert_eq(c.kind, kind);
		cr_assert_eq(c.allocation, allocation);
		cr_assert(plane_idle(&p, i), "worker %u", i);
		plane_result(&p, i, &c, TP_STATUS_OK);
	}
	shm_link_poll(p.link, 16);
}

// Puts an allocation of a client of worker `worker`, and looks who got it.
static void place(uint32_t allocation, uint32_t worker, uint16_t port, uint32_t workers)
{
	struct tp_command c = put(allocation, port);

	cr_assert_eq(submit(1, worker, &c, 1, false), 0);
	expect_at(workers, TP_PUT_ALLOCATION, allocation);
}

static void expect_kind_at(uint16_t kind, uint32_t allocation, uint32_t worker, uint32_t workers)
{
	struct tp_command c = command(kind, allocation);

	cr_assert_eq(submit(2, worker, &c, 1, false), 0);
	expect_at(workers, kind, allocation);
}

Test(link_owner, an_allocation_goes_to_its_clients_worker_and_to_the_owner_of_its_port)
{
	struct tp_command c = put(7, ODD), at[2];
	uint8_t bytes[TP_PUNT_MAX];

	cr_assert_eq(submit(8, 0, &c, 1, true), 0);
	at[0] = plane_command(&p, 0);
	at[1] = plane_command(&p, 1);
	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(at[i].transaction, 8);
		cr_assert_eq(at[i].relay_port, ODD);
		cr_assert(plane_idle(&p, i), "no reply before both have answered");
	}
	plane_result(&p, 0, &at[0], TP_STATUS_OK);
	shm_link_poll(p.link, 16);
	cr_assert_eq(p.outcomes, 0);
	cr_assert(plane_idle(&p, 0), "the client's own worker alone is not enough");
	plane_result(&p, 1, &at[1], TP_STATUS_OK);
	shm_link_poll(p.link, 16);
	cr_assert_eq(p.outcomes, 1);
	cr_assert_eq(p.outcome[0].id, 8);
	cr_assert_eq(p.outcome[0].status, TP_STATUS_OK);
	cr_assert_eq(plane_send(&p, 0, bytes).transaction, 0);
	cr_assert_arr_eq(bytes, "answer", 6);
	cr_assert(plane_idle(&p, 1), "the answer leaves where the client is");
}

Test(link_owner, where_both_are_one_worker_commands_and_reply_share_its_fifo)
{
	struct tp_command c = put(7, ODD), got;
	uint8_t bytes[TP_PUNT_MAX];

	cr_assert_eq(submit(8, 1, &c, 1, true), 0);
	got = plane_command(&p, 1);
	cr_assert_eq(got.allocation, 7);
	cr_assert_eq(plane_send(&p, 1, bytes).transaction, 8, "at once, behind its command");
	cr_assert(plane_idle(&p, 0));
	plane_result(&p, 1, &got, TP_STATUS_OK);
	shm_link_poll(p.link, 16);
	cr_assert_eq(p.outcomes, 1);
}

Test(link_owner, what_concerns_an_allocation_later_goes_where_it_was_put)
{
	static const uint16_t kinds[] = {TP_PUT_PERMISSION, TP_PUT_CHANNEL, TP_DROP_PERMISSION,
		TP_DROP_CHANNEL, TP_PUT_ALLOCATION, TP_DROP_ALLOCATION};

	place(3, 1, EVEN, 3);
	place(4, 1, ODD, 2);
	for (uint32_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct tp_command c[2] = {put(3, EVEN), put(4, ODD)};

		c[0].kind = c[1].kind = kinds[i];
		cr_assert_eq(submit(9, 1, &c[0], 1, false), 0);
		expect_at(3, kinds[i], 3);
		cr_assert_eq(submit(10, 1, &c[1], 1, false), 0);
		expect_at(2, kinds[i], 4);
	}
}

Test(link_owner, a_replayed_allocation_takes_its_permissions_along_in_one_transaction)
{
	struct tp_command c[3] = {
		put(5, ODD), command(TP_PUT_PERMISSION, 5), command(TP_PUT_CHANNEL, 5)};

	cr_assert_eq(submit(6, 0, c, 3, false), 0);
	for (uint32_t w = 0; w < 2; w++)
		for (uint32_t i = 0; i < 3; i++)
			cr_assert_eq(plane_command(&p, w).kind, c[i].kind);
}

Test(link_owner, after_its_drop_a_slot_is_nobodys)
{
	place(3, 0, ODD, 3);
	expect_kind_at(TP_DROP_ALLOCATION, 3, 0, 3);
	expect_kind_at(TP_DROP_PERMISSION, 3, 0, 1);
	place(3, 0, EVEN, 1);
	expect_kind_at(TP_PUT_PERMISSION, 3, 0, 1);
}

Test(link_owner, a_refusal_by_either_worker_withholds_the_reply)
{
	for (uint32_t who = 0; who < 2; who++) {
		struct tp_command c = put(7 + who, ODD), got;

		cr_assert_eq(submit(20 + who, 0, &c, 1, true), 0);
		for (uint32_t i = 0; i < 2; i++) {
			got = plane_command(&p, i);
			plane_result(&p, i, &got, i == who ? TP_STATUS_NO_SPACE : TP_STATUS_OK);
		}
		shm_link_poll(p.link, 16);
		cr_assert_eq(p.outcomes, 1 + who);
		cr_assert_eq(p.outcome[who].id, 20 + who);
		cr_assert_eq(p.outcome[who].status, TP_STATUS_NO_SPACE);
		cr_assert(plane_idle(&p, 0) && plane_idle(&p, 1));
		expect_kind_at(TP_DROP_ALLOCATION, 7 + who, 0, 3);
		p.outcomes = 1 + who;
	}
}

Test(link_owner, another_port_for_the_slot_adds_its_owner_and_forgets_nobody)
{
	place(3, 0, EVEN, 1);
	place(3, 0, ODD, 3);
	place(3, 0, EVEN, 3);
	expect_kind_at(TP_DROP_ALLOCATION, 3, 0, 3);
}

Test(link_owner, a_change_of_the_map_counts_for_what_is_put_afterwards)
{
	place(3, 0, EVEN, 1);
	__atomic_store_n(plane_owner(&p, EVEN), 1, __ATOMIC_RELAXED);
	place(3, 0, EVEN, 1);
	expect_kind_at(TP_DROP_ALLOCATION, 3, 0, 1);
	place(3, 0, EVEN, 3);
}

Test(link_owner, an_owner_that_is_no_worker_is_counted_and_every_worker_gets_the_entries)
{
	place(3, 0, EVEN, 1);
	cr_assert_eq(plane_counter(&p, TP_CC_owner_bad), 0);
	*plane_owner(&p, EVEN) = PLANE_WORKERS;
	place(4, 0, EVEN, 3);
	cr_assert_eq(plane_counter(&p, TP_CC_owner_bad), 1);
	*plane_owner(&p, EVEN) = 255;
	place(5, 0, EVEN, 3);
	cr_assert_eq(plane_counter(&p, TP_CC_owner_bad), 2);
	expect_kind_at(TP_DROP_ALLOCATION, 5, 0, 3);
	expect_kind_at(TP_DROP_ALLOCATION, 3, 0, 1);
	cr_assert_eq(plane_counter(&p, TP_CC_owner_bad), 2);
}

Test(link_owner, fields_that_no_dataplane_published_go_to_the_clients_worker_which_refuses_them)
{
	struct tp_command relay = put(3, ODD);

	place(3, 0, 1025, 1); // not in the range
	place(UINT32_MAX, 0, ODD, 1); // no such slot
	relay.relay = 1;
	cr_assert_eq(submit(4, 0, &relay, 1, false), 0);
	expect_at(1, TP_PUT_ALLOCATION, 3);
}

Test(link_owner, a_transaction_that_found_no_room_changes_nothing)
{
	struct tp_command c = command(TP_PUT_PERMISSION, 50), a = put(3, ODD), got;
	uint32_t n = 0;

	while (submit(n + 1, 1, &c, 1, true) == 0)
		n++;
	cr_assert_eq(submit(n + 1, 0, &a, 1, true), -EAGAIN, "the owner has no room");
	cr_assert(plane_idle(&p, 0), "whole or not at all");
	got = plane_command(&p, 1);
	plane_result(&p, 1, &got, TP_STATUS_OK);
	shm_link_poll(p.link, 16);
	cr_assert_eq(submit(n + 1, 0, &a, 1, true), 0);
	cr_assert_eq(plane_command(&p, 0).allocation, 3);
}

Test(link_owner, a_sweep_reaches_every_worker)
{
	struct tp_command sweep = command(TP_SWEEP, 0);

	place(0, 0, EVEN, 1);
	cr_assert_eq(submit(3, LINK_EVERY_WORKER, &sweep, 1, false), 0);
	expect_at(3, TP_SWEEP, 0);
	expect_kind_at(TP_DROP_ALLOCATION, 0, 0, 1);
}

Test(link_owner, a_dataplane_that_comes_back_is_read_anew)
{
	place(3, 0, ODD, 3);
	plane_hang_up(&p);
	plane_attach(&p, TP_PLACEMENT_OWNER);
	expect_kind_at(TP_DROP_PERMISSION, 3, 0, 1);
	*plane_owner(&p, ODD) = 0;
	place(3, 0, ODD, 1);
}

Test(link_owner, a_client_stays_with_the_worker_that_spoke_for_it)
{
	const struct tp_endpoint client = {.ip = tp_ip4(TP_BE32(0xc6336407u)), .port = 1};

	cr_assert_eq(p.ops->ops->worker(p.ops, &client, 0), 0);
	cr_assert_eq(p.ops->ops->worker(p.ops, &client, 1), 1);
	cr_assert_eq(p.ops->ops->worker(p.ops, &client, PLANE_WORKERS), 0);
}

Test(link_owner, what_nobody_waits_for_leaves_room_for_a_clients_answer)
{
	const uint32_t all = PLANE_RESULTS / TP_RING_ALIGN;
	struct tp_command c = put(0, ODD);
	uint32_t n = 0, asked = 0;

	// A replay, as much as it gets: each to both workers.
	while (submit(n + 1, 0, &c, 1, false) == 0)
		n++;
	cr_assert_eq(n, all - all / 8);
	while (submit(n + asked + 1, 0, &c, 1, true) == 0)
		asked++;
	cr_assert_eq(asked, all / 8);
}

static void setup_client(void)
{
	plane_open(&p);
	plane_attach(&p, TP_PLACEMENT_CLIENT);
}

TestSuite(link_client, .init = setup_client, .fini = teardown);

Test(link_client, an_allocation_is_its_clients_workers_and_after_a_move_also_the_other_ones)
{
	place(3, 0, ODD, 1);
	expect_kind_at(TP_PUT_PERMISSION, 3, 0, 1);
	// The client comes to worker 1 now: who has had it hears of all that follows.
	place(3, 1, ODD, 3);
	expect_kind_at(TP_MOVE_ALLOCATION, 3, 1, 3);
	expect_kind_at(TP_PUT_PERMISSION, 3, 1, 3);
	place(3, 1, ODD, 3);
	expect_kind_at(TP_DROP_ALLOCATION, 3, 1, 3);
	place(3, 1, ODD, 2);
}

Test(link_client, after_an_attachment_nobody_has_anything)
{
	place(3, 0, ODD, 1);
	place(3, 1, ODD, 3);
	plane_hang_up(&p);
	shm_link_on_socket(p.link, 0);
	plane_attach(&p, TP_PLACEMENT_CLIENT);
	place(3, 1, ODD, 2);
}
