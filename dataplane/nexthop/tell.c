// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Telling whom a change concerns. A destination that gets another next hop is told of at once. A next hop that
// changes concerns all destinations that it serves, which nobody lists: the thread goes through their words.

#include "nexthops.h"

#define TELL_EACH 65536u // destinations under one lock

void tell_destination(struct nexthops *n, uint32_t d)
{
	struct nexthop now;

	if (!n->tell)
		return;
	entry_read(&n->entry[n->word[d]], &now);
	n->tell(n->tell_context, d, &now);
}

void tell_hop(struct nexthops *n, uint32_t hop)
{
	if (!n->tell)
		return;
	n->hops[hop].changed = true;
	n->told_all = false;
}

// What changes from now on is the next round's.
static void begin(struct nexthops *n)
{
	for (uint32_t hop = HOP_FIRST; hop < n->hops_fresh; hop++) {
		n->hops[hop].telling = n->hops[hop].changed;
		n->hops[hop].changed = false;
	}
	n->told_all = true;
	n->tell_cursor = 1;
}

static void end(struct nexthops *n)
{
	for (uint32_t hop = HOP_FIRST; hop < n->hops_fresh; hop++)
		n->hops[hop].telling = false;
	n->tell_cursor = 0;
}

bool tell_round(struct nexthops *n)
{
	uint32_t last;

	pthread_mutex_lock(&n->lock);
	if (!n->tell_cursor && n->told_all) {
		pthread_mutex_unlock(&n->lock);
		return false;
	}
	if (!n->tell_cursor)
		begin(n);
	last = n->tell_cursor + TELL_EACH < n->destinations_fresh ? n->tell_cursor + TELL_EACH
								  : n->destinations_fresh;
	for (uint32_t d = n->tell_cursor; d < last; d++)
		if (n->hops[n->word[d]].telling)
			tell_destination(n, d);
	n->tell_cursor = last;
	if (last == n->destinations_fresh)
		end(n);
	pthread_mutex_unlock(&n->lock);
	return n->tell_cursor != 0;
}
