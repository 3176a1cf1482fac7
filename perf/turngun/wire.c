// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int wire_open(struct wire **out, const struct options *o)
{
	if (!strcmp(o->wire, "sockets"))
		return wire_open_sockets(out, o);
#ifdef TURNGUN_DPDK
	return wire_open_dpdk(out, o);
#else
	fprintf(stderr, "turngun: built without DPDK: the only wire is \"sockets\".\n");
	return -ENOTSUP;
#endif
}
