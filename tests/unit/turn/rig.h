// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A TURN server over a null link, with a vault in memory, a clock to set by hand and a mirror of what a
// dataplane was told. Needs no Criterion, so that plain programs may use it: what can't be aborts.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../../controlplane/link/null.h"
#include "../../../controlplane/stun/writer.h"
#include "../../../controlplane/turn/server.h"
#include "mirror.h"

#define RIG_REALM "example.org"
#define RIG_MS 5000000u // the monotonic clock at the start
#define RIG_WALL_S 1700000000u // and the other one
#define RIG_TOLD_MAX 64u // transactions remembered
#define RIG_SCRIPT_MAX 256u
#define RIG_PORT_MIN 50000u
#define RIG_PORT_MAX 50063u

// A transaction with commands as the link got it, and what became of it.
struct told {
	uint64_t id;
	int result; // status of the outcome, or the negative errno that submit() returned
	uint32_t worker;
	uint32_t count;
	bool reply; // a reply came with it
	struct tp_command commands[LINK_COMMANDS_MAX];
};

struct answer {
	struct tp_send head;
	size_t length;
	uint8_t bytes[TP_PUNT_MAX];
};

// What becomes of the next transaction: a negative `result` is submit()'s, a positive one the status of
// the command number `at`; those before it are in force, those after it skipped.
struct verdict {
	int result;
	uint32_t at;
};

struct rig_user {
	const char *name, *password;
	struct stun_hmac *key; // MD5's
	struct stun_hmac *key_sha256;
};

struct rig {
	struct turn_config config;
	struct auth_config auth_config;
	struct table_config *table_config; // of `config`
	struct tp_relay_address
		relays[3]; // as configured: IPv4 with a public form, IPv4, IPv6 likewise
	struct tp_capabilities capabilities; // publishes them in another order
	struct tp_counters counters;
	struct rig_user users[3]; // alice, bob, carol
	int vault_fd;
	bool attached; // by rig_start(): true unless a test says otherwise
	struct auth *auth;
	struct null_link link;
	struct turn_server *server;
	struct table *table;
	uint64_t now_ms, wall_s;
	uint64_t tids; // transaction IDs given out
	uint32_t workers; // of the next dataplane

	// A refresh that was refused, and could not be taken back for a full ring, leaves the dataplane's
	// expiry of a peer later than the table's.
	bool late_peers;
	bool hold; // outcomes wait for rig_flush()
	int refuse; // every submit() with commands returns this, if it isn't 0
	struct verdict script[RIG_SCRIPT_MAX]; // for transactions with commands, in their order
	uint32_t script_at, script_count;

	struct told told[RIG_TOLD_MAX]; // number n is at n % RIG_TOLD_MAX
	uint32_t told_count;
	struct answer answer; // that left last
	uint32_t answers; // that left
	struct mirror mirror;
};

// The usual configuration and capabilities, which a test may then change before rig_start().
void rig_defaults(struct rig *r);
void rig_start(struct rig *r);
// Ends the server after checking its table; the vault goes too.
void rig_stop(struct rig *r);
// The control plane dies and another one opens the vault. The dataplane stays, unattached.
void rig_kill(struct rig *r);
void rig_revive(struct rig *r);
void rig_restart(struct rig *r); // both, and attaches

void rig_attach(struct rig *r);
// The dataplane goes, and takes its state with it.
void rig_detach(struct rig *r);
void rig_flush(struct rig *r);
// Moves both clocks on.
void rig_pass(struct rig *r, uint64_t ms);
// Ticks as often as the program does, 100 ms apart, for so long.
void rig_tick(struct rig *r, uint64_t ms);
void rig_verdict(struct rig *r, int result, uint32_t at);
void rig_room(struct rig *r);

// The last transaction with commands, or the one `back` before it.
const struct told *rig_told(const struct rig *r, uint32_t back);
// 0, or table_check()'s and the mirror's complaint on stderr. With `strict`, nothing is under way: then
// the dataplane has exactly the table's allocations, permissions and channels, under this generation.
int rig_check(struct rig *r, bool strict);

struct tp_ip rig_ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
// From text of either family; an IPv4-mapped one stays IPv4.
struct tp_ip rig_ip(const char *text);
struct tp_endpoint rig_at(const char *text, uint16_t port);

// A request from here on.

struct ask {
	struct rig *rig;
	struct tp_endpoint client;
	uint8_t server; // index, as published
	uint32_t worker;
	unsigned int user; // of rig->users
	bool unsigned_;
	bool elsewhere; // its answer may come from another address, or go to another port
	bool fingerprint;
	bool modern; // picks SHA-256 from PASSWORD-ALGORITHMS, signs by MESSAGE-INTEGRITY-SHA256
	bool userhash; // instead of USERNAME
	const char *nonce; // NULL: a good one
	uint16_t method;
	uint8_t tid[TP_STUN_TID];
	struct stun_writer w;
	uint8_t bytes[TP_PUNT_MAX];
};

// Begins a request from the usual client (an IPv4 one) with a transaction ID of its own.
void ask(struct rig *r, struct ask *a, uint16_t method);
void ask_u32(struct ask *a, uint16_t type, uint32_t value);
void ask_bytes(struct ask *a, uint16_t type, const void *value, size_t length);
void ask_peer(struct ask *a, const struct tp_endpoint *peer);
void ask_transport(struct ask *a); // UDP
void ask_family(struct ask *a, uint8_t family); // 1: IPv4, 2: IPv6
void ask_channel(struct ask *a, uint16_t number);
void ask_additional(struct ask *a); // ADDITIONAL-ADDRESS-FAMILY: IPv6
void ask_even(struct ask *a, bool reserve);
void ask_token(struct ask *a, uint64_t token);
// Signs, sends and flushes. Returns the answer, or NULL when none left.
const struct answer *ask_send(struct ask *a);
// The same bytes once more.
const struct answer *ask_again(struct ask *a);

// Whole requests. They return the error code, 0 for success, or -1 when no answer left.
int ask_allocate(struct rig *r, const struct tp_endpoint *client, uint8_t family);
int ask_refresh(struct rig *r, const struct tp_endpoint *client, uint32_t lifetime_s);
int ask_permission(struct rig *r, const struct tp_endpoint *client, const struct tp_endpoint *peer);
int ask_bind(struct rig *r, const struct tp_endpoint *client, const struct tp_endpoint *peer,
	uint16_t number);
// The slot of a client's allocation, or TABLE_NONE.
uint32_t rig_slot(const struct rig *r, const struct tp_endpoint *client);

extern const struct tp_endpoint rig_client; // IPv4
extern const struct tp_endpoint rig_client6; // IPv6

// The answer's code: 0 for success; -1: NULL or no response to this method.
int answer_code(const struct answer *a);
// An attribute's value, NULL: absent.
const uint8_t *answer_attribute(const struct answer *a, uint16_t type, uint16_t *length);
uint32_t answer_u32(const struct answer *a, uint16_t type); // absent: UINT32_MAX
struct tp_endpoint answer_address(const struct answer *a, uint16_t type); // XORed; absent: port 0
// The address of this family among several; absent: port 0.
struct tp_endpoint answer_relayed(const struct answer *a, enum tp_family family);
uint64_t answer_token(const struct answer *a); // RESERVATION-TOKEN; absent: 0
// ADDRESS-ERROR-CODE as family * 1000 + code; absent: 0.
unsigned int answer_address_error(const struct answer *a);
// Whether MESSAGE-INTEGRITY is right under this user's key.
bool answer_signed(const struct answer *a, const struct rig_user *user);
// Whether MESSAGE-INTEGRITY-SHA256 is, under the SHA-256 key, whole, and there is no MESSAGE-INTEGRITY.
bool answer_signed_sha256(const struct answer *a, const struct rig_user *user);
