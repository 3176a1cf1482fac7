// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// From one client to another without leaving the relay: two relays are passed, and each takes one from
// the TTL.

#include "world.h"

static const struct packet_spec ends_second = {
	FROM_CLIENT_44, .front = "4003 0005", .fill = 5, .ttl = 2};

static const struct frame_case table[] = {
	{.name = "ChannelData to another client's relayed address arrives there as a peer's",
		.passes = true,
		.in = {FROM_CLIENT_44, .front = "4003 0064", .fill = 100, .tos = 0xb8},
		.out = {TO_CLIENT_64,
			.front = "0017 0074 2112a442 000000000000000000000000 0012 0008 0001 e112 "
				 "e721c043 0013 0064",
			.fill = 100, .ttl = 62, .tos = 0xb8}},
	{.name = "a Send indication to another client's relayed address arrives there as "
		 "ChannelData",
		.passes = true,
		.in = {FROM_CLIENT_64,
			.front = "0016 0018 2112a442 0102030405060708090a0b0c 0012 0008 0001 e112 "
				 "e721c043 0013 0007",
			.fill = 7, .tail = "a5"},
		.out = {TO_CLIENT_44, .front = "4003 0007", .fill = 7, .ttl = 62}},
	{.name = "a hairpinned datagram without a checksum gets one over IPv6",
		.passes = true,
		.in = {FROM_CLIENT_44, .front = "4003 0005", .fill = 5, .tail = "010203",
			.udp_checksum = CHECKSUM_NONE},
		.out = {TO_CLIENT_64,
			.front = "0017 0018 2112a442 000000000000000000000000 0012 0008 0001 e112 "
				 "e721c043 0013 0005",
			.fill = 5, .tail = "000000", .ttl = 62}},
	{.name = "a client's datagram to its own relayed address comes back",
		.passes = true,
		.in = {FROM_CLIENT_64,
			.front = "0016 0018 2112a442 0102030405060708090a0b0c 0012 0008 0001 e110 "
				 "e721c043 0013 0007",
			.fill = 7, .tail = "a5"},
		.out = {TO_CLIENT_64,
			.front = "0017 0018 2112a442 000000000000000000000000 0012 0008 0001 e110 "
				 "e721c043 0013 0007",
			.fill = 7, .tail = "00", .ttl = 62}},
	{.name = "a relayed address of ours that no allocation has is no peer",
		.passes = true,
		.in = {FROM_CLIENT_64,
			.front = "0016 0018 2112a442 0102030405060708090a0b0c 0012 0008 0001 e11e "
				 "e721c043 0013 0007",
			.fill = 7, .tail = "a5"},
		.outcome = OUTCOME_DROPPED,
		.drop = TP_C_hairpin_no_allocation},
	{.name = "a hairpinned datagram whose TTL ends at the second relay is told back",
		.in = {FROM_CLIENT_44, .front = "4003 0005", .fill = 5, .ttl = 2},
		.outcome = OUTCOME_DROPPED,
		.drop = TP_C_peer_ttl_expired,
		.out = {.source = SERVER4,
			.destination = CLIENT_44,
			.l2 = back_l2,
			.quote = &ends_second,
			.type = 11,
			.tos = 0xc0,
			.dont_fragment = true}},
};

CASES(cases_hairpin, table);
