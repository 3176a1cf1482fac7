// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../config/text.h"
#include "report.h"

static const char *const counter_names[] = {
#define X(name, text) #name,
	TP_COUNTERS(X)
#undef X
};

static const char *const control_counter_names[] = {
#define X(name, text) #name,
	TP_CONTROL_COUNTERS(X)
#undef X
};

static json_t *endpoint_json(const struct tp_endpoint *e)
{
	char text[TEXT_ENDPOINT];

	return json_string(text_endpoint(e, text));
}

static json_t *ip_json(const struct tp_ip *ip)
{
	char text[TEXT_IP];

	return json_string(text_ip(ip, text));
}

static json_t *seconds_json(uint64_t ms)
{
	return json_integer((json_int_t)(ms / 1000));
}

static json_t *interfaces_json(const struct tp_capabilities *c)
{
	static const char *const modes[] = {"none", "native", "generic"};
	json_t *list = json_array();

	for (uint32_t i = 0; i < c->interfaces; i++) {
		const struct tp_interface *f = &c->interface[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:i, s:b, s:{s:I, s:I}, s:I}",
				      "name", f->name, "xdp", modes[f->mode], "driver", f->driver,
				      "why", f->why, "mtu", (json_int_t)f->mtu, "queues",
				      (int)f->queues, "virtual", f->virtual_ != 0, "headroom",
				      "enough", (json_int_t)f->headroom_seen, "lacking",
				      (json_int_t)f->headroom_lacking, "partial_checksums",
				      (json_int_t)f->partial_checksums));
	}
	return list;
}

static json_t *ring_json(uint64_t used, uint64_t size)
{
	return json_pack("{s:I, s:I}", "used", (json_int_t)used, "size", (json_int_t)size);
}

// Bytes in the rings of each worker.
static json_t *rings_json(const struct report *r)
{
	json_t *list = json_array();

	for (uint32_t w = 0; w < shm_link_workers(r->link); w++) {
		struct shm_fill f;

		shm_link_fill(r->link, w, &f);
		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "commands",
						    ring_json(f.commands, f.commands_size),
						    "results", ring_json(f.results, f.results_size),
						    "punts", ring_json(f.punts, f.punts_size)));
	}
	return list;
}

static json_t *dataplane_json(const struct report *r)
{
	const struct tp_dataplane_segment *d = shm_link_dataplane(r->link);
	json_t *o = json_object();
	uint64_t beat;

	json_object_set_new(o, "attached", json_boolean(d != NULL));
	json_object_set_new(o, "ready", json_boolean(d && turn_ready(r->server)));
	if (!d)
		return o;
	beat = __atomic_load_n(&d->heartbeat.ms, __ATOMIC_RELAXED);
	json_object_set_new(o, "name", json_string(shm_link_capabilities(r->link)->name));
	json_object_set_new(o, "workers", json_integer(shm_link_workers(r->link)));
	json_object_set_new(o, "rings", rings_json(r));
	json_object_set_new(o, "interfaces", interfaces_json(shm_link_capabilities(r->link)));
	json_object_set_new(o, "heartbeat_age_ms",
		json_integer(beat < r->now_ms ? (json_int_t)(r->now_ms - beat) : 0));
	return o;
}

static json_t *relays_json(const struct report *r)
{
	const struct table *t = turn_table(r->server);
	json_t *list = json_array();

	for (uint32_t i = 0; i < t->relays_count; i++) {
		const struct table_relay *relay = &t->relays[i];

		json_array_append_new(
			list, json_pack("{s:o, s:o, s:{s:I, s:I, s:I}}", "public",
				      ip_json(&relay->public_), "local", ip_json(&relay->local),
				      "ports", "total", (json_int_t)relay->ports.total, "used",
				      (json_int_t)(relay->ports.total - relay->ports.free), "free",
				      (json_int_t)relay->ports.free));
	}
	return list;
}

static json_t *status_json(const struct report *r)
{
	const struct table *t = turn_table(r->server);
	json_t *listen = json_array();

	for (size_t i = 0; i < r->config->listen_count; i++)
		json_array_append_new(listen, endpoint_json(&r->config->listen[i]));
	return json_pack("{s:s, s:i, s:o, s:o, s:{s:I, s:I}, s:o, s:o}", "version",
		TURNPIKE_VERSION, "pid", (int)getpid(), "uptime_s",
		seconds_json(r->now_ms - r->started_ms), "dataplane", dataplane_json(r),
		"allocations", "live", (json_int_t)t->live, "capacity",
		(json_int_t)t->vault.header->allocations, "relays", relays_json(r), "listen",
		listen);
}

static uint64_t left(const struct report *r, uint64_t expires_ms)
{
	return expires_ms > r->now_ms ? expires_ms - r->now_ms : 0;
}

static void add_peers(const struct report *r, const struct table *t, uint32_t slot, json_t *o)
{
	json_t *permissions = json_array(), *channels = json_array();

	for (uint32_t i = t->slots[slot].peers; i != TABLE_NONE; i = t->peers[i].next) {
		const struct tp_vault_peer *p = table_peer(t, i);
		const struct tp_endpoint peer = vault_peer(p);
		char number[8];

		if (p->expires_ms <= r->now_ms)
			continue;
		if (!p->channel) {
			json_array_append_new(permissions,
				json_pack("{s:o, s:o}", "peer", ip_json(&p->ip), "expires_in_s",
					seconds_json(left(r, p->expires_ms))));
			continue;
		}
		snprintf(number, sizeof(number), "0x%04x", p->channel);
		json_array_append_new(channels,
			json_pack("{s:s, s:o, s:o}", "number", number, "peer", endpoint_json(&peer),
				"expires_in_s", seconds_json(left(r, p->expires_ms))));
	}
	json_object_set_new(o, "permissions", permissions);
	json_object_set_new(o, "channels", channels);
}

// A user's name may be any bytes: what is no UTF-8 is not shown.
static json_t *user_json(const struct tp_vault_allocation *a)
{
	size_t n = a->user_length < TP_USER_MAX ? a->user_length : TP_USER_MAX;
	json_t *name = json_stringn(a->user, n);

	return name ? name : json_string("(not UTF-8)");
}

static json_t *allocation_json(const struct report *r, const struct table *t, uint32_t slot)
{
	const struct tp_vault_allocation *a = table_record(t, slot);
	const struct tp_endpoint client = vault_client(a), server = table_server(t, slot);
	struct tp_endpoint relayed = {
		.ip = t->relays[t->slots[slot].relay].public_, .port = a->relay_port};
	json_t *o = json_pack("{s:o, s:o, s:s, s:o, s:o, s:i, s:o, s:o}", "client",
		endpoint_json(&client), "server", endpoint_json(&server), "transport", "udp",
		"relayed", endpoint_json(&relayed), "user", user_json(a), "worker", (int)a->worker,
		"age_s", seconds_json(r->now_ms - a->created_ms), "expires_in_s",
		seconds_json(left(r, a->expires_ms)));

	add_peers(r, t, slot, o);
	return o;
}

static json_t *allocations_json(const struct report *r, json_int_t cursor)
{
	const struct table *t = turn_table(r->server);
	uint32_t total = t->vault.header->allocations, told = 0, looked = 0;
	uint32_t i = cursor >= 0 && cursor < total ? (uint32_t)cursor : total;
	json_t *list = json_array();

	for (; i < total && told < REPORT_ALLOCATIONS && looked < REPORT_SLOTS; i++, looked++) {
		if (t->slots[i].state != SLOT_LIVE || table_record(t, i)->expires_ms <= r->now_ms)
			continue;
		json_array_append_new(list, allocation_json(r, t, i));
		told++;
	}
	return i < total ? json_pack("{s:o, s:I}", "allocations", list, "next", (json_int_t)i)
			 : json_pack("{s:o}", "allocations", list);
}

// A page of the dataplane's, added to `total`.
static json_t *page_json(const struct tp_counters *page, uint64_t total[TP_COUNTER_COUNT])
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < TP_COUNTER_COUNT; i++) {
		uint64_t v = tp_counter(page, i);

		total[i] += v;
		json_object_set_new(o, counter_names[i], json_integer((json_int_t)v));
	}
	return o;
}

static json_int_t relayed(const uint64_t total[TP_COUNTER_COUNT])
{
	return (json_int_t)(total[TP_C_relayed_to_peer] + total[TP_C_relayed_to_client]);
}

static json_t *counters_json(const struct report *r)
{
	const struct tp_dataplane_segment *d = shm_link_dataplane(r->link);
	uint64_t total[TP_COUNTER_COUNT] = {0};
	json_t *control = json_object(), *workers = json_array(), *sum = json_object();
	json_t *program = d ? page_json(&d->program, total) : json_object();
	json_int_t by_program = relayed(total);

	for (uint32_t i = 0; i < TP_CONTROL_COUNTER_COUNT; i++)
		json_object_set_new(control, control_counter_names[i],
			json_integer((json_int_t)tp_counter(shm_link_own_counters(r->link), i)));
	for (uint32_t w = 0; w < shm_link_workers(r->link); w++)
		json_array_append_new(workers, page_json(shm_link_counters(r->link, w), total));
	for (uint32_t i = 0; i < TP_COUNTER_COUNT; i++)
		json_object_set_new(sum, counter_names[i], json_integer((json_int_t)total[i]));
	return json_pack("{s:o, s:o, s:o, s:o, s:{s:I, s:I}}", "control", control, "workers",
		workers, "program", program, "total", sum, "relayed", "program", by_program,
		"workers", relayed(total) - by_program);
}

json_t *report_answer(const struct report *r, const json_t *request)
{
	const char *command = json_string_value(json_object_get(request, "command"));

	if (!command)
		return json_pack("{s:s}", "error",
			"A request is one line of JSON: {\"command\": \"status\"}.");
	if (!strcmp(command, "status"))
		return status_json(r);
	if (!strcmp(command, "allocations"))
		return allocations_json(r, json_integer_value(json_object_get(request, "cursor")));
	if (!strcmp(command, "counters"))
		return counters_json(r);
	return json_pack("{s:s}", "error",
		"There is no such command: status, allocations and counters are known.");
}
