// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which peers a client may reach. By default no address that could be someone's inside: loopback,
// link-local, private, multicast, reserved, tunnels, our own; nor any of those in disguise.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <turnpike/addr.h>

// A prefix of the 128-bit form: bits >= 96 with an IPv4-mapped address speak of IPv4.
struct policy_prefix {
	struct tp_ip ip;
	uint8_t bits;
};

struct policy;

// `own` are the host's addresses that no peer may be. The longest matching prefix decides; of equal
// ones the operator's beats the built-in and deny beats allow. Copies all. Returns 0 or -ENOMEM.
int policy_create(struct policy **out, const struct policy_prefix *allow, size_t allow_count,
	const struct policy_prefix *deny, size_t deny_count, const struct tp_ip *own,
	size_t own_count);
void policy_destroy(struct policy *policy);

// Whether an address is Teredo's or 6to4's, which a relay must not serve or send to, whatever its operator
// says: packets between a tunnel and a relay can go round for ever (RFC 8656 section 21.4).
bool policy_tunnelled(const struct tp_ip *ip);
// Whether `peer` may be reached: the address itself, and the IPv4 address embedded in it (NAT64,
// IPv4-compatible). A tunnelled one never.
bool policy_allows(const struct policy *policy, const struct tp_ip *peer);
// Whether the operator's own rules alone deny it: then not even a hairpin may go there.
bool policy_operator_denies(const struct policy *policy, const struct tp_ip *peer);
