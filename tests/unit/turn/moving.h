// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A client that moves between three places, and its ticket.
#pragma once

#include "../../../controlplane/auth/ticket.h"
#include "suite.h"

static struct tp_endpoint home, away, further;
static uint8_t ticket[TICKET_LENGTH]; // told last

static inline void keep_ticket(const struct answer *a)
{
	uint16_t length;
	const uint8_t *value = answer_attribute(a, TP_ATTR_MOBILITY_TICKET, &length);

	cr_assert(value && length == TICKET_LENGTH);
	memcpy(ticket, value, TICKET_LENGTH);
}

static inline void places(void)
{
	home = rig_client;
	away = rig_at("198.51.100.99", 50001);
	further = rig_at("192.0.2.55", 50002);
}

static inline int allocate(const struct tp_endpoint *client, unsigned int user, bool dual)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	q.client = *client;
	q.user = user;
	ask_transport(&q);
	if (dual)
		ask_additional(&q);
	ask_bytes(&q, TP_ATTR_MOBILITY_TICKET, "", 0);
	return answer_code(ask_send(&q));
}

// An allocation of home's, and its ticket.
static inline uint32_t begin(void)
{
	places();
	cr_assert_eq(allocate(&home, 0, false), 0);
	keep_ticket(&rig.answer);
	return rig_slot(&rig, &home);
}

static inline void ask_move(struct ask *q, const struct tp_endpoint *to, unsigned int user)
{
	ask(&rig, q, TP_STUN_REFRESH);
	q->client = *to;
	q->server = tp_ip_is4(&to->ip) ? 0 : 1;
	q->user = user;
	q->worker = 1;
	ask_bytes(q, TP_ATTR_MOBILITY_TICKET, ticket, TICKET_LENGTH);
}

static inline int move(const struct tp_endpoint *to)
{
	struct ask q;

	ask_move(&q, to, 0);
	return answer_code(ask_send(&q));
}

static inline void arrive(uint32_t slot, const struct tp_endpoint *client)
{
	const struct tp_arrival a = {
		.client = *client, .allocation = slot, .server = tp_ip_is4(&client->ip) ? 0 : 1};

	rig.link.events.arrival(rig.link.events.context, &a);
	if (!rig.hold)
		rig_flush(&rig);
}

static inline const struct mirror_slot *dataplane(uint32_t slot)
{
	return &rig.mirror.slots[slot];
}
