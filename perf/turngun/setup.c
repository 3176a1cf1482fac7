// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <turnpike/ip.h>
#include <turnpike/wire.h>

#include "../../dataplane/frame/checksum.h"
#include "gaps.h"
#include "seek.h"

#define RTO_NS 500000000ull // RFC 8489 section 6.2.1; doubled each time
#define SENDS_MAX 5u // after these and their waiting, 15.5 s, it is a timeout
#define RENEWALS_MAX 3u // of a nonce
#define LOOK_NS 10000000ull // between looks at what is to be sent again
#define PROGRESS_NS 1000000000ull

// A request under way.
struct slot {
	uint32_t number; // of the client or flow
	uint32_t serial;
	uint32_t length; // 0: free
	uint32_t sends;
	uint32_t renewals;
	uint64_t first_ns;
	uint64_t again_ns;
	uint8_t tid[TP_STUN_TID]; // slot, serial, secret
	uint8_t request[REQUEST_MAX];
};

struct setup {
	struct setup_result *result;
	struct wire *wire;
	struct population *population;
	struct credentials *credentials;
	enum task task;
	struct slot *slot;
	uint32_t slots, busy, serial, secret;
	uint32_t next, count; // numbers
};

static struct client *client_of(const struct setup *s, uint32_t number)
{
	const struct population *p = s->population;

	return &p->client[s->task == TASK_BIND ? p->flow[number].client : number];
}

static bool wanted(const struct setup *s, uint32_t number)
{
	const struct population *p = s->population;
	const struct flow *f = &p->flow[number];

	if (s->task == TASK_ALLOCATE)
		return true;
	return client_of(s, number)->relayed.port &&
	       (s->task == TASK_RELEASE || !f->hairpin || p->client[f->peer].relayed.port);
}

// What does not go now goes when its time is over.
static void transmit(struct setup *s, struct slot *slot, uint64_t now)
{
	struct departure d;

	slot->again_ns = now + (RTO_NS << slot->sends++);
	s->result->retransmissions += slot->sends > 1;
	if (!s->wire->ops->prepare(s->wire, &d, 1))
		return;
	memcpy(d.data, slot->request, slot->length);
	d.length = slot->length;
	d.sum = sum_bytes(slot->request, slot->length);
	d.path = &client_of(s, slot->number)->path;
	s->wire->ops->send(s->wire, &d, 1);
}

// A new transaction for what the slot is about.
static void ask(struct setup *s, struct slot *slot, uint64_t now)
{
	slot->serial = ++s->serial;
	slot->sends = 0;
	slot->first_ns = now;
	tp_put32(slot->tid, (uint32_t)(slot - s->slot));
	tp_put32(slot->tid + 4, slot->serial);
	tp_put32(slot->tid + 8, s->secret);
	slot->length = client_ask(
		slot->request, s->population, s->credentials, s->task, slot->number, slot->tid);
	s->result->transactions++;
	transmit(s, slot, now);
}

static int start(struct setup *s, struct slot *slot, uint64_t now)
{
	int err;

	while (s->next < s->count && !wanted(s, s->next))
		s->next++;
	if (s->next == s->count)
		return 0;
	slot->number = s->next++;
	slot->renewals = 0;
	s->result->asked++;
	err = s->task == TASK_ALLOCATE ? seek(s->wire, &client_of(s, slot->number)->path) : 0;
	if (err)
		return err;
	s->busy++;
	ask(s, slot, now);
	return 0;
}

static void count_error(struct setup_result *r, uint32_t code)
{
	for (uint32_t i = 0; i < SETUP_ERRORS_MAX; i++)
		if (!r->error[i].count || r->error[i].code == code) {
			r->error[i].code = code;
			r->error[i].count++;
			return;
		}
}

static void succeed(struct setup *s, const struct slot *slot, const struct answer *a)
{
	struct client *c = client_of(s, slot->number);

	if (!a->authentic || (s->task == TASK_ALLOCATE && !a->relayed.port)) {
		s->result->bad++;
		return;
	}
	s->result->made++;
	if (s->task == TASK_ALLOCATE)
		c->relayed = a->relayed;
	else if (s->task == TASK_BIND)
		s->population->flow[slot->number].bound = true;
	else
		c->relayed.port = 0;
}

static void answered(struct setup *s, struct slot *slot, const struct answer *a, uint64_t now)
{
	struct client *c = client_of(s, slot->number);
	bool challenged = a->error == 401 ? !slot->renewals && s->task == TASK_ALLOCATE
					  : a->error == 438 && slot->renewals < RENEWALS_MAX;

	histogram_add(&s->result->latency, now - slot->first_ns);
	if (challenged) {
		slot->renewals++;
		if (client_challenged(c, s->credentials, a)) {
			ask(s, slot, now);
			return;
		}
		s->result->bad++;
	} else if (a->success) {
		succeed(s, slot, a);
	} else {
		count_error(s->result, a->error);
	}
	slot->length = 0;
	s->busy--;
}

static void take(struct setup *s, const struct arrival *arrival, uint64_t now)
{
	uint8_t tid[TP_STUN_TID];
	struct answer a;
	struct slot *slot;
	uint32_t index;

	if (!client_answers(tid, arrival->data, arrival->length))
		return;
	index = tp_get32(tid);
	slot = &s->slot[index < s->slots ? index : 0];
	// An answer to what was sent twice comes twice.
	if (!slot->length || memcmp(slot->tid, tid, sizeof(tid)) != 0)
		return;
	if (!client_read(&a, s->credentials, arrival->data, arrival->length)) {
		s->result->bad++;
		slot->length = 0;
		s->busy--;
		return;
	}
	answered(s, slot, &a, now);
}

static void send_again(struct setup *s, uint64_t now)
{
	for (uint32_t i = 0; i < s->slots; i++) {
		struct slot *slot = &s->slot[i];

		if (!slot->length || slot->again_ns > now)
			continue;
		if (slot->sends < SENDS_MAX) {
			transmit(s, slot, now);
			continue;
		}
		s->result->timeouts++;
		slot->length = 0;
		s->busy--;
	}
}

static void receive(struct setup *s, uint64_t now)
{
	struct arrival arrivals[WIRE_BURST];
	bool more = true;

	while (more) {
		uint32_t n = s->wire->ops->receive(s->wire, arrivals, &more);

		for (uint32_t i = 0; i < n; i++)
			take(s, &arrivals[i], now);
		s->wire->ops->release(s->wire, arrivals, n);
	}
}

static void progress(const struct setup *s)
{
	static const char *const names[] = {"allocated", "bound", "released"};

	fprintf(stderr, "turngun: %s %u of %u\n", names[s->task], s->result->made, s->count);
}

static int run(struct setup *s)
{
	uint64_t begin = clock_ns(), now = begin, look = begin, shown = begin;
	int err = 0;

	while (!err && (s->busy || s->next < s->count)) {
		for (uint32_t i = 0; !err && i < s->slots && s->next < s->count; i++)
			if (!s->slot[i].length)
				err = start(s, &s->slot[i], now);
		receive(s, now);
		now = clock_ns();
		if (now - look > LOOK_NS) {
			send_again(s, now);
			look = now;
		}
		if (now - shown > PROGRESS_NS) {
			progress(s);
			shown = now;
		}
	}
	s->result->took_ns = now - begin;
	return err;
}

int setup_run(struct setup_result *r, struct wire *w, struct population *p, struct credentials *c,
	enum task task)
{
	struct setup s = {.result = r,
		.wire = w,
		.population = p,
		.credentials = c,
		.task = task,
		.slots = p->options->window,
		.count = task == TASK_BIND ? p->flows : p->clients};
	int err;

	memset(r, 0, sizeof(*r));
	s.slot = calloc(s.slots, sizeof(*s.slot));
	if (!s.slot)
		return -ENOMEM;
	if (getrandom(&s.secret, sizeof(s.secret), 0) != sizeof(s.secret))
		s.secret = (uint32_t)clock_ns();
	err = run(&s);
	free(s.slot);
	return err;
}
