// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 The Turnpike authors
//
// What becomes of a packet that isn't relayed, each under its name.
#pragma once

#include "maps.h"
#include "packet.h"

static TP_ALWAYS_INLINE int pass(struct xdp_cpu *cpu, enum tp_counter reason)
{
	cpu->counter[reason]++;
	return XDP_PASS;
}

static TP_ALWAYS_INLINE int drop(struct xdp_cpu *cpu, enum tp_counter reason)
{
	cpu->counter[reason]++;
	return XDP_DROP;
}

static TP_ALWAYS_INLINE int drop_client(
	struct xdp_cpu *cpu, const struct packet *p, enum tp_counter reason)
{
	cpu->counter[TP_C_client_packets]++;
	cpu->counter[TP_C_client_bytes] += p->length;
	return drop(cpu, reason);
}

static TP_ALWAYS_INLINE int drop_peer(
	struct xdp_cpu *cpu, const struct packet *p, enum tp_counter reason)
{
	cpu->counter[TP_C_peer_packets]++;
	cpu->counter[TP_C_peer_bytes] += p->length;
	return drop(cpu, reason);
}
