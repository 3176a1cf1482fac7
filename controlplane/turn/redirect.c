// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Sends new allocations elsewhere: 300 with ALTERNATE-SERVER (RFC 8489 section 10, RFC 8656 section 7.2).
// What has been allocated here stays until it ends, so that a server is drained without breaking anybody.
#include <string.h>

#include "reply.h"

// The number of servers of a family.
static uint32_t count_of(const struct turn_server *s, enum tp_family family)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->redirect_count; i++)
		n += tp_ip_family(&s->redirect[i].ip) == family;
	return n;
}

// One of them at random, so that they share the load.
static const struct tp_endpoint *draw(struct turn_server *s, enum tp_family family)
{
	uint32_t n = (uint32_t)(((uint64_t)turn_random(s) * count_of(s, family)) >> 32);

	for (uint32_t i = 0; i < s->redirect_count; i++) {
		if (tp_ip_family(&s->redirect[i].ip) == family && n-- == 0)
			return &s->redirect[i];
	}
	return NULL;
}

void redirect_put(struct turn_server *s, const struct responder *to, struct stun_writer *w)
{
	const enum tp_family own = tp_ip_family(&to->head.client.ip);
	const enum tp_family other = own == TP_IPV4 ? TP_IPV6 : TP_IPV4;
	const struct tp_endpoint *first = draw(s, own), *second = draw(s, other);

	if (first)
		stun_put_address(w, TP_ATTR_ALTERNATE_SERVER, first);
	if (second)
		stun_put_address(w, TP_ATTR_ALTERNATE_SERVER, second);
	// Who signs by SHA-256 understands it, and looks at it over TLS and DTLS only.
	if (to->sha256 && s->redirect_domain[0])
		stun_put(w, TP_ATTR_ALTERNATE_DOMAIN, s->redirect_domain,
			strlen(s->redirect_domain));
}

// Whether the user or the client's address has as many allocations as it may: 486 comes first.
static bool over_quota(const struct request *r)
{
	const struct table *t = r->s->table;
	struct tp_ip party = tp_ip_party(&r->punt->client.ip);

	return (t->limits.allocations_per_user &&
		       holders_allocations(&t->holders, r->auth.user_hash) >=
			       t->limits.allocations_per_user) ||
	       (t->by_address.limit && quota_count(&t->by_address, party.b) >= t->by_address.limit);
}

bool turn_redirect(struct request *r)
{
	struct turn_server *s = r->s;

	// What a token stands for is here and nowhere else.
	if (r->m->has & STUN_HAS_RESERVATION_TOKEN)
		return false;
	if (!s->redirect_count || !count_of(s, tp_ip_family(&r->punt->client.ip)) || over_quota(r))
		return false;
	reply_error(s, &r->to, 300, NULL);
	return true;
}
