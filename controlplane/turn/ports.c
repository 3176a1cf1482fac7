// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <stdlib.h>

#include "ports.h"

int ports_create(struct ports *ports, uint16_t min, uint16_t max)
{
	uint32_t total = (uint32_t)max - min + 1;

	*ports = (struct ports){.min = min,
		.total = total,
		.free = total,
		.free_even = (total + !(min & 1)) / 2,
		.free_pairs = (total - (min & 1)) / 2};
	ports->order = malloc(total * sizeof(*ports->order));
	ports->place = malloc(total * sizeof(*ports->place));
	if (!ports->order || !ports->place) {
		ports_destroy(ports);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < total; i++)
		ports->order[i] = ports->place[i] = (uint16_t)i;
	return 0;
}

void ports_destroy(struct ports *ports)
{
	free(ports->order);
	free(ports->place);
	*ports = (struct ports){0};
}

static void swap(struct ports *ports, uint32_t a, uint32_t b)
{
	uint16_t x = ports->order[a], y = ports->order[b];

	ports->order[a] = y;
	ports->order[b] = x;
	ports->place[y] = (uint16_t)a;
	ports->place[x] = (uint16_t)b;
}

// Whether the other port of this one's pair is in the range and free.
static bool partner_free(const struct ports *ports, uint32_t port)
{
	const uint32_t offset = (port ^ 1) - ports->min; // below the range: beyond any total

	return offset < ports->total && ports->place[offset] < ports->free;
}

static void take(struct ports *ports, uint32_t at)
{
	const uint32_t port = (uint32_t)ports->min + ports->order[at];

	ports->free_even -= !(port & 1);
	ports->free_pairs -= partner_free(ports, port);
	swap(ports, at, --ports->free);
}

static bool suits(const struct ports *ports, uint32_t port, enum ports_kind kind)
{
	if (kind == PORTS_ANY)
		return true;
	return !(port & 1) && (kind == PORTS_EVEN || partner_free(ports, port));
}

int ports_take(struct ports *ports, uint32_t random, enum ports_kind kind)
{
	// Scaled instead of a remainder: no division, and no bias worth the name for 65,536 ports.
	uint32_t start = (uint32_t)(((uint64_t)random * ports->free) >> 32);

	if ((kind == PORTS_EVEN && !ports->free_even) || (kind == PORTS_PAIR && !ports->free_pairs))
		return -ENOSPC;
	for (uint32_t n = 0; n < ports->free; n++) {
		uint32_t at = start + n < ports->free ? start + n : start + n - ports->free;
		uint16_t offset = ports->order[at];

		if (!suits(ports, (uint32_t)ports->min + offset, kind))
			continue;
		take(ports, at);
		if (kind == PORTS_PAIR)
			take(ports, ports->place[offset + 1]);
		return ports->min + offset;
	}
	return -ENOSPC;
}

int ports_take_exactly(struct ports *ports, uint16_t port)
{
	if (port < ports->min || port - ports->min >= (int)ports->total)
		return -ERANGE;
	if (ports_used(ports, port))
		return -EBUSY;
	take(ports, ports->place[port - ports->min]);
	return 0;
}

int ports_release(struct ports *ports, uint16_t port)
{
	if (!ports_used(ports, port))
		return -EINVAL;
	swap(ports, ports->place[port - ports->min], ports->free++);
	ports->free_even += !(port & 1);
	ports->free_pairs += partner_free(ports, port);
	return 0;
}

bool ports_used(const struct ports *ports, uint16_t port)
{
	if (port < ports->min || port - ports->min >= (int)ports->total)
		return false;
	return ports->place[port - ports->min] >= ports->free;
}
