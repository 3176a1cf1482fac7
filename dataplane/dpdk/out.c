// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "out.h"

#include <rte_ethdev.h>

// What a frame of each kind counts as when it has left, and when it could not.
static const struct {
	uint8_t sent;
	uint8_t bytes;
	uint8_t full;
} counters[OUT_KINDS] = {
	[OUT_PEER] = {TP_C_relayed_to_peer, TP_C_relayed_to_peer_bytes, TP_C_client_tx_full},
	[OUT_CLIENT] = {TP_C_relayed_to_client, TP_C_relayed_to_client_bytes, TP_C_peer_tx_full},
	[OUT_REPLY] = {TP_C_replies_sent, 0, TP_C_reply_tx_error},
	[OUT_ERROR] = {TP_C_icmp_errors_sent, 0, TP_C_icmp_errors_withheld},
	[OUT_TO_KERNEL] = {TP_C_kernel_in, 0, TP_C_kernel_in_full},
	[OUT_FROM_KERNEL] = {TP_C_kernel_out, 0, TP_C_kernel_out_full},
	[OUT_FRAGMENT] = {TP_C_fragments_sent, 0, TP_C_fragment_unsent},
};

void out_flush(struct out *o, struct tally *t)
{
	uint16_t sent;

	if (!o->count)
		return;
	sent = rte_eth_tx_burst(o->device, o->queue, o->mbuf, o->count);
	for (uint16_t i = 0; i < sent; i++) {
		unsigned int kind = o->kind[i];

		tally_add(t, counters[kind].sent, 1);
		if (counters[kind].bytes)
			tally_add(t, counters[kind].bytes, o->bytes[i]);
	}
	for (uint16_t i = sent; i < o->count; i++)
		tally_add(t, counters[o->kind[i]].full, 1);
	if (sent < o->count)
		rte_pktmbuf_free_bulk(o->mbuf + sent, o->count - sent);
	o->count = 0;
}

void out_push(
	struct out *o, struct tally *t, struct rte_mbuf *m, enum out_kind kind, uint32_t bytes)
{
	if (o->count == OUT_MAX)
		out_flush(o, t);
	o->mbuf[o->count] = m;
	o->kind[o->count] = (uint8_t)kind;
	o->bytes[o->count++] = bytes;
}
