// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The section abuse_log.
#include <errno.h>
#include <string.h>

#include "resolve.h"

#define MAX_SIZE (100ull << 20) // bytes
#define MAX_SIZE_LEAST 4096u // some lines fit in
#define MAX_SIZE_MOST (1ull << 40)
#define FILES 5u
#define FILES_MOST 999u
#define PER_SECOND 1000u
#define PER_SECOND_MOST 1000000u

int resolve_abuse_log(struct config *config, const struct raw *raw, struct place *place)
{
	const struct raw_abuse_log *r = &raw->abuse_log;
	struct config_abuse_log *a = &config->abuse_log;
	bool others = r->max_size || r->files || r->per_second;

	a->max_size = resolve_number(
		place, "abuse_log.max_size", r->max_size, MAX_SIZE_LEAST, MAX_SIZE_MOST, MAX_SIZE);
	a->files = (uint32_t)resolve_number(
		place, "abuse_log.files", r->files, 0, FILES_MOST, FILES);
	a->per_second = (uint32_t)resolve_number(
		place, "abuse_log.per_second", r->per_second, 1, PER_SECOND_MOST, PER_SECOND);
	if (!r->file) {
		if (others)
			place_complain(place, "abuse_log", "there is no `file` to write to.");
		return 0;
	}
	if (r->file[0] != '/' || r->file[strlen(r->file) - 1] == '/')
		place_complain(place, "abuse_log.file",
			"\"%s\" is not the absolute path of a file.", r->file);
	a->file = strdup(r->file);
	return a->file ? 0 : -ENOMEM;
}
