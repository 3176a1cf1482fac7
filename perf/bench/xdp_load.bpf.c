// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// The programs around the relay under test: a source, a sink, and the bare program that the relay is compared with.

#include <stddef.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "xdp_load.h"

const char terms[] SEC("license") = "Dual BSD/GPL";

struct load load;

#define UDP_AT (TP_ETHERNET_HEADER + TP_IP4_HEADER)
#define PAYLOAD_AT (UDP_AT + TP_UDP_HEADER)

// Pages come back as the relay left them: every byte of the headers is written, checksums valid for a payload of
// zeroes.
SEC("xdp")
int source(struct xdp_md *ctx)
{
	uint8_t *b = (uint8_t *)(long)ctx->data;
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;
	uint32_t i = load.next, next = i + load.step;
	uint32_t front = load.from_peer ? 0 : TP_BE32(LOAD_CHANNEL << 16 | (load.length - 4));
	struct tp_endpoint from = {
		.ip = tp_ip4(TP_BE32(LOAD_CLIENT + i)), .port = LOAD_CLIENT_PORT};
	struct tp_endpoint to = {.ip = tp_ip4(TP_BE32(LOAD_SERVER)), .port = LOAD_SERVER_PORT};
	uint32_t udp = TP_UDP_HEADER + load.length;
	struct tp_ip_fields ip = {.source = &from.ip,
		.destination = &to.ip,
		.length = udp,
		.protocol = TP_PROTO_UDP,
		.ttl = 64,
		.dont_fragment = true};

	if (b + PAYLOAD_AT + 4 > end)
		return XDP_DROP;
	load.next = next >= load.allocations ? next - load.allocations : next;
	if (load.from_peer) {
		from.ip = tp_ip4(TP_BE32(LOAD_PEER + i));
		from.port = LOAD_PEER_PORT;
		to.ip = tp_ip4(TP_BE32(LOAD_RELAY + i / LOAD_PORTS));
		to.port = (uint16_t)(LOAD_PORT_MIN + i % LOAD_PORTS);
	}
	tp_put32(b, 0x02000000);
	tp_put32(b + 4, 0x00020200);
	tp_put32(b + 8, 0x00000001);
	tp_put16(b + 12, TP_ETHERTYPE_IP4);
	tp_put_ip4(b + TP_ETHERNET_HEADER, &ip);
	tp_put_udp(b + UDP_AT, tp_udp_ports(&from, &to), udp,
		tp_udp_checksum(tp_sum_udp_headers(&from, &to, true, udp) + front));
	tp_store32(b + PAYLOAD_AT, front);
	return XDP_TX;
}

SEC("xdp")
int bare(struct xdp_md *ctx)
{
	uint8_t *b = (uint8_t *)(long)ctx->data;
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;
	uint32_t word, source, destination;
	uint16_t half;

	if (b + PAYLOAD_AT > end)
		return XDP_DROP;
	word = tp_load32(b);
	half = tp_load16(b + 4);
	tp_store32(b, tp_load32(b + 6));
	tp_store16(b + 4, tp_load16(b + 10));
	tp_store32(b + 6, word);
	tp_store16(b + 10, half);
	source = tp_load32(b + TP_ETHERNET_HEADER + TP_IP4_SOURCE);
	destination = tp_load32(b + TP_ETHERNET_HEADER + TP_IP4_DESTINATION);
	tp_store32(b + TP_ETHERNET_HEADER + TP_IP4_SOURCE, destination);
	tp_store32(b + TP_ETHERNET_HEADER + TP_IP4_DESTINATION, source);
	return XDP_TX;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	(void)ctx;
	load.arrived++;
	return XDP_DROP;
}
