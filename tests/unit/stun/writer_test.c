// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>

#include <criterion/criterion.h>

#include "../../../controlplane/stun/integrity.h"
#include "../../../controlplane/stun/message.h"
#include "../../../controlplane/stun/writer.h"
#include "guard.h"

static const uint8_t tid[TP_STUN_TID] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

// One of everything: 232 bytes.
static int everything(uint8_t *bytes, size_t capacity, struct stun_hmac *key)
{
	const struct tp_endpoint v4 = {.ip = tp_ip4(TP_BE32(0xc0000201)), .port = 1};
	const struct tp_endpoint v6 = {.ip.b = {0x20, 1}, .port = 2};
	const uint16_t unknown[] = {0x7fff, 0x0024, 0x0025};
	struct stun_writer w;

	stun_begin(&w, bytes, capacity, TP_STUN_ALLOCATE, TP_STUN_ERROR, tid);
	stun_put_error(&w, 420, "Unknown Attribute");
	stun_put_unknown(&w, unknown, 3);
	stun_put_xor_address(&w, TP_ATTR_XOR_RELAYED_ADDRESS, &v4);
	stun_put_xor_address(&w, TP_ATTR_XOR_PEER_ADDRESS, &v6);
	stun_put_u32(&w, TP_ATTR_LIFETIME, 600);
	stun_put(&w, TP_ATTR_SOFTWARE, "turnpike", 8);
	stun_put(&w, TP_ATTR_NONCE, "abcde", 5);
	stun_put(&w, TP_ATTR_DONT_FRAGMENT, NULL, 0);
	stun_put_integrity(&w, key);
	stun_put_fingerprint(&w);
	return stun_finish(&w);
}

Test(writer, at_every_capacity_it_fits_whole_or_fails_and_never_writes_past)
{
	struct guard g = guard_new();
	struct stun_hmac *key = NULL;
	int whole = 20 + 28 + 12 + 12 + 24 + 8 + 12 + 12 + 4 + 24 + 8;

	cr_assert(stun_hmac_new(&key, (const uint8_t *)"k", 1) == 0);
	for (int capacity = 0; capacity < whole; capacity++)
		cr_assert(everything(guard_room(&g, (size_t)capacity), (size_t)capacity, key) ==
				  -ENOSPC,
			"%d", capacity);
	cr_assert(everything(guard_room(&g, (size_t)whole), (size_t)whole, key) == whole);
	stun_hmac_free(key);
}

Test(writer, what_it_writes_is_read_back_and_verifies)
{
	struct stun_hmac *key = NULL;
	uint8_t bytes[256];
	struct stun_message m;
	int length;

	memset(bytes, 0xee, sizeof(bytes));
	cr_assert(stun_hmac_new(&key, (const uint8_t *)"k", 1) == 0);
	length = everything(bytes, sizeof(bytes), key);
	cr_assert(stun_parse(&m, bytes, (size_t)length) == 0);
	cr_assert(m.class_ == TP_STUN_ERROR && m.method == TP_STUN_ALLOCATE);
	cr_assert(m.lifetime_s == 600 && m.nonce.length == 5);
	cr_assert(memcmp(m.nonce.data, "abcde\0\0\0", 8) == 0, "padding is zero");
	cr_assert(m.fingerprint_valid && stun_integrity_valid(&m, key));
	stun_hmac_free(key);
}

Test(writer, an_error_and_unknown_attributes_are_these_bytes)
{
	static const uint8_t expected[] = {0x01, 0x13, 0x00, 0x18, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3,
		4, 5, 6, 7, 8, 9, 10, 11, 12, 0x00, 0x09, 0x00, 0x07, 0, 0, 4, 38, 'B', 'a', 'd', 0,
		0x00, 0x0a, 0x00, 0x06, 0x7f, 0xff, 0x00, 0x24, 0x00, 0x25, 0, 0};
	const uint16_t unknown[] = {0x7fff, 0x0024, 0x0025};
	uint8_t bytes[sizeof(expected)];
	struct stun_writer w;

	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_ERROR, tid);
	stun_put_error(&w, 438, "Bad");
	stun_put_unknown(&w, unknown, 3);
	cr_assert(stun_finish(&w) == (int)sizeof(expected));
	cr_assert(memcmp(bytes, expected, sizeof(expected)) == 0);
}

Test(writer, an_impossible_value_fails_the_message)
{
	static uint8_t bytes[70000];
	static char reason[800];
	struct stun_writer w;

	memset(reason, 'r', 764);
#define ASSERT_INVALID(call) \
	do { \
		stun_begin(&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_ERROR, tid); \
		call; \
		stun_put_u32(&w, TP_ATTR_LIFETIME, 1); \
		cr_assert(w.length <= 20); \
		cr_assert(stun_finish(&w) == -EINVAL); \
	} while (0)
	ASSERT_INVALID(stun_put_error(&w, 299, "x"));
	ASSERT_INVALID(stun_put_error(&w, 700, "x"));
	ASSERT_INVALID(stun_put_error(&w, 400, reason));
	ASSERT_INVALID(stun_put(&w, TP_ATTR_DATA, bytes, 65536));
	ASSERT_INVALID(stun_put(&w, TP_ATTR_DATA, bytes, 65512));
	ASSERT_INVALID(stun_put(&w, TP_ATTR_DATA, bytes, SIZE_MAX));
	ASSERT_INVALID(stun_put_unknown(&w, NULL, SIZE_MAX));
	ASSERT_INVALID(stun_begin(&w, bytes, sizeof(bytes), 0x1000, 0, tid));
	ASSERT_INVALID(stun_begin(&w, bytes, sizeof(bytes), 1, 4, tid));
}

Test(writer, the_first_error_stays)
{
	uint8_t bytes[24];
	struct stun_writer w;

	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_BINDING, TP_STUN_SUCCESS, tid);
	stun_put_u32(&w, TP_ATTR_LIFETIME, 1);
	stun_put_error(&w, 0, "x");
	stun_put(&w, TP_ATTR_DONT_FRAGMENT, NULL, 0);
	cr_assert(stun_finish(&w) == -ENOSPC);
}

Test(writer, an_alternate_server_is_told_as_it_is)
{
	const struct tp_endpoint v4 = {.ip = tp_ip4(TP_BE32(0xc0000201)), .port = 3478};
	const struct tp_endpoint v6 = {.ip.b = {0x20, 1, 0xd, 0xb8, [15] = 9}, .port = 5349};
	static const uint8_t tid_of_one[TP_STUN_TID] = {1};
	static const uint8_t expected[] = {0x80, 0x23, 0, 8, 0, 1, 0x0d, 0x96, 192, 0, 2, 1, 0x80,
		0x23, 0, 20, 0, 2, 0x14, 0xe5, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		9};
	uint8_t bytes[64];
	struct stun_writer w;

	stun_begin(&w, bytes, sizeof(bytes), TP_STUN_ALLOCATE, TP_STUN_ERROR, tid_of_one);
	stun_put_address(&w, TP_ATTR_ALTERNATE_SERVER, &v4);
	stun_put_address(&w, TP_ATTR_ALTERNATE_SERVER, &v6);
	cr_assert(stun_finish(&w) == 20 + (int)sizeof(expected));
	cr_assert(memcmp(bytes + 20, expected, sizeof(expected)) == 0);
}
