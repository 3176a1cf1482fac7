// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../../must.h"
#include "rig.h"

static const struct auth_user users[] = {
	{.name = "alice", .password = "wonderland"},
	{.name = "bob", .password = "builder"},
	{.name = "carol", .password = "christmas"},
};

struct tp_ip rig_ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return tp_ip4(htonl((uint32_t)a << 24 | (uint32_t)b << 16 | (uint32_t)c << 8 | d));
}

struct tp_ip rig_ip(const char *text)
{
	struct tp_ip ip;
	uint32_t v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return tp_ip4(v4);
	MUST(inet_pton(AF_INET6, text, ip.b) == 1);
	return ip;
}

struct tp_endpoint rig_at(const char *text, uint16_t port)
{
	return (struct tp_endpoint){.ip = rig_ip(text), .port = port};
}

static bool is_put(const struct tp_command *c)
{
	return c->kind == TP_PUT_ALLOCATION || c->kind == TP_PUT_PERMISSION ||
	       c->kind == TP_PUT_CHANNEL || c->kind == TP_MOVE_ALLOCATION;
}

static int inspect(void *context, const struct link_transaction *t)
{
	struct rig *r = context;
	struct verdict v = {0};
	struct told *told;

	if (t->worker != LINK_EVERY_WORKER && t->worker >= r->link.workers)
		return -EINVAL;
	if (t->count) {
		MUST(t->id && t->count <= LINK_COMMANDS_MAX);
		if (r->refuse)
			v.result = r->refuse;
		else if (r->script_at < r->script_count)
			v = r->script[r->script_at++];
		told = &r->told[r->told_count++ % RIG_TOLD_MAX];
		*told = (struct told){
			.id = t->id, .worker = t->worker, .count = t->count, .reply = t->reply};
		memcpy(told->commands, t->commands, t->count * sizeof(*t->commands));
		for (uint32_t i = 0; v.result >= 0 && i < t->count; i++) {
			enum tp_status status;

			// No dataplane fails to let go.
			if (v.result && i == v.at && is_put(&t->commands[i]))
				break;
			status = mirror_apply(&r->mirror, &t->commands[i]);
			if (status == TP_STATUS_OK)
				continue;
			if (status == TP_STATUS_INVALID || status == TP_STATUS_CONFLICT)
				fprintf(stderr, "command kind %u for slot %u: status %d\n",
					t->commands[i].kind, t->commands[i].allocation, status);
			MUST(status != TP_STATUS_INVALID && status != TP_STATUS_CONFLICT);
			v = (struct verdict){(int)status, i};
			break;
		}
		if (v.result > 0 && (v.at >= t->count || !is_put(&t->commands[v.at])))
			v.result = TP_STATUS_OK;
		told->result = v.result;
	}
	if (t->reply && v.result == 0) {
		MUST(t->reply->length <= sizeof(r->answer.bytes));
		r->answer = (struct answer){.head = *t->reply, .length = t->reply->length};
		memcpy(r->answer.bytes, t->bytes, t->reply->length);
		r->answers++;
	}
	r->link.failed = v.result > 0 ? v.at : 0;
	return v.result;
}

void rig_defaults(struct rig *r)
{
	struct tp_capabilities *c = &r->capabilities;

	*r = (struct rig){.vault_fd = -1,
		.now_ms = RIG_MS,
		.wall_s = RIG_WALL_S,
		.attached = true,
		.workers = 2};
	r->relays[0] = (struct tp_relay_address){rig_ip("10.0.0.5"), rig_ip("203.0.113.5")};
	r->relays[1] = (struct tp_relay_address){rig_ip("203.0.113.6"), rig_ip("203.0.113.6")};
	r->relays[2] = (struct tp_relay_address){rig_ip("fd00::5"), rig_ip("2001:db8:2::5")};
	for (size_t i = 0; i < 3; i++)
		r->users[i] = (struct rig_user){users[i].name, users[i].password, NULL};
	r->config = (struct turn_config){.table = {.allocations = 64,
						 .port_min = RIG_PORT_MIN,
						 .port_max = RIG_PORT_MAX,
						 .relays = r->relays,
						 .relays_count = 3},
		.channel_max = TP_CHANNEL_MAX,
		.software = "Turnpike"};
	r->table_config = &r->config.table;
	r->auth_config = (struct auth_config){.realm = RIG_REALM, .users = users, .users_count = 3};
	*c = (struct tp_capabilities){.name = "rig",
		.servers = 2,
		.relays = 3,
		.allocations = 64,
		.peers = 6144,
		.port_min = RIG_PORT_MIN,
		.port_max = RIG_PORT_MAX,
		.channel_max = TP_CHANNEL_MAX};
	c->server[0] = rig_at("203.0.113.1", 3478);
	c->server[1] = rig_at("2001:db8:2::1", 3478);
	for (size_t i = 0; i < 3; i++)
		c->relay[i] = r->relays[2 - i];
}

void rig_kill(struct rig *r)
{
	turn_destroy(r->server);
	r->server = NULL;
	r->table = NULL;
	auth_destroy(r->auth);
	r->auth = NULL;
	null_link_destroy(&r->link);
}

void rig_revive(struct rig *r)
{
	struct vault vault;

	MUST(vault_open(&vault, r->vault_fd, r->table_config->allocations,
		     tp_peers_for(r->table_config->allocations)) == 0);
	memcpy(r->auth_config.nonce_key, vault.header->nonce_key, 16);
	memcpy(r->auth_config.user_key, vault.header->user_key, 16);
	MUST(auth_create(&r->auth, &r->auth_config) == 0);
	MUST(null_link_create(&r->link, 1024) == 0);
	r->link.workers = r->workers;
	r->link.inspect = inspect;
	r->link.context = r;
	MUST(turn_create(&r->server, &r->config, &vault, r->auth, &r->link.link, &r->counters) ==
		0);
	r->link.events = turn_events(r->server);
	r->table = turn_table(r->server);
	turn_set_time(r->server, r->now_ms, r->wall_s);
}

void rig_restart(struct rig *r)
{
	rig_kill(r);
	rig_revive(r);
	rig_attach(r);
}

void rig_start(struct rig *r)
{
	r->vault_fd = memfd_create("vault", MFD_CLOEXEC);
	MUST(r->vault_fd >= 0);
	for (size_t i = 0; i < 3; i++) {
		char text[64];
		uint8_t key[32];
		int n = snprintf(text, sizeof(text), "%s:%s:%s", r->users[i].name, RIG_REALM,
			r->users[i].password);

		MUST(EVP_Digest(text, (size_t)n, key, NULL, EVP_md5(), NULL) == 1);
		MUST(stun_hmac_new(&r->users[i].key, key, 16) == 0);
		MUST(EVP_Digest(text, (size_t)n, key, NULL, EVP_sha256(), NULL) == 1);
		MUST(stun_hmac_new(&r->users[i].key_sha256, key, 32) == 0);
	}
	rig_revive(r);
	if (r->attached)
		rig_attach(r);
}

void rig_stop(struct rig *r)
{
	MUST(rig_check(r, false) == 0);
	rig_kill(r);
	for (size_t i = 0; i < 3; i++) {
		stun_hmac_free(r->users[i].key);
		stun_hmac_free(r->users[i].key_sha256);
	}
	mirror_clear(&r->mirror);
	close(r->vault_fd);
}

void rig_attach(struct rig *r)
{
	r->attached = true;
	r->mirror.capabilities = r->capabilities;
	r->link.workers = r->workers;
	r->link.events.attached(r->link.events.context, &r->capabilities, r->workers);
	rig_flush(r);
}

void rig_detach(struct rig *r)
{
	uint32_t n = r->link.queued;

	r->attached = false;
	r->link.events.detached(r->link.events.context);
	for (uint32_t i = 0; i < n; i++)
		r->link.queue[i].status = TP_STATUS_COUNT;
	r->link.link.ops->flush(&r->link.link);
	mirror_clear(&r->mirror);
}

void rig_flush(struct rig *r)
{
	for (int i = 0; r->link.queued; i++) {
		MUST(i < 10000);
		r->link.link.ops->flush(&r->link.link);
	}
}

void rig_pass(struct rig *r, uint64_t ms)
{
	r->now_ms += ms;
	r->wall_s = RIG_WALL_S + (r->now_ms - RIG_MS) / 1000;
	turn_set_time(r->server, r->now_ms, r->wall_s);
}

void rig_tick(struct rig *r, uint64_t ms)
{
	for (uint64_t end = r->now_ms + ms; r->now_ms < end;) {
		rig_pass(r, end - r->now_ms < 100 ? end - r->now_ms : 100);
		turn_tick(r->server);
		if (!r->hold)
			rig_flush(r);
	}
}

void rig_verdict(struct rig *r, int result, uint32_t at)
{
	if (r->script_at == r->script_count)
		r->script_at = r->script_count = 0;
	MUST(r->script_count < RIG_SCRIPT_MAX);
	r->script[r->script_count++] = (struct verdict){result, at};
}

void rig_room(struct rig *r)
{
	r->link.events.room(r->link.events.context);
	rig_flush(r);
}

const struct told *rig_told(const struct rig *r, uint32_t back)
{
	MUST(back < RIG_TOLD_MAX && back < r->told_count);
	return &r->told[(r->told_count - 1 - back) % RIG_TOLD_MAX];
}

static int same_as_dataplane(struct rig *r, uint32_t slot, char *why, size_t size)
{
	const struct tp_vault_allocation *a = table_record(r->table, slot);
	const struct tp_endpoint client = vault_client(a), next = vault_next(a);
	const struct tp_endpoint server = table_server(r->table, slot);
	const struct tp_endpoint next_server = table_next_server(r->table, slot);
	const struct slot *s = &r->table->slots[slot];
	const struct mirror_slot *m = &r->mirror.slots[slot];
	uint32_t listed = 0, used = 0;

	snprintf(why, size, "slot %u differs from the dataplane's", slot);
	if (s->state == SLOT_FREE)
		return m->put.kind ? -EINVAL : 0;
	if (s->state != SLOT_LIVE || s->pending || s->in_force != m->put.generation ||
		!m->put.kind || m->put.expires_ms != a->expires_ms ||
		m->put.relay_port != a->relay_port || !tp_endpoint_equal(&m->put.client, &client) ||
		!tp_ip_equal(&r->capabilities.relay[m->put.relay].local,
			&r->table->relays[s->relay].local) ||
		!tp_endpoint_equal(&r->capabilities.server[m->put.server], &server) ||
		s->move_pending)
		return -EINVAL;
	snprintf(why, size, "slot %u moves here or there alone", slot);
	if (table_moving(r->table, slot) !=
			(m->move.kind && m->move.generation == m->put.generation) ||
		(m->move.kind && (!tp_endpoint_equal(&m->move.client, &next) ||
					 !tp_endpoint_equal(&r->capabilities.server[m->move.server],
						 &next_server))))
		return -EINVAL;
	for (uint32_t i = s->peers; i != TABLE_NONE; i = r->table->peers[i].next, listed++) {
		const struct tp_vault_peer *p = table_peer(r->table, i);
		const struct mirror_peer *o = mirror_find(&r->mirror, slot, &p->ip, p->channel);
		const struct tp_endpoint peer = vault_peer(p);

		snprintf(why, size, "slot %u, peer %u differs from the dataplane's", slot, i);
		if (!o || o->expires_ms < p->expires_ms ||
			(o->expires_ms != p->expires_ms && !r->late_peers) ||
			o->generation != s->in_force || !tp_endpoint_equal(&o->peer, &peer))
			return -EINVAL;
	}
	for (uint32_t i = 0; i < m->peers_used; i++)
		used += m->peers[i].used;
	snprintf(why, size, "slot %u has %u peers, the dataplane %u", slot, listed, used);
	return used == listed ? 0 : -EINVAL;
}

int rig_check(struct rig *r, bool strict)
{
	char why[256] = "";
	int err = table_check(r->table, why, sizeof(why));

	for (uint32_t i = 0; !err && strict && i < r->table->vault.header->allocations; i++)
		err = same_as_dataplane(r, i, why, sizeof(why));
	if (err)
		fprintf(stderr, "rig_check: %s\n", why);
	return err;
}
