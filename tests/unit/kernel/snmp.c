// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "snmp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct snmp *s, const char *group, const char *name, const char *value)
{
	cr_assert(s->count < sizeof(s->at) / sizeof(s->at[0]));
	snprintf(s->at[s->count].name, sizeof(s->at[0].name), "%s%s%s", group, *group ? "." : "",
		name);
	s->at[s->count++].value = strtoull(value, NULL, 10);
}

static FILE *open_file(const char *name)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", name);
	f = fopen(path, "r");
	cr_assert(f, "%s", path);
	return f;
}

// "Group: name name", and on the next line "Group: value value".
static void read_pairs(struct snmp *out, const char *file)
{
	static char names[16384], values[16384];
	FILE *f = open_file(file);

	while (fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f)) {
		char *rest[2], *group = strtok_r(names, ": \n", &rest[0]);

		strtok_r(values, " \n", &rest[1]); // the group again
		for (;;) {
			const char *name = strtok_r(NULL, " \n", &rest[0]);
			const char *value = strtok_r(NULL, " \n", &rest[1]);

			if (!name || !value)
				break;
			add(out, group, name, value);
		}
	}
	fclose(f);
}

void snmp_read(struct snmp *out)
{
	char name[48], value[24];
	FILE *f = open_file("snmp6");

	out->count = 0;
	while (fscanf(f, "%47s %23s", name, value) == 2)
		add(out, "", name, value);
	fclose(f);
	read_pairs(out, "snmp");
	read_pairs(out, "netstat");
}

// Some counters are in the list only once they have counted.
static uint64_t find(const struct snmp *s, const char *name, bool *known)
{
	for (unsigned int i = 0; i < s->count; i++)
		if (!strcmp(s->at[i].name, name)) {
			*known = true;
			return s->at[i].value;
		}
	return 0;
}

uint64_t snmp_grown(const struct snmp *before, const struct snmp *after, const char *name)
{
	bool known = false;
	uint64_t grown = find(after, name, &known) - find(before, name, &known);

	cr_assert(known, "the kernel has no counter %s", name);
	return grown;
}

void snmp_show(const struct snmp *before, const struct snmp *after)
{
	for (unsigned int i = 0; i < after->count; i++) {
		uint64_t grown = snmp_grown(before, after, after->at[i].name);

		if (grown)
			printf("  %s +%lu\n", after->at[i].name, grown);
	}
}
