// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// An owner of destinations: one index for each address, as high as 24 bits go, and how often it is held.
#pragma once

#include "fixture.h"

#define HOLDER_ADDRESSES 16u

struct holder {
	struct tp_ip ip[HOLDER_ADDRESSES];
	uint32_t held[HOLDER_ADDRESSES];
	uint32_t room; // addresses, at most
	uint32_t taken; // ever
};

static inline uint32_t holder_take(void *context, const struct tp_ip *ip)
{
	struct holder *h = context;
	uint32_t i;

	for (i = 0; i < h->room; i++)
		if (h->held[i] && tp_ip_equal(&h->ip[i], ip))
			break;
	for (uint32_t k = 0; i == h->room && k < h->room; k++)
		if (!h->held[k])
			i = k;
	if (i == h->room)
		return 0;
	h->ip[i] = *ip;
	h->held[i]++;
	h->taken++;
	return RELAY_DESTINATION_MAX - i;
}

static inline void holder_give_back(void *context, uint32_t destination)
{
	struct holder *h = context;
	uint32_t i = RELAY_DESTINATION_MAX - destination;

	cr_assert(lt(u32, i, HOLDER_ADDRESSES));
	cr_assert(gt(u32, h->held[i], 0));
	h->held[i]--;
}

// The index that an address has now; 0: none.
static inline uint32_t holder_of(const struct holder *h, const struct tp_endpoint *at)
{
	for (uint32_t i = 0; i < HOLDER_ADDRESSES; i++)
		if (h->held[i] && tp_ip_equal(&h->ip[i], &at->ip))
			return RELAY_DESTINATION_MAX - i;
	return 0;
}

// Taken and not given back.
static inline uint32_t holder_held(const struct holder *h)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < HOLDER_ADDRESSES; i++)
		sum += h->held[i];
	return sum;
}
