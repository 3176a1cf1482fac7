// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "writer.h"

#include <errno.h>
#include <string.h>

#include "integrity.h"

#define ATTRIBUTE_HEADER 4u
#define REASON_MAX 127u // characters, RFC 8489 section 14.8; ours are ASCII

static void store16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void store32(uint8_t *at, uint32_t v)
{
	store16(at, v >> 16);
	store16(at + 2, v);
}

static void fail(struct stun_writer *w, int error)
{
	if (!w->error)
		w->error = error;
}

// Makes room for an attribute, its padding zeroed. Returns where its value goes, or NULL.
static uint8_t *append(struct stun_writer *w, uint16_t type, size_t length)
{
	uint8_t *at;
	size_t padded;

	if (w->error)
		return NULL;
	padded = length <= UINT16_MAX ? length + tp_pad4((uint32_t)length) : length;
	if (w->length + ATTRIBUTE_HEADER > UINT16_MAX ||
		padded > UINT16_MAX - w->length - ATTRIBUTE_HEADER) {
		fail(w, -EINVAL);
		return NULL;
	}
	if (w->capacity - w->length < ATTRIBUTE_HEADER + padded) {
		fail(w, -ENOSPC);
		return NULL;
	}
	at = w->bytes + w->length;
	store16(at, type);
	store16(at + 2, length);
	memset(at + ATTRIBUTE_HEADER + length, 0, padded - length);
	w->length += ATTRIBUTE_HEADER + padded;
	return at + ATTRIBUTE_HEADER;
}

void stun_begin(struct stun_writer *w, uint8_t *bytes, size_t capacity, uint16_t method,
	uint8_t class_, const uint8_t tid[TP_STUN_TID])
{
	*w = (struct stun_writer){.bytes = bytes, .capacity = capacity};
	if (method > 0xfff || class_ > TP_STUN_ERROR)
		fail(w, -EINVAL);
	else if (capacity < TP_STUN_HEADER)
		fail(w, -ENOSPC);
	if (w->error)
		return;
	store16(bytes, TP_STUN_TYPE(method, class_));
	store16(bytes + 2, 0);
	store32(bytes + 4, TP_STUN_COOKIE);
	memcpy(bytes + 8, tid, TP_STUN_TID);
	w->length = TP_STUN_HEADER;
}

void stun_put(struct stun_writer *w, uint16_t type, const void *value, size_t length)
{
	uint8_t *at = append(w, type, length);

	if (at && length)
		memcpy(at, value, length);
}

void stun_put_u32(struct stun_writer *w, uint16_t type, uint32_t value)
{
	uint8_t *at = append(w, type, 4);

	if (at)
		store32(at, value);
}

void stun_put_u64(struct stun_writer *w, uint16_t type, uint64_t value)
{
	const uint64_t be = TP_BE64(value);

	stun_put(w, type, &be, sizeof(be));
}

// An address, each byte of it and of its port combined with the one of `pad` in that place.
static void put_address(
	struct stun_writer *w, uint16_t type, const struct tp_endpoint *e, const uint8_t *pad)
{
	const enum tp_family family = tp_ip_family(&e->ip);
	const size_t skip = family == TP_IPV4 ? 12 : 0; // of the IPv4-mapped form
	const size_t size = sizeof(e->ip) - skip;
	uint8_t *at = append(w, type, 4 + size);

	if (!at)
		return;
	at[0] = 0;
	at[1] = (uint8_t)family;
	at[2] = (uint8_t)(e->port >> 8) ^ pad[0];
	at[3] = (uint8_t)e->port ^ pad[1];
	for (size_t i = 0; i < size; i++)
		at[4 + i] = e->ip.b[skip + i] ^ pad[i];
}

void stun_put_xor_address(struct stun_writer *w, uint16_t type, const struct tp_endpoint *e)
{
	// Cookie and transaction ID follow each other in the header: that is the pad.
	put_address(w, type, e, w->bytes + 4);
}

void stun_put_address(struct stun_writer *w, uint16_t type, const struct tp_endpoint *e)
{
	static const uint8_t none[sizeof(e->ip)];

	put_address(w, type, e, none);
}

// ERROR-CODE and ADDRESS-ERROR-CODE differ in their first byte, reserved in the one.
static void put_code(
	struct stun_writer *w, uint16_t type, uint8_t first, unsigned int code, const char *reason)
{
	size_t length = strnlen(reason, REASON_MAX + 1);
	uint8_t *at;

	if (code < 300 || code > 699 || length > REASON_MAX) {
		fail(w, -EINVAL);
		return;
	}
	at = append(w, type, 4 + length);
	if (!at)
		return;
	at[0] = first;
	at[1] = 0;
	at[2] = (uint8_t)(code / 100);
	at[3] = (uint8_t)(code % 100);
	memcpy(at + 4, reason, length);
}

void stun_put_error(struct stun_writer *w, unsigned int code, const char *reason)
{
	put_code(w, TP_ATTR_ERROR_CODE, 0, code, reason);
}

void stun_put_address_error(
	struct stun_writer *w, enum tp_family family, unsigned int code, const char *reason)
{
	put_code(w, TP_ATTR_ADDRESS_ERROR_CODE, (uint8_t)family, code, reason);
}

void stun_put_unknown(struct stun_writer *w, const uint16_t *types, size_t n)
{
	uint8_t *at = append(w, TP_ATTR_UNKNOWN_ATTRIBUTES, n > UINT16_MAX ? n : 2 * n);

	for (size_t i = 0; at && i < n; i++)
		store16(at + 2 * i, types[i]);
}

// HMAC of all before the attribute, under a length that counts it (RFC 8489 sections 14.5 and 14.6).
static void put_hmac(struct stun_writer *w, uint16_t type, size_t length, struct stun_hmac *key,
	int (*hmac)(struct stun_hmac *h, const void *a, size_t a_length, const void *b,
		size_t b_length, uint8_t *out))
{
	const size_t before = w->length;
	uint8_t *at = append(w, type, length);
	int err;

	if (!at)
		return;
	store16(w->bytes + 2, w->length - TP_STUN_HEADER);
	err = hmac(key, w->bytes, before, NULL, 0, at);
	if (err < 0)
		fail(w, err);
}

void stun_put_integrity(struct stun_writer *w, struct stun_hmac *key)
{
	put_hmac(w, TP_ATTR_MESSAGE_INTEGRITY, STUN_SHA1_LENGTH, key, stun_hmac_sha1);
}

void stun_put_integrity_sha256(struct stun_writer *w, struct stun_hmac *key)
{
	put_hmac(w, TP_ATTR_MESSAGE_INTEGRITY_SHA256, STUN_SHA256_LENGTH, key, stun_hmac_sha256);
}

void stun_put_fingerprint(struct stun_writer *w)
{
	const size_t before = w->length;
	uint8_t *at = append(w, TP_ATTR_FINGERPRINT, 4);

	if (!at)
		return;
	store16(w->bytes + 2, w->length - TP_STUN_HEADER);
	store32(at, stun_fingerprint(w->bytes, before));
}

int stun_finish(struct stun_writer *w)
{
	if (w->error)
		return w->error;
	store16(w->bytes + 2, w->length - TP_STUN_HEADER);
	return (int)w->length;
}
