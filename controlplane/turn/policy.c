// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

enum rank {
	BUILT_IN = 0,
	OPERATOR_ALLOW = 1,
	OPERATOR_DENY = 2,
};

struct rule {
	struct policy_prefix prefix;
	uint8_t rank; // enum rank
	bool deny;
};

struct policy {
	size_t count;
	struct rule rules[];
};

struct special4 {
	uint8_t b[4];
	uint8_t bits;
};

struct special6 {
	uint8_t b[8]; // the rest is 0
	uint8_t bits;
};

// The IANA special-purpose registries (RFC 6890 and after), and multicast.
static const struct special4 special4[] = {
	{{0, 0, 0, 0}, 8}, // "this network"
	{{10, 0, 0, 0}, 8}, // private
	{{100, 64, 0, 0}, 10}, // shared by carrier NAT
	{{127, 0, 0, 0}, 8}, // loopback
	{{169, 254, 0, 0}, 16}, // link-local
	{{172, 16, 0, 0}, 12}, // private
	{{192, 0, 0, 0}, 24}, // protocol assignments
	{{192, 0, 2, 0}, 24}, // documentation
	{{192, 88, 99, 0}, 24}, // 6to4 relays
	{{192, 168, 0, 0}, 16}, // private
	{{198, 18, 0, 0}, 15}, // benchmarks
	{{198, 51, 100, 0}, 24}, // documentation
	{{203, 0, 113, 0}, 24}, // documentation
	{{224, 0, 0, 0}, 4}, // multicast
	{{240, 0, 0, 0}, 4}, // reserved, broadcast
};

static const struct special6 special6[] = {
	// All but 2000::/3 is reserved or special (RFC 4291 section 2.4). No shorter allow says so: it
	// would stand against an operator's deny of ::/0.
	{{0}, 3}, // below
	{{0x40}, 2}, // and above
	{{0x80}, 1}, {{0}, 8}, // unspecified, loopback, IPv4-compatible and -mapped
	{{0, 0x64, 0xff, 0x9b}, 96}, // NAT64: see embedded4()
	{{0, 0x64, 0xff, 0x9b, 0, 1}, 48}, // NAT64 of a local operator
	{{0x01, 0}, 8}, // discard, and reserved
	{{0x20, 0x01, 0, 0}, 23}, // ORCHID, benchmarks
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, // documentation
	{{0x3f, 0xff}, 20}, // documentation
	{{0x5f, 0x00}, 16}, // segment routing
	{{0xfc}, 7}, // unique local
	{{0xfe, 0x80}, 10}, // link-local
	{{0xfe, 0xc0}, 10}, // site-local
	{{0xff}, 8}, // multicast
};

static bool matches(const struct policy_prefix *p, const struct tp_ip *ip)
{
	unsigned int bytes = p->bits / 8, rest = p->bits % 8;

	// IPv4 lives inside ::/8: a shorter prefix speaks of IPv6 only.
	if (p->bits < 96 && tp_ip_is4(ip))
		return false;
	if (memcmp(p->ip.b, ip->b, bytes) != 0)
		return false;
	return rest == 0 || ((p->ip.b[bytes] ^ ip->b[bytes]) >> (8 - rest)) == 0;
}

static void add(
	struct policy *policy, const struct policy_prefix *prefix, enum rank rank, bool deny)
{
	policy->rules[policy->count++] = (struct rule){
		.prefix = *prefix, .rank = (uint8_t)rank, .deny = deny};
}

int policy_create(struct policy **out, const struct policy_prefix *allow, size_t allow_count,
	const struct policy_prefix *deny, size_t deny_count, const struct tp_ip *own,
	size_t own_count)
{
	size_t n4 = sizeof(special4) / sizeof(*special4), n6 = sizeof(special6) / sizeof(*special6);
	size_t count = n4 + n6 + allow_count + deny_count + own_count;
	struct policy *policy = calloc(1, sizeof(*policy) + count * sizeof(struct rule));
	struct policy_prefix p;

	*out = NULL;
	if (!policy)
		return -ENOMEM;
	for (size_t i = 0; i < n4; i++) {
		p = (struct policy_prefix){.bits = (uint8_t)(96 + special4[i].bits)};
		p.ip = tp_ip4(0);
		memcpy(p.ip.b + 12, special4[i].b, 4);
		add(policy, &p, BUILT_IN, true);
	}
	for (size_t i = 0; i < n6; i++) {
		p = (struct policy_prefix){.bits = special6[i].bits};
		memcpy(p.ip.b, special6[i].b, 8);
		// A NAT64 address is as good as the IPv4 address in it.
		add(policy, &p, BUILT_IN, p.bits != 96);
	}
	for (size_t i = 0; i < own_count; i++) {
		p = (struct policy_prefix){.ip = own[i], .bits = 128};
		add(policy, &p, BUILT_IN, true);
	}
	for (size_t i = 0; i < allow_count; i++)
		add(policy, &allow[i], OPERATOR_ALLOW, false);
	for (size_t i = 0; i < deny_count; i++)
		add(policy, &deny[i], OPERATOR_DENY, true);
	*out = policy;
	return 0;
}

void policy_destroy(struct policy *policy)
{
	free(policy);
}

// Of the rules from this rank on.
static bool allows(const struct policy *policy, const struct tp_ip *ip, enum rank from)
{
	const struct rule *best = NULL;

	for (size_t i = 0; i < policy->count; i++) {
		const struct rule *r = &policy->rules[i];

		if (r->rank < from || !matches(&r->prefix, ip))
			continue;
		// A built-in allow only mends built-in denies: the operator's rules come later in the list.
		if (!best || (best->rank == BUILT_IN && !best->deny) ||
			r->prefix.bits > best->prefix.bits ||
			(r->prefix.bits == best->prefix.bits && r->rank >= best->rank))
			best = r;
	}
	return !best || !best->deny;
}

// The IPv4 address in one of 64:ff9b:1::/48 (RFC 8215), whose translators choose where it stands
// (RFC 6052 section 2.2): what follows it is 0, as is byte 8 between two halves.
static struct tp_ip local_nat64(const uint8_t b[16])
{
	uint8_t v4[4];
	uint32_t w;

	if (b[13] | b[14] | b[15])
		memcpy(v4, b + 12, 4); // a prefix of 96 bits
	else if (b[12])
		memcpy(v4, b + 9, 4); // 64
	else if (b[11])
		memcpy(v4, (uint8_t[]){b[7], b[9], b[10], b[11]}, 4); // 56
	else
		memcpy(v4, (uint8_t[]){b[6], b[7], b[9], b[10]}, 4); // 48
	memcpy(&w, v4, 4);
	return tp_ip4(w);
}

// The IPv4 address that an IPv6 address stands for. False: none.
static bool embedded4(const struct tp_ip *ip, struct tp_ip *out)
{
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
	static const uint8_t nat64_local[6] = {0, 0x64, 0xff, 0x9b, 0, 1};
	static const uint8_t compatible[12] = {0};

	if (!memcmp(ip->b, nat64, 12) || !memcmp(ip->b, compatible, 12)) {
		*out = tp_ip4(ip->w[3]);
		return true;
	}
	if (!memcmp(ip->b, nat64_local, 6)) {
		*out = local_nat64(ip->b);
		return true;
	}
	return false;
}

bool policy_tunnelled(const struct tp_ip *ip)
{
	static const uint8_t teredo[4] = {0x20, 0x01, 0, 0}; // RFC 4380
	static const uint8_t sixto4[2] = {0x20, 0x02}; // RFC 3056

	return !memcmp(ip->b, teredo, sizeof(teredo)) || !memcmp(ip->b, sixto4, sizeof(sixto4));
}

bool policy_allows(const struct policy *policy, const struct tp_ip *peer)
{
	struct tp_ip inner;

	if (policy_tunnelled(peer) || !allows(policy, peer, BUILT_IN))
		return false;
	return tp_ip_is4(peer) || !embedded4(peer, &inner) || allows(policy, &inner, BUILT_IN);
}

bool policy_operator_denies(const struct policy *policy, const struct tp_ip *peer)
{
	return !allows(policy, peer, OPERATOR_ALLOW);
}
