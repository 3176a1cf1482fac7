// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Binding (RFC 8489 section 12), which needs no credentials, and what it does for clients that want to know how
// their NAT behaves (RFC 5780): answers from our other address or port, to another port, and padded.
#include <string.h>

#include "reply.h"

#define CHANGE_IP 0x4u // of CHANGE-REQUEST (RFC 5780 section 7.2)
#define CHANGE_PORT 0x2u

#define FINGERPRINT_BYTES 8u
#define ATTRIBUTE_HEADER 4u

static uint8_t server_at(const struct turn_server *s, const struct tp_ip *ip, uint16_t port)
{
	for (uint32_t i = 0; i < s->capabilities.servers; i++)
		if (tp_ip_equal(&s->capabilities.server[i].ip, ip) &&
			s->capabilities.server[i].port == port)
			return (uint8_t)i;
	return TURN_NO_ALTERNATE;
}

// The other address and port of a server address: the first pair that makes four with it (RFC 5780 section 6).
static struct turn_alternate alternate_of(const struct turn_server *s, uint8_t server)
{
	const struct tp_endpoint *own = &s->capabilities.server[server];
	struct turn_alternate a = {TURN_NO_ALTERNATE, TURN_NO_ALTERNATE, TURN_NO_ALTERNATE};

	for (uint32_t i = 0; i < s->capabilities.servers && a.both == TURN_NO_ALTERNATE; i++) {
		const struct tp_endpoint *other = &s->capabilities.server[i];
		const uint8_t ip = server_at(s, &other->ip, own->port);
		const uint8_t port = server_at(s, &own->ip, other->port);

		if (tp_ip_family(&other->ip) == tp_ip_family(&own->ip) &&
			!tp_ip_equal(&other->ip, &own->ip) && other->port != own->port &&
			ip != TURN_NO_ALTERNATE && port != TURN_NO_ALTERNATE)
			a = (struct turn_alternate){.ip = ip, .port = port, .both = (uint8_t)i};
	}
	return a;
}

void discovery_attached(struct turn_server *s)
{
	for (uint32_t i = 0; i < s->capabilities.servers; i++)
		s->alternate[i] = alternate_of(s, (uint8_t)i);
}

// What this server does not do is unknown to it (RFC 5780 section 6.1, RFC 8489 section 6.3.1).
void discovery_unknown(struct stun_message *m, uint32_t has)
{
	static const struct {
		uint32_t bit;
		uint16_t type;
	} attributes[] = {
		{STUN_HAS_CHANGE_REQUEST, TP_ATTR_CHANGE_REQUEST},
		{STUN_HAS_PADDING, TP_ATTR_PADDING},
		{STUN_HAS_RESPONSE_PORT, TP_ATTR_RESPONSE_PORT},
	};

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if ((m->has & has & attributes[i].bit) && m->unknown_count < STUN_UNKNOWN_MAX)
			m->unknown[m->unknown_count++] = attributes[i].type;
}

// As the world sees one of our server addresses.
static struct tp_endpoint public_server(const struct turn_server *s, uint8_t server)
{
	struct tp_endpoint e = s->capabilities.server[server];
	const uint32_t relay = table_find_relay(s->table, &e.ip);

	if (relay < s->table->relays_count)
		e.ip = s->table->relays[relay].public_;
	return e;
}

static uint8_t answering_server(const struct turn_alternate *a, uint8_t server, uint32_t change)
{
	switch (change & (CHANGE_IP | CHANGE_PORT)) {
	case CHANGE_IP:
		return a->ip;
	case CHANGE_PORT:
		return a->port;
	case CHANGE_IP | CHANGE_PORT:
		return a->both;
	default:
		return server;
	}
}

// PADDING as long as makes the answer as long as the request: nobody is sent more than was sent (section 9.2 of
// the RFC warns of more).
static void put_padding(struct stun_writer *w, const struct stun_message *m, bool fingerprint)
{
	static const uint8_t zeros[TP_PUNT_MAX];
	const size_t least = w->length + ATTRIBUTE_HEADER + (fingerprint ? FINGERPRINT_BYTES : 0);

	stun_put(w, TP_ATTR_PADDING, zeros, m->length > least ? (m->length - least) & ~3ul : 0);
}

static void put_discovery(struct turn_server *s, struct stun_writer *w, struct responder *to,
	const struct stun_message *m)
{
	const struct turn_alternate *a = &s->alternate[to->head.server];
	const uint8_t both = a->both;
	struct tp_endpoint e;

	to->head.server = answering_server(
		a, to->head.server, m->has & STUN_HAS_CHANGE_REQUEST ? m->change_request : 0);
	stun_put_address(w, TP_ATTR_MAPPED_ADDRESS, &to->head.client);
	e = public_server(s, to->head.server);
	stun_put_address(w, TP_ATTR_RESPONSE_ORIGIN, &e);
	if (both != TURN_NO_ALTERNATE) {
		e = public_server(s, both);
		stun_put_address(w, TP_ATTR_OTHER_ADDRESS, &e);
	}
	if (m->has & STUN_HAS_PADDING)
		put_padding(w, m, to->fingerprint);
	if (m->has & STUN_HAS_RESPONSE_PORT)
		to->head.client.port = m->response_port;
}

// Whether the request asks for what can't be together.
static bool contradicts(const struct stun_message *m)
{
	const uint32_t looked_at = STUN_HAS_CHANGE_REQUEST | STUN_HAS_PADDING |
				   STUN_HAS_RESPONSE_PORT;

	return (m->malformed & looked_at) ||
	       ((m->has & STUN_HAS_PADDING) && (m->has & STUN_HAS_RESPONSE_PORT));
}

void turn_binding(struct turn_server *s, struct responder *to, struct stun_message *m)
{
	uint8_t bytes[TP_PUNT_MAX];
	struct stun_writer w;

	if (s->discovery && s->alternate[to->head.server].both == TURN_NO_ALTERNATE)
		discovery_unknown(m, STUN_HAS_CHANGE_REQUEST);
	if (m->unknown_count) {
		reply_error(s, to, 420, m);
		return;
	}
	if (s->discovery && contradicts(m)) {
		reply_error(s, to, 400, NULL);
		return;
	}
	if (!auth_may_answer(s->auth, &to->head.client.ip, s->now_ms)) {
		turn_count(s, TP_CC_drop_rate_limited);
		return;
	}
	stun_begin(&w, bytes, sizeof(bytes), to->method, TP_STUN_SUCCESS, to->tid);
	stun_put_xor_address(&w, TP_ATTR_XOR_MAPPED_ADDRESS, &to->head.client);
	if (s->discovery)
		put_discovery(s, &w, to, m);
	if (reply_finish(s, to, &w) > 0) {
		turn_count(s, TP_CC_success_responses);
		reply_send(s, to, bytes);
	}
}
