// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Histories of allocations, against a model of the RFC's rules (turn_model.h): every answer is one that is due,
// no packet is relayed without what permits it, none is lost that has it, and when all is over nothing is left.
// Input: steps of STEP bytes, each a request, a leap of time or a fault.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "turn_model.h"
#include "turn_world.h"

#define STEP 5u
#define STEPS_MAX 160u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world world;

static struct history {
	struct model model;
	struct model_request last[MODEL_CLIENTS]; // id 0: none yet
	struct {
		char text[64];
		uint64_t given_s;
	} nonce[MODEL_CLIENTS];
	uint64_t token; // told last
	uint64_t ids;
	unsigned int refuse; // commands, in the next request
	enum tp_status refusal;
	unsigned int step;
	bool told; // what happens, on stderr
} h;

static void fail(const char *what)
{
	fprintf(stderr, "step %u at %llu s: %s\n", h.step, (unsigned long long)world.now_s, what);
	abort();
}

static void check(bool holds, const char *what)
{
	if (!holds)
		fail(what);
}

static void tell_request(const struct model_request *q, const struct model_answer *a, bool answered)
{
	static const char *const methods[] = {
		"Allocate", "Refresh", "CreatePermission", "ChannelBind"};

	if (!h.told)
		return;
	fprintf(stderr, "%u: %llu s client %u user %u %s", h.step, (unsigned long long)world.now_s,
		q->client, q->user, methods[q->method]);
	if (q->credentials)
		fprintf(stderr, " credentials=%d", q->credentials);
	if (q->method == MODEL_ALLOCATE)
		fprintf(stderr, " transport=%u family=%u additional=%u even=%d%d token=%d",
			q->transport, q->family, q->additional, q->even, q->reserve, q->has_token);
	else if (q->family)
		fprintf(stderr, " family=%u", q->family);
	if (q->has_lifetime)
		fprintf(stderr, " lifetime=%u", q->lifetime_s);
	for (unsigned int i = 0; i < q->peers; i++)
		fprintf(stderr, " peer=%u", q->peer[i]);
	if (q->channel)
		fprintf(stderr, " channel=%x", q->channel);
	if (q->failed)
		fprintf(stderr, " refused=%u", q->failed);
	if (answered)
		fprintf(stderr, " -> %u ports=%u,%u lifetime=%u\n", a->code, a->port[0], a->port[1],
			a->lifetime_s);
	else
		fprintf(stderr, " -> silence\n");
}

// What the dataplane makes of everybody's packets, each against the model.

static void probe_client(unsigned int client)
{
	struct relay_decision d;
	struct tp_endpoint to;
	unsigned int peer;

	for (unsigned int i = 0; i < MODEL_NUMBERS; i++) {
		bool may = model_relays_channel(&h.model, client, i, &peer);

		d = world_channel(&world, client, model_number(i));
		check(d.verdict == (may ? RELAY_PEER : RELAY_DROP),
			may ? "ChannelData is lost" : "ChannelData is relayed without a channel");
		to = model_peer_at(peer);
		check(!may || (tp_endpoint_equal(&d.to, &to) && d.length == 4 &&
				      model_owner(&h.model, d.relay, d.port) == client),
			"ChannelData goes astray");
	}
	for (peer = 0; peer < MODEL_PEERS; peer++) {
		bool may = model_relays_send(&h.model, client, peer);

		d = world_send(&world, client, peer);
		check(d.verdict == (may ? RELAY_PEER : RELAY_DROP),
			may ? "a Send indication is lost"
			    : "a Send indication is relayed without a permission");
		to = model_peer_at(peer);
		check(!may || (tp_endpoint_equal(&d.to, &to) && d.length == 4 &&
				      d.relay == model_peer_family(peer) &&
				      model_owner(&h.model, d.relay, d.port) == client),
			"a Send indication goes astray");
	}
}

static void probe_port(uint32_t worker, unsigned int family, uint16_t port)
{
	unsigned int client = model_owner(&h.model, family, port);
	struct tp_endpoint to = model_client_at(client % MODEL_CLIENTS);

	for (unsigned int peer = 0; peer < MODEL_PEERS; peer++) {
		struct relay_decision d;
		uint16_t number = 0;
		bool may;

		if (model_peer_family(peer) != family)
			continue;
		may = client < MODEL_CLIENTS && model_relays_peer(&h.model, client, peer, &number);
		d = world_peer(&world, worker, family, port, peer);
		check(d.verdict == (may ? RELAY_CLIENT : RELAY_DROP),
			may ? "a peer's datagram is lost"
			    : "a peer's datagram is relayed without a permission");
		if (!may)
			continue;
		check(tp_endpoint_equal(&d.to, &to), "a peer's datagram goes astray");
		check(number ? d.front_length == 4 && (d.front[0] << 8 | d.front[1]) == number
			     : d.front_length > 4,
			"ChannelData or Data indication, the wrong one");
	}
}

static void probe(void)
{
	if (world.socket < 0)
		return;
	for (unsigned int client = 0; client < MODEL_CLIENTS; client++)
		probe_client(client);
	for (uint32_t worker = 0; worker < world.workers; worker++)
		for (unsigned int family = 0; family < 2; family++)
			for (unsigned int i = 0; i < MODEL_PORTS; i++)
				probe_port(worker, family, (uint16_t)(MODEL_PORT_MIN + i));
}

// Requests.

static void note_nonce(unsigned int client, const char nonce[64])
{
	memcpy(h.nonce[client].text, nonce, sizeof(h.nonce[client].text));
	h.nonce[client].given_s = world.now_s;
}

// Returns whether there was an answer.
static bool exchange(struct model_request *q, struct model_answer *a)
{
	bool deaf = world.congested || world.socket < 0, answered, renewed;
	char nonce[64];

	world.refuse = h.refuse;
	world.refusal = h.refusal;
	world.refused = 0;
	*a = (struct model_answer){0};
	answered = world_ask(&world, q, a, nonce, &renewed);
	q->failed = world.refused;
	h.refuse = world.refuse = 0;
	tell_request(q, a, answered);
	// Its sender asks again later.
	check(answered != deaf, deaf ? "an answer out of nowhere" : "a request without an answer");
	if (answered && renewed)
		note_nonce(q->client, nonce);
	return answered;
}

static void judge(const struct model_request *q, const struct model_answer *a)
{
	const char *wrong = model_judge(&h.model, q, a);

	if (wrong)
		fail(wrong);
	if (a->has_token)
		h.token = a->token;
	h.last[q->client] = *q;
}

static void send_request(struct model_request *q)
{
	struct model_answer a;

	if (exchange(q, &a))
		judge(q, &a);
	else if (world.socket >= 0)
		model_unanswered(&h.model, q);
}

static uint32_t any_lifetime(unsigned int n)
{
	static const uint32_t lifetimes[] = {0, 1, 599, 600, 601, 1200, 3600, UINT32_MAX};

	return lifetimes[n % 8];
}

// A request of a step's bytes: who sends it, then what is in it.
static struct model_request begin(enum model_method method, uint8_t who)
{
	static const enum model_credentials kinds[] = {MODEL_GOOD, MODEL_GOOD, MODEL_GOOD,
		MODEL_GOOD, MODEL_GOOD, MODEL_UNSIGNED, MODEL_WRONG_PASSWORD, MODEL_STRANGER};
	struct model_request q = {.method = method,
		.client = (who & 7u) % MODEL_CLIENTS,
		.user = (who >> 3) & 3u,
		.id = ++h.ids,
		.credentials = kinds[who >> 5]};

	// Mostly each client is the same user.
	if (q.user == MODEL_USERS)
		q.user = q.client % MODEL_USERS;
	memcpy(q.nonce, h.nonce[q.client].text, sizeof(q.nonce));
	q.nonce_s = h.nonce[q.client].given_s;
	return q;
}

// A new client gets its 401 first, as it does in life.
static void greet(unsigned int client)
{
	struct model_request q = {.method = MODEL_ALLOCATE,
		.client = client,
		.id = ++h.ids,
		.credentials = MODEL_UNSIGNED,
		.transport = 17};
	struct model_request before = h.last[client];

	send_request(&q);
	h.last[client] = before;
}

static void allocate(const uint8_t *s)
{
	struct model_request q = begin(MODEL_ALLOCATE, s[1]);
	unsigned int even = s[2] >> 4 & 3, token = s[2] >> 6;

	q.family = s[2] & 3;
	q.additional = (s[2] >> 2 & 3) == 3 ? 0 : s[2] >> 2 & 3;
	q.even = even == 1 || even == 2;
	q.reserve = even == 2;
	q.has_token = token >= 2;
	q.token = token == 2 ? h.token : h.token ^ 1;
	// Seldom is all else as it should be by chance.
	if (s[4] & 0x30) {
		if (q.has_token || q.reserve)
			q.additional = 0;
		if (q.has_token || q.additional) {
			q.family = 0;
			q.even = q.reserve = false;
		}
	}
	q.transport = (s[3] & 7) == 6 ? 0 : (s[3] & 7) == 7 ? 6 : 17;
	q.has_lifetime = s[3] & 8;
	q.lifetime_s = any_lifetime(s[3] >> 4);
	q.dont_fragment = s[4] & 1;
	q.unknown = (s[4] & 0xe) == 0xe;
	send_request(&q);
}

static void refresh(const uint8_t *s)
{
	struct model_request q = begin(MODEL_REFRESH, s[1]);

	q.family = s[2] & 3;
	q.has_lifetime = s[3] & 8;
	q.lifetime_s = any_lifetime(s[3] >> 4);
	q.unknown = (s[4] & 0xe) == 0xe;
	send_request(&q);
}

static void permit(const uint8_t *s)
{
	struct model_request q = begin(MODEL_PERMIT, s[1]);

	q.peers = s[2] % (MODEL_LISTED + 1);
	for (unsigned int i = 0; i < q.peers; i++)
		q.peer[i] = (uint8_t)((s[3] + i * (1 + s[4] % 3)) % MODEL_PEERS);
	send_request(&q);
}

static void bind_channel(const uint8_t *s)
{
	struct model_request q = begin(MODEL_BIND, s[1]);
	unsigned int number = s[2] % 8;

	q.peers = s[4] % 16 ? 1 : 0;
	q.peer[0] = s[3] % MODEL_PEERS;
	q.channel = model_number(number % MODEL_NUMBERS);
	if (number == 7) // seldom one that is none
		q.channel = (uint16_t)(s[4] & 1 ? 0x5000 : s[4] & 2 ? 0x3fff : 0);
	send_request(&q);
}

static void again(const uint8_t *s)
{
	struct model_request *q = &h.last[(s[1] & 7u) % MODEL_CLIENTS], copy = *q;

	if (!q->id)
		return;
	send_request(&copy);
}

// Time.

static void pass(uint64_t seconds, bool tick)
{
	world_pass(&world, seconds);
	h.model.now_s = world.now_s;
	// Housekeeping gives back what is over, if there is room for the commands.
	h.model.slack |= !tick;
	world_settle(&world, tick);
	if (tick && !world.congested && world.socket >= 0)
		h.model.slack = false;
}

static void wait(const uint8_t *s)
{
	static const uint16_t seconds[] = {1, 5, 30, 60, 299, 301, 599, 901};
	uint64_t next = model_next(&h.model);

	if (s[1] & 1 || !next)
		pass(seconds[s[2] % 8], s[3] & 3);
	else if (s[2] % 3 == 0) // to just before the next thing is over
		pass(next - h.model.now_s - 1, s[3] & 3);
	else // or when it is
		pass(next - h.model.now_s + s[2] % 3 - 1, s[3] & 3);
}

// Faults.

// Its owner asks for a relayed address that the new dataplane may have refused, until nobody doubts the nonce.
// Returns whether it is gone.
static bool is_gone(unsigned int client, unsigned int family)
{
	struct model_request q;
	struct model_answer a;

	do {
		q = begin(MODEL_REFRESH, (uint8_t)client);
		q.user = h.model.clients[client].user;
		q.family = (uint8_t)(family + 1);
		if (!exchange(&q, &a))
			fail("an attached dataplane is deaf");
	} while (a.code == 438 && q.nonce_s != h.nonce[client].given_s);
	if (a.code == 437 || a.code == 443)
		return true;
	judge(&q, &a);
	return false;
}

// No more is lost with a dataplane than the next one refused to take.
static void count_losses(unsigned int refused)
{
	for (unsigned int client = 0; client < MODEL_CLIENTS; client++)
		for (unsigned int family = 0; family < 2; family++) {
			struct model_relayed *r = &h.model.clients[client].relayed[family];

			if (r->until_s <= h.model.now_s || !is_gone(client, family))
				continue;
			check(refused-- > 0, "an allocation is lost that nobody refused");
			if (h.told)
				fprintf(stderr, "%u: client %u family %u is lost\n", h.step, client,
					family);
			r->until_s = h.model.now_s;
		}
}

static void detach(void)
{
	world_detach(&world);
	model_caught_up(&h.model);
	h.model.slack = true;
}

static void attach(uint32_t workers, unsigned int refused)
{
	world.refuse = refused;
	world.refusal = TP_STATUS_PORT_TAKEN;
	world.refused = 0;
	world_attach(&world, workers);
	world.refuse = 0;
	h.model.slack = false;
	if (h.told)
		fprintf(stderr, "%u: a dataplane of %u workers, which refused %u\n", h.step,
			workers, world.refused);
	if (world.refused)
		count_losses(world.refused);
}

static void change_congestion(void)
{
	if (world.socket < 0)
		return;
	world_congest(&world, !world.congested);
	model_caught_up(&h.model);
	h.model.slack = world.congested;
}

static void fault(const uint8_t *s)
{
	static const enum tp_status statuses[] = {TP_STATUS_PORT_TAKEN, TP_STATUS_NO_DESCRIPTORS,
		TP_STATUS_NO_SPACE, TP_STATUS_ADDRESS};

	switch (s[1] % 8) {
	case 0:
		if (world.socket >= 0)
			detach();
		break;
	case 1:
		change_congestion();
		break;
	case 2:
		if (!world.congested)
			world_restart(&world);
		break;
	default:
		h.refuse = 1 + s[2] % 3;
		world.refuser = s[4];
		h.refusal = statuses[s[3] % 4];
	}
}

static void step(const uint8_t *s)
{
	enum { ALLOCATE, REFRESH, PERMIT, BIND, AGAIN, WAIT, FAULT };
	static const uint8_t kinds[16] = {ALLOCATE, ALLOCATE, ALLOCATE, REFRESH, REFRESH, PERMIT,
		PERMIT, PERMIT, BIND, BIND, BIND, AGAIN, WAIT, WAIT, WAIT, FAULT};
	unsigned int kind = kinds[s[0] % 16], client = (s[1] & 7u) % MODEL_CLIENTS;

	// What is down comes up again soon, before the step or after some more.
	if ((s[0] & 0x30) == 0 && world.socket < 0)
		attach(1 + s[0] / 64 % WORLD_WORKERS, s[4] % 4 ? 0 : s[4] / 4 % 4);
	else if ((s[0] & 0x30) == 0 && world.congested)
		change_congestion();
	if (kind <= BIND && !h.nonce[client].text[0])
		greet(client);
	switch (kind) {
	case ALLOCATE:
		allocate(s);
		break;
	case REFRESH:
		refresh(s);
		break;
	case PERMIT:
		permit(s);
		break;
	case BIND:
		bind_channel(s);
		break;
	case AGAIN:
		again(s);
		break;
	case WAIT:
		wait(s);
		break;
	default:
		fault(s);
	}
}

// Everything is over in the end, and then there is nothing.
static void drain(void)
{
	world.refuse = 0;
	if (world.congested)
		change_congestion();
	if (world.socket < 0)
		attach(1, 0);
	pass(3601, true);
	probe();
	world_check(&world, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&h, 0, sizeof(h));
	h.told = getenv("TURN_TELL") != NULL;
	world_begin(&world);
	for (h.step = 0; size >= STEP && h.step < STEPS_MAX; data += STEP, size -= STEP, h.step++) {
		step(data);
		probe();
		world_check(&world, false);
	}
	drain();
	world_end(&world);
	return 0;
}
