// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the control plane wants: commands to apply, STUN messages to send; and the results that it
// gets.
#pragma once

#include <relay.h>

struct worker;
struct attachment;

// Records taken from the ring in one round, at most.
#define COMMANDS_ROUND 256u

// Copies of records, so that what is checked is what is used, and messages wait here to be sent.
struct command_batch {
	_Alignas(8) uint8_t record[RELAY_BURST][sizeof(struct tp_send) + TP_PUNT_MAX];
};

// Takes over the rings of an attachment, NULL: lets go of the former one.
void commands_attach(struct worker *w, const struct attachment *attachment);

// Whether the ring holds something.
bool commands_ready(struct worker *w);

// Applies and sends what the ring holds, up to COMMANDS_ROUND. Returns how many records there were.
unsigned int commands_run(struct worker *w);
