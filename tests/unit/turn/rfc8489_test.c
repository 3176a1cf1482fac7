// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What RFC 8489 demands of answers: which attributes, which integrity, which size.
#include "suite.h"

TestSuite(turn_rfc8489, .init = suite_init, .fini = suite_fini);

static bool has(const struct answer *a, uint16_t type)
{
	uint16_t length;

	return answer_attribute(a, type, &length) != NULL;
}

static bool names_anybody(const struct answer *a)
{
	return has(a, TP_ATTR_USERNAME) || has(a, TP_ATTR_USERHASH);
}

static bool is_signed(const struct answer *a)
{
	return has(a, TP_ATTR_MESSAGE_INTEGRITY) || has(a, TP_ATTR_MESSAGE_INTEGRITY_SHA256);
}

static void expect_challenge(const struct answer *a)
{
	uint16_t length;
	const uint8_t *p;

	p = answer_attribute(a, TP_ATTR_REALM, &length);
	cr_assert(p && length == strlen(RIG_REALM) && !memcmp(p, RIG_REALM, length));
	p = answer_attribute(a, TP_ATTR_NONCE, &length);
	cr_assert(p && length == 28 && !memcmp(p, "obMatJos2AAAD", 13));
	p = answer_attribute(a, TP_ATTR_PASSWORD_ALGORITHMS, &length);
	cr_assert(p && length == 8 && !memcmp(p, "\0\2\0\0\0\1\0\0", 8));
	cr_expect(!names_anybody(a) && !is_signed(a) && !has(a, TP_ATTR_PASSWORD_ALGORITHM));
}

static void allocate(struct ask *q)
{
	ask(&rig, q, TP_STUN_ALLOCATE);
	ask_transport(q);
}

Test(turn_rfc8489, a_401_offers_everything_within_120_bytes)
{
	const struct answer *a;
	struct ask q;

	allocate(&q);
	q.unsigned_ = true;
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 401);
	expect_challenge(a);
	cr_expect_eq(q.w.length, 28u, "a browser's first Allocate");
	cr_expect_leq(a->length, 120u);
}

Test(turn_rfc8489, a_401_to_wrong_credentials_and_a_438_offer_the_same)
{
	const struct answer *a;
	struct ask q;

	for (int modern = 0; modern < 2; modern++) {
		struct stun_hmac *md5 = rig.users[0].key, *sha256 = rig.users[0].key_sha256;

		allocate(&q);
		q.modern = modern;
		rig.users[0].key = rig.users[1].key;
		rig.users[0].key_sha256 = rig.users[1].key_sha256;
		a = ask_send(&q);
		rig.users[0].key = md5;
		rig.users[0].key_sha256 = sha256;
		cr_assert_eq(answer_code(a), 401);
		expect_challenge(a);

		allocate(&q);
		q.modern = modern;
		q.nonce = "obMatJos2AAADAAAAAAAAAAAAAAA";
		a = ask_send(&q);
		cr_assert_eq(answer_code(a), 438);
		expect_challenge(a);
	}
	expect_nothing();
}

Test(turn_rfc8489, a_nonce_gone_stale_is_438_with_a_new_one)
{
	char nonce[AUTH_NONCE_MAX];
	const struct answer *a;
	struct ask q;

	auth_nonce(rig.auth, &rig_client, rig.wall_s - 3601, nonce);
	allocate(&q);
	q.modern = true;
	q.nonce = nonce;
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 438);
	expect_challenge(a);
}

Test(turn_rfc8489, no_two_addresses_or_ports_get_the_same_nonce)
{
	uint8_t first[28];
	uint16_t length;

	for (uint16_t n = 0; n < 50; n++) {
		const struct answer *a;
		struct ask q;
		const uint8_t *p;

		allocate(&q);
		q.client = client_number(n);
		q.unsigned_ = true;
		a = ask_send(&q);
		p = answer_attribute(a, TP_ATTR_NONCE, &length);
		cr_assert(p && length == sizeof(first));
		if (n)
			cr_assert(memcmp(p, first, sizeof(first)) != 0);
		memcpy(first, p, sizeof(first));
	}
}

Test(turn_rfc8489, a_400_for_missing_credentials_has_none_of_its_own)
{
	struct ask q;
	const struct answer *a;

	allocate(&q);
	q.unsigned_ = true;
	stun_put_integrity_sha256(&q.w, rig.users[0].key_sha256);
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 400);
	cr_expect(!has(a, TP_ATTR_REALM) && !has(a, TP_ATTR_NONCE) && !is_signed(a));
	cr_expect(!names_anybody(a) && !has(a, TP_ATTR_PASSWORD_ALGORITHMS));
}

Test(turn_rfc8489, a_400_for_a_list_that_is_not_ours_is_not_signed)
{
	struct ask q;
	const struct answer *a;

	allocate(&q);
	ask_bytes(&q, TP_ATTR_PASSWORD_ALGORITHMS, "\0\1\0\0", 4);
	ask_bytes(&q, TP_ATTR_PASSWORD_ALGORITHM, "\0\1\0\0", 4);
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 400);
	cr_expect(!is_signed(a) && !has(a, TP_ATTR_NONCE));
}

// Success, errors of the method and 420, each signed as the request was authenticated.
Test(turn_rfc8489, answers_are_signed_in_the_kind_that_was_chosen_and_name_nobody)
{
	for (int modern = 0; modern < 2; modern++) {
		for (int kind = 0; kind < 4; kind++) {
			static const int codes[] = {437, 442, 420, 0};
			struct tp_endpoint client = client_number((uint16_t)(10 * modern + kind));
			const struct answer *a;
			struct ask q;

			if (kind == 0)
				cr_assert_eq(ask_allocate(&rig, &client, 0), 0);
			ask(&rig, &q, TP_STUN_ALLOCATE);
			q.client = client;
			q.modern = modern;
			q.userhash = modern;
			if (kind == 2)
				ask_u32(&q, 0x7777, 1);
			ask_u32(&q, TP_ATTR_REQUESTED_TRANSPORT, kind == 1 ? 6u << 24 : 17u << 24);
			a = ask_send(&q);
			cr_assert_eq(answer_code(a), codes[kind]);
			cr_expect(modern ? answer_signed_sha256(a, &rig.users[0])
					 : answer_signed(a, &rig.users[0]));
			cr_expect(has(a, TP_ATTR_MESSAGE_INTEGRITY) == !modern);
			cr_expect(has(a, TP_ATTR_SOFTWARE));
			cr_expect(!names_anybody(a) && !has(a, TP_ATTR_REALM) &&
				  !has(a, TP_ATTR_NONCE) && !has(a, TP_ATTR_PASSWORD_ALGORITHMS));
		}
	}
}

Test(turn_rfc8489, an_answer_given_late_is_signed_in_the_chosen_kind_too)
{
	const struct answer *a;
	struct ask q;

	for (uint32_t i = 0; i < 64; i++)
		rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	allocate(&q);
	q.modern = true;
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 508);
	cr_expect(answer_signed_sha256(a, &rig.users[0]));
}

Test(turn_rfc8489, a_userhash_owns_what_its_name_does)
{
	struct ask q;

	allocate(&q);
	q.modern = q.userhash = true;
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	cr_expect_eq(ask_refresh(&rig, &rig_client, 600), 0);
	ask(&rig, &q, TP_STUN_REFRESH);
	q.modern = q.userhash = true;
	q.user = 1;
	cr_expect_eq(answer_code(ask_send(&q)), 441);
}

Test(turn_rfc8489, a_fingerprint_is_the_last_attribute_of_an_answer_to_one)
{
	const struct answer *a;
	struct ask q;
	struct stun_message m;

	for (int modern = 0; modern < 2; modern++) {
		ask(&rig, &q, TP_STUN_REFRESH);
		q.modern = modern;
		q.fingerprint = true;
		a = ask_send(&q);
		cr_assert_eq(answer_code(a), 437);
		cr_assert(stun_parse(&m, a->bytes, a->length) == 0);
		cr_expect(m.fingerprint_valid);
	}
	ask(&rig, &q, TP_STUN_REFRESH);
	cr_expect(!has(ask_send(&q), TP_ATTR_FINGERPRINT));
}

// What can't matter must not, however it is filled.
Test(turn_rfc8489, known_but_unexpected_attributes_are_ignored_even_malformed)
{
	static const uint16_t unexpected[] = {TP_ATTR_MAPPED_ADDRESS, TP_ATTR_ERROR_CODE,
		TP_ATTR_UNKNOWN_ATTRIBUTES, TP_ATTR_XOR_RELAYED_ADDRESS, TP_ATTR_XOR_MAPPED_ADDRESS,
		TP_ATTR_CHANNEL_NUMBER, TP_ATTR_XOR_PEER_ADDRESS, TP_ATTR_DATA, TP_ATTR_SOFTWARE,
		TP_ATTR_ALTERNATE_SERVER, TP_ATTR_ALTERNATE_DOMAIN, TP_ATTR_ADDRESS_ERROR_CODE,
		TP_ATTR_ICMP};

	for (uint16_t i = 0; i < sizeof(unexpected) / sizeof(unexpected[0]); i++) {
		struct ask q;

		allocate(&q);
		q.client = client_number(i);
		ask_bytes(&q, unexpected[i], "x", 1);
		cr_expect_eq(answer_code(ask_send(&q)), 0, "%04x", unexpected[i]);
	}
	cr_assert_eq(ask_allocate(&rig, &rig_client, 0), 0);
	for (unsigned int method = 0; method < 3; method++) {
		static const uint16_t methods[] = {
			TP_STUN_REFRESH, TP_STUN_CREATE_PERMISSION, TP_STUN_CHANNEL_BIND};
		struct ask q;

		ask(&rig, &q, methods[method]);
		if (method)
			ask_peer(&q, &peer_a);
		if (method == 2)
			ask_channel(&q, 0x4000);
		ask_bytes(&q, TP_ATTR_REQUESTED_TRANSPORT, "x", 1);
		ask_bytes(&q, TP_ATTR_EVEN_PORT, "xx", 2);
		ask_bytes(&q, TP_ATTR_RESERVATION_TOKEN, "x", 1);
		if (method)
			ask_bytes(&q, TP_ATTR_LIFETIME, "x", 1);
		cr_expect_eq(answer_code(ask_send(&q)), 0, "method %u", methods[method]);
	}
}

Test(turn_rfc8489, of_duplicate_attributes_the_first_counts)
{
	const struct answer *a;
	struct ask q;

	allocate(&q);
	ask_u32(&q, TP_ATTR_REQUESTED_TRANSPORT, 6u << 24);
	ask_u32(&q, TP_ATTR_LIFETIME, 1200);
	ask_u32(&q, TP_ATTR_LIFETIME, 0);
	ask_bytes(&q, TP_ATTR_LIFETIME, "", 0);
	a = ask_send(&q);
	cr_assert_eq(answer_code(a), 0);
	cr_expect_eq(answer_u32(a, TP_ATTR_LIFETIME), 1200u);

	ask(&rig, &q, TP_STUN_CHANNEL_BIND);
	ask_channel(&q, 0x4000);
	ask_channel(&q, 0x3fff);
	ask_peer(&q, &peer_a);
	ask_peer(&q, &peer_b);
	ask_bytes(&q, TP_ATTR_XOR_PEER_ADDRESS, "", 0);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	cr_expect_eq(rig.table->live_peers, 2u);
	cr_expect_neq(
		table_find_channel_to(rig.table, rig_slot(&rig, &rig_client), &peer_a, rig.now_ms),
		TABLE_NONE);
}

// The allocation would be for a family that isn't there, and an unknown attribute be told.
Test(turn_rfc8489, attributes_after_the_integrity_are_ignored)
{
	for (int modern = 0; modern < 2; modern++) {
		char nonce[AUTH_NONCE_MAX];
		struct ask q;

		allocate(&q);
		q.client = client_number((uint16_t)modern);
		q.unsigned_ = true;
		auth_nonce(rig.auth, &q.client, rig.wall_s, nonce);
		ask_bytes(&q, TP_ATTR_USERNAME, "alice", 5);
		ask_bytes(&q, TP_ATTR_REALM, RIG_REALM, strlen(RIG_REALM));
		ask_bytes(&q, TP_ATTR_NONCE, nonce, strlen(nonce));
		if (modern)
			stun_put_integrity_sha256(&q.w, rig.users[0].key);
		else
			stun_put_integrity(&q.w, rig.users[0].key);
		ask_family(&q, 3);
		ask_u32(&q, 0x7777, 1);
		ask_bytes(&q, TP_ATTR_MESSAGE_INTEGRITY, "x", 1);
		q.fingerprint = true;
		cr_expect_eq(answer_code(ask_send(&q)), 0);
	}
}

Test(turn_rfc8489, binding_looks_at_no_credentials_and_tells_the_source)
{
	static const struct tp_endpoint *const clients[] = {&rig_client, &rig_client6};

	for (int i = 0; i < 4; i++) {
		const struct answer *a;
		struct tp_endpoint mapped;
		struct ask q;

		ask(&rig, &q, TP_STUN_BINDING);
		q.client = *clients[i & 1];
		q.server = i & 1;
		q.nonce = "expired long ago";
		q.modern = i & 2;
		a = ask_send(&q);
		cr_assert_eq(answer_code(a), 0);
		mapped = answer_address(a, TP_ATTR_XOR_MAPPED_ADDRESS);
		cr_expect(tp_endpoint_equal(&mapped, clients[i & 1]));
		cr_expect(!has(a, TP_ATTR_MAPPED_ADDRESS) && !is_signed(a));
	}
}

Test(turn_rfc8489, a_reason_goes_with_every_error_code)
{
	struct ask q;
	const uint8_t *p;
	uint16_t length;

	allocate(&q);
	q.unsigned_ = true;
	p = answer_attribute(ask_send(&q), TP_ATTR_ERROR_CODE, &length);
	cr_assert(p && length == 19 && !memcmp(p, "\0\0\4\1Unauthenticated", 19));
	ask(&rig, &q, TP_STUN_REFRESH);
	p = answer_attribute(ask_send(&q), TP_ATTR_ERROR_CODE, &length);
	cr_assert(p && length == 23 && !memcmp(p, "\0\0\4\45Allocation Mismatch", 23));
}
