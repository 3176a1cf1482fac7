// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../auth/secret.h"
#include "reply.h"

#define TRANSACTIONS_MIN 4096u // about what the punts ring of one worker holds
#define TRANSACTIONS_MAX 16384u
_Static_assert(TRANSACTIONS_MAX < PEER_PUT_BY_NONE, "peers name them");

uint32_t turn_random(struct turn_server *s)
{
	uint32_t v;

	if (s->random_used + sizeof(v) > sizeof(s->random)) {
		// A gigabyte of requests costs a few calls: the pool is refilled 256 draws at a time.
		for (size_t n = 0; n < sizeof(s->random); n += 256) {
			if (getrandom(s->random + n, 256, 0) != 256)
				abort();
		}
		s->random_used = 0;
	}
	memcpy(&v, s->random + s->random_used, sizeof(v));
	s->random_used += (uint32_t)sizeof(v);
	return v;
}

void turn_set_time(struct turn_server *s, uint64_t monotonic_ms, uint64_t wall_s)
{
	s->now_ms = monotonic_ms;
	s->wall_s = wall_s;
}

struct table *turn_table(struct turn_server *s)
{
	return s->table;
}

bool turn_ready(const struct turn_server *s)
{
	return s->ready;
}

uint32_t turn_find(struct turn_server *s, const struct tp_endpoint *client,
	const struct tp_endpoint *server, uint8_t transport)
{
	uint32_t slot = table_find(s->table, client, server, transport);
	uint32_t both[2] = {slot, slot == TABLE_NONE ? TABLE_NONE : s->table->slots[slot].twin};

	for (int i = 0; i < 2; i++) {
		if (both[i] == TABLE_NONE ||
			table_record(s->table, both[i])->expires_ms > s->now_ms)
			continue;
		turn_count(s, TP_CC_allocations_expired);
		turn_drop(s, both[i], NULL, NULL);
		both[i] = TABLE_NONE;
	}
	return both[0] != TABLE_NONE ? both[0] : both[1];
}

static bool live(const struct turn_server *s, uint32_t slot)
{
	return slot != TABLE_NONE && s->table->slots[slot].state == SLOT_LIVE;
}

bool turn_in_force(struct request *r)
{
	struct turn_server *s = r->s;
	const uint32_t both[2] = {r->slot, s->table->slots[r->slot].twin};

	for (int i = 0; i < 2; i++) {
		if (live(s, both[i]) && replay_slot(s, both[i]) != 0 && live(s, both[i])) {
			turn_count(s, TP_CC_drop_congested);
			return false;
		}
	}
	r->slot = live(s, both[0]) ? both[0] : both[1];
	if (live(s, r->slot))
		return true;
	reply_error(s, &r->to, 437, NULL); // the dataplane can't have it
	return false;
}

bool turn_allocation_ready(struct request *r)
{
	struct turn_server *s = r->s;
	uint32_t twin;

	if (r->slot == TABLE_NONE) {
		reply_error(s, &r->to, 437, NULL);
		return false;
	}
	if (memcmp(table_record(s->table, r->slot)->user_hash, r->auth.user_hash, 16) != 0) {
		reply_error(s, &r->to, 441, NULL);
		return false;
	}
	if (!turn_in_force(r))
		return false;
	twin = s->table->slots[r->slot].twin;
	if (turn_expire_peers(s, r->slot) != 0 ||
		(twin != TABLE_NONE && turn_expire_peers(s, twin) != 0)) {
		turn_count(s, TP_CC_drop_congested);
		return false;
	}
	return true;
}

// What a method looks at. The rest is known but unexpected, and must not matter even where it is malformed
// (RFC 8489 section 6.3).
static uint32_t expected_by(uint16_t method)
{
	switch (method) {
	case TP_STUN_ALLOCATE:
		return STUN_HAS_LIFETIME | STUN_HAS_REQUESTED_TRANSPORT |
		       STUN_HAS_REQUESTED_FAMILY | STUN_HAS_ADDITIONAL_FAMILY | STUN_HAS_EVEN_PORT |
		       STUN_HAS_RESERVATION_TOKEN | STUN_HAS_DONT_FRAGMENT |
		       STUN_HAS_MOBILITY_TICKET;
	case TP_STUN_REFRESH:
		return STUN_HAS_LIFETIME | STUN_HAS_REQUESTED_FAMILY | STUN_HAS_MOBILITY_TICKET;
	case TP_STUN_CREATE_PERMISSION:
		return STUN_HAS_PEER_ADDRESS;
	default:
		return STUN_HAS_CHANNEL_NUMBER | STUN_HAS_PEER_ADDRESS;
	}
}

static void ignore_unexpected(struct stun_message *m)
{
	m->malformed &= expected_by(m->method);
	// ChannelBind takes one peer: of duplicates the first counts (section 14).
	if (m->method == TP_STUN_CHANNEL_BIND && m->peers[0].family)
		m->malformed &= ~(uint32_t)STUN_HAS_PEER_ADDRESS;
}

static void handle(struct request *r)
{
	struct turn_server *s = r->s;

	if (r->auth.code) {
		reply_error(s, &r->to, (unsigned int)r->auth.code, NULL);
		return;
	}
	r->to.key = r->auth.key;
	r->to.sha256 = r->auth.sha256;
	if (r->m->unknown_count) {
		reply_error(s, &r->to, 420, r->m);
		return;
	}
	r->slot = turn_find(s, &r->punt->client, &r->server, r->punt->transport);
	if (r->m->method == TP_STUN_ALLOCATE) {
		turn_allocate(r);
		return;
	}
	if (r->m->method == TP_STUN_REFRESH && (r->m->has & STUN_HAS_MOBILITY_TICKET)) {
		turn_refresh_with_ticket(r);
		return;
	}
	if (!turn_allocation_ready(r))
		return;
	if (r->m->method == TP_STUN_REFRESH)
		turn_refresh(r);
	else if (r->m->method == TP_STUN_CREATE_PERMISSION)
		turn_create_permission(r);
	else
		turn_channel_bind(r);
}

static void dispatch(struct request *r, struct stun_message *m)
{
	auth_check(r->s->auth, m, &r->punt->client, r->s->wall_s, &r->auth);
	ignore_unexpected(m);
	handle(r);
	OPENSSL_cleanse(r->auth.key_bytes, sizeof(r->auth.key_bytes));
}

static enum tp_control_counter method_counter(uint16_t method)
{
	switch (method) {
	case TP_STUN_BINDING:
		return TP_CC_binding_requests;
	case TP_STUN_ALLOCATE:
		return TP_CC_allocate_requests;
	case TP_STUN_REFRESH:
		return TP_CC_refresh_requests;
	case TP_STUN_CREATE_PERMISSION:
		return TP_CC_create_permission_requests;
	case TP_STUN_CHANNEL_BIND:
		return TP_CC_channel_bind_requests;
	default:
		return TP_CC_other_requests;
	}
}

static void on_punt(
	void *context, uint32_t worker, const struct tp_punt *punt, const uint8_t *bytes)
{
	struct turn_server *s = context;
	struct stun_message m;
	struct request r = {.s = s, .m = &m, .punt = punt, .slot = TABLE_NONE};
	enum tp_control_counter method;

	if (stun_parse(&m, bytes, punt->length) != 0) {
		turn_count(s, TP_CC_drop_malformed);
		return;
	}
	if (m.class_ != TP_STUN_REQUEST) {
		turn_count(s, TP_CC_drop_indication);
		return;
	}
	if ((m.has & STUN_HAS_FINGERPRINT) && !m.fingerprint_valid) {
		turn_count(s, TP_CC_drop_fingerprint);
		return;
	}
	method = method_counter(m.method);
	turn_count(s, method);
	// RFC 8489 section 6.3: a method that isn't supported gets silence.
	if (method == TP_CC_other_requests)
		return;
	r.server = s->capabilities.server[punt->server];
	r.to = (struct responder){.worker = worker,
		.method = m.method,
		.fingerprint = m.has & STUN_HAS_FINGERPRINT,
		.head = {.client = punt->client,
			.via = punt->via,
			.server = punt->server,
			.transport = punt->transport}};
	memcpy(r.to.tid, m.tid, sizeof(r.to.tid));
	if (!s->discovery || m.method != TP_STUN_BINDING)
		discovery_unknown(&m, UINT32_MAX);
	if (m.method == TP_STUN_BINDING)
		turn_binding(s, &r.to, &m);
	else
		dispatch(&r, &m);
}

#define RESTART "stop turnpike with all its programs, and start it again"

// What we hand out a dataplane must be able to hold. It goes by the configuration that it was started with.
static const char *refuse(void *context, const struct tp_capabilities *capabilities)
{
	const struct turn_server *s = context;

	if (capabilities->allocations < s->table->vault.header->allocations)
		return "it has room for fewer allocations than the vault (`limits.allocations` has "
		       "changed): " RESTART;
	if (capabilities->channel_max < s->channel_max)
		return "it takes fewer channel numbers than we do (`channel_numbers` has "
		       "changed): " RESTART;
	for (uint32_t i = 0; i < s->table->relays_count; i++) {
		const struct ports *ports = &s->table->relays[i].ports;

		if (ports->min < capabilities->port_min ||
			ports->min + ports->total - 1 > capabilities->port_max)
			return "its relay ports are not ours (`ports` has changed): " RESTART;
	}
	return NULL;
}

static void on_attached(void *context, const struct tp_capabilities *capabilities, uint32_t workers)
{
	struct turn_server *s = context;

	s->capabilities = *capabilities;
	s->workers = workers;
	s->attached = true;
	discovery_attached(s);
	replay_start(s);
}

static void on_detached(void *context)
{
	struct turn_server *s = context;

	s->attached = s->ready = false;
}

static void on_outcome(void *context, uint64_t id, uint32_t status, uint32_t failed)
{
	turn_outcome(context, id, status, failed);
}

static void on_arrival(void *context, const struct tp_arrival *arrival)
{
	turn_arrival(context, arrival);
}

static void on_room(void *context)
{
	struct turn_server *s = context;

	if (s->attached && !s->replay_done)
		replay_step(s);
}

struct link_events turn_events(struct turn_server *s)
{
	return (struct link_events){
		.refuse = refuse,
		.attached = on_attached,
		.detached = on_detached,
		.outcome = on_outcome,
		.punt = on_punt,
		.arrival = on_arrival,
		.room = on_room,
		.context = s,
	};
}

// Transactions under way at once: a storm of a server's clients is as large as the server.
static uint32_t transactions_for(uint32_t allocations)
{
	const uint32_t n = allocations / 16;

	return n < TRANSACTIONS_MIN ? TRANSACTIONS_MIN
				    : (n < TRANSACTIONS_MAX ? n : TRANSACTIONS_MAX);
}

static int create_pending(struct turn_server *s, uint32_t count)
{
	if (count >= PEER_PUT_BY_NONE)
		return -EINVAL;
	s->pending_count = count;
	s->pending = secret_take(count * sizeof(*s->pending));
	if (!s->pending)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		s->pending[i].next_free = i + 1 < count ? i + 1 : TABLE_NONE;
	s->pending_free = 0;
	return 0;
}

int turn_create(struct turn_server **out, const struct turn_config *config, struct vault *vault,
	struct auth *auth, struct link *link, struct tp_counters *counters)
{
	static const uint8_t no_key[16];
	struct turn_server *s = calloc(1, sizeof(*s));
	uint64_t bad = 0;
	int err = -ENOMEM;

	*out = NULL;
	if (!s) {
		vault_close(vault);
		return -ENOMEM;
	}
	s->auth = auth;
	s->link = link;
	s->counters = counters;
	s->channel_max = config->channel_max;
	s->mobility = !config->mobility_forbidden;
	s->discovery = config->nat_discovery;
	s->trace = config->trace;
	s->trace_context = config->trace_context;
	s->random_used = sizeof(s->random);
	s->unsent = TABLE_NONE;
	if (config->software)
		snprintf(s->software, sizeof(s->software), "%s", config->software);
	if (config->redirect_domain)
		snprintf(s->redirect_domain, sizeof(s->redirect_domain), "%s",
			config->redirect_domain);
	s->redirect = calloc(config->redirect_count + 1, sizeof(*s->redirect));
	if (!s->redirect)
		goto fail;
	s->redirect_count = (uint32_t)config->redirect_count;
	for (size_t i = 0; i < config->redirect_count; i++)
		s->redirect[i] = config->redirect[i];
	if (rates_create(s, config))
		goto fail;
	err = create_pending(s, config->transactions ? config->transactions
						     : transactions_for(config->table.allocations));
	if (err)
		goto fail;
	err = stun_hmac_new(&s->late_key, no_key, sizeof(no_key));
	if (!err)
		err = ticket_seal_create(&s->seal, vault->header->ticket_key);
	if (!err)
		err = policy_create(&s->policy, config->allow, config->allow_count, config->deny,
			config->deny_count, config->own, config->own_count);
	if (!err)
		err = table_create(&s->table, vault, &config->table, &bad);
	if (err)
		goto fail;
	tp_count(counters, TP_CC_vault_bad, bad);
	*out = s;
	return 0;
fail:
	vault_close(vault);
	turn_destroy(s);
	return err;
}

void turn_destroy(struct turn_server *s)
{
	if (!s)
		return;
	table_destroy(s->table);
	policy_destroy(s->policy);
	stun_hmac_free(s->late_key);
	ticket_seal_destroy(s->seal);
	secret_give(s->pending, s->pending_count * sizeof(*s->pending));
	free(s->user_full_at);
	free(s->redirect);
	free(s);
}
