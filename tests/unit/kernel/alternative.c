// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "alternative.h"

#include <string.h>

#include <world.h>

static void take_named(struct alternative *a, const struct alternative_case *named)
{
	const struct alternative_answer *answer = &named->answer;
	bool ip4 = !strchr(a->c.in.source, ':');

	a->named = true;
	a->counter = named->counter;
	a->c.outcome = named->outcome;
	a->c.drop = named->drop;
	a->c.out = named->out;
	if (!answer->type)
		return;
	a->no_answer = ip4 ? "Icmp.OutErrors" : "Icmp6OutErrors";
	a->c.out = (struct packet_spec){.l2 = next_hop_l2,
		.source = a->c.in.destination,
		.destination = a->c.in.source,
		.quote = &a->c.in,
		.type = answer->type,
		.code = answer->code,
		.data = answer->data,
		.tos = ip4 ? 0xc0 : 0};
}

static bool tag_of_arrival(struct alternative *a)
{
	if (!a->c.in.vlan)
		return false;
	a->c.outcome = OUTCOME_KERNEL;
	a->c.out = (struct packet_spec){0};
	return true;
}

static bool tag_of_next_hop(struct alternative *a)
{
	if (!a->c.next_hop.vlan)
		return false;
	a->c.out.vlan = 0;
	return true;
}

static bool error_of_ours(struct alternative *a)
{
	if (a->c.outcome != OUTCOME_DROPPED || !a->c.out.source)
		return false;
	a->c.out = (struct packet_spec){0};
	return true;
}

// For cases that have no name in alternative_cases; the first that applies.
static const struct {
	const char *why;
	bool (*apply)(struct alternative *a);
} rules[] = {
	{"a tag takes a VLAN device: without one the kernel takes the frame for another host's",
		tag_of_arrival},
	{"a tag is the VLAN device's that the route names, and sockets know nothing of it",
		tag_of_next_hop},
	{"sockets can't originate ICMP: the datagram is dropped and counted", error_of_ours},
};

void alternative_of(struct alternative *out, const struct frame_case *c)
{
	*out = (struct alternative){.c = *c};
	for (uint32_t k = 0; k < ALTERNATIVE_GROUPS; k++)
		for (uint32_t i = 0; i < alternative_cases[k].count; i++) {
			if (strcmp(alternative_cases[k].first[i].name, c->name) != 0)
				continue;
			out->why = alternative_cases[k].why;
			take_named(out, &alternative_cases[k].first[i]);
		}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && !out->why; i++)
		if (rules[i].apply(out))
			out->why = rules[i].why;
}

// The IP packets of a frame that left, of what should have, and of what had come.
struct masked {
	const struct frame_case *c;
	uint8_t *got;
	const uint8_t *want;
	const uint8_t *in;
};

static bool is_ip4(const uint8_t *ip)
{
	return ip[0] >> 4 == 4;
}

static bool mask_id(struct masked *m)
{
	if (is_ip4(m->got) && !(m->got[6] & 0x40))
		memcpy(m->got + 4, m->want + 4, 2);
	return true;
}

// A DF that a Send indication asks for with DONT-FRAGMENT stays as the case has it.
static bool mask_df(struct masked *m)
{
	bool read = m->c->in.dont_fragment || !is_ip4(m->in);

	if (!is_ip4(m->got) || !(m->want[6] & 0x40) || !read)
		return true;
	if (m->got[6] & 0x40)
		return false;
	m->got[6] |= 0x40;
	return true;
}

static uint32_t label_of(const uint8_t *ip)
{
	return (ip[1] & 15u) << 16 | ip[2] << 8 | ip[3];
}

static bool mask_label(struct masked *m)
{
	if (is_ip4(m->got))
		return true;
	if (!is_ip4(m->in) && label_of(m->in) && label_of(m->got) == label_of(m->in))
		return false;
	m->got[1] = (uint8_t)((m->got[1] & 0xf0) | (m->want[1] & 15));
	memcpy(m->got + 2, m->want + 2, 2);
	return true;
}

static bool mask_checksum(struct masked *m)
{
	if (!is_ip4(m->want) || m->want[9] != 17 || m->want[26] | m->want[27])
		return true;
	if (!is_ip4(m->got) || !(m->got[26] | m->got[27]))
		return false;
	memset(m->got + 26, 0, 2);
	return true;
}

// Every field that is not compared as it is. In this order: the ID is looked at while DF is as it left.
static const struct {
	const char *why; // it can't be what the case says
	bool (*apply)(struct masked *m); // false: it can't be what it is either
} masks[] = {
	{"IPv4's ID is the kernel's, of what may be fragmented (RFC 6864 section 4)", mask_id},
	{"DF is 0 unless DONT-FRAGMENT asks for it: an incoming one can't be read (RFC 8656 "
	 "section 14)",
		mask_df},
	{"the flow label is the kernel's own hash, never the one that came (RFC 8656 section 13.2)",
		mask_label},
	{"the kernel sums UDP over IPv4 also where none came (RFC 768)", mask_checksum},
};

const char *alternative_mask(
	const struct frame_case *c, struct case_result *got, const uint8_t *want, const uint8_t *in)
{
	struct masked m = {c, got->frame + 14, want + 14, in + (in[12] == 0x81 ? 18 : 14)};

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		if (!masks[i].apply(&m))
			return masks[i].why;
	if (is_ip4(m.got))
		packet_refresh_ip4(m.got);
	return NULL;
}
