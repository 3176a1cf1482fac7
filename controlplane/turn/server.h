// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The TURN server: STUN messages in, decisions, commands and answers out. No socket, no clock, no thread:
// messages come from the link, the time is told by the caller. All memory is taken by turn_create().
#pragma once

#include "../auth/auth.h"
#include "../link/link.h"
#include "policy.h"
#include "table.h"

#define TURN_LIFETIME_DEFAULT_S 600u // RFC 8656 section 3
#define TURN_LIFETIME_MAX_S 3600u // RFC 8656 section 7.2
#define TURN_PERMISSION_MS 300000u // RFC 8656 section 9
#define TURN_CHANNEL_MS 600000u // RFC 8656 section 12
#define TURN_RESERVATION_MS 35000u // at least 30 s of the client's (RFC 8656 section 7.2)

#define TURN_SOFTWARE_MAX 127u // bytes of SOFTWARE, RFC 8489 section 14.14
#define TURN_DOMAIN_MAX 255u // bytes of ALTERNATE-DOMAIN, RFC 8489 section 14.16

struct turn_server;

enum turn_trace_kind {
	TURN_TRACE_ALLOCATION = 0, // in force and told to its client
	TURN_TRACE_PERMISSION = 1, // likewise, not one that is refreshed
	TURN_TRACE_CHANNEL = 2,
	TURN_TRACE_END = 3, // of an allocation: deleted, expired or lost
	TURN_TRACE_MOVE = 4, // of an allocation, to another client address
};

// What abuse is traced by (RFC 8656 section 21.3.2). Pointers hold for the call.
struct turn_trace {
	enum turn_trace_kind kind;
	uint64_t now_ms; // monotonic
	uint64_t wall_s;
	const char *user; // beginning of the name, any bytes
	uint32_t user_kept; // bytes of it that are here
	uint32_t user_length; // bytes of the whole name, at most 255 told
	struct tp_endpoint client;
	struct tp_endpoint server; // where the client reached us
	struct tp_endpoint relayed; // as the world sees it
	struct tp_endpoint peer; // of a permission with port 0
	uint16_t channel;
};

typedef void turn_trace_fn(void *context, const struct turn_trace *trace);

struct turn_config {
	struct table_config table;
	uint32_t channel_max; // highest channel number taken
	uint32_t new_peers_per_second; // of an allocation; 0: no limit
	uint32_t user_new_peers_per_second; // of all of a user's; 0: no limit
	// What may be relayed in each direction, of an allocation and of all of a user's; 0: no limit.
	uint32_t packets_per_second;
	uint32_t user_packets_per_second;
	uint64_t bits_per_second; // at most TP_BITS_PER_SECOND_MAX
	uint64_t user_bits_per_second;
	bool nat_discovery; // Binding does what RFC 5780 says
	// An allocation's are not told to a dataplane with XDP, which would leave all allocations to its sockets.
	bool packets_per_second_spared, bits_per_second_spared;
	bool mobility_forbidden; // clients get no tickets, and 405 who ask (RFC 8016)
	const char *software; // SOFTWARE attribute of authenticated answers; NULL or empty: none
	const struct tp_endpoint *redirect; // servers that new allocations are sent to
	size_t redirect_count; // 0: they are made here
	const char
		*redirect_domain; // of their certificate, for ALTERNATE-DOMAIN; NULL or empty: none
	const struct policy_prefix *allow;
	size_t allow_count;
	const struct policy_prefix *deny;
	size_t deny_count;
	const struct tp_ip *own; // the host's addresses, which no peer may be
	size_t own_count;
	uint32_t transactions; // under way at once; 0: by the number of allocations; at most 65534
	turn_trace_fn *trace; // NULL: nobody is told
	void *trace_context;
};

// The mapping of `vault`, which is open, is the server's from now on, even on failure. `auth`, `link` and
// `counters` stay the caller's and must outlive the server. Returns 0 or a negative errno.
int turn_create(struct turn_server **out, const struct turn_config *config, struct vault *vault,
	struct auth *auth, struct link *link, struct tp_counters *counters);
void turn_destroy(struct turn_server *s);

// What the link calls.
struct link_events turn_events(struct turn_server *s);

// Tells the time: CLOCK_MONOTONIC milliseconds, and seconds since 1970. Call before each batch of work.
void turn_set_time(struct turn_server *s, uint64_t monotonic_ms, uint64_t wall_s);

// Frees what has expired; call about ten times a second. Returns how many records it freed.
uint32_t turn_tick(struct turn_server *s);

// Whether every worker of the dataplane has all that there is: from then on clients are answered.
bool turn_ready(const struct turn_server *s);

// For status, counters and tests.
struct table *turn_table(struct turn_server *s);
