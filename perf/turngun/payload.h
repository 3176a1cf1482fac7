// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What is in a packet's application data: a stamp, then a stretch of a pattern whose place depends on
// stream and sequence number, so that neither a damaged nor an exchanged byte goes unseen.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PAYLOAD_MIN 28u // the stamp

struct stamp {
	uint32_t run; // of the trial: data of another is none of ours
	uint32_t stream;
	uint32_t sequence;
	uint32_t length; // of the payload, stamp included
	uint64_t intended_ns; // CLOCK_MONOTONIC
};

enum payload_state {
	PAYLOAD_SOUND,
	PAYLOAD_UNKNOWN, // too short, or not of this run
	PAYLOAD_BROKEN, // of this run, but its stamp is damaged: nothing in it can be told
	PAYLOAD_CORRUPT, // the stamp is sound, what follows it or the length isn't
};

// To be called once, before all others.
void payload_init(void);
// Writes `s->length` bytes, PAYLOAD_MIN to SIZES_MAX. Returns what they sum up to, as 16-bit words in memory
// order (RFC 1071), for a UDP checksum.
uint64_t payload_write(uint8_t *out, const struct stamp *s);
// Reads the stamp; what else the payload is, it returns. `sum`, of a sound one, as payload_write()'s.
enum payload_state payload_read(
	struct stamp *s, uint64_t *sum, const uint8_t *data, uint32_t length, uint32_t run);
