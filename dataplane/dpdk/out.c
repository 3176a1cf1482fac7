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

static void count(struct tally *t, unsigned int kind, uint64_t frames, uint64_t bytes)
{
	tally_add(t, counters[kind].sent, frames);
	if (counters[kind].bytes)
		tally_add(t, counters[kind].bytes, bytes);
}

// Counts the first `n` frames together if they are all of one kind; or returns false.
static bool count_alike(const struct out *o, struct tally *t, uint16_t n)
{
	const unsigned int kind = o->what[0] >> OUT_BYTES;
	uint32_t all = 0, bytes = 0;

	for (uint16_t i = 0; i < n; i++) {
		const uint32_t each = o->what[i] - (kind << OUT_BYTES);

		all |= each;
		bytes += each;
	}
	if (all >> OUT_BYTES)
		return false;
	count(t, kind, n, bytes);
	return true;
}

// Frames of one kind, one after the other, are counted together. Returns how many there were.
static uint16_t count_run(const struct out *o, struct tally *t, uint16_t first, uint16_t end)
{
	const unsigned int kind = o->what[first] >> OUT_BYTES;
	uint64_t bytes = 0;
	uint16_t i = first;

	for (; i < end && o->what[i] >> OUT_BYTES == kind; i++)
		bytes += o->what[i] - (kind << OUT_BYTES);
	count(t, kind, i - first, bytes);
	return (uint16_t)(i - first);
}

static void count_sent(const struct out *o, struct tally *t, uint16_t sent)
{
	if (likely(count_alike(o, t, sent)))
		return;
	for (uint16_t i = 0; i < sent;)
		i += count_run(o, t, i, sent);
}

uint16_t out_flush_some(struct out *o, struct tally *t, uint16_t most)
{
	uint16_t n = RTE_MIN(o->count, most), sent;

	if (!n)
		return 0;
	sent = rte_eth_tx_burst(o->device, o->queue, o->mbuf, n);
	count_sent(o, t, sent);
	for (uint16_t i = sent; i < n; i++)
		tally_add(t, counters[o->what[i] >> OUT_BYTES].full, 1);
	if (sent < n)
		rte_pktmbuf_free_bulk(o->mbuf + sent, n - sent);
	o->count = (uint16_t)(o->count - n);
	if (unlikely(o->count)) {
		memmove(o->mbuf, o->mbuf + n, o->count * sizeof(o->mbuf[0]));
		memmove(o->what, o->what + n, o->count * sizeof(o->what[0]));
	}
	return n;
}

void out_flush(struct out *o, struct tally *t)
{
	out_flush_some(o, t, OUT_MAX);
}
