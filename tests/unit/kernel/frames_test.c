// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The table of whole frames (tests/frames/), through a whole turnpike-kernel and its sockets: each frame is put on a
// wire, and what leaves by the other is what the table says, or the alternative that sockets take (alternative.h).

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <world.h>

#include "alternative.h"
#include "rig.h"
#include "snmp.h"
#include "wire.h"

#define LAST_SLOT 15u // of 16; nobody has it

struct run {
	struct rig rig;
	struct wire wire;
	uint32_t marks;
	struct tp_counters seen; // the worker's, after the last case
};

static void start(struct run *r, const struct case_state *s)
{
	char *const options[] = {"--allocations", "16", "--peers", "64", "--ports", "49152-49199",
		"--listen", SERVER4 ":3478", "--listen", "[" SERVER6 "]:3478", "--relay", RELAY4,
		"--relay", RELAY6, NULL};

	wire_make(&r->wire);
	rig_launch_with(&r->rig, 1, options);
	rig_serve(&r->rig);
	for (uint32_t i = 0; i < s->allocations; i++) {
		const struct case_allocation *a = &s->allocation[i];

		cr_assert_eq(rig_command(&r->rig, 0,
				     (struct tp_command){.kind = TP_PUT_ALLOCATION,
					     .allocation = i,
					     .client = case_endpoint(a->client, a->client_port),
					     .server = a->server,
					     .relay = a->relay,
					     .relay_port = a->relay_port}),
			TP_STATUS_OK);
	}
	for (uint32_t i = 0; i < s->peers; i++) {
		const struct case_peer *p = &s->peer[i];
		const struct client c = {.slot = p->allocation};
		const struct tp_endpoint peer = case_endpoint(p->ip, p->port);

		cr_assert_eq(p->channel ? rig_bind(&r->rig, &c, &peer, p->channel)
					: rig_permit(&r->rig, &c, &peer),
			TP_STATUS_OK);
	}
}

// What left since a case's frame came: nothing, a frame, or fragments, joined.
struct left {
	struct case_result *result;
	bool more;
};

static void take(struct run *r, struct left *l, const uint8_t *frame, uint32_t length)
{
	struct case_result *out = l->result;
	uint32_t joined;

	cr_assert(length <= 14u + r->wire.mtu, "%u bytes left", length);
	cr_assert(!out->length || l->more, "a second frame left, of %u bytes", length);
	joined = packet_join(out->frame, out->length, frame, length, &l->more);
	if (joined) {
		out->length = joined;
		out->outcome = OUTCOME_TO_FRAGMENT;
		return;
	}
	cr_assert_not(l->more, "not the fragment that follows, of %u bytes", length);
	memcpy(out->frame, frame, length);
	out->length = length;
}

// A client's datagram of 8 bytes to its peer, and what else leaves before it.
static void mark(struct run *r, struct left *l)
{
	uint8_t frame[WIRE_FRAME_MAX], data[8] = {'m', 'a', 'r', 'k'};
	char front[32];
	struct packet_spec in = {FROM_CLIENT_44, .front = front};

	r->marks++;
	memcpy(data + 4, &(uint32_t){htonl(r->marks)}, 4);
	snprintf(front, sizeof(front), "4001 0008 6d61726b %08x", r->marks);
	wire_put(&r->wire, frame, packet_build(frame, &in));
	for (;;) {
		uint32_t length = wire_take(&r->wire, frame);
		const uint8_t *payload = packet_payload(frame, length);

		if (payload && frame + length == payload + 8 && !memcmp(payload, data, 8))
			return;
		take(r, l, frame, length);
	}
}

// Waits until all that comes of a frame has come. The worker has read it when it sends the first
// mark, which came behind it, but may send what comes of it after that: it sends socket by socket.
// The second mark comes when it has sent the first, so it is read in a later round and leaves last.
// The command comes when that has left, and is answered in a later round again, when all of this
// has been counted.
static void settle(struct run *r, struct left *l)
{
	mark(r, l);
	mark(r, l);
	cr_assert_eq(
		rig_command(&r->rig, 0,
			(struct tp_command){.kind = TP_DROP_ALLOCATION, .allocation = LAST_SLOT}),
		TP_STATUS_OK);
	cr_assert(!l->more, "fragments are missing");
}

// What was counted since the last call, without the marks.
static void count(struct run *r, uint64_t n[TP_COUNTER_COUNT])
{
	const struct tp_counters now = r->rig.plane->worker[0].counters;

	for (unsigned int i = 0; i < TP_COUNTER_COUNT; i++)
		n[i] = tp_counter(&now, i) - tp_counter(&r->seen, i);
	r->seen = now;
	n[TP_C_client_packets] -= 2;
	n[TP_C_client_bytes] -= 24;
	n[TP_C_relayed_to_peer] -= 2;
	n[TP_C_relayed_to_peer_bytes] -= 16;
	n[TP_C_commands_applied] = 0;
}

// A request in the punts ring is as it came.
static void check_punt(struct run *r, const struct frame_case *c, uint8_t *in, uint32_t length)
{
	uint8_t bytes[TP_PUNT_MAX];
	struct tp_punt punt = rig_punt(&r->rig, 0, bytes);
	const uint8_t *payload = packet_payload(in, length);
	const struct tp_endpoint from = case_endpoint(c->in.source, c->in.source_port);

	cr_assert(tp_endpoint_equal(&punt.client, &from));
	cr_assert_eq(punt.length, in + length - payload);
	cr_assert_arr_eq(bytes, payload, punt.length);
}

static void take_outcome(struct case_result *out, const uint64_t n[TP_COUNTER_COUNT])
{
	uint64_t arrived = n[TP_C_client_packets] + n[TP_C_peer_packets];
	uint64_t other = 0;

	for (unsigned int i = TP_C_client_reserved_byte; i <= TP_C_icmp_ignored; i++)
		if (n[i]) {
			out->outcome = OUTCOME_DROPPED;
			out->drop = (enum tp_counter)i;
		}
	for (unsigned int i = TP_C_rx_overflow; i <= TP_C_results_full; i++)
		other += n[i];
	cr_assert_eq(other, 0);
	if (n[TP_C_punted])
		out->outcome = OUTCOME_PUNTED;
	else if (!arrived)
		out->outcome = OUTCOME_KERNEL;
}

// What came of a case's frame, and what the kernel counted meanwhile.
struct outcome {
	struct case_result got;
	struct snmp before;
	struct snmp after;
};

static void run(struct run *r, struct outcome *o, const struct frame_case *c, uint8_t *in)
{
	struct left l = {.result = &o->got};
	uint32_t length = packet_build(in, &c->in);
	uint16_t mtu = c->next_hop.mtu ? c->next_hop.mtu : 1500;
	uint64_t n[TP_COUNTER_COUNT];

	if (mtu != r->wire.mtu)
		wire_renew(&r->wire, mtu);
	o->got = (struct case_result){.outcome = OUTCOME_SENT};
	snmp_read(&o->before);
	wire_put(&r->wire, in, length);
	settle(r, &l);
	snmp_read(&o->after);
	count(r, n);
	take_outcome(&o->got, n);
	if (n[TP_C_punted])
		check_punt(r, c, in, length);
	// An error may have taught the kernel another way or MTU.
	if (c->in.quote)
		wire_renew(&r->wire, mtu);
}

static const char *mask(const struct frame_case *c, struct case_result *got, const uint8_t *in)
{
	static uint8_t want[PACKET_MAX];

	// What is not even sound is told as it is.
	if (!got->length || !c->out.source || !packet_sound(got->frame, got->length))
		return NULL;
	packet_build(want, &c->out);
	return alternative_mask(c, got, want, in);
}

static bool check(struct run *r, struct alternative *a)
{
	static uint8_t in[PACKET_MAX];
	static struct outcome o;
	const char *wrong;
	bool good;

	run(r, &o, &a->c, in);
	if (a->no_answer && !o.got.length && snmp_grown(&o.before, &o.after, a->no_answer) == 1)
		a->c.out = (struct packet_spec){0};
	wrong = mask(&a->c, &o.got, in);
	if (!wrong && a->counter && snmp_grown(&o.before, &o.after, a->counter) != 1)
		wrong = a->counter;
	if (wrong)
		printf("FAILED %s: %s\n", a->c.name, wrong);
	good = case_holds(&a->c, &o.got) && !wrong;
	if (!good) {
		if (a->why)
			printf("  of sockets: %s\n", a->why);
		snmp_show(&o.before, &o.after);
	}
	return good;
}

static unsigned int count_named(void)
{
	unsigned int n = 0;

	for (uint32_t k = 0; k < ALTERNATIVE_GROUPS; k++)
		n += alternative_cases[k].count;
	return n;
}

Test(kernel_frames, the_table_holds_through_sockets, .timeout = 600)
{
	static struct run r;
	unsigned int failed = 0, cases = 0, named = 0;

	start(&r, &plain_state);
	settle(&r, &(struct left){.result = &(struct case_result){0}});
	r.seen = r.rig.plane->worker[0].counters;
	for (unsigned int k = 0; k < CASES_FILES; k++)
		for (uint32_t i = 0; i < cases_all[k]->count; i++, cases++) {
			struct alternative a;

			cr_assert_null(cases_all[k]->first[i].state);
			alternative_of(&a, &cases_all[k]->first[i]);
			failed += !check(&r, &a);
			named += a.named;
		}
	printf("%u frames, %u failed\n", cases, failed);
	cr_assert_eq(failed, 0);
	cr_assert_eq(named, count_named(), "alternative_cases.c names a case that there isn't");
	rig_stop(&r.rig);
}
