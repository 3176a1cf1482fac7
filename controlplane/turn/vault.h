// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The vault's memory, mapped (include/turnpike/vault.h says what is in it).
#pragma once

#include <turnpike/segment.h>
#include <turnpike/vault.h>

struct vault {
	struct tp_vault_header *header;
	struct tp_vault_allocation *allocations;
	struct tp_vault_peer *peers;
	struct tp_vault_reservation *reservations;
	uint64_t size;
	int fd; // not ours to close
};

// Maps the vault in `fd`: an empty file is made into one with room for this much, its memory taken; an
// existing one is taken as it is, with its own capacities. Returns 0; 1: what was there is no vault of
// ours, or damaged, and an empty one stands in its place; -ENOSPC: there is no memory for it; another
// negative errno.
int vault_open(struct vault *vault, int fd, uint32_t allocations, uint32_t peers);
void vault_close(struct vault *vault);

// A record's life: fill it, then live; free makes it dead first. A live record's fields are only changed
// a whole word at a time. `expires_ms` is the record's, and not 0 while it lives.
static inline void vault_live(uint64_t *expires_ms, uint64_t value)
{
	__atomic_store_n(expires_ms, value, __ATOMIC_RELEASE);
}

static inline void vault_free(uint64_t *expires_ms)
{
	__atomic_store_n(expires_ms, 0, __ATOMIC_RELEASE);
	// What comes after in the record must not be seen while it still counts as live.
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline bool vault_is_live(const uint64_t *expires_ms)
{
	return __atomic_load_n(expires_ms, __ATOMIC_ACQUIRE) != 0;
}

static inline void vault_set_expiry(uint64_t *expires_ms, uint64_t value)
{
	__atomic_store_n(expires_ms, value, __ATOMIC_RELAXED);
}

static inline void vault_set_mobility(uint32_t *mobility, uint32_t value)
{
	__atomic_store_n(mobility, value, __ATOMIC_RELEASE);
	// What comes after in the record must not be seen while the word still says otherwise.
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

// Ends a move: what `next_*` say becomes the client's only 5-tuple. May be done again from any point.
static inline void vault_settle(struct tp_vault_allocation *a)
{
	const uint32_t ticket = tp_mobility_ticket(a->mobility);

	vault_set_mobility(&a->mobility, tp_mobility(ticket, TP_VAULT_SETTLING));
	a->client_ip = a->next_ip;
	a->client_port = a->next_port;
	a->server = a->next_server;
	vault_set_mobility(&a->mobility, tp_mobility(ticket, TP_VAULT_STILL));
}

static inline struct tp_endpoint vault_client(const struct tp_vault_allocation *a)
{
	return (struct tp_endpoint){.ip = a->client_ip, .port = a->client_port};
}

// Where a moving client moves to.
static inline struct tp_endpoint vault_next(const struct tp_vault_allocation *a)
{
	return (struct tp_endpoint){.ip = a->next_ip, .port = a->next_port};
}

// Of a permission with port 0.
static inline struct tp_endpoint vault_peer(const struct tp_vault_peer *p)
{
	return (struct tp_endpoint){.ip = p->ip, .port = p->port};
}
