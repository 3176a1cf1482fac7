// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <turnpike/addr.h>

#include "world.h"

const uint8_t next_hop_l2[12] = {2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a};

const uint8_t back_l2[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};

struct tp_endpoint case_endpoint(const char *ip, uint16_t port)
{
	struct tp_endpoint e = {.port = port};
	uint32_t ip4;

	if (inet_pton(AF_INET, ip, &ip4) == 1)
		e.ip = tp_ip4(ip4);
	else
		inet_pton(AF_INET6, ip, e.ip.b);
	return e;
}

static const struct case_allocation allocation[] = {
	{CLIENT_44, 5000, 0, 0, 49152},
	{CLIENT_46, 5000, 0, 1, 49153},
	{CLIENT_64, 5000, 1, 0, 49154},
	{CLIENT_66, 5000, 1, 1, 49155},
};

static const struct case_peer peer[] = {
	{0, PEER4, 6000, 0x4001},
	{0, STRANGER4, 0, 0},
	{0, RELAY4, 49154, 0x4003},
	{1, PEER6, 6000, 0x4001},
	{1, STRANGER6, 0, 0},
	{2, PEER4, 6000, 0x4001},
	{2, STRANGER4, 0, 0},
	{2, RELAY4, 0, 0},
	{3, PEER6, 6000, 0x4001},
	{3, STRANGER6, 0, 0},
};

const struct case_state plain_state = {
	.server = {SERVER4, SERVER6},
	.relay = {RELAY4, RELAY6},
	.allocation = allocation,
	.allocations = sizeof(allocation) / sizeof(allocation[0]),
	.peer = peer,
	.peers = sizeof(peer) / sizeof(peer[0]),
};

static const char *const outcome_name[] = {"sent", "dropped", "sent to be fragmented", "punted",
	"the kernel's", "a fragment", "malformed", "passed up"};

static const char *const counter_name[] = {
#define X(name, text) #name,
	TP_COUNTERS(X)
#undef X
};

static void show(const char *what, const uint8_t *b, uint32_t n)
{
	printf("  %s, %u bytes:", what, n);
	for (uint32_t i = 0; i < n && i < 160; i++)
		printf("%s%02x", i % 2 ? "" : " ", b[i]);
	printf("\n");
}

// A Data indication's transaction ID is random: one of zeroes instead, also in XOR-PEER-ADDRESS (RFC 8489
// section 14.2), and what that does to the checksum.
static void forget_transaction(uint8_t *frame, uint32_t length)
{
	uint8_t *message = packet_payload(frame, length);

	if (!message || frame + length - message < 36 || message[0] != 0 || message[1] != 0x17)
		return;
	for (unsigned int i = 0; i < 12 && message[25] == TP_IPV6; i++)
		message[32 + i] ^= message[8 + i];
	memset(message + 8, 0, 12);
	packet_refresh(frame, length);
}

bool case_passes(const struct frame_case *c)
{
	const struct packet_spec *in = &c->in;

	if (c->passes || in->options || in->extension || in->vlan || c->next_hop.vlan ||
		in->version || in->quote)
		return true;
	if (c->outcome == OUTCOME_DROPPED)
		return c->out.source;
	return c->outcome != OUTCOME_SENT && c->outcome != OUTCOME_MALFORMED;
}

static bool same(
	const struct frame_case *c, struct case_result *got, const uint8_t *want, uint32_t length)
{
	uint32_t at = 0;

	if (got->outcome == OUTCOME_PASSED && case_passes(c))
		return true;
	if (got->outcome != c->outcome) {
		printf("FAILED %s: %s, not %s\n", c->name, outcome_name[got->outcome],
			outcome_name[c->outcome]);
		return false;
	}
	if (c->outcome == OUTCOME_DROPPED && got->drop != c->drop) {
		printf("FAILED %s: dropped as %s, not as %s\n", c->name, counter_name[got->drop],
			counter_name[c->drop]);
		return false;
	}
	if (got->length && !packet_sound(got->frame, got->length)) {
		printf("FAILED %s: a length or checksum is wrong\n", c->name);
		show("got", got->frame, got->length);
		return false;
	}
	if (got->length)
		forget_transaction(got->frame, got->length);
	while (at < length && at < got->length && want[at] == got->frame[at])
		at++;
	if (length != got->length || at != length) {
		printf("FAILED %s: the frame differs at byte %u\n", c->name, at);
		show("wanted", want, length);
		show("got", got->frame, got->length);
		return false;
	}
	return true;
}

bool case_holds(const struct frame_case *c, struct case_result *got)
{
	uint8_t *want = malloc(PACKET_MAX);
	uint32_t length = c->out.source ? packet_build(want, &c->out) : 0;
	bool good = same(c, got, want, length);

	free(want);
	return good;
}

static bool run_case(case_runner *run, const struct frame_case *c)
{
	uint8_t *in = malloc(PACKET_MAX);
	struct case_result *got = calloc(1, sizeof(*got));
	bool good;

	run(got, c->state ? c->state : &plain_state, &c->next_hop, in, packet_build(in, &c->in));
	good = case_holds(c, got);
	free(got);
	free(in);
	return good;
}

const struct frame_cases *const cases_all[CASES_FILES] = {&cases_channel, &cases_indication,
	&cases_header, &cases_too_big, &cases_checksum, &cases_unusual, &cases_icmp,
	&cases_hairpin};

unsigned int cases_run(case_runner *run)
{
	unsigned int failed = 0, count = 0;

	for (unsigned int k = 0; k < CASES_FILES; k++) {
		for (uint32_t i = 0; i < cases_all[k]->count; i++) {
			failed += !run_case(run, &cases_all[k]->first[i]);
			count++;
		}
	}
	printf("%u frames, %u failed\n", count, failed);
	return failed;
}
