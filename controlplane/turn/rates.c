// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

#define USER_BUCKETS 65536u // 512 KiB
#define BURST_S 10u
#define BURST_MIN 64u // candidates that a peer may tell at once

static struct bucket_rate rate_of(uint32_t per_second)
{
	const uint64_t burst = (uint64_t)BURST_S * per_second;

	return bucket_rate(per_second, burst > BURST_MIN ? burst : BURST_MIN);
}

int rates_create(struct turn_server *s, const struct turn_config *config)
{
	s->packets_per_second = config->packets_per_second;
	s->user_packets_per_second = config->user_packets_per_second;
	s->bits_per_second = config->bits_per_second;
	s->user_bits_per_second = config->user_bits_per_second;
	s->packets_per_second_spared = config->packets_per_second_spared;
	s->bits_per_second_spared = config->bits_per_second_spared;
	s->new_peers = rate_of(config->new_peers_per_second);
	s->user_new_peers = rate_of(config->user_new_peers_per_second);
	s->user_full_at = calloc(USER_BUCKETS, sizeof(*s->user_full_at));
	return s->user_full_at ? 0 : -ENOMEM;
}

static uint32_t allocations_of_user(const struct turn_server *s, uint32_t slot)
{
	return s->table->holders.entries[s->table->slots[slot].holder].allocations;
}

// An nth of a rate, and not nothing.
static uint64_t share(uint64_t rate, uint32_t n)
{
	return rate && rate < n ? 1 : rate / n;
}

static bool by_xdp(const struct tp_capabilities *c)
{
	for (uint32_t i = 0; i < c->interfaces; i++)
		if (c->interface[i].mode != TP_XDP_NONE)
			return true;
	return false;
}

void rates_fill(struct turn_server *s, uint32_t slot, struct tp_command *c)
{
	const uint32_t n = allocations_of_user(s, slot);
	const bool xdp = by_xdp(&s->capabilities);

	c->packets_per_second = s->packets_per_second_spared && xdp ? 0 : s->packets_per_second;
	c->bits_per_second = s->bits_per_second_spared && xdp ? 0 : s->bits_per_second;
	c->user_packets_per_second = (uint32_t)share(s->user_packets_per_second, n);
	c->user_bits_per_second = share(s->user_bits_per_second, n);
	c->user = s->table->slots[slot].holder;
	s->table->slots[slot].share_of = n;
}

bool rates_stale(const struct turn_server *s, uint32_t slot)
{
	const uint32_t n = allocations_of_user(s, slot), told = s->table->slots[slot].share_of;

	if (!s->user_packets_per_second && !s->user_bits_per_second)
		return false;
	// A sixteenth is near enough where there are many: each change costs a command for each of them.
	return (n > told ? n - told : told - n) > told / 16;
}

// The hash of a user is keyed, and as good as random.
static uint64_t *user_bucket(struct turn_server *s, uint32_t slot)
{
	uint32_t hash;

	memcpy(&hash, table_record(s->table, slot)->user_hash, sizeof(hash));
	return &s->user_full_at[hash % USER_BUCKETS];
}

int rates_meet_peer(struct turn_server *s, uint32_t slot)
{
	uint64_t *own = &s->table->slots[slot].new_peers_full_at;
	uint64_t *user = user_bucket(s, slot);

	if (!bucket_has(*own, &s->new_peers, s->now_ms) ||
		!bucket_has(*user, &s->user_new_peers, s->now_ms)) {
		turn_count(s, TP_CC_new_peers_limited);
		return -EDQUOT;
	}
	bucket_take(own, &s->new_peers, s->now_ms);
	bucket_take(user, &s->user_new_peers, s->now_ms);
	return 0;
}

void rates_unmeet_peer(struct turn_server *s, uint32_t slot)
{
	bucket_return(&s->table->slots[slot].new_peers_full_at, &s->new_peers);
	bucket_return(user_bucket(s, slot), &s->user_new_peers);
}
