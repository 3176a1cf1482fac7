// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a stranger gets for a request, and so whoever's address the stranger writes into it: the factor of
// each kind of request that is answered without credentials, printed and bounded.
#include <stdio.h>

#include "suite.h"

#define IPV4_UDP 28u // bytes of headers in front of either message

static void init(void)
{
	suite_init();
	// The longest realm that the configuration takes, and no rate.
	SUITE_CONFIGURED(rig.auth_config.realm = "twenty-eight.example.org.abc");
}

TestSuite(turn_amplification, .init = init, .fini = suite_fini);

// The whole factor (UDP payloads) in hundredths, after printing it.
static uint32_t told(const char *what, size_t asked, bool fingerprint, int code)
{
	const struct answer *a = &rig.answer;
	uint32_t factor = (uint32_t)(100 * a->length / asked);
	uint32_t wire = (uint32_t)(100 * (a->length + IPV4_UDP) / (asked + IPV4_UDP));

	printf("%-44s %3zu -> %3zu (%d)  %u.%02u, with headers %u.%02u\n", what, asked, a->length,
		code, factor / 100, factor % 100, wire / 100, wire % 100);
	// A FINGERPRINT is answered with one: eight bytes either way.
	cr_expect_leq(a->length, fingerprint ? 128u : 120u, "%s", what);
	// 120 bytes for a message of 20 with its headers.
	cr_expect_leq(wire, 308u, "%s", what);
	return factor;
}

// Sends it without credentials.
static uint32_t stranger(const char *what, struct ask *q, int code)
{
	int got;

	q->unsigned_ = true;
	got = answer_code(ask_send(q));
	cr_expect_eq(got, code, "%s: %d", what, got);
	return got < 0 ? 0 : told(what, (size_t)stun_finish(&q->w), q->fingerprint, code);
}

Test(turn_amplification, of_an_allocate_as_browsers_begin_with_is_120_bytes_for_28)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	cr_expect_leq(stranger("Allocate", &q, 401), 428u);
	cr_expect_eq(rig.answer.length, 120u);
}

Test(turn_amplification, of_requests_without_attributes_is_120_bytes_at_most)
{
	static const struct {
		const char *what;
		uint16_t method;
	} requests[] = {
		{"Allocate without attributes", TP_STUN_ALLOCATE},
		{"Refresh", TP_STUN_REFRESH},
		{"CreatePermission", TP_STUN_CREATE_PERMISSION},
		{"ChannelBind", TP_STUN_CHANNEL_BIND},
	};
	struct ask q;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		ask(&rig, &q, requests[i].method);
		cr_expect_leq(stranger(requests[i].what, &q, 401), 600u);
	}
}

// IPv6 addresses are in no answer but Binding's.
Test(turn_amplification, of_requests_with_a_fingerprint_and_over_ipv6_is_no_more)
{
	static const struct {
		const char *what;
		uint16_t method;
		uint32_t most; // hundredths
	} requests[] = {
		{"Binding, FINGERPRINT, IPv6", TP_STUN_BINDING, 186},
		{"Allocate, FINGERPRINT, IPv6", TP_STUN_ALLOCATE, 356},
		{"Refresh, FINGERPRINT, IPv6", TP_STUN_REFRESH, 458},
		{"CreatePermission, FINGERPRINT, IPv6", TP_STUN_CREATE_PERMISSION, 458},
		{"ChannelBind, FINGERPRINT, IPv6", TP_STUN_CHANNEL_BIND, 458},
	};
	struct ask q;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		ask(&rig, &q, requests[i].method);
		if (requests[i].method == TP_STUN_ALLOCATE)
			ask_transport(&q);
		q.client = rig_client6;
		q.server = 1;
		q.fingerprint = true;
		cr_expect_leq(stranger(requests[i].what, &q,
				      requests[i].method == TP_STUN_BINDING ? 0 : 401),
			requests[i].most, "%s", requests[i].what);
	}
	ask(&rig, &q, 0xabc);
	q.fingerprint = true;
	cr_expect_eq(stranger("unknown method, FINGERPRINT", &q, -1), 0u);
}

Test(turn_amplification, of_what_gets_no_answer_is_nothing)
{
	struct ask q;

	ask(&rig, &q, 0xabc);
	cr_expect_eq(stranger("unknown method", &q, -1), 0u);
	ask(&rig, &q, 0x00a); // Connect (RFC 6062)
	cr_expect_eq(stranger("Connect", &q, -1), 0u);
	cr_expect_eq(rig.answers, 0u);
}

Test(turn_amplification, of_a_binding_is_the_address)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_BINDING);
	cr_expect_leq(stranger("Binding", &q, 0), 160u);
	ask(&rig, &q, TP_STUN_BINDING);
	q.client = rig_client6;
	q.server = 1;
	cr_expect_leq(stranger("Binding over IPv6", &q, 0), 220u);
	ask(&rig, &q, TP_STUN_BINDING);
	q.fingerprint = true;
	cr_expect_leq(stranger("Binding with FINGERPRINT", &q, 0), 143u);
}

Test(turn_amplification, of_unknown_attributes_is_less_the_more_there_are)
{
	struct ask q;

	for (uint16_t n = 1; n <= 64; n *= 4) {
		ask(&rig, &q, TP_STUN_BINDING);
		for (uint16_t i = 0; i < n; i++)
			ask_bytes(&q, (uint16_t)(0x7f00 + i), NULL, 0);
		cr_expect_leq(stranger("Binding, unknown attributes", &q, 420), 250u);
	}
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_bytes(&q, 0x7f00, NULL, 0);
	cr_expect_leq(stranger("Allocate, an unknown attribute", &q, 401), 428u);
}

// Forged credentials, as short as they may be.
static void forge(const char *what, uint16_t without, const char *nonce, int code, uint32_t bound)
{
	static const uint8_t integrity[20] = {1};
	struct ask q;

	ask(&rig, &q, TP_STUN_REFRESH);
	if (without != TP_ATTR_USERNAME)
		ask_bytes(&q, TP_ATTR_USERNAME, "a", 1);
	if (without != TP_ATTR_REALM)
		ask_bytes(&q, TP_ATTR_REALM, "r", 1);
	if (without != TP_ATTR_NONCE)
		ask_bytes(&q, TP_ATTR_NONCE, nonce, strlen(nonce));
	ask_bytes(&q, TP_ATTR_MESSAGE_INTEGRITY, integrity, sizeof(integrity));
	cr_expect_leq(stranger(what, &q, code), bound, "%s", what);
}

Test(turn_amplification, of_forged_credentials_is_less_than_of_none)
{
	char nonce[AUTH_NONCE_MAX];

	forge("Refresh without USERNAME", TP_ATTR_USERNAME, "n", 400, 100);
	forge("Refresh without NONCE", TP_ATTR_NONCE, "n", 400, 100);
	forge("Refresh with a nonce of nobody's", 0, "n", 438, 200);
	auth_nonce(rig.auth, &rig_client, rig.wall_s, nonce);
	forge("Refresh with a nonce and no right key", 0, nonce, 401, 131);
}
