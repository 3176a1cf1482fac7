// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The control plane on one core, over a link to nothing: authenticated Allocate transactions a second (parse,
// verify, decide, write the vault, sign), and bytes of memory for an allocation with one permission and one
// channel: all that a server takes, over its allocations, and what each more takes. Requests are made and signed
// before the clock starts.
//
//   control_bench [--json] [--allocations N] [--rounds N] [--seconds S]

#include <malloc.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../controlplane/auth/auth.h"
#include "../../controlplane/link/null.h"
#include "../../controlplane/stun/writer.h"
#include "../../controlplane/turn/server.h"
#include "figure.h"

#define REQUESTS 100000u // a round
#define USERS 1000u
#define REALM "turnpike"
#define SECRET "a shared secret of the operator"
#define BATCH 64u // requests between flushes, as the link hands them up
#define RELAYS 64u
#define MEMORIES 2u // a tenth, and all
#define FIGURES (2 + MEMORIES + 1)
#define WALL 1800000000u

struct request {
	struct tp_punt punt;
	uint8_t bytes[256];
};

struct bench {
	struct auth *auth;
	struct null_link link;
	struct link_events events;
	struct turn_server *server;
	struct tp_counters counters;
	int vault;
};

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "control_bench: %s\n", what);
	exit(1);
}

static struct tp_endpoint client_of(uint32_t i)
{
	return (struct tp_endpoint){
		.ip = tp_ip4(TP_BE32(0x0b000000u | i / 50)), .port = (uint16_t)(1024 + i % 50)};
}

static void user_name(char out[64], bool rest, uint32_t i)
{
	if (rest)
		snprintf(out, 64, "%u:guest%u", WALL + 86400, i);
	else
		snprintf(out, 64, "user%u", i % USERS);
}

static void open_bench(struct bench *b, uint32_t allocations)
{
	static struct auth_user users[USERS];
	static char names[USERS][64];
	static const char *const secrets[] = {SECRET};
	struct tp_relay_address relays[RELAYS];
	struct tp_capabilities capabilities = {.name = "null",
		.servers = 1,
		.relays = RELAYS,
		.allocations = allocations,
		.peers = tp_peers_for(allocations),
		.port_min = 49152,
		.port_max = 65535};
	struct auth_config a = {.realm = REALM,
		.users = users,
		.users_count = USERS,
		.secrets = secrets,
		.secrets_count = 1};
	struct vault vault;
	struct turn_config c = {.table = {.allocations = allocations,
					.port_min = 49152,
					.port_max = 65535,
					.relays = relays,
					.relays_count = RELAYS},
		.channel_max = TP_CHANNEL_MAX,
		.software = "Turnpike"};

	for (uint32_t i = 0; i < USERS; i++) {
		user_name(names[i], false, i);
		users[i] = (struct auth_user){.name = names[i], .password = "wonderland"};
	}
	for (uint32_t i = 0; i < RELAYS; i++) {
		relays[i].local = relays[i].public_ = tp_ip4(TP_BE32(0x0c000001u + i));
		capabilities.relay[i] = relays[i];
	}
	capabilities.server[0] = (struct tp_endpoint){
		.ip = tp_ip4(TP_BE32(0x0c000001u)), .port = 3478};
	*b = (struct bench){.vault = memfd_create("vault", MFD_CLOEXEC)};
	require(auth_create(&b->auth, &a) == 0, "no credentials");
	require(null_link_create(&b->link, 4 * BATCH) == 0, "no link");
	require(vault_open(&vault, b->vault, allocations, tp_peers_for(allocations)) == 0,
		"no vault");
	require(turn_create(&b->server, &c, &vault, b->auth, &b->link.link, &b->counters) == 0,
		"no server");
	b->events = b->link.events = turn_events(b->server);
	turn_set_time(b->server, 1000000, WALL);
	b->events.attached(b->events.context, &capabilities, 1);
	b->link.link.ops->flush(&b->link.link);
}

static void close_bench(struct bench *b)
{
	turn_destroy(b->server);
	null_link_destroy(&b->link);
	auth_destroy(b->auth);
	close(b->vault);
}

static void password_of(const char *name, bool rest, char out[64])
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	size_t n = 0;

	if (!rest) {
		snprintf(out, 64, "wonderland");
		return;
	}
	require(EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, SECRET, strlen(SECRET),
			(const unsigned char *)name, strlen(name), mac, sizeof(mac), &n) != NULL,
		"no HMAC");
	EVP_EncodeBlock((unsigned char *)out, mac, (int)n);
}

// The signing key of a name: MD5(name ":" realm ":" password).
static void key_of(const char *name, bool rest, uint8_t key[16])
{
	char password[64], text[256];
	size_t n;

	password_of(name, rest, password);
	snprintf(text, sizeof(text), "%s:" REALM ":%s", name, password);
	require(EVP_Q_digest(NULL, "MD5", NULL, text, strlen(text), key, &n), "no MD5");
}

// A signed request of a client. `put` adds the method's attributes.
static void make(struct bench *b, struct request *r, uint32_t client, bool rest, uint16_t method,
	struct stun_hmac *hmac)
{
	char name[64], nonce[AUTH_NONCE_MAX];
	struct tp_endpoint peer = {.ip = tp_ip4(TP_BE32(0x08080808u)), .port = 5000};
	struct stun_writer w;
	uint8_t tid[TP_STUN_TID] = {0}, key[16];
	size_t n;
	int length;

	*r = (struct request){.punt = {.client = client_of(client), .transport = TP_UDP}};
	user_name(name, rest, client);
	n = auth_nonce(b->auth, &r->punt.client, WALL, nonce);
	memcpy(tid, &client, sizeof(client));
	stun_begin(&w, r->bytes, sizeof(r->bytes), method, TP_STUN_REQUEST, tid);
	if (method == TP_STUN_ALLOCATE)
		stun_put_u32(&w, TP_ATTR_REQUESTED_TRANSPORT, TP_PROTO_UDP << 24);
	else
		stun_put_xor_address(&w, TP_ATTR_XOR_PEER_ADDRESS, &peer);
	if (method == TP_STUN_CHANNEL_BIND)
		stun_put_u32(&w, TP_ATTR_CHANNEL_NUMBER, 0x40000000u);
	stun_put(&w, TP_ATTR_USERNAME, name, strlen(name));
	stun_put(&w, TP_ATTR_REALM, REALM, strlen(REALM));
	stun_put(&w, TP_ATTR_NONCE, nonce, n);
	key_of(name, rest, key);
	require(stun_hmac_rekey(hmac, key, sizeof(key)) == 0, "no key");
	stun_put_integrity(&w, hmac);
	length = stun_finish(&w);
	require(length > 0, "a request does not fit");
	r->punt.length = (uint16_t)length;
}

static void process(struct bench *b, const struct request *r, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		b->events.punt(b->events.context, 0, &r[i].punt, r[i].bytes);
		if (i % BATCH == BATCH - 1)
			b->link.link.ops->flush(&b->link.link);
	}
	b->link.link.ops->flush(&b->link.link);
}

static double allocate_round(bool rest, struct request *r, struct stun_hmac *hmac)
{
	struct bench b;
	double start, took;

	open_bench(&b, REQUESTS + 1000);
	for (uint32_t i = 0; i < REQUESTS; i++)
		make(&b, &r[i], i, rest, TP_STUN_ALLOCATE, hmac);
	start = now_ns();
	process(&b, r, REQUESTS);
	took = (now_ns() - start) / 1e9;
	require(tp_counter(&b.counters, TP_CC_success_responses) == REQUESTS,
		"not every Allocate succeeded");
	close_bench(&b);
	return REQUESTS / took;
}

static uint64_t resident(void)
{
	unsigned long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%lu %lu", &size, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

// Resident memory of a server with `n` allocations, each with a permission and a channel: what it has at all
// times is part of it.
static double memory(uint32_t n, struct stun_hmac *hmac)
{
	static const uint16_t methods[] = {
		TP_STUN_ALLOCATE, TP_STUN_CREATE_PERMISSION, TP_STUN_CHANNEL_BIND};
	struct request *r = calloc(BATCH, sizeof(*r));
	uint64_t before, after;
	struct bench b;

	require(r != NULL, "no memory");
	// What a server before this one had must not serve it.
	malloc_trim(0);
	before = resident();
	open_bench(&b, n);
	for (uint32_t i = 0; i < n; i += BATCH) {
		uint32_t count = n - i < BATCH ? n - i : BATCH;

		for (uint32_t m = 0; m < 3; m++) {
			for (uint32_t k = 0; k < count; k++)
				make(&b, &r[k], i + k, false, methods[m], hmac);
			process(&b, r, count);
		}
		if (i % (BATCH * 1024) == 0)
			fprintf(stderr, "\rmemory: %u of %u allocations ", i, n);
	}
	fprintf(stderr, "\r%60s\r", "");
	require(tp_counter(&b.counters, TP_CC_success_responses) == 3ull * n,
		"not every request succeeded");
	require(turn_table(b.server)->live == n && turn_table(b.server)->live_peers == 2 * n,
		"allocations are missing");
	after = resident();
	close_bench(&b);
	free(r);
	return (double)(after - before);
}

int main(int argc, char **argv)
{
	static struct figure figure[FIGURES] = {{.what = "Allocate transactions, known users",
							.unit = "transactions/s",
							.more = true},
		{.what = "Allocate transactions, REST users unseen",
			.unit = "transactions/s",
			.more = true},
		{.what = "memory of an allocation", .unit = "bytes"},
		{.what = "memory of an allocation", .unit = "bytes"},
		{.what = "memory of each allocation more", .unit = "bytes"}};
	double taken[MEMORIES];
	struct request *r = calloc(REQUESTS, sizeof(*r));
	static const uint8_t no_key[16];
	struct figure_options o;
	struct stun_hmac *hmac;

	if (!figure_options(argc, argv, "control_bench", &o))
		return 2;
	require(r != NULL && o.allocations >= 10, "10 allocations at least");
	require(stun_hmac_new(&hmac, no_key, sizeof(no_key)) == 0, "no key");
	// A block of any size that is given back is the kernel's again.
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	for (unsigned int i = 0; i < MEMORIES; i++) {
		struct figure *f = &figure[2 + i];

		f->flows = i ? o.allocations : o.allocations / 10;
		taken[i] = memory(f->flows, hmac);
		f->value[f->n++] = taken[i] / f->flows;
	}
	figure[4].flows = o.allocations;
	figure[4].value[figure[4].n++] = (taken[1] - taken[0]) /
					 (figure[3].flows - figure[2].flows);
	// The first round warms up and isn't counted.
	for (unsigned int k = 0; figure_round(&o, k); k++) {
		double known = allocate_round(false, r, hmac), rest = allocate_round(true, r, hmac);

		fprintf(stderr, "\rcontrol_bench: round %u of %u", k, o.rounds);
		if (!k)
			continue;
		figure[0].value[figure[0].n++] = known;
		figure[1].value[figure[1].n++] = rest;
	}
	fprintf(stderr, "\n");
	figures_report(figure, FIGURES, o.json);
	stun_hmac_free(hmac);
	free(r);
	return 0;
}
