// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// Looks at the frames of an interface before the relay's program takes its place, and passes all of them:
// whether there is room for what relaying puts in front of a frame, and whether checksums are whole. A sender
// on this host leaves its checksum to a device: the field then holds the sum of the pseudo header alone.

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <turnpike/addr.h>

// An IPv4 peer's datagram to an IPv6 client as a Data indication: 20 bytes of IP, 36 in front of the data.
#define GROWTH 56

#define ETHERNET 14u
#define IP4 20u
#define IP6 40u
#define UDP 8u

uint32_t headroom_seen = 0, headroom_lacking = 0, partial_checksums = 0;

static inline uint64_t sum_words(const uint8_t *at, const uint8_t *end, unsigned int bytes)
{
	uint64_t sum = 0;

	if (at + bytes > end)
		return 0;
	for (unsigned int i = 0; i < bytes; i += 2)
		sum += *(const uint16_t *)(at + i);
	return sum;
}

static inline void look_at_checksum(const uint8_t *udp, const uint8_t *end, uint64_t addresses)
{
	uint64_t sum;

	if (udp + UDP > end)
		return;
	sum = addresses + *(const uint16_t *)(udp + 4) + TP_BE16(17);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	if (sum == *(const uint16_t *)(udp + 6))
		__sync_fetch_and_add(&partial_checksums, 1);
}

static inline void look(const uint8_t *data, const uint8_t *end)
{
	const uint8_t *ip = data + ETHERNET;

	if (ip + IP4 + UDP > end)
		return;
	if (ip[0] == 0x45 && ip[9] == 17)
		look_at_checksum(ip + IP4, end, sum_words(ip + 12, end, 8));
	else if (ip[0] >> 4 == 6 && ip + IP6 <= end && ip[6] == 17)
		look_at_checksum(ip + IP6, end, sum_words(ip + 8, end, 32));
}

SEC("xdp")
int probe(struct xdp_md *ctx)
{
	look((const uint8_t *)(long)ctx->data, (const uint8_t *)(long)ctx->data_end);
	if (bpf_xdp_adjust_head(ctx, -GROWTH)) {
		__sync_fetch_and_add(&headroom_lacking, 1);
		return XDP_PASS;
	}
	__sync_fetch_and_add(&headroom_seen, 1);
	// What was given is taken back, so it can't fail; a frame that isn't as it came must not go on.
	return bpf_xdp_adjust_head(ctx, GROWTH) ? XDP_ABORTED : XDP_PASS;
}

char licence[] SEC("license") = "Dual BSD/GPL";
