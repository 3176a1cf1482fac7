// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What stands between UDP's header and application data: ChannelData's header, or a Send or Data indication
// up to its data (RFC 8656 sections 11 and 12).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "population.h"

// What a client sends. Lengths and transaction ID are front_finish()'s. Returns its length.
uint32_t front_make(uint8_t *out, enum form form, uint16_t channel, const struct tp_endpoint *peer);
// Completes a copy of it: `length` bytes of application data follow, and `id` is in an indication's transaction
// ID. Returns the padding that has to follow the data.
uint32_t front_finish(uint8_t *front, uint32_t front_length, uint32_t length, uint64_t id);

// What arrived.
struct front {
	const uint8_t *data; // application data
	uint32_t length; // of that
	uint32_t front; // bytes before it
	uint16_t channel; // 0: not ChannelData
	bool indication; // Send or Data
	struct tp_endpoint peer; // of an indication
};

// Returns false: it is a STUN message of another kind, or none that is whole. Data that begins like neither
// ChannelData nor STUN is application data from its first byte on.
bool front_read(struct front *f, const uint8_t *data, uint32_t length);
