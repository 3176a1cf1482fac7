// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <string.h>

#include "reply.h"

struct error_text {
	uint16_t code;
	uint16_t counter; // enum tp_control_counter
	const char *reason;
};

static const struct error_text error_texts[] = {
	{300, TP_CC_error_300, "Try Alternate"},
	{400, TP_CC_error_400, "Bad Request"},
	{401, TP_CC_error_401, "Unauthenticated"},
	{403, TP_CC_error_403, "Forbidden"},
	{405, TP_CC_error_405, "Mobility Forbidden"},
	{420, TP_CC_error_420, "Unknown Attribute"},
	{437, TP_CC_error_437, "Allocation Mismatch"},
	{438, TP_CC_error_438, "Stale Nonce"},
	{440, TP_CC_error_440, "Address Family not Supported"},
	{441, TP_CC_error_441, "Wrong Credentials"},
	{442, TP_CC_error_442, "Unsupported Transport Protocol"},
	{443, TP_CC_error_443, "Peer Address Family Mismatch"},
	{486, TP_CC_error_486, "Allocation Quota Reached"},
	{500, TP_CC_error_500, "Server Error"},
	{508, TP_CC_error_508, "Insufficient Capacity"},
};

void reply_begin(struct stun_writer *w, const struct responder *to, enum tp_stun_class class_,
	uint8_t bytes[REPLY_MAX])
{
	stun_begin(w, bytes, REPLY_MAX, to->method, (uint8_t)class_, to->tid);
}

int reply_finish(struct turn_server *s, struct responder *to, struct stun_writer *w)
{
	int length;

	// SOFTWARE only to those who have shown who they are: strangers' answers stay small.
	if (to->key) {
		if (s->software[0])
			stun_put(w, TP_ATTR_SOFTWARE, s->software, strlen(s->software));
		if (to->sha256)
			stun_put_integrity_sha256(w, to->key);
		else
			stun_put_integrity(w, to->key);
	}
	if (to->fingerprint)
		stun_put_fingerprint(w);
	length = stun_finish(w);
	if (length > 0)
		to->head.length = (uint16_t)length;
	return length;
}

void reply_send(struct turn_server *s, const struct responder *to, const uint8_t *bytes)
{
	if (turn_submit(s, 0, to->worker, NULL, 0, &to->head, bytes) != 0)
		turn_count(s, TP_CC_drop_congested);
}

static const struct error_text *find_text(unsigned int code)
{
	for (size_t i = 0; i < sizeof(error_texts) / sizeof(*error_texts); i++) {
		if (error_texts[i].code == code)
			return &error_texts[i];
	}
	return find_text(500);
}

const char *reply_reason(unsigned int code)
{
	return find_text(code)->reason;
}

void reply_error(struct turn_server *s, struct responder *to, unsigned int code,
	const struct stun_message *m)
{
	const struct error_text *text = find_text(code);
	uint8_t bytes[REPLY_MAX];
	struct stun_writer w;

	if (!to->key && !auth_may_answer(s->auth, &to->head.client.ip, s->now_ms)) {
		turn_count(s, TP_CC_drop_rate_limited);
		return;
	}
	reply_begin(&w, to, TP_STUN_ERROR, bytes);
	stun_put_error(&w, text->code, text->reason);
	if (code == 401 || code == 438) {
		char nonce[AUTH_NONCE_MAX];
		const uint8_t *algorithms;
		const char *realm = auth_realm(s->auth);
		size_t n = auth_nonce(s->auth, &to->head.client, s->wall_s, nonce);

		stun_put(&w, TP_ATTR_REALM, realm, strlen(realm));
		stun_put(&w, TP_ATTR_NONCE, nonce, n);
		n = auth_algorithms(s->auth, &algorithms);
		stun_put(&w, TP_ATTR_PASSWORD_ALGORITHMS, algorithms, n);
	} else if (code == 300) {
		redirect_put(s, to, &w);
	} else if (code == 420 && m) {
		stun_put_unknown(&w, m->unknown, m->unknown_count);
	}
	turn_count(s, text->counter);
	if (reply_finish(s, to, &w) > 0)
		reply_send(s, to, bytes);
}
