// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "population.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <turnpike/wire.h>

#include "front.h"
#include "seek.h"

#define RELAYED_FIRST 49152u

// Whether the n-th is one of a share, as evenly spread as it goes.
static bool is_of(double share, uint32_t n)
{
	return floor((n + 1) * share + 1e-9) > floor(n * share + 1e-9);
}

// A hairpin client has one flow.
static bool is_hairpin(const struct options *o, uint32_t client)
{
	return (client | 1) < o->clients && is_of(o->hairpin, client / 2);
}

static void make_flows(struct population *p)
{
	const struct options *o = p->options;
	uint32_t hairpins = 0;

	for (uint32_t c = 0; c < o->clients; c++) {
		bool hairpin = is_hairpin(o, c);

		for (uint32_t j = 0; j < (hairpin ? 1 : o->channels); j++) {
			// Both clients of a pair do alike.
			uint32_t spread = hairpin ? hairpins++ / 2 : p->flows - hairpins;

			p->flow[p->flows++] = (struct flow){.client = c,
				.peer = hairpin ? c ^ 1
						: (uint32_t)(((uint64_t)c * o->channels + j) %
							     o->peers),
				.channel = (uint16_t)(TP_CHANNEL_MIN + j),
				.form = is_of(o->indications, spread) ? FORM_INDICATION
								      : FORM_CHANNEL,
				.hairpin = hairpin};
		}
	}
}

int population_make(struct population *p, const struct options *o)
{
	*p = (struct population){.options = o, .clients = o->clients};
	p->client = calloc(o->clients, sizeof(*p->client));
	p->flow = calloc((size_t)o->clients * o->channels, sizeof(*p->flow));
	p->peer_socket = calloc(o->peers, sizeof(*p->peer_socket));
	if (!p->client || !p->flow || !p->peer_socket) {
		population_free(p);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < o->clients; i++)
		p->client[i].path = (struct path){
			.local = range_at(&o->clients_from, i), .remote = o->server, .socket = -1};
	for (uint32_t i = 0; i < o->peers; i++)
		p->peer_socket[i] = -1;
	make_flows(p);
	return 0;
}

void population_free(struct population *p)
{
	free(p->client);
	free(p->flow);
	free(p->peer_socket);
	free(p->stream);
	free(p->expected);
	free(p->track);
	*p = (struct population){0};
}

void population_pretend(struct population *p)
{
	for (uint32_t i = 0; i < p->clients; i++) {
		p->client[i].relayed = p->options->server;
		p->client[i].relayed.port = (uint16_t)(RELAYED_FIRST + i % (65536 - RELAYED_FIRST));
	}
	for (uint32_t i = 0; i < p->flows; i++)
		p->flow[i].bound = true;
}

struct tp_endpoint flow_peer(const struct population *p, const struct flow *f)
{
	return f->hairpin ? p->client[f->peer].relayed : range_at(&p->options->peers_from, f->peer);
}

static int add(struct population *p, struct wire *w, uint32_t flow, enum way way)
{
	const struct flow *f = &p->flow[flow];
	const struct client *c = &p->client[f->client];
	struct tp_endpoint peer = flow_peer(p, f);
	struct stream *s = &p->stream[p->streams];
	struct expected *e = &p->expected[p->streams];

	*s = (struct stream){.flow = flow, .way = (uint8_t)way, .form = f->form};
	*e = (struct expected){.channel = f->channel};
	if (way == WAY_TO_CLIENT) {
		s->path = (struct path){
			.local = peer, .remote = c->relayed, .socket = p->peer_socket[f->peer]};
		e->source = c->path.remote;
		e->destination = c->path.local;
		e->peer = peer;
	} else {
		s->path = c->path;
		s->front_length = (uint8_t)front_make(
			s->front, (enum form)f->form, f->channel, &peer);
		e->source = way == WAY_HAIRPIN ? c->path.remote : c->relayed;
		e->destination = way == WAY_HAIRPIN ? p->client[f->peer].path.local : peer;
		e->peer = c->relayed;
	}
	p->streams++;
	return seek(w, &s->path);
}

int population_make_streams(struct population *p, struct wire *w)
{
	size_t most = 2 * (size_t)p->flows;
	int err = 0;

	p->stream = calloc(most, sizeof(*p->stream));
	p->expected = calloc(most, sizeof(*p->expected));
	p->track = aligned_alloc(64, (most + 1) * sizeof(*p->track));
	if (!p->stream || !p->expected || !p->track)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->flows && !err; i++) {
		const struct flow *f = &p->flow[i];

		if (!f->bound || (f->hairpin && !p->client[f->peer].relayed.port))
			continue;
		err = add(p, w, i, f->hairpin ? WAY_HAIRPIN : WAY_TO_PEER);
		if (!err && !f->hairpin) {
			err = add(p, w, i, WAY_TO_CLIENT);
			p->peer_socket[f->peer] = p->stream[p->streams - 1].path.socket;
		}
	}
	return err;
}
