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
	enum task task;
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
	struct slot *slot;
	uint32_t slots, busy, serial, secret;
};

static struct client *client_of(const struct setup *s, enum task task, uint32_t number)
{
	const struct population *p = s->population;

	return &p->client[task == TASK_BIND ? p->flow[number].client : number];
}

static bool wanted(const struct setup *s, enum task task, uint32_t number)
{
	const struct population *p = s->population;

	if (task == TASK_ALLOCATE)
		return true;
	return client_of(s, task, number)->relayed.port &&
	       (task != TASK_BIND || !p->flow[number].hairpin ||
		       p->client[p->flow[number].peer].relayed.port);
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
	d.path = &client_of(s, slot->task, slot->number)->path;
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
		slot->request, s->population, s->credentials, slot->task, slot->number, slot->tid);
	s->result->transactions++;
	transmit(s, slot, now);
}

int setup_ask(struct setup *s, enum task task, uint32_t n, uint64_t now)
{
	struct slot *slot = s->slot;
	int err;

	if (!wanted(s, task, n))
		return 0;
	while (slot->length)
		slot++;
	slot->task = task;
	slot->number = n;
	slot->renewals = 0;
	s->result->asked++;
	err = task == TASK_ALLOCATE ? seek(s->wire, &client_of(s, task, n)->path) : 0;
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
	struct client *c = client_of(s, slot->task, slot->number);

	if (!a->authentic || (slot->task == TASK_ALLOCATE && !a->relayed.port)) {
		s->result->bad++;
		return;
	}
	s->result->made++;
	if (slot->task == TASK_ALLOCATE)
		c->relayed = a->relayed;
	else if (slot->task == TASK_BIND)
		s->population->flow[slot->number].bound = true;
	else if (slot->task == TASK_RELEASE)
		c->relayed.port = 0;
}

static void answered(struct setup *s, struct slot *slot, const struct answer *a, uint64_t now)
{
	struct client *c = client_of(s, slot->task, slot->number);
	bool challenged = a->error == 401 ? !slot->renewals && slot->task == TASK_ALLOCATE
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

bool setup_take(struct setup *s, const struct arrival *arrival, uint64_t now)
{
	uint8_t tid[TP_STUN_TID];
	struct answer a;
	struct slot *slot;
	uint32_t index;

	if (!client_answers(tid, arrival->data, arrival->length))
		return false;
	index = tp_get32(tid);
	slot = &s->slot[index < s->slots ? index : 0];
	// An answer to what was sent twice comes twice.
	if (!slot->length || memcmp(slot->tid, tid, sizeof(tid)) != 0)
		return tp_get32(tid + 8) == s->secret;
	if (!client_read(&a, s->credentials, arrival->data, arrival->length)) {
		s->result->bad++;
		slot->length = 0;
		s->busy--;
		return true;
	}
	answered(s, slot, &a, now);
	return true;
}

void setup_again(struct setup *s, uint64_t now)
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
			setup_take(s, &arrivals[i], now);
		s->wire->ops->release(s->wire, arrivals, n);
	}
}

bool setup_full(const struct setup *s)
{
	return s->busy == s->slots;
}

bool setup_idle(const struct setup *s)
{
	return !s->busy;
}

struct setup *setup_new(struct setup_result *r, struct wire *w, struct population *p,
	struct credentials *c, uint32_t slots)
{
	struct setup *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct setup){.result = r,
		.wire = w,
		.population = p,
		.credentials = c,
		.slot = calloc(slots, sizeof(*s->slot)),
		.slots = slots};
	if (!s->slot) {
		free(s);
		return NULL;
	}
	if (getrandom(&s->secret, sizeof(s->secret), 0) != sizeof(s->secret))
		s->secret = (uint32_t)clock_ns();
	memset(r, 0, sizeof(*r));
	return s;
}

void setup_free(struct setup *s)
{
	if (!s)
		return;
	free(s->slot);
	free(s);
}

static void progress(const struct setup *s, enum task task, uint32_t count)
{
	static const char *const names[] = {"allocated", "bound", "refreshed", "released"};

	fprintf(stderr, "turngun: %s %u of %u\n", names[task], s->result->made, count);
}

static int run(struct setup *s, enum task task, uint32_t count)
{
	uint64_t begin = clock_ns(), now = begin, look = begin, shown = begin;
	uint32_t next = 0;
	int err = 0;

	while (!err && (s->busy || next < count)) {
		while (!err && next < count && !setup_full(s))
			err = setup_ask(s, task, next++, now);
		receive(s, now);
		now = clock_ns();
		if (now - look > LOOK_NS) {
			setup_again(s, now);
			look = now;
		}
		if (now - shown > PROGRESS_NS) {
			progress(s, task, count);
			shown = now;
		}
	}
	s->result->took_ns = now - begin;
	return err;
}

int setup_run(struct setup_result *r, struct wire *w, struct population *p, struct credentials *c,
	enum task task)
{
	struct setup *s = setup_new(r, w, p, c, p->options->window);
	int err = s ? run(s, task, task == TASK_BIND ? p->flows : p->clients) : -ENOMEM;

	setup_free(s);
	return err;
}
