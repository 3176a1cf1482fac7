// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Mobility tickets (RFC 8016): which allocation, and which of its tickets, in one AES-128 block. All its bits
// are what the server knows already, so who has not been given a ticket hits one by chance less often than
// once in 2^96 tries; and two tickets of one allocation have nothing in common that can be seen. They are
// written in hex digits: there are clients that keep a ticket as a C string (coturn's turnutils).
#pragma once

#include <stdint.h>

#define TICKET_LENGTH 32u // bytes, all of them of 0123456789abcdef

struct ticket {
	uint64_t serial; // the allocation's
	uint32_t slot; // and its slot
	uint32_t number; // of its tickets, counted from 1
};

struct ticket_seal;

// `key` is 16 secret bytes, copied. Returns 0 or -ENOMEM.
int ticket_seal_create(struct ticket_seal **out, const uint8_t key[16]);
void ticket_seal_destroy(struct ticket_seal *s);

// Both return 0 or -EIO, ticket_open() -EINVAL too: those are no such digits. What it reads of bytes that were
// never sealed is random: the caller compares all of it with what it knows.
int ticket_close(struct ticket_seal *s, const struct ticket *ticket, uint8_t out[TICKET_LENGTH]);
int ticket_open(struct ticket_seal *s, const uint8_t in[TICKET_LENGTH], struct ticket *ticket);
