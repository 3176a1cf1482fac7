// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the XDP program includes, used once each: compiling it for BPF is the test.
#include <turnpike/addr.h>
#include <turnpike/counters.h>
#include <turnpike/record.h>
#include <turnpike/wire.h>

uint64_t use(struct tp_counters *c, const struct tp_endpoint *a, const struct tp_command *command);

uint64_t use(struct tp_counters *c, const struct tp_endpoint *a, const struct tp_command *command)
{
	struct tp_ip ip = tp_ip4(TP_BE32(0xc0000201u));

	tp_count(c, TP_C_peer_packets, tp_pad4(command->channel));
	if (tp_endpoint_equal(a, &command->client) || tp_ip_equal(&a->ip, &ip))
		return tp_ip_family(&ip);
	return tp_counter(c, TP_C_channel_unbound);
}
