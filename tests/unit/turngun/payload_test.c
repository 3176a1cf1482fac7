// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>

#include <string.h>

#include <turnpike/ip.h>

#include "payload.h"
#include "sizes.h"

#define RUN 77u

static const struct stamp sent = {
	.run = RUN, .stream = 12345, .sequence = 678, .length = 161, .intended_ns = 1234567890123};

static struct stamp read_as(enum payload_state expected, const uint8_t *data, uint32_t length)
{
	struct stamp got;
	uint64_t sum;

	cr_assert_eq(payload_read(&got, &sum, data, length, RUN), expected);
	return got;
}

Test(turngun_payload, what_was_written_is_read, .init = payload_init)
{
	uint8_t data[SIZES_MAX];

	for (uint32_t length = PAYLOAD_MIN; length <= SIZES_MAX; length += 41) {
		struct stamp s = sent, got;

		s.length = length;
		s.stream += length * 1000;
		payload_write(data, &s);
		got = read_as(PAYLOAD_SOUND, data, length);
		cr_assert_arr_eq(&got, &s, sizeof(s));
	}
}

Test(turngun_payload, no_bit_changes_unseen, .init = payload_init)
{
	uint8_t data[161];

	payload_write(data, &sent);
	for (uint32_t bit = 0; bit < sizeof(data) * 8; bit++) {
		struct stamp got;
		uint64_t sum;

		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_assert_neq(payload_read(&got, &sum, data, sizeof(data), RUN), PAYLOAD_SOUND);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	read_as(PAYLOAD_SOUND, data, sizeof(data));
}

Test(turngun_payload, behind_a_sound_stamp_the_stream_is_told_of_what_is_corrupt,
	.init = payload_init)
{
	uint8_t data[161];

	payload_write(data, &sent);
	data[PAYLOAD_MIN] ^= 1;
	cr_assert_eq(read_as(PAYLOAD_CORRUPT, data, sizeof(data)).stream, sent.stream);
	payload_write(data, &sent);
	cr_assert_eq(read_as(PAYLOAD_CORRUPT, data, sizeof(data) - 1).stream, sent.stream);
}

Test(turngun_payload, data_of_another_packet_is_corrupt, .init = payload_init)
{
	struct stamp next = sent;
	uint8_t data[161], other[161];

	next.sequence++;
	payload_write(data, &sent);
	payload_write(other, &next);
	memcpy(data + PAYLOAD_MIN, other + PAYLOAD_MIN, sizeof(data) - PAYLOAD_MIN);
	read_as(PAYLOAD_CORRUPT, data, sizeof(data));
}

Test(turngun_payload, a_damaged_stamp_is_broken_and_another_run_unknown, .init = payload_init)
{
	struct stamp s = sent;
	uint8_t data[161];

	payload_write(data, &s);
	data[8] ^= 1;
	read_as(PAYLOAD_BROKEN, data, sizeof(data));
	s.run++;
	payload_write(data, &s);
	read_as(PAYLOAD_UNKNOWN, data, sizeof(data));
	read_as(PAYLOAD_UNKNOWN, data, PAYLOAD_MIN - 1);
}

Test(turngun_payload, sums_are_those_of_the_bytes, .init = payload_init)
{
	for (uint32_t length = PAYLOAD_MIN; length <= SIZES_MAX; length += 13) {
		uint8_t data[SIZES_MAX + 1] = {0};
		struct stamp s = sent, got;
		uint64_t sum = 0, read;

		s.length = length;
		s.sequence *= length;
		uint64_t written = payload_write(data, &s);

		for (uint32_t i = 0; i < length; i += 2)
			sum += tp_load16(data + i);
		cr_assert_eq(tp_checksum(written), tp_checksum(sum), "%u bytes", length);
		payload_read(&got, &read, data, length, RUN);
		cr_assert_eq(tp_checksum(read), tp_checksum(sum), "%u bytes", length);
	}
}
