// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// How many answers strangers get: token buckets in fixed memory, one for each IPv4 address or IPv6 /64, and
// one for each IPv4 /24 or IPv6 /48, so that neither one spoofed address nor a spoofed network becomes a
// target. Prefixes whose hashes meet share a bucket; the hash is keyed, so nobody can choose whom to share
// with.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

struct auth_limiter;

// So many answers per second for each address (/32, /64) and each network (/24, /48), in bursts of one
// second's worth but at least 10. 0: no limit. More than a million is taken as a million. Returns 0 or
// -ENOMEM.
int auth_limiter_new(struct auth_limiter **out, const uint8_t key[16], uint32_t per_address,
	uint32_t per_network);
// Takes NULL.
void auth_limiter_free(struct auth_limiter *limiter);
// Takes a token of both, if both have one. `now_ms` is monotonic.
bool auth_limiter_take(struct auth_limiter *limiter, const struct tp_ip *from, uint64_t now_ms);
