// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// The XDP program: relays what is plain, drops what is ours and wrong, passes the rest up as it came.

#include "send.h"

const char terms[] SEC("license") = "Dual BSD/GPL";

// By the first byte (RFC 8656 section 12): 0 to 3 STUN, from 64 on ChannelData.
static TP_ALWAYS_INLINE int from_any_client(struct xdp_md *ctx, struct xdp_cpu *cpu,
	const struct packet *p, const uint8_t *payload, const uint8_t *end, bool from4)
{
	if (!p->source_port)
		return drop_client(cpu, p, TP_C_client_source_invalid);
	if (!p->length || payload + 1 > end)
		return drop_client(cpu, p, TP_C_client_reserved_byte);
	if (payload[0] >= TP_CHANNEL_MIN >> 8 && payload[0] <= config.channel_max >> 8)
		return from_client(ctx, cpu, p, payload, end, from4);
	if (payload[0] <= 3)
		return from_stun_client(ctx, from4);
	return drop_client(cpu, p, TP_C_client_reserved_byte);
}

static TP_ALWAYS_INLINE int take(
	struct xdp_md *ctx, const uint8_t *data, const uint8_t *end, bool from4)
{
	uint32_t zero = 0;
	struct xdp_cpu *cpu;
	struct packet p;
	enum whose is = from4 ? read_packet4(&p, data, end) : read_packet6(&p, data, end);

	if (is == NOBODYS)
		return XDP_PASS;
	cpu = bpf_map_lookup_elem(&cpus, &zero);
	if (!cpu)
		return XDP_PASS;
	if (is == MALFORMED)
		return drop(cpu, TP_C_frame_malformed);
	if (p.partial)
		return pass(cpu, TP_C_passed_partial);
	if (is == RELAYS)
		return from_peer(ctx, cpu, &p, from4);
	return from_any_client(ctx, cpu, &p, data + PAYLOAD_AT(from4), end, from4);
}

SEC("xdp")
int turnpike_relay(struct xdp_md *ctx)
{
	const uint8_t *data = (const uint8_t *)(long)ctx->data;
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;

	if (data + TP_ETHERNET_HEADER > end)
		return XDP_PASS;
	switch (tp_get16(data + TP_ETHERNET_HEADER - 2)) {
	case TP_ETHERTYPE_IP4:
		return take(ctx, data, end, true);
	case TP_ETHERTYPE_IP6:
		return take(ctx, data, end, false);
	}
	return XDP_PASS;
}
