// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "sizes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"

struct kind {
	uint32_t size;
	uint32_t weight;
	int32_t credit;
};

static const char *by_name(const char *text)
{
	if (!strcmp(text, "turn"))
		return "160:1,1200:2";
	if (!strcmp(text, "imix"))
		return "110:10,400:3,1200:7";
	return text;
}

// A number up to `max`, and what follows it.
static uint32_t number(const char **at, uint32_t max)
{
	char *end;
	unsigned long n;

	if (**at < '0' || **at > '9')
		return 0;
	n = strtoul(*at, &end, 10);
	*at = end;
	return n > max ? 0 : (uint32_t)n;
}

// Whoever has waited longest for its share is next, so that no size comes in a lump.
static void fill(struct sizes *s, struct kind *kind, uint32_t kinds, uint32_t sum)
{
	s->length = sum;
	for (uint32_t i = 0; i < sum; i++) {
		struct kind *next = kind;

		for (uint32_t k = 0; k < kinds; k++) {
			kind[k].credit += (int32_t)kind[k].weight;
			if (kind[k].credit > next->credit)
				next = &kind[k];
		}
		s->at[i] = (uint16_t)next->size;
		next->credit -= (int32_t)sum;
	}
}

int sizes_parse(struct sizes *s, const char *text)
{
	struct kind kind[SIZES_KINDS] = {0};
	uint32_t kinds = 0, sum = 0;
	const char *at = by_name(text);

	do {
		struct kind *k = &kind[kinds];

		if (kinds++ == SIZES_KINDS)
			return -EINVAL;
		k->size = number(&at, SIZES_MAX);
		k->weight = 1;
		if (*at == ':') {
			at++;
			k->weight = number(&at, SIZES_CYCLE);
		}
		sum += k->weight;
		if (k->size < PAYLOAD_MIN || !k->weight || sum > SIZES_CYCLE)
			return -EINVAL;
	} while (*at++ == ',');
	if (at[-1] || strlen(text) >= sizeof(s->text))
		return -EINVAL;
	strcpy(s->text, text);
	fill(s, kind, kinds, sum);
	return 0;
}
