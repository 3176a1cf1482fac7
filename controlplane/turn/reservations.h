// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Relay ports that are kept for who shows a token (RFC 8656 section 7.2: EVEN-PORT with R, RESERVATION-TOKEN):
// records in the vault, found by their tokens. Ports and quotas are the table's business.
#pragma once

#include <turnpike/vault.h>

#define RESERVATION_NONE UINT32_MAX

struct reservations {
	struct tp_vault_reservation *records; // in the vault
	uint32_t *heads; // by token
	uint32_t *next; // in a chain, or in the free list
	uint32_t capacity; // records, and chains
	uint32_t free;
	uint32_t used;
};

// All of them free; reservations_restore() takes a live record of the vault in. Returns 0 or -ENOMEM.
int reservations_create(
	struct reservations *r, struct tp_vault_reservation *records, uint32_t capacity);
void reservations_destroy(struct reservations *r);

// Makes `record` live. Returns its index, or RESERVATION_NONE: all are used.
uint32_t reservations_add(struct reservations *r, const struct tp_vault_reservation *record);
void reservations_remove(struct reservations *r, uint32_t index);
// Puts a record into the chains (live: true) or the free list, after a restart: each index once.
void reservations_restore(struct reservations *r, uint32_t index, bool live);

// The live reservation of this token, or RESERVATION_NONE; expired ones count as well.
uint32_t reservations_find(const struct reservations *r, uint64_t token);
