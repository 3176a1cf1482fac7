// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What clients and peers send in the world (turn_world.h), and what they get.
#include "turn_world.h"

// Requests.

static void put_credentials(struct world *w, const struct model_request *q, struct stun_writer *s)
{
	const char *name = q->credentials == MODEL_STRANGER ? "mallory" : w->users[q->user].name;
	struct stun_hmac *bad;

	if (q->credentials == MODEL_UNSIGNED)
		return;
	stun_put(s, TP_ATTR_USERNAME, name, strlen(name));
	stun_put(s, TP_ATTR_REALM, WORLD_REALM, strlen(WORLD_REALM));
	stun_put(s, TP_ATTR_NONCE, q->nonce[0] ? q->nonce : "nobody's",
		strlen(q->nonce[0] ? q->nonce : "nobody's"));
	if (q->credentials == MODEL_GOOD) {
		stun_put_integrity(s, w->users[q->user].key);
		return;
	}
	bad = world_key(name, "guess");
	stun_put_integrity(s, bad);
	stun_hmac_free(bad);
}

static uint16_t method(const struct model_request *q)
{
	static const uint16_t methods[] = {[MODEL_ALLOCATE] = TP_STUN_ALLOCATE,
		[MODEL_REFRESH] = TP_STUN_REFRESH,
		[MODEL_PERMIT] = TP_STUN_CREATE_PERMISSION,
		[MODEL_BIND] = TP_STUN_CHANNEL_BIND};

	return methods[q->method];
}

static int build(struct world *w, const struct model_request *q, uint8_t *bytes, size_t room)
{
	uint8_t tid[TP_STUN_TID] = {0};
	struct stun_writer s;

	memcpy(tid, &q->id, sizeof(q->id));
	stun_begin(&s, bytes, room, method(q), TP_STUN_REQUEST, tid);
	if (q->transport)
		stun_put_u32(&s, TP_ATTR_REQUESTED_TRANSPORT, (uint32_t)q->transport << 24);
	if (q->family)
		stun_put_u32(&s, TP_ATTR_REQUESTED_ADDRESS_FAMILY, (uint32_t)q->family << 24);
	if (q->additional)
		stun_put_u32(&s, TP_ATTR_ADDITIONAL_ADDRESS_FAMILY, (uint32_t)q->additional << 24);
	if (q->even)
		stun_put(&s, TP_ATTR_EVEN_PORT, q->reserve ? "\x80" : "", 1);
	if (q->dont_fragment)
		stun_put(&s, TP_ATTR_DONT_FRAGMENT, NULL, 0);
	if (q->has_token)
		stun_put_u64(&s, TP_ATTR_RESERVATION_TOKEN, q->token);
	if (q->has_lifetime)
		stun_put_u32(&s, TP_ATTR_LIFETIME, q->lifetime_s);
	if (q->channel)
		stun_put_u32(&s, TP_ATTR_CHANNEL_NUMBER, (uint32_t)q->channel << 16);
	for (unsigned int i = 0; i < q->peers; i++) {
		struct tp_endpoint peer = model_peer_at(q->peer[i]);

		stun_put_xor_address(&s, TP_ATTR_XOR_PEER_ADDRESS, &peer);
	}
	if (q->unknown)
		stun_put_u32(&s, 0x7f00, 1);
	put_credentials(w, q, &s);
	return stun_finish(&s);
}

static uint8_t server_of(unsigned int client)
{
	struct tp_endpoint e = model_client_at(client);

	return tp_ip_is4(&e.ip) ? 0 : 1;
}

static struct relay_decision from_client(
	struct world *w, unsigned int client, const uint8_t *bytes, uint32_t length)
{
	struct relay_from_client in = {.data = bytes,
		.length = length,
		.server = server_of(client),
		.client = model_client_at(client)};
	// What a client sends always comes to the same worker.
	struct agent *agent = &w->worker[client % w->workers].agent;
	struct relay_decision d;

	relay_decide_clients(agent->relay, &in, &d, 1, agent->now);
	if (d.verdict == RELAY_PUNT)
		agent_punt(agent, &in, d.known, NULL);
	return d;
}

static uint64_t big_endian(const uint8_t *at, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *at++;
	return v;
}

// Reads the attributes that the model looks at.
static void read_answer(struct world *w, struct model_answer *a, char nonce[64], bool *renewed)
{
	const uint8_t *at = w->bytes + TP_STUN_HEADER, *end = w->bytes + w->head.length;

	*a = (struct model_answer){0};
	while (end - at >= 4) {
		unsigned int type = (unsigned int)big_endian(at, 2);
		size_t length = big_endian(at + 2, 2);

		at += 4;
		MUST(length <= (size_t)(end - at));
		if (type == TP_ATTR_ERROR_CODE)
			a->code = at[2] * 100u + at[3];
		else if (type == TP_ATTR_LIFETIME)
			a->lifetime_s = (uint32_t)big_endian(at, 4);
		else if (type == TP_ATTR_ADDRESS_ERROR_CODE)
			a->address_error[at[0] - 1] = at[2] * 100u + at[3];
		else if (type == TP_ATTR_XOR_RELAYED_ADDRESS)
			a->port[at[1] - 1] = (uint16_t)(big_endian(at + 2, 2) ^
							TP_STUN_COOKIE >> 16);
		else if (type == TP_ATTR_RESERVATION_TOKEN)
			a->has_token = true, a->token = big_endian(at, 8);
		else if (type == TP_ATTR_NONCE && length < 64) {
			memcpy(nonce, at, length);
			nonce[length] = 0;
			*renewed = true;
		}
		at += length + tp_pad4((uint32_t)length);
	}
}

// What every answer is, whatever it says.
static void check_answer(
	struct world *w, const struct model_request *q, const struct model_answer *a)
{
	struct tp_endpoint client = model_client_at(q->client);
	struct stun_message m;

	MUST(w->answers == 1);
	MUST(tp_endpoint_equal(&w->head.client, &client) && w->head.server == server_of(q->client));
	MUST(stun_parse(&m, w->bytes, w->head.length) == 0);
	MUST(m.method == method(q) && memcmp(m.tid, &q->id, sizeof(q->id)) == 0);
	MUST(m.class_ == (a->code ? TP_STUN_ERROR : TP_STUN_SUCCESS));
	MUST(a->code != 401 || (m.nonce.data && m.realm.data && w->head.length <= 120));
	MUST(a->code != 438 || (m.nonce.data && m.realm.data));
	if (a->code != 401 && a->code != 438)
		MUST(stun_integrity_valid(&m, w->users[q->user].key));
}

bool world_ask(struct world *w, const struct model_request *q, struct model_answer *a,
	char nonce[64], bool *renewed)
{
	uint8_t bytes[1024];
	int n = build(w, q, bytes, sizeof(bytes));

	MUST(n > 0);
	*renewed = false;
	w->answers = 0;
	if (w->socket >= 0)
		MUST(from_client(w, q->client, bytes, (uint32_t)n).verdict == RELAY_PUNT);
	world_settle(w, false);
	if (!w->answers)
		return false;
	read_answer(w, a, nonce, renewed);
	check_answer(w, q, a);
	return true;
}

// Data.

struct relay_decision world_channel(struct world *w, unsigned int client, uint16_t number)
{
	const uint8_t bytes[] = {(uint8_t)(number >> 8), (uint8_t)number, 0, 4, 'd', 'a', 't', 'a'};

	return from_client(w, client, bytes, sizeof(bytes));
}

struct relay_decision world_send(struct world *w, unsigned int client, unsigned int peer)
{
	struct tp_endpoint to = model_peer_at(peer);
	uint8_t bytes[128], tid[TP_STUN_TID] = {0};
	struct stun_writer s;
	int n;

	stun_begin(&s, bytes, sizeof(bytes), TP_STUN_SEND, TP_STUN_INDICATION, tid);
	stun_put_xor_address(&s, TP_ATTR_XOR_PEER_ADDRESS, &to);
	stun_put(&s, TP_ATTR_DATA, "data", 4);
	n = stun_finish(&s);
	MUST(n > 0);
	return from_client(w, client, bytes, (uint32_t)n);
}

struct relay_decision world_peer(
	struct world *w, uint32_t worker, unsigned int family, uint16_t port, unsigned int peer)
{
	struct relay_from_peer in = {.data = (const uint8_t *)"data",
		.length = 4,
		.relay = (uint8_t)family,
		.port = port,
		.peer = model_peer_at(peer)};
	struct agent *agent = &w->worker[worker].agent;
	struct relay_decision d;

	relay_decide_peers(agent->relay, &in, &d, 1, agent->now);
	return d;
}
