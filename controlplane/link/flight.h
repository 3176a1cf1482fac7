// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Commands under way to one worker: results come back in the order of the commands, so a queue knows
// what each answers.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct flight_entry {
	uint64_t id; // of the transaction
	uint32_t count; // commands
	uint32_t left; // results still to come
	uint32_t status; // first that was not TP_STATUS_OK
	uint32_t failed; // the command, counted from 0, whose status that is
	uint32_t group; // plus 1, when other workers share the transaction
};

struct flight {
	struct flight_entry *entries;
	uint32_t mask;
	uint32_t head, tail; // entries [head, tail)
	uint32_t commands; // results to come, in all
	uint32_t commands_max; // as many as the results ring holds
	uint64_t next_sequence; // of the next command
	uint64_t next_result; // sequence that the next result must have
};

// Room for `commands` (a power of two) under way. Returns 0 or -ENOMEM.
int flight_create(struct flight *f, uint32_t commands);
void flight_destroy(struct flight *f);

static inline bool flight_has_room(const struct flight *f, uint32_t commands)
{
	return f->commands + commands <= f->commands_max && f->tail - f->head <= f->mask;
}

void flight_add(struct flight *f, uint64_t id, uint32_t commands, uint32_t group);
// Takes a result. Returns 1 and the ended transaction in *out; 0: it goes on; -EPROTO: not the result
// that was due.
int flight_result(struct flight *f, uint64_t sequence, uint32_t status, struct flight_entry *out);
