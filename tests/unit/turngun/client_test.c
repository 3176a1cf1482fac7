// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A client's requests as a server reads them, and answers as a server writes them.

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <turnpike/ip.h>

#include "../../../controlplane/stun/integrity.h"
#include "../../../controlplane/stun/message.h"
#include "../../../controlplane/stun/writer.h"
#include "client.h"

static const uint8_t tid[TP_STUN_TID] = "transaction";
static struct options options;
static struct population population;
static struct credentials credentials;

static void make(const char *peers)
{
	options = (struct options){.clients = 1,
		.peers = 2,
		.channels = 2,
		.indications = 0.5,
		.user = "alice",
		.clients_from = {{tp_ip4(TP_BE32(0xc000020a)), 1000}, 1},
		.peers_from = {{tp_ip4(TP_BE32(0xcb007101)), 2000}, 1}};
	if (peers)
		memcpy(options.peers_from.first.ip.b, peers, 16);
	cr_assert_eq(population_make(&population, &options), 0);
	setenv("TURNGUN_PASSWORD", "wonderland", 1);
	cr_assert_eq(credentials_read(&credentials, &options), 0);
}

static void setup(void)
{
	make(NULL);
}

static void with_ipv6(void)
{
	make(" \1\r\xb8\1\2\3\4\5\6\7\x8\x9\xa\xb\xc");
}

// MD5("alice:turnpike:wonderland"), by another implementation.
static struct stun_hmac *key(void)
{
	static const uint8_t bytes[16] = {0xd4, 0xca, 0x19, 0x2a, 0xa2, 0x90, 0xc0, 0xa7, 0xd4,
		0x9f, 0x76, 0x5f, 0xee, 0x7b, 0xbe, 0x60};
	struct stun_hmac *h;

	cr_assert_eq(stun_hmac_new(&h, bytes, sizeof(bytes)), 0);
	return h;
}

static struct stun_message asked(enum task task, uint32_t n)
{
	static uint8_t request[REQUEST_MAX];
	struct stun_message m;
	uint32_t length = client_ask(request, &population, &credentials, task, n, tid);

	cr_assert_eq(stun_parse(&m, request, length), 0);
	cr_assert_eq(m.class_, TP_STUN_REQUEST);
	cr_assert_eq(m.malformed, 0);
	cr_assert_arr_eq(m.tid, tid, sizeof(tid));
	return m;
}

static struct answer answer(struct stun_writer *w)
{
	struct answer a;
	uint8_t got[TP_STUN_TID];
	int length = stun_finish(w);

	cr_assert_gt(length, 0);
	cr_assert(client_answers(got, w->bytes, (uint32_t)length));
	cr_assert_arr_eq(got, tid, sizeof(tid));
	cr_assert(client_read(&a, &credentials, w->bytes, (uint32_t)length));
	return a;
}

static struct answer challenge(unsigned int code, const char *nonce)
{
	static uint8_t bytes[256];
	struct stun_writer w;

	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_ERROR, tid);
	stun_put_error(&w, code, "Unauthorized");
	stun_put(&w, TP_ATTR_REALM, "turnpike", 8);
	stun_put(&w, TP_ATTR_NONCE, nonce, strlen(nonce));
	return answer(&w);
}

static void challenged(const char *nonce)
{
	struct answer a = challenge(401, nonce);

	cr_assert_eq(a.error, 401);
	cr_assert(client_challenged(&population.client[0], &credentials, &a));
}

Test(turngun_client, the_first_allocate_has_no_credentials, .init = setup)
{
	struct stun_message m = asked(TASK_ALLOCATE, 0);

	cr_assert_eq(m.method, TP_STUN_ALLOCATE);
	cr_assert_eq(m.has, STUN_HAS_REQUESTED_TRANSPORT);
	cr_assert_eq(m.requested_transport, TP_PROTO_UDP);
}

Test(turngun_client, after_a_401_it_has_those_of_the_realm_with_the_latest_nonce, .init = setup)
{
	struct stun_message m;

	challenged("first");
	challenged("second");
	m = asked(TASK_ALLOCATE, 0);
	cr_assert_eq(m.has, STUN_HAS_REQUESTED_TRANSPORT | STUN_HAS_USERNAME | STUN_HAS_REALM |
				    STUN_HAS_NONCE | STUN_HAS_INTEGRITY);
	cr_assert(stun_integrity_valid(&m, key()));
	cr_assert_eq(m.nonce.length, 6);
	cr_assert_eq(memcmp(m.nonce.data, "second", 6), 0);
	cr_assert_eq(memcmp(m.username.data, "alice", 5), 0);
	cr_assert_eq(memcmp(m.realm.data, "turnpike", 8), 0);
}

Test(turngun_client, flows_ask_for_a_channel_or_a_permission, .init = setup)
{
	struct stun_message m;

	challenged("nonce");
	cr_assert_eq(population.flow[0].form, FORM_CHANNEL);
	m = asked(TASK_BIND, 0);
	cr_assert_eq(m.method, TP_STUN_CHANNEL_BIND);
	cr_assert_eq(m.channel_number, 0x4000);
	cr_assert_eq(m.peers[0].endpoint.port, 2000);
	cr_assert(stun_integrity_valid(&m, key()));
	cr_assert_eq(population.flow[1].form, FORM_INDICATION);
	m = asked(TASK_BIND, 1);
	cr_assert_eq(m.method, TP_STUN_CREATE_PERMISSION);
	cr_assert_eq(m.peers[0].endpoint.port, 2001);
	cr_assert(!(m.has & STUN_HAS_CHANNEL_NUMBER));
}

Test(turngun_client, the_last_request_ends_the_allocation, .init = setup)
{
	struct stun_message m;

	challenged("nonce");
	m = asked(TASK_RELEASE, 0);
	cr_assert_eq(m.method, TP_STUN_REFRESH);
	cr_assert(m.has & STUN_HAS_LIFETIME);
	cr_assert_eq(m.lifetime_s, 0);
}

Test(turngun_client, peers_of_ipv6_take_a_relayed_address_of_ipv6, .init = with_ipv6)
{
	struct stun_message m = asked(TASK_ALLOCATE, 0);

	cr_assert_eq(m.requested_family, TP_IPV6);
}

Test(turngun_client, a_relayed_address_is_read_and_known_to_be_authentic_or_not, .init = setup)
{
	static const struct tp_endpoint relayed[] = {
		{.ip.b = {[10] = 0xff, 0xff, 198, 51, 100, 1}, .port = 50000},
		{.ip.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 9}, .port = 50001},
	};

	challenged("nonce");
	for (size_t i = 0; i < 2; i++)
		for (int damaged = 0; damaged < 2; damaged++) {
			uint8_t bytes[256];
			struct stun_writer w;
			struct answer a;

			stun_begin(
				&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_SUCCESS, tid);
			stun_put_xor_address(&w, TP_ATTR_XOR_RELAYED_ADDRESS, &relayed[i]);
			stun_put_u32(&w, TP_ATTR_LIFETIME, 600);
			stun_put_integrity(&w, key());
			bytes[w.length - 1] ^= (uint8_t)damaged;
			a = answer(&w);
			cr_assert(a.success);
			cr_assert_eq(a.authentic, !damaged);
			cr_assert(tp_endpoint_equal(&a.relayed, &relayed[i]));
		}
}

Test(turngun_client, nothing_cut_off_is_an_answer, .init = setup)
{
	uint8_t bytes[256], got[TP_STUN_TID];
	struct stun_writer w;
	struct answer a;
	int length;

	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_ERROR, tid);
	stun_put_error(&w, 508, "Insufficient Capacity");
	length = stun_finish(&w);
	for (int n = 0; n < length; n++) {
		uint8_t *exact = malloc((size_t)n);

		memcpy(exact, bytes, (size_t)n);
		cr_assert(!client_read(&a, &credentials, exact, (uint32_t)n));
		cr_assert(n >= 20 || !client_answers(got, exact, (uint32_t)n));
		free(exact);
	}
	cr_assert(client_read(&a, &credentials, bytes, (uint32_t)length));
	cr_assert_eq(a.error, 508);
	// A request, ChannelData and application data are none.
	bytes[0] = 0;
	cr_assert(!client_answers(got, bytes, (uint32_t)length));
	bytes[0] = 0x41;
	cr_assert(!client_answers(got, bytes, (uint32_t)length));
}
