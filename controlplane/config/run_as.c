// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The section run_as. Which users there are is the host's: launch/users.c asks.
#include <errno.h>
#include <string.h>

#include "resolve.h"

static int name(struct place *place, const char *path, const char *text, char **out)
{
	if (!text)
		return 0;
	if (!*text || strpbrk(text, ": \t\n/"))
		place_complain(place, path, "\"%s\" is no name of a user or group.", text);
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

int resolve_run_as(struct config *config, const struct raw *raw, struct place *place)
{
	const struct raw_run_as *r = &raw->run_as;
	struct config_run_as *as = &config->run_as;

	if (r->control && r->dataplane && strcmp(r->control, r->dataplane) == 0)
		place_complain(place, "run_as.dataplane",
			"\"%s\" is turnpike-control's: each has a user of its own.", r->dataplane);
	if (name(place, "run_as.control", r->control, &as->control) < 0 ||
		name(place, "run_as.dataplane", r->dataplane, &as->dataplane) < 0)
		return -ENOMEM;
	return name(place, "run_as.operators", r->operators, &as->operators);
}
