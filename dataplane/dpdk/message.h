// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Datagrams of our own: answers of the control plane, ICMP attributes.
#pragma once

#include "worker.h"

// A frame with this payload, of at most TP_PUNT_MAX bytes, in a fresh buffer; NULL: there is none.
struct rte_mbuf *frame_of_message(
	struct worker *w, const uint8_t *message, uint32_t length, const struct frame_send *s);

// agent_ops.send: a STUN message of the control plane, back the way that its request came.
void message_send(void *worker, const struct tp_send *send, const uint8_t *bytes);

// agent_ops.flush: everything that was sent has been copied.
void message_flush(void *worker);
