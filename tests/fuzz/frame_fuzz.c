// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Whole frames from a wire, and whatever the tables may want made of them.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <frame.h>

#define SETTINGS 8u // bytes of input before the frame

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length);

static void check(bool good)
{
	if (!good)
		abort();
}

static struct tp_endpoint endpoint(bool ip4)
{
	if (ip4)
		return (struct tp_endpoint){.ip = tp_ip4(0x016433c6), .port = 49152};
	return (struct tp_endpoint){.ip = {.b = {0x20, 1, 0xd, 0xb8, [15] = 1}}, .port = 49152};
}

static void fuzz_rewrite(uint8_t *data, const struct frame *f, const uint8_t *settings)
{
	static const uint8_t front[48];
	struct frame_send s = {
		.source = endpoint(settings[0] & 1),
		.destination = endpoint(settings[0] & 1),
		.offset = settings[1],
		.length = settings[0] & 2 ? settings[2] : f->payload_length - settings[1],
		.front = front,
		.front_length = settings[3] % 49,
		.padding = settings[4] % 4,
		.dont_fragment = settings[0] & 4,
		.l2_length = settings[0] & 8 ? FRAME_L2_MAX : 14,
		.mtu = (uint16_t)(settings[5] << 8 | settings[6]),
	};
	struct frame_result r;
	struct frame g;
	int err = frame_rewrite(data, f, &s, &r, NULL, NULL);

	if (err == -EMSGSIZE)
		check(r.mtu >= 68);
	if (err) {
		check(err == -ETIME || err == -EMSGSIZE || err == -EINVAL);
		return;
	}
	check(r.start >= -(int32_t)FRAME_HEADROOM);
	if (s.l2_length == FRAME_L2_MAX)
		return; // the tag is not ours to make
	frame_parse(&g, data + r.start, r.total, r.total, false);
	check(g.kind == FRAME_UDP && g.ttl == f->ttl - 1 && g.tos == f->tos);
	check(tp_endpoint_equal(&g.source, &s.source));
	check(g.payload_length == s.front_length + s.length + s.padding);
}

static void fuzz_frame(uint8_t *data, uint32_t length, const uint8_t *settings)
{
	const struct tp_ip from = endpoint(settings[0] & 1).ip;
	uint8_t error[FRAME_ERROR_MAX];
	struct frame_icmp icmp;
	struct frame f;

	frame_parse(&f, data, length, length, settings[7] & 1);
	check(f.kind <= FRAME_MALFORMED);
	if (f.kind == FRAME_ICMP_ERROR)
		frame_parse_icmp(&icmp, &f, data, length);
	if (f.kind != FRAME_UDP)
		return;
	check(f.payload + f.payload_length <= length);
	check(frame_make_error(error, settings[7] >> 7, data, length, &f, &from, 1280) <=
		FRAME_ERROR_MAX);
	fuzz_rewrite(data, &f, settings);
}

// Input: what is to be made of it, then a frame. Exactly as much room as frame.h asks for.
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length)
{
	uint8_t *buffer;

	if (length < SETTINGS || length > 70000)
		return 0;
	buffer = malloc(FRAME_HEADROOM + length - SETTINGS + 3);
	if (!buffer)
		return 0;
	memset(buffer, 0, FRAME_HEADROOM);
	memcpy(buffer + FRAME_HEADROOM, input + SETTINGS, length - SETTINGS);
	fuzz_frame(buffer + FRAME_HEADROOM, (uint32_t)(length - SETTINGS), input);
	free(buffer);
	return 0;
}
