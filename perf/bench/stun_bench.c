// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Nanoseconds for a STUN message in controlplane/stun/: an Allocate request as browsers send it is parsed, and its
// MESSAGE-INTEGRITY (or MESSAGE-INTEGRITY-SHA256) verified; a success response is written and signed. The key
// is known.
//
//   stun_bench [--json] [--rounds N] [--seconds S]

#include <string.h>

#include "../../controlplane/stun/integrity.h"
#include "../../controlplane/stun/writer.h"
#include "figure.h"

#define MESSAGES 100000u // in a round
#define CASES 5u

struct bench {
	struct stun_hmac *key;
	uint8_t request[2][512]; // signed with SHA-1, with SHA-256
	size_t length[2];
};

static void fail(const char *what)
{
	fprintf(stderr, "stun_bench: %s\n", what);
	exit(1);
}

static void make_request(struct bench *b, bool sha256)
{
	static const char nonce[] = "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA";
	uint8_t tid[TP_STUN_TID] = {1};
	struct stun_writer w;
	int length;

	stun_begin(&w, b->request[sha256], sizeof(b->request[sha256]), TP_STUN_ALLOCATE,
		TP_STUN_REQUEST, tid);
	stun_put_u32(&w, TP_ATTR_REQUESTED_TRANSPORT, TP_PROTO_UDP << 24);
	stun_put(&w, TP_ATTR_USERNAME, "1800086400:guest1", 17);
	stun_put(&w, TP_ATTR_REALM, "turn.example.org", 16);
	stun_put(&w, TP_ATTR_NONCE, nonce, sizeof(nonce) - 1);
	if (sha256)
		stun_put_integrity_sha256(&w, b->key);
	else
		stun_put_integrity(&w, b->key);
	length = stun_finish(&w);
	if (length <= 0)
		fail("a request does not fit");
	b->length[sha256] = (size_t)length;
}

static void parse(struct bench *b, struct stun_message *m, bool sha256)
{
	if (stun_parse(m, b->request[sha256], b->length[sha256]) < 0)
		fail("a request was not understood");
}

static double run_parse(struct bench *b)
{
	struct stun_message m;
	double start = now_ns();

	for (uint32_t i = 0; i < MESSAGES; i++)
		parse(b, &m, false);
	return (now_ns() - start) / MESSAGES;
}

static double run_verify(struct bench *b, bool sha256)
{
	struct stun_message m;
	double start = now_ns();

	for (uint32_t i = 0; i < MESSAGES; i++) {
		parse(b, &m, sha256);
		if (!(sha256 ? stun_integrity_sha256_valid(&m, b->key)
			     : stun_integrity_valid(&m, b->key)))
			fail("a request was not verified");
	}
	return (now_ns() - start) / MESSAGES;
}

static double run_sign(struct bench *b, bool sha256)
{
	struct tp_endpoint relayed = {.ip = tp_ip4(TP_BE32(0xc6336402u)), .port = 50000};
	uint8_t bytes[256], tid[TP_STUN_TID] = {1};
	double start = now_ns();

	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct stun_writer w;

		stun_begin(&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_SUCCESS, tid);
		stun_put_xor_address(&w, TP_ATTR_XOR_RELAYED_ADDRESS, &relayed);
		stun_put_xor_address(&w, TP_ATTR_XOR_MAPPED_ADDRESS, &relayed);
		stun_put_u32(&w, TP_ATTR_LIFETIME, 600);
		if (sha256)
			stun_put_integrity_sha256(&w, b->key);
		else
			stun_put_integrity(&w, b->key);
		if (stun_finish(&w) <= 0)
			fail("a response does not fit");
	}
	return (now_ns() - start) / MESSAGES;
}

static double run(struct bench *b, unsigned int which)
{
	switch (which) {
	case 0:
		return run_parse(b);
	case 1:
	case 2:
		return run_verify(b, which == 2);
	default:
		return run_sign(b, which == 4);
	}
}

int main(int argc, char **argv)
{
	static const char *const name[CASES] = {"parse a request", "parse and verify, SHA-1",
		"parse and verify, SHA-256", "write and sign, SHA-1", "write and sign, SHA-256"};
	static struct figure figure[CASES];
	static struct bench bench;
	static const uint8_t key[16] = {1, 2, 3};
	struct figure_options o;

	if (!figure_options(argc, argv, "stun_bench", &o))
		return 2;
	if (stun_hmac_new(&bench.key, key, sizeof(key)) < 0)
		fail("no key");
	make_request(&bench, false);
	make_request(&bench, true);
	for (unsigned int i = 0; i < CASES; i++)
		figure[i] = (struct figure){.what = name[i], .unit = "ns/message"};
	// The first round warms up and isn't counted.
	for (unsigned int k = 0; figure_round(&o, k); k++)
		for (unsigned int i = 0; i < CASES; i++) {
			double ns = run(&bench, i);

			if (k)
				figure[i].value[figure[i].n++] = ns;
		}
	figures_report(figure, CASES, o.json);
	stun_hmac_free(bench.key);
	return 0;
}
