// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backtrace.h"

// Puts one more outer step before the path.
static void put_before(struct backtrace *b, const char *step)
{
	char path[sizeof(b->path)];
	bool dot = b->path[0] && b->path[0] != '[';

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", step, dot ? "." : "", b->path) <
		sizeof(path))
		memcpy(b->path, path, sizeof(path));
}

// What stands between the quotes of "in mapping field 'users' (line ...)".
static bool quoted(const char *line, char *out, size_t size)
{
	const char *from = strchr(line, '\'');
	const char *to = from ? strchr(from + 1, '\'') : NULL;

	if (!to || (size_t)(to - from) > size)
		return false;
	memcpy(out, from + 1, (size_t)(to - from - 1));
	out[to - from - 1] = 0;
	return true;
}

void backtrace_log(cyaml_log_t, void *context, const char *format, va_list arguments)
{
	struct backtrace *b = context;
	char line[320], name[64], step[80];

	vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = 0;
	if (strstr(line, "in mapping field") && quoted(line, name, sizeof(name))) {
		put_before(b, name);
	} else if (strstr(line, "in sequence entry") && quoted(line, name, sizeof(name))) {
		snprintf(step, sizeof(step), "[%lu]", strtoul(name, NULL, 10) - 1);
		put_before(b, step);
	} else if (!b->problem[0] && strncmp(line, "Load: Backtrace", 15) != 0) {
		const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;

		snprintf(b->problem, sizeof(b->problem), "%s", text);
	}
}

// libyaml's and libcyaml's word for a kind of value, as a person would say it.
static const char *kind(const char *word, size_t length)
{
	static const struct {
		const char *word, *said;
	} kinds[] = {
		{"MAPPING", "a mapping (key: value)"},
		{"MAPPING_START", "a mapping (key: value)"},
		{"SEQUENCE", "a list"},
		{"SEQUENCE_START", "a list"},
		{"STRING", "a single value"},
		{"SCALAR", "a single value"},
		{"ALIAS", "an alias"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].word) == length && memcmp(kinds[i].word, word, length) == 0)
			return kinds[i].said;
	return "something else";
}

static void unknown_key(const struct backtrace *b, struct place *place, const char *key)
{
	char path[sizeof(b->path) + sizeof(b->problem)];

	snprintf(path, sizeof(path), "%s%s%s", b->path, b->path[0] ? "." : "", key);
	// A lone word among a user's keys may be a password that lost its key: it is not repeated.
	if (strncmp(b->path, "users", 5) == 0 && !place_has_value(place, path))
		place_complain(place, b->path,
			"this has a key that is not one of name, password, key, key_sha256.");
	else
		place_complain(place, path, "unknown key.");
}

void backtrace_complain(const struct backtrace *b, struct place *place, const char *otherwise)
{
	static const char unexpected[] = "Unexpected key: ", expecting[] = "Expecting ",
			  got[] = ", got event: ";
	const char *split = strstr(b->problem, got);

	if (strncmp(b->problem, unexpected, strlen(unexpected)) == 0) {
		unknown_key(b, place, b->problem + strlen(unexpected));
	} else if (strncmp(b->problem, expecting, strlen(expecting)) == 0 && split) {
		const char *want = b->problem + strlen(expecting);

		split += strlen(got);
		place_complain(place, b->path, "%s is expected here, not %s.",
			kind(want, (size_t)(split - strlen(got) - want)),
			kind(split, strlen(split)));
	} else {
		// Never libcyaml's own text: it may quote the value.
		place_complain(place, b->path, "%s.", otherwise);
	}
}
