// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the owner of the tables keeps for addresses that packets go to: indices, taken and given back.

#include "tables.h"

bool destination_take(const struct relay *r, const struct tp_ip *ip, uint32_t *out)
{
	*out = 0;
	if (!r->take)
		return true;
	*out = r->take(r->destinations_context, ip);
	return *out != 0;
}

void destination_give_back(const struct relay *r, uint32_t destination)
{
	if (destination)
		r->give_back(r->destinations_context, destination);
}
