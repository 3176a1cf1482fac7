// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The section xdp: values are looked at, no interface is.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"

#define INTERFACE_MAX 15u // bytes of a network interface's name

void resolve_interfaces(char *const *names, uint32_t count, const char *path, struct place *place)
{
	char where[64];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(where, sizeof(where), "%s[%u]", path, i);
		if (!*names[i] || strlen(names[i]) > INTERFACE_MAX || strpbrk(names[i], ",/ "))
			place_complain(place, where,
				"\"%s\" can't be the name of a network interface.", names[i]);
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(names[i], names[j]) == 0) {
				place_complain(place, where, "%s is in the list twice.", names[i]);
				break;
			}
	}
}

int resolve_copy(char ***out, size_t *count, char *const *texts, uint32_t n)
{
	*out = calloc(n + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		(*out)[i] = strdup(texts[i]);
		if (!(*out)[i])
			return -ENOMEM;
		++*count;
	}
	return 0;
}

int resolve_xdp(struct config *config, const struct raw *raw, struct place *place)
{
	const struct raw_xdp *r = &raw->xdp;
	struct config_xdp *x = &config->xdp;

	x->given = place_has_value(place, "xdp");
	x->mode = CONFIG_XDP_AUTO;
	if (r->mode && strcmp(r->mode, "native") == 0)
		x->mode = CONFIG_XDP_NATIVE;
	else if (r->mode && strcmp(r->mode, "generic") == 0)
		x->mode = CONFIG_XDP_GENERIC;
	else if (r->mode && strcmp(r->mode, "auto") != 0)
		place_complain(
			place, "xdp.mode", "\"%s\" is none of auto, native, generic.", r->mode);
	if (r->interfaces_count > CONFIG_XDP_INTERFACES_MAX)
		place_complain(place, "xdp.interfaces", "more than %u interfaces.",
			CONFIG_XDP_INTERFACES_MAX);
	resolve_interfaces(r->interfaces, r->interfaces_count, "xdp.interfaces", place);
	return resolve_copy(
		&x->interfaces, &x->interfaces_count, r->interfaces, r->interfaces_count);
}
