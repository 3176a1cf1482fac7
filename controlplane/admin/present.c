// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <turnpike/counters.h>

#include "../config/printable.h"
#include "present.h"
#include "table.h"

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static json_int_t integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

// A line outside of tables, which see to this themselves.
[[gnu::format(printf, 2, 3)]] static void print_line(FILE *out, const char *format, ...)
{
	va_list arguments;
	char *line;
	int n;

	va_start(arguments, format);
	n = vasprintf(&line, format, arguments);
	va_end(arguments);
	if (n < 0)
		return;
	printable(line);
	fprintf(out, "%s\n", line);
	free(line);
}

const char *present_duration(json_int_t s, char out[PRESENT_DURATION])
{
	if (s < 60)
		snprintf(out, PRESENT_DURATION, "%lld s", s);
	else if (s < 3600)
		snprintf(out, PRESENT_DURATION, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, PRESENT_DURATION, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else
		snprintf(out, PRESENT_DURATION, "%lld d %lld h", s / 86400, s % 86400 / 3600);
	return out;
}

// A table of these columns.
#define TABLE_OF(...) \
	table_of((const char *const[]){__VA_ARGS__}, \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static struct table table_of(const char *const *heads, size_t columns)
{
	struct table t = {.columns = columns};

	for (size_t i = 0; i < columns; i++)
		table_add(&t, "%s", heads[i]);
	return t;
}

static void present_relays(const json_t *relays, FILE *out)
{
	struct table t = TABLE_OF("RELAY", "LOCAL", "PORTS USED", "FREE", "TOTAL");
	const json_t *relay;
	size_t i;

	json_array_foreach(relays, i, relay)
	{
		const json_t *ports = json_object_get(relay, "ports");

		table_add(&t, "%s", text(relay, "public"));
		table_add(&t, "%s", text(relay, "local"));
		table_add(&t, "%lld", integer(ports, "used"));
		table_add(&t, "%lld", integer(ports, "free"));
		table_add(&t, "%lld", integer(ports, "total"));
	}
	table_print(&t, 0x1c, out);
	table_free(&t);
}

// What the XDP program does on each interface, and what was found out about it.
static void present_interfaces(const json_t *interfaces, FILE *out)
{
	struct table t;
	const json_t *f;
	size_t i;

	if (!json_array_size(interfaces))
		return;
	t = TABLE_OF("INTERFACE", "XDP", "DRIVER", "QUEUES", "MTU", "HEADROOM");
	json_array_foreach(interfaces, i, f)
	{
		const json_t *headroom = json_object_get(f, "headroom");

		table_add(&t, "%s", text(f, "name"));
		table_add(&t, "%s", text(f, "xdp"));
		table_add(&t, "%s", text(f, "driver"));
		table_add(&t, "%lld", integer(f, "queues"));
		table_add(&t, "%lld", integer(f, "mtu"));
		table_add(&t, "%s",
			integer(headroom, "lacking")  ? "lacking"
			: integer(headroom, "enough") ? "enough"
						      : "no frame seen");
	}
	fputc('\n', out);
	table_print(&t, 0x18, out);
	table_free(&t);
	json_array_foreach(interfaces, i, f)
	{
		if (*text(f, "why"))
			print_line(out, "%s: %s.", text(f, "name"), text(f, "why"));
		if (integer(f, "partial_checksums"))
			print_line(out, "%s: %lld frames with partial checksums before the start.",
				text(f, "name"), integer(f, "partial_checksums"));
	}
}

static void append(char *line, size_t size, const char *before, const char *word)
{
	const size_t length = strlen(line);

	snprintf(line + length, size - length, "%s%s", before, word);
}

// Each program, and what keeps it in bounds.
static void present_programs(const json_t *programs, FILE *out)
{
	struct table t;
	const json_t *p, *capability;
	size_t i, k;

	if (!json_array_size(programs))
		return;
	t = TABLE_OF("PROGRAM", "PID", "CONFINED", "BY");
	json_array_foreach(programs, i, p)
	{
		const json_t *capabilities = json_object_get(p, "capabilities");
		char by[1024] = "";

		if (json_is_true(json_object_get(p, "seccomp")))
			append(by, sizeof(by), "", "seccomp, ");
		if (json_is_true(json_object_get(p, "no_new_privs")))
			append(by, sizeof(by), "", "no_new_privs, ");
		append(by, sizeof(by), "user ", text(p, "user"));
		append(by, sizeof(by), ", ",
			json_array_size(capabilities) ? "capabilities" : "no capability");
		json_array_foreach(capabilities, k, capability)
		{
			const char *name = json_string_value(capability);

			append(by, sizeof(by), " ", name ? name : "-");
		}
		table_add(&t, "%s", text(p, "name"));
		table_add(&t, "%lld", integer(p, "pid"));
		table_add(&t, "%s", json_is_true(json_object_get(p, "confined")) ? "yes" : "no");
		table_add(&t, "%s", by);
	}
	fputc('\n', out);
	table_print(&t, 0x2, out);
	table_free(&t);
}

void present_status(const json_t *status, FILE *out)
{
	const json_t *dataplane = json_object_get(status, "dataplane");
	const json_t *allocations = json_object_get(status, "allocations");
	const json_t *listen = json_object_get(status, "listen"), *address;
	struct table t = {.columns = 2};
	char duration[PRESENT_DURATION];
	size_t i;

	table_add(&t, "turnpike");
	table_add(&t, "version %s, pid %lld, up %s", text(status, "version"),
		integer(status, "pid"), present_duration(integer(status, "uptime_s"), duration));
	table_add(&t, "dataplane");
	if (json_is_true(json_object_get(dataplane, "attached")))
		table_add(&t, "%s, attached, %lld workers, heartbeat %lld ms ago",
			text(dataplane, "name"), integer(dataplane, "workers"),
			integer(dataplane, "heartbeat_age_ms"));
	else
		table_add(&t, "none attached: nothing is relayed");
	table_add(&t, "allocations");
	table_add(
		&t, "%lld of %lld", integer(allocations, "live"), integer(allocations, "capacity"));
	json_array_foreach(listen, i, address)
	{
		table_add(&t, "%s", i ? "" : "listen");
		table_add(&t, "%s", json_string_value(address) ? json_string_value(address) : "-");
	}
	table_print(&t, 0, out);
	table_free(&t);
	fputc('\n', out);
	present_relays(json_object_get(status, "relays"), out);
	present_interfaces(json_object_get(dataplane, "interfaces"), out);
	present_programs(json_object_get(status, "programs"), out);
}

static void present_peers(struct table *t, const json_t *list, bool channels)
{
	char duration[PRESENT_DURATION];
	const json_t *peer;
	size_t i;

	json_array_foreach(list, i, peer)
	{
		table_add(t, "  %s", channels ? "channel" : "permission");
		table_add(t, "%s", channels ? text(peer, "number") : "");
		table_add(t, "%s", text(peer, "peer"));
		table_add(t, "%s", "");
		table_add(t, "%s", "");
		table_add(t, "%s", present_duration(integer(peer, "expires_in_s"), duration));
	}
}

void present_allocations(const json_t *answer, FILE *out)
{
	const json_t *list = json_object_get(answer, "allocations"), *a;
	char age[PRESENT_DURATION], left[PRESENT_DURATION];
	struct table t;
	size_t i;

	if (!json_array_size(list)) {
		fputs("There are no allocations.\n", out);
		return;
	}
	t = TABLE_OF("CLIENT", "SERVER", "RELAYED", "USER", "AGE", "EXPIRES IN");
	json_array_foreach(list, i, a)
	{
		table_add(&t, "%s", text(a, "client"));
		table_add(&t, "%s %s", text(a, "transport"), text(a, "server"));
		table_add(&t, "%s", text(a, "relayed"));
		table_add(&t, "%s", text(a, "user"));
		table_add(&t, "%s", present_duration(integer(a, "age_s"), age));
		table_add(&t, "%s", present_duration(integer(a, "expires_in_s"), left));
		present_peers(&t, json_object_get(a, "permissions"), false);
		present_peers(&t, json_object_get(a, "channels"), true);
	}
	table_print(&t, 0x30, out);
	table_free(&t);
}

struct meaning {
	const char *name, *text;
};

static const struct meaning worker_counters[] = {
#define X(name, text) {#name, text},
	TP_COUNTERS(X)
#undef X
};

static const struct meaning control_counters[] = {
#define X(name, text) {#name, text},
	TP_CONTROL_COUNTERS(X)
#undef X
};

static void present_page(const char *title, const json_t *page, const struct meaning *meanings,
	size_t count, bool all, FILE *out)
{
	struct table t = {.columns = 3};

	for (size_t i = 0; i < count; i++) {
		json_int_t n = integer(page, meanings[i].name);

		if (!n && !all)
			continue;
		table_add(&t, "  %s", meanings[i].name);
		table_add(&t, "%lld", n);
		table_add(&t, "%s", meanings[i].text);
	}
	fprintf(out, "%s\n", title);
	if (t.count)
		table_print(&t, 2, out);
	else
		fputs("  nothing counted yet\n", out);
	table_free(&t);
}

void present_counters(const json_t *counters, bool all, FILE *out)
{
	const json_t *relayed = json_object_get(counters, "relayed");

	fprintf(out, "relayed by the XDP program: %lld packets, by workers: %lld\n\n",
		integer(relayed, "program"), integer(relayed, "workers"));
	present_page("dataplane", json_object_get(counters, "total"), worker_counters,
		sizeof(worker_counters) / sizeof(worker_counters[0]), all, out);
	fputc('\n', out);
	present_page("control plane", json_object_get(counters, "control"), control_counters,
		sizeof(control_counters) / sizeof(control_counters[0]), all, out);
}
