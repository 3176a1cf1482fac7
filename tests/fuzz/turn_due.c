// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What may be answered to a request, and why.
#include <stddef.h>
#include <string.h>

#include "turn_rules.h"

static struct model_verdict only(unsigned int code)
{
	return (struct model_verdict){.codes = {code}, .count = 1};
}

static void also(struct model_verdict *v, unsigned int code)
{
	v->codes[v->count++] = code;
}

static const struct model_verdict success = {.success = true};

// RFC 8489 section 9.2.4. A nonce that never was this client's is as good as an old one.
static unsigned int authenticate(const struct model *m, const struct model_request *q)
{
	if (q->credentials == MODEL_UNSIGNED)
		return 401;
	if (!q->nonce[0])
		return 438;
	if (q->credentials != MODEL_GOOD)
		return 401;
	return m->now_s - q->nonce_s > MODEL_NONCE_S ? 438 : 0;
}

// Whether the requests that make something new find room for `n` of it.
static struct model_verdict allocate_one(
	struct model *m, const struct model_request *q, unsigned int family)
{
	unsigned int n = 1 + q->reserve;
	struct model_verdict v = {0};

	if (model_of_user(m, q->user) + n > MODEL_PER_USER ||
		model_of_address(m, q->client) + n > MODEL_PER_ADDRESS ||
		model_total(m) + 1 > MODEL_SLOTS)
		also(&v, 486);
	if (!model_has_port(m, q, family))
		also(&v, 508);
	v.success = !v.count;
	return v;
}

// Whoever shows the token gets what was kept, whose place in the quotas it was already.
static struct model_verdict allocate_reserved(struct model *m, const struct model_request *q)
{
	struct model_reservation *r = model_find_token(m, q->token);
	uint64_t until_s;
	struct model_verdict v;

	if (!r)
		return only(508);
	until_s = r->until_s;
	r->until_s = 0;
	v = (struct model_verdict){0};
	if (model_of_user(m, q->user) + 1 > MODEL_PER_USER ||
		model_of_address(m, q->client) + 1 > MODEL_PER_ADDRESS ||
		model_total(m) + 1 > MODEL_SLOTS)
		also(&v, 486);
	r->until_s = until_s;
	v.success = !v.count;
	// A token is as good as its time; whether it is another user's to show, the RFC leaves open.
	if (m->now_s >= r->made_s + TOKEN_S || r->user != q->user)
		also(&v, 508);
	return v;
}

// One of both families is enough (section 7.2, step 9).
static struct model_verdict allocate_dual(struct model *m, const struct model_request *q)
{
	unsigned int user = model_of_user(m, q->user), address = model_of_address(m, q->client);
	struct model_verdict v = {0};

	if (user + 2 > MODEL_PER_USER || address + 2 > MODEL_PER_ADDRESS ||
		model_total(m) + 2 > MODEL_SLOTS)
		also(&v, 486);
	if (!model_has_port(m, q, 0) && !model_has_port(m, q, 1))
		also(&v, 508);
	// Where there is room for one, one may be given.
	v.success = (model_has_port(m, q, 0) || model_has_port(m, q, 1)) && user < MODEL_PER_USER &&
		    address < MODEL_PER_ADDRESS && model_total(m) < MODEL_SLOTS;
	return v;
}

// Section 7.2, in its order.
static struct model_verdict judge_allocate(struct model *m, const struct model_request *q)
{
	const struct model_client *c = &m->clients[q->client];

	if (model_has_allocation(m, q->client))
		return c->id == q->id && c->user == q->user ? success : only(437);
	if (!q->transport)
		return only(400);
	if (q->transport != 17)
		return only(442);
	if (q->has_token && (q->even || q->family || q->additional))
		return only(400);
	if (q->family && q->additional)
		return only(400);
	if (q->family > 2)
		return only(440);
	if (q->reserve && q->additional)
		return only(400);
	if (q->additional && q->additional != 2)
		return only(400);
	if (q->has_token)
		return allocate_reserved(m, q);
	if (q->additional)
		return allocate_dual(m, q);
	return allocate_one(m, q, q->family == 2);
}

// Section 5: a request about an allocation is its owner's.
static unsigned int judge_owner(const struct model *m, const struct model_request *q)
{
	if (!model_has_allocation(m, q->client))
		return 437;
	return m->clients[q->client].user != q->user ? 441 : 0;
}

// Section 8.2.
static struct model_verdict judge_refresh(const struct model *m, const struct model_request *q)
{
	if (!q->family)
		return success;
	if (q->family > 2 || !model_live(m, m->clients[q->client].relayed[q->family - 1].until_s))
		return only(443);
	return success;
}

// Sections 10.2 and 12.2: whom a relayed address may reach at all. Several may be wrong at once.
static struct model_verdict judge_peers(const struct model *m, const struct model_request *q)
{
	struct model_verdict v = {0};
	bool family = false, denied = false;

	for (unsigned int i = 0; i < q->peers; i++) {
		unsigned int f = model_peer_family(q->peer[i]);

		family |= !model_live(m, m->clients[q->client].relayed[f].until_s);
		denied |= model_peer_denied(q->peer[i]);
	}
	if (family)
		also(&v, 443);
	if (denied)
		also(&v, 403);
	v.success = !v.count;
	return v;
}

// Whether the permissions of a request, some of which may be there, go over what an address may have.
static bool too_many_permissions(const struct model *m, const struct model_request *q)
{
	for (unsigned int f = 0; f < 2; f++) {
		const struct model_relayed *r = &m->clients[q->client].relayed[f];
		bool wanted[MODEL_IPS];
		unsigned int n = 0;

		for (unsigned int i = 0; i < MODEL_IPS; i++)
			wanted[i] = model_live(m, r->permission_s[i]);
		for (unsigned int i = 0; i < q->peers; i++)
			if (model_peer_family(q->peer[i]) == f)
				wanted[model_peer_ip(q->peer[i])] = true;
		for (unsigned int i = 0; i < MODEL_IPS; i++)
			n += wanted[i];
		if (n > MODEL_PERMISSIONS)
			return true;
	}
	return false;
}

static struct model_verdict judge_permit(const struct model *m, const struct model_request *q)
{
	struct model_verdict v;

	if (!q->peers)
		return only(400);
	v = judge_peers(m, q);
	return v.success && too_many_permissions(m, q) ? only(508) : v;
}

static struct model_verdict judge_bind(const struct model *m, const struct model_request *q)
{
	struct model_verdict v;
	unsigned int bound = 0;
	bool again = false;

	if (!q->peers || q->channel < 0x4000 || q->channel > 0x4fff)
		return only(400);
	v = judge_peers(m, q);
	for (unsigned int f = 0; f < 2; f++) {
		const struct model_relayed *r = &m->clients[q->client].relayed[f];

		for (unsigned int i = 0; i < MODEL_NUMBERS; i++) {
			bool number = model_number(i) == q->channel;
			bool peer = r->channel[i].peer == q->peer[0];

			if (!model_live(m, r->until_s) || !model_live(m, r->channel[i].until_s))
				continue;
			bound += f == model_peer_family(q->peer[0]);
			again |= number && peer;
			if (number != peer) {
				also(&v, 400);
				v.success = false;
				return v;
			}
		}
	}
	if (v.success && (too_many_permissions(m, q) || (!again && bound == MODEL_CHANNELS)))
		return only(508);
	return v;
}

struct model_verdict model_due(struct model *m, const struct model_request *q)
{
	unsigned int code = authenticate(m, q);

	if (code)
		return only(code);
	if (q->unknown)
		return only(420);
	if (q->method == MODEL_ALLOCATE)
		return judge_allocate(m, q);
	code = judge_owner(m, q);
	if (code)
		return only(code);
	if (q->method == MODEL_REFRESH)
		return judge_refresh(m, q);
	return q->method == MODEL_PERMIT ? judge_permit(m, q) : judge_bind(m, q);
}
