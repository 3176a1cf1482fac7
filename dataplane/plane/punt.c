// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "agent.h"

// Whether a stranger may still have `length` bytes. The room last seen is enough to say yes.
static bool stranger_fits(struct tp_producer *p, uint32_t length)
{
	uint64_t need = p->size / 2 + tp_record_span(length);
	int64_t room;

	if (p->size - (p->local - p->freed) >= need)
		return true;
	room = tp_ring_room(p);
	return room >= 0 && (uint64_t)room >= need;
}

void agent_punt(
	struct agent *a, const struct relay_from_client *in, bool known, const struct tp_via *via)
{
	struct tp_punt record = {.client = in->client,
		.server = in->server,
		.transport = in->transport,
		.length = (uint16_t)in->length,
		.received_ms = a->now};
	uint32_t length = (uint32_t)sizeof(record) + in->length;
	uint8_t *out = NULL;

	if (via)
		record.via = *via;
	if (in->length > TP_PUNT_MAX) {
		tally_add(&a->tally, TP_C_punt_too_large, 1);
		return;
	}
	if (!a->attached) {
		tally_add(&a->tally, TP_C_punt_unattached, 1);
		return;
	}
	if (known || stranger_fits(&a->punts, length))
		out = tp_ring_reserve(&a->punts, TP_PUNT, length);
	if (!out) {
		tally_add(&a->tally, TP_C_punt_ring_full, 1);
		if (tp_ring_room(&a->punts) < 0)
			tally_add(&a->tally, TP_C_ring_bad, 1);
		return;
	}
	memcpy(out, &record, sizeof(record));
	memcpy(out + sizeof(record), in->data, in->length);
	tally_add(&a->tally, TP_C_punted, 1);
}

void agent_tell_arrivals(struct agent *a)
{
	struct tp_arrival arrival;

	while (relay_arrival(a->relay, &arrival)) {
		void *out = a->attached ? tp_ring_reserve(&a->punts, TP_ARRIVAL, sizeof(arrival))
					: NULL;

		// Without room now: its next data tells it again.
		if (out)
			memcpy(out, &arrival, sizeof(arrival));
	}
}
