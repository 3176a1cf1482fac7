// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "changes.h"

static struct tp_ip mask_of(unsigned int length)
{
	struct tp_ip mask = {.q = {0, 0}};

	for (unsigned int i = 0; i < 16; i++) {
		unsigned int bits = length > i * 8 ? length - i * 8 : 0;

		mask.b[i] = bits >= 8 ? 0xff : (uint8_t)(0xff00u >> bits);
	}
	return mask;
}

static bool covers(const struct change *p, const struct tp_ip *ip)
{
	return (((p->ip.q[0] ^ ip->q[0]) & p->mask.q[0]) |
		       ((p->ip.q[1] ^ ip->q[1]) & p->mask.q[1])) == 0;
}

void changes_add(
	struct changes *c, enum tp_family family, const struct tp_ip *ip, unsigned int length)
{
	bool *all = family == TP_IPV4 ? &c->all4 : &c->all6;
	struct change p;

	if (*all)
		return;
	// ::/0 would take in IPv4-mapped addresses too.
	if (length == 0 || c->count == CHANGES_MAX) {
		*all = true;
		return;
	}
	p = (struct change){*ip, mask_of(family == TP_IPV4 ? length + 96 : length)};
	for (uint32_t i = 0; i < c->count; i++)
		if (tp_ip_equal(&c->prefix[i].mask, &p.mask) && covers(&p, &c->prefix[i].ip))
			return;
	c->prefix[c->count++] = p;
}

void changes_add_all(struct changes *c)
{
	c->all4 = c->all6 = true;
}

bool changes_any(const struct changes *c)
{
	return c->count || c->all4 || c->all6;
}

bool changes_cover(const struct changes *c, const struct tp_ip *ip)
{
	if (tp_ip_is4(ip) ? c->all4 : c->all6)
		return true;
	for (uint32_t i = 0; i < c->count; i++)
		if (covers(&c->prefix[i], ip))
			return true;
	return false;
}
