// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <stdlib.h>

#include <turnpike/record.h>

#include "flight.h"

int flight_create(struct flight *f, uint32_t commands)
{
	*f = (struct flight){.mask = commands - 1,
		.commands_max = commands,
		.next_sequence = 1,
		.next_result = 1};
	f->entries = calloc(commands, sizeof(*f->entries));
	return f->entries ? 0 : -ENOMEM;
}

void flight_destroy(struct flight *f)
{
	free(f->entries);
	*f = (struct flight){0};
}

void flight_add(struct flight *f, uint64_t id, uint32_t commands, uint32_t group)
{
	f->entries[f->tail++ & f->mask] = (struct flight_entry){.id = id,
		.count = commands,
		.left = commands,
		.status = TP_STATUS_OK,
		.group = group};
	f->commands += commands;
}

int flight_result(struct flight *f, uint64_t sequence, uint32_t status, struct flight_entry *out)
{
	struct flight_entry *e = &f->entries[f->head & f->mask];

	if (f->head == f->tail || sequence != f->next_result)
		return -EPROTO;
	f->next_result++;
	f->commands--;
	if (e->status == TP_STATUS_OK) {
		e->status = status < TP_STATUS_COUNT ? status : (uint32_t)TP_STATUS_INVALID;
		e->failed = e->count - e->left;
	}
	if (--e->left)
		return 0;
	*out = *e;
	f->head++;
	return 1;
}
