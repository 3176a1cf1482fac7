// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What an answer means for what there is.
#include <stddef.h>
#include <string.h>

#include "turn_rules.h"

static bool may_answer(const struct model *m, const struct model_request *q,
	const struct model_verdict *v, unsigned int code)
{
	// What a dataplane refused is not in force: only an Allocate may come through, with another port.
	if (v->success && q->failed && (code == 508 || q->method != MODEL_ALLOCATE))
		return code == 508;
	if (v->success && m->slack && (code == 508 || (code == 486 && q->method == MODEL_ALLOCATE)))
		return true;
	for (unsigned int i = 0; i < v->count; i++)
		if (v->codes[i] == code)
			return true;
	return !code && v->success;
}

// What becomes of it.

static uint32_t granted(const struct model_request *q)
{
	if (!q->has_lifetime || q->lifetime_s < DEFAULT_S)
		return DEFAULT_S;
	return q->lifetime_s > MOST_S ? MOST_S : q->lifetime_s;
}

static const char *keep_token(struct model *m, const struct model_request *q,
	const struct model_answer *a, unsigned int family)
{
	struct model_reservation *r = m->reservations;

	while (model_live(m, r->until_s))
		if (++r == m->reservations + MODEL_RESERVATIONS)
			return "more reservations than there are ports";
	*r = (struct model_reservation){.made_s = m->now_s,
		.until_s = m->now_s + TOKEN_KEPT_S,
		.token = a->token,
		.user = q->user,
		.client = q->client,
		.family = family,
		.port = (uint16_t)(a->port[family] + 1)};
	return NULL;
}

// The relayed addresses of an answer are free ones of the right families.
static const char *check_relayed(struct model *m, const struct model_request *q,
	const struct model_answer *a, const struct model_reservation *kept)
{
	for (unsigned int f = 0; f < 2; f++) {
		bool may = q->additional || f == (kept ? kept->family : q->family == 2u);

		if (a->port[f] && !may)
			return "a relayed address of a family that was not asked for";
		if (!q->additional && a->address_error[f])
			return "ADDRESS-ERROR-CODE in the answer to who wants one family";
		if (a->port[f] && a->address_error[f])
			return "a family that is given and refused";
		if (may && !a->port[f] && !a->address_error[f])
			return "a family that is neither given nor refused";
		if (may && !a->port[f] && a->address_error[f] != 440 && a->address_error[f] != 508)
			return "an ADDRESS-ERROR-CODE other than 440 and 508";
		if (a->port[f] && kept && a->port[f] != kept->port)
			return "not the port that was reserved";
		if (a->port[f] && !kept && !model_port_fits(m, q, f, a->port[f]))
			return "a port that is taken, outside, or not even";
	}
	return a->port[0] || a->port[1] ? NULL : "no relayed address";
}

static const char *check_dual(
	const struct model *m, const struct model_request *q, const struct model_answer *a)
{
	bool both = model_of_user(m, q->user) + 2 <= MODEL_PER_USER &&
		    model_of_address(m, q->client) + 2 <= MODEL_PER_ADDRESS &&
		    model_total(m) + 2 <= MODEL_SLOTS;

	for (unsigned int f = 0; f < 2 && both && !m->slack && !q->failed; f++)
		if (a->address_error[f] && model_has_port(m, q, f))
			return "a family is refused that could be given";
	return NULL;
}

static const char *allocated(
	struct model *m, const struct model_request *q, const struct model_answer *a)
{
	struct model_client *c = &m->clients[q->client];
	struct model_reservation *kept = q->has_token ? model_find_token(m, q->token) : NULL;
	const char *wrong = check_relayed(m, q, a, kept);

	if (!wrong && q->additional)
		wrong = check_dual(m, q, a);
	if (wrong)
		return wrong;
	if (a->lifetime_s != granted(q))
		return "not the lifetime that is due";
	if (a->has_token != q->reserve)
		return "a token that was not asked for, or none that was";
	if (kept)
		kept->until_s = 0;
	if (q->reserve)
		wrong = keep_token(m, q, a, q->family == 2);
	*c = (struct model_client){.user = q->user, .id = q->id, .lifetime_s = a->lifetime_s};
	for (unsigned int f = 0; f < 2; f++)
		if (a->port[f])
			c->relayed[f] = (struct model_relayed){
				.until_s = m->now_s + a->lifetime_s, .port = a->port[f]};
	return wrong;
}

// A retransmission gets what was told before, of what is still there.
static const char *allocated_again(
	const struct model *m, const struct model_request *q, const struct model_answer *a)
{
	const struct model_client *c = &m->clients[q->client];

	for (unsigned int f = 0; f < 2; f++) {
		uint16_t port = model_live(m, c->relayed[f].until_s) ? c->relayed[f].port : 0;

		if (a->port[f] != port)
			return "a retransmission is told another relayed address";
	}
	return a->lifetime_s == c->lifetime_s ? NULL : "a retransmission is told another lifetime";
}

static const char *refreshed(
	struct model *m, const struct model_request *q, const struct model_answer *a)
{
	uint32_t lifetime_s = q->has_lifetime && !q->lifetime_s ? 0 : granted(q);

	if (a->lifetime_s != lifetime_s)
		return "not the lifetime that is due";
	for (unsigned int f = 0; f < 2; f++) {
		struct model_relayed *r = &m->clients[q->client].relayed[f];

		if (model_live(m, r->until_s) && (!q->family || f == q->family - 1u))
			r->until_s = m->now_s + lifetime_s;
	}
	return NULL;
}

static void permit(struct model *m, const struct model_request *q)
{
	for (unsigned int i = 0; i < q->peers; i++) {
		unsigned int peer = q->peer[i];

		m->clients[q->client]
			.relayed[model_peer_family(peer)]
			.permission_s[model_peer_ip(peer)] = m->now_s + PERMISSION_S;
	}
}

static void bind(struct model *m, const struct model_request *q)
{
	struct model_relayed *r = &m->clients[q->client].relayed[model_peer_family(q->peer[0])];

	permit(m, q);
	for (unsigned int i = 0; i < MODEL_NUMBERS; i++)
		if (model_number(i) == q->channel) {
			r->channel[i].until_s = m->now_s + CHANNEL_S;
			r->channel[i].peer = q->peer[0];
		}
}

// The dataplane could not have what was kept (section 7.2, step 5): it is kept no longer.
static void spend_token(struct model *m, const struct model_request *q)
{
	struct model_reservation *kept = q->has_token ? model_find_token(m, q->token) : NULL;

	if (q->method == MODEL_ALLOCATE && kept)
		kept->until_s = 0;
}

const char *model_judge(
	struct model *m, const struct model_request *q, const struct model_answer *a)
{
	struct model_verdict v = model_due(m, q);

	if (!may_answer(m, q, &v, a->code))
		return v.success ? "this should succeed" : "not an answer that is due";
	if (a->code && v.success && q->failed)
		spend_token(m, q);
	if (a->code)
		return NULL;
	if (q->method == MODEL_ALLOCATE && model_has_allocation(m, q->client))
		return allocated_again(m, q, a);
	if (q->method == MODEL_ALLOCATE)
		return allocated(m, q, a);
	if (q->method == MODEL_REFRESH)
		return refreshed(m, q, a);
	if (q->method == MODEL_PERMIT)
		permit(m, q);
	else
		bind(m, q);
	return NULL;
}

void model_unanswered(struct model *m, const struct model_request *q)
{
	if (q->method != MODEL_REFRESH || !q->has_lifetime || q->lifetime_s ||
		!model_due(m, q).success)
		return;
	for (unsigned int f = 0; f < 2; f++)
		if (!q->family || f == q->family - 1u)
			m->clients[q->client].ending[f] = true;
}

void model_caught_up(struct model *m)
{
	for (unsigned int c = 0; c < MODEL_CLIENTS; c++)
		for (unsigned int f = 0; f < 2; f++) {
			if (m->clients[c].ending[f])
				m->clients[c].relayed[f].until_s = m->now_s;
			m->clients[c].ending[f] = false;
		}
}
