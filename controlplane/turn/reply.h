// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Answers: begun, filled by a handler, signed and sent.
#pragma once

#include "../stun/writer.h"
#include "state.h"

#define REPLY_MAX 768u // bytes of any answer: REALM and NONCE at their longest, SOFTWARE, peers

// A success or error response to what `to` stands for, in `bytes` (REPLY_MAX).
void reply_begin(struct stun_writer *w, const struct responder *to, enum tp_stun_class class_,
	uint8_t bytes[REPLY_MAX]);
// The reason phrase of a code that this server gives.
const char *reply_reason(unsigned int code);
// Adds SOFTWARE, MESSAGE-INTEGRITY and FINGERPRINT as they are due, and fills in head.length. Returns
// the length or a negative errno, with which there is nothing to send.
int reply_finish(struct turn_server *s, struct responder *to, struct stun_writer *w);
// Sends an answer that no command goes with; counts what can't be sent.
void reply_send(struct turn_server *s, const struct responder *to, const uint8_t *bytes);
// redirect.c: ALTERNATE-SERVER, of the client's family first, and ALTERNATE-DOMAIN.
void redirect_put(struct turn_server *s, const struct responder *to, struct stun_writer *w);
// An error response. 401 and 438 carry REALM, a new NONCE and PASSWORD-ALGORITHMS (RFC 8489 section 9.2.4),
// 420 the unknown attributes of `m`, which may be NULL otherwise.
void reply_error(struct turn_server *s, struct responder *to, unsigned int code,
	const struct stun_message *m);
