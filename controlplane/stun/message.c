// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "message.h"

#include <errno.h>
#include <string.h>

#include "attribute.h"
#include "cursor.h"
#include "integrity.h"

// What still counts after an integrity attribute or FINGERPRINT (RFC 8489 sections 14.5 to 14.7).
static bool counts(const struct stun_message *m, uint16_t type)
{
	if (m->has & STUN_HAS_FINGERPRINT)
		return false;
	if (type == TP_ATTR_FINGERPRINT)
		return true;
	if (m->has & STUN_HAS_INTEGRITY_SHA256)
		return false;
	return !(m->has & STUN_HAS_INTEGRITY) || type == TP_ATTR_MESSAGE_INTEGRITY_SHA256;
}

// RFC 8489 section 14.7: it must be the last attribute, or the length it covers is another.
static void read_fingerprint(struct stun_message *m, const struct stun_attribute *a, bool last)
{
	struct stun_cursor v = {a->value, a->length, false};

	m->has |= STUN_HAS_FINGERPRINT;
	if (a->length != 4)
		m->malformed |= STUN_HAS_FINGERPRINT;
	else if (last)
		m->fingerprint_valid = stun_take_u32(&v) == stun_fingerprint(m->bytes, a->offset);
}

int stun_parse(struct stun_message *out, const uint8_t *bytes, size_t length)
{
	struct stun_cursor c = {bytes, length, false};
	uint16_t type = stun_take_u16(&c);
	uint16_t body = stun_take_u16(&c);
	uint32_t cookie = stun_take_u32(&c);
	const uint8_t *tid = stun_take(&c, TP_STUN_TID);

	// Nothing that carries STUN here is longer than 65,535 bytes: offsets fit 16 bits.
	if (!tid || length > UINT16_MAX || type >> 14 || cookie != TP_STUN_COOKIE || body % 4 ||
		body != c.left)
		return -EBADMSG;

	memset(out, 0, sizeof(*out));
	out->bytes = bytes;
	out->length = length;
	out->method = TP_STUN_TYPE_METHOD(type);
	out->class_ = TP_STUN_TYPE_CLASS(type);
	memcpy(out->tid, tid, TP_STUN_TID);

	while (c.left) {
		struct stun_attribute a = {.offset = (uint16_t)(length - c.left)};

		a.type = stun_take_u16(&c);
		a.length = stun_take_u16(&c);
		a.value = stun_take(&c, a.length);
		stun_take(&c, tp_pad4(a.length));
		if (c.overrun)
			return -EBADMSG;
		if (!counts(out, a.type))
			continue;
		if (a.type == TP_ATTR_FINGERPRINT)
			read_fingerprint(out, &a, c.left == 0);
		else
			stun_attribute_read(out, &a);
	}
	return 0;
}
