// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <stddef.h>

#include "turn_rules.h"

static const struct {
	uint8_t ip[4];
	uint16_t port;
} four[] = {
	{{93, 184, 216, 34}, 5000},
	{{93, 184, 216, 34}, 5001},
	{{93, 184, 216, 35}, 5000},
	{{93, 184, 216, 36}, 5000},
	{{93, 184, 216, 37}, 5000},
	{{10, 0, 0, 1}, 5000},
};

#define FOURS (sizeof(four) / sizeof(four[0]))

struct tp_endpoint model_peer_at(unsigned int peer)
{
	struct tp_endpoint e = {.port = 5000};

	if (peer < FOURS) {
		e.ip = tp_ip4(TP_BE32((uint32_t)four[peer].ip[0] << 24 | four[peer].ip[1] << 16 |
				      four[peer].ip[2] << 8 | four[peer].ip[3]));
		e.port = four[peer].port;
	} else {
		e.ip = (struct tp_ip){.b = {0x26, 0, 0x12, 0x34, [15] = (uint8_t)peer}};
	}
	return e;
}

unsigned int model_peer_ip(unsigned int peer)
{
	return peer ? peer - 1 : 0;
}

unsigned int model_peer_family(unsigned int peer)
{
	return peer >= FOURS;
}

bool model_peer_denied(unsigned int peer)
{
	return peer == FOURS - 1;
}

// Two behind one address, and one in an IPv6 network with another.
struct tp_endpoint model_client_at(unsigned int client)
{
	struct tp_endpoint e = {.port = (uint16_t)(40000 + client)};

	if (client < 4)
		e.ip = tp_ip4(TP_BE32(0xc6336401 + client / 2));
	else
		e.ip = (struct tp_ip){.b = {0x26, 0, 0x12, 0x35, [15] = (uint8_t)client}};
	return e;
}

// Who shares an address for the quota: of IPv6 its /64.
static unsigned int party(unsigned int client)
{
	return client / 2;
}

uint16_t model_number(unsigned int which)
{
	static const uint16_t numbers[MODEL_NUMBERS] = {0x4000, 0x4001, 0x4abc, 0x4fff};

	return numbers[which];
}

bool model_has_allocation(const struct model *m, unsigned int client)
{
	return model_live(m, m->clients[client].relayed[0].until_s) ||
	       model_live(m, m->clients[client].relayed[1].until_s);
}

// What counts.

unsigned int model_total(const struct model *m)
{
	unsigned int n = 0;

	for (unsigned int c = 0; c < MODEL_CLIENTS; c++)
		for (unsigned int f = 0; f < 2; f++)
			n += model_live(m, m->clients[c].relayed[f].until_s);
	return n;
}

unsigned int model_of_user(const struct model *m, unsigned int user)
{
	unsigned int n = 0;

	for (unsigned int c = 0; c < MODEL_CLIENTS; c++)
		for (unsigned int f = 0; f < 2; f++)
			n += m->clients[c].user == user &&
			     model_live(m, m->clients[c].relayed[f].until_s);
	for (unsigned int i = 0; i < MODEL_RESERVATIONS; i++)
		n += m->reservations[i].user == user && model_live(m, m->reservations[i].until_s);
	return n;
}

unsigned int model_of_address(const struct model *m, unsigned int client)
{
	unsigned int n = 0;

	for (unsigned int c = 0; c < MODEL_CLIENTS; c++)
		for (unsigned int f = 0; f < 2; f++)
			n += party(c) == party(client) &&
			     model_live(m, m->clients[c].relayed[f].until_s);
	for (unsigned int i = 0; i < MODEL_RESERVATIONS; i++)
		n += party(m->reservations[i].client) == party(client) &&
		     model_live(m, m->reservations[i].until_s);
	return n;
}

unsigned int model_owner(const struct model *m, unsigned int family, uint16_t port)
{
	unsigned int c;

	for (c = 0; c < MODEL_CLIENTS; c++)
		if (model_live(m, m->clients[c].relayed[family].until_s) &&
			m->clients[c].relayed[family].port == port)
			break;
	return c;
}

static bool port_free(const struct model *m, unsigned int family, uint16_t port)
{
	if (port < MODEL_PORT_MIN || port >= MODEL_PORT_MIN + MODEL_PORTS)
		return false;
	for (unsigned int i = 0; i < MODEL_RESERVATIONS; i++) {
		const struct model_reservation *r = &m->reservations[i];

		if (model_live(m, r->until_s) && r->family == family && r->port == port)
			return false;
	}
	return model_owner(m, family, port) == MODEL_CLIENTS;
}

bool model_port_fits(
	const struct model *m, const struct model_request *q, unsigned int family, uint16_t port)
{
	if (!port_free(m, family, port) || (q->even && port % 2))
		return false;
	return !q->reserve || port_free(m, family, (uint16_t)(port + 1));
}

bool model_has_port(const struct model *m, const struct model_request *q, unsigned int family)
{
	for (unsigned int i = 0; i < MODEL_PORTS; i++)
		if (model_port_fits(m, q, family, (uint16_t)(MODEL_PORT_MIN + i)))
			return true;
	return false;
}

struct model_reservation *model_find_token(struct model *m, uint64_t token)
{
	for (unsigned int i = 0; i < MODEL_RESERVATIONS; i++)
		if (model_live(m, m->reservations[i].until_s) && m->reservations[i].token == token)
			return &m->reservations[i];
	return NULL;
}

// Relaying.

static bool permitted(const struct model *m, const struct model_relayed *r, unsigned int peer)
{
	return model_live(m, r->until_s) && model_live(m, r->permission_s[model_peer_ip(peer)]);
}

bool model_relays_channel(
	const struct model *m, unsigned int client, unsigned int which, unsigned int *peer)
{
	for (unsigned int f = 0; f < 2; f++) {
		const struct model_relayed *r = &m->clients[client].relayed[f];

		*peer = r->channel[which].peer;
		if (model_live(m, r->until_s) && model_live(m, r->channel[which].until_s))
			return true;
	}
	return false;
}

bool model_relays_send(const struct model *m, unsigned int client, unsigned int peer)
{
	return permitted(m, &m->clients[client].relayed[model_peer_family(peer)], peer);
}

bool model_relays_peer(
	const struct model *m, unsigned int client, unsigned int peer, uint16_t *number)
{
	const struct model_relayed *r = &m->clients[client].relayed[model_peer_family(peer)];

	*number = 0;
	for (unsigned int i = 0; i < MODEL_NUMBERS; i++)
		if (model_live(m, r->channel[i].until_s) && r->channel[i].peer == peer)
			*number = model_number(i);
	return permitted(m, r, peer);
}

uint64_t model_next(const struct model *m)
{
	uint64_t next = 0;

#define LOOK(time) \
	do { \
		if ((time) > m->now_s && (!next || (time) < next)) \
			next = (time); \
	} while (0)
	for (unsigned int c = 0; c < MODEL_CLIENTS; c++)
		for (unsigned int f = 0; f < 2; f++) {
			const struct model_relayed *r = &m->clients[c].relayed[f];

			LOOK(r->until_s);
			for (unsigned int i = 0; i < MODEL_IPS; i++)
				LOOK(r->permission_s[i]);
			for (unsigned int i = 0; i < MODEL_NUMBERS; i++)
				LOOK(r->channel[i].until_s);
		}
	for (unsigned int i = 0; i < MODEL_RESERVATIONS; i++)
		LOOK(m->reservations[i].until_s);
#undef LOOK
	return next;
}
