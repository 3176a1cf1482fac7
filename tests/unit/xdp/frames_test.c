// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The table of whole frames (tests/frames/), through the XDP program: what it relays or drops is as the table
// says, and what it leaves to the sockets is what it may leave, untouched.

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <string.h>

#include <bpf/bpf.h>
#include <cases.h>

#include "lab.h"

static void configure(struct xdp_config *c, const struct case_state *s)
{
	for (; c->servers < 4 && s->server[c->servers]; c->servers++)
		c->server[c->servers] = case_endpoint(s->server[c->servers], 3478);
	for (; c->relays < 4 && s->relay[c->relays]; c->relays++) {
		const char *known = s->public_[c->relays];

		c->relay[c->relays] = case_endpoint(s->relay[c->relays], 0).ip;
		c->relay_public[c->relays] =
			case_endpoint(known ? known : s->relay[c->relays], 0).ip;
	}
	c->port_min = 49152;
	c->port_max = 49199;
	c->channel_max = TP_CHANNEL_MAX;
	// Test runs come from the loopback interface.
	c->ifindex[0] = 1;
	c->devices = 1;
}

static void populate(struct lab *lab, const struct case_state *s)
{
	for (uint32_t i = 0; i < s->allocations; i++) {
		const struct case_allocation *a = &s->allocation[i];
		struct tp_endpoint client = case_endpoint(a->client, a->client_port);

		lab_put_allocation(lab, i, &client, a->server, a->relay, a->relay_port);
	}
	for (uint32_t i = 0; i < s->peers; i++) {
		const struct case_peer *p = &s->peer[i];
		const struct case_allocation *a = &s->allocation[p->allocation];
		struct tp_endpoint client = case_endpoint(a->client, a->client_port);
		struct tp_endpoint peer = case_endpoint(p->ip, p->port);

		lab_put_permission(lab, p->allocation, &peer.ip);
		if (p->channel)
			lab_put_channel(lab, p->allocation, &client, a->server, a->relay,
				a->relay_port, &peer, p->channel);
	}
}

static void set_next_hop(struct lab *lab, const struct case_next_hop *hop)
{
	struct xdp_hop way = {
		.to = xdp_hop_word(next_hop_l2, hop->mtu ? hop->mtu : 1500),
		.from = xdp_hop_word(next_hop_l2 + 6, 0),
	};
	int cpus = libbpf_num_possible_cpus();
	struct xdp_cpu *each = calloc((size_t)cpus, sizeof(*each));
	uint32_t zero = 0;

	cr_assert(each);
	for (int i = 0; i < cpus; i++)
		each[i].ip_id = hop->ip_id;
	cr_assert_eq(bpf_map_update_elem(bpf_map__fd(lab->skeleton->maps.cpus), &zero, each, 0), 0);
	free(each);
	xdp_hop_write(&lab->hops[1], &way);
}

// The program has no flow label, where the table's next hop has one.
static void take_label(struct case_result *out, const struct case_next_hop *hop)
{
	uint8_t *ip = out->frame + 14;

	if (ip[0] >> 4 != 6)
		return;
	cr_assert_eq((ip[1] & 15u) | ip[2] | ip[3], 0);
	ip[1] = (uint8_t)((ip[1] & 0xf0) | hop->flow_label >> 16);
	ip[2] = (uint8_t)(hop->flow_label >> 8);
	ip[3] = (uint8_t)hop->flow_label;
}

static void take_drop(struct case_result *out, const struct xdp_cpu *counts)
{
	out->outcome = OUTCOME_DROPPED;
	for (unsigned int i = TP_C_client_reserved_byte; i <= TP_C_icmp_ignored; i++)
		if (counts->counter[i])
			out->drop = (enum tp_counter)i;
	if (counts->counter[TP_C_frame_malformed])
		out->outcome = OUTCOME_MALFORMED;
}

// RFC-wise sums of counters.h: each packet of ours is counted once, and under where it went.
static void counted_once(const struct xdp_cpu *counts, uint32_t verdict)
{
	const uint64_t *n = counts->counter;
	uint64_t passed = 0, dropped = n[TP_C_frame_malformed];

	for (unsigned int i = TP_C_passed_request; i <= TP_C_passed_partial; i++)
		passed += n[i];
	for (unsigned int i = TP_C_client_reserved_byte; i <= TP_C_icmp_ignored; i++)
		dropped += n[i];
	cr_assert_eq(n[TP_C_client_packets] + n[TP_C_peer_packets] + n[TP_C_frame_malformed],
		verdict == XDP_PASS ? 0 : 1);
	cr_assert_eq(n[TP_C_relayed_to_peer] + n[TP_C_relayed_to_client], verdict == XDP_TX);
	cr_assert_eq(dropped, verdict == XDP_DROP);
	cr_assert(passed <= (verdict == XDP_PASS));
}

static void run(struct case_result *out, const struct case_state *state,
	const struct case_next_hop *hop, const uint8_t *in, uint32_t length)
{
	static struct lab lab; // loaded anew for another state: verifying takes long
	static const struct case_state *loaded;
	struct xdp_cpu counts;
	uint32_t verdict;

	// No driver hands it tags, or frames longer than a page.
	if (length > 3400 || length < 14 || hop->vlan) {
		out->outcome = OUTCOME_PASSED;
		return;
	}
	if (loaded != state) {
		if (loaded)
			lab_close(&lab);
		cr_assert_null(lab_open(&lab));
		configure(lab.config, state);
		lab_load(&lab);
		populate(&lab, state);
		loaded = state;
	}
	set_next_hop(&lab, hop);
	memcpy(out->frame, in, length);
	out->length = length;
	verdict = lab_run(&lab, out->frame, &out->length);
	lab_counts(&lab, &counts);
	counted_once(&counts, verdict);
	if (verdict == XDP_PASS) {
		out->outcome = OUTCOME_PASSED;
		cr_assert_eq(out->length, length);
		cr_assert_arr_eq(out->frame, in, length);
		out->length = 0;
	} else if (verdict == XDP_TX) {
		out->outcome = OUTCOME_SENT;
		take_label(out, hop);
	} else {
		cr_assert_eq(verdict, XDP_DROP);
		take_drop(out, &counts);
		out->length = 0;
	}
}

Test(xdp_frames, the_table_holds_through_the_program, .timeout = 300)
{
	struct lab lab = {.homes = 0};
	const char *why = lab_open(&lab);

	if (why)
		cr_skip_test("%s", why);
	relay_bpf__destroy(lab.skeleton);
	cr_assert_eq(cases_run(run), 0);
}
