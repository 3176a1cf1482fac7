// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Send and Data indications, for each pair of families (RFC 8656 sections 11.2 and 11.3).

#include "world.h"

static const struct frame_case table[] = {
	{.name = "a Send indication of an IPv4 client with 100 bytes goes to the IPv4 peer it "
		 "names",
		.in = {FROM_CLIENT_44,
			.front = "0016 0074 2112a442 0102030405060708090a0b0c 0012 0008 0001 3a4a "
				 "ea12d548 0013 0064",
			.fill = 100},
		.out = {.l2 = next_hop_l2,
			BETWEEN(RELAY4, 49152, STRANGER4, 7000),
			.fill = 100,
			.ttl = 63}},
	{.name = "100 bytes of an IPv4 peer without a channel go to the IPv4 client as a Data "
		 "indication",
		.in = {BETWEEN(STRANGER4, 7000, RELAY4, 49152), .fill = 100},
		.out = {TO_CLIENT_44,
			.front = "0017 0074 2112a442 000000000000000000000000 0012 0008 0001 3a4a "
				 "ea12d548 0013 0064",
			.fill = 100, .ttl = 63}},
	{.name = "a Send indication of an IPv4 client with 7 bytes goes to the IPv4 peer it names",
		.in = {FROM_CLIENT_44,
			.front = "0016 0018 2112a442 0102030405060708090a0b0c 0012 0008 0001 3a4a "
				 "ea12d548 0013 0007",
			.fill = 7, .tail = "a5"},
		.out = {.l2 = next_hop_l2,
			BETWEEN(RELAY4, 49152, STRANGER4, 7000),
			.fill = 7,
			.ttl = 63}},
	{.name = "7 bytes of an IPv4 peer without a channel go to the IPv4 client as a Data "
		 "indication",
		.in = {BETWEEN(STRANGER4, 7000, RELAY4, 49152), .fill = 7},
		.out = {TO_CLIENT_44,
			.front = "0017 0018 2112a442 000000000000000000000000 0012 0008 0001 3a4a "
				 "ea12d548 0013 0007",
			.fill = 7, .tail = "00", .ttl = 63}},
	{.name = "a Send indication of an IPv4 client with 100 bytes goes to the IPv6 peer it "
		 "names",
		.in = {FROM_CLIENT_46,
			.front = "0016 0080 2112a442 0102030405060708090a0b0c 0012 0014 0002 3a4a "
				 "0113a9fa010b030405060708090a0b06 0013 0064",
			.fill = 100},
		.out = {.l2 = next_hop_l2,
			BETWEEN(RELAY6, 49153, STRANGER6, 7000),
			.fill = 100,
			.ttl = 63}},
	{.name = "100 bytes of an IPv6 peer without a channel go to the IPv4 client as a Data "
		 "indication",
		.in = {BETWEEN(STRANGER6, 7000, RELAY6, 49153), .fill = 100},
		.out = {TO_CLIENT_46,
			.front = "0017 0080 2112a442 000000000000000000000000 0012 0014 0002 3a4a "
				 "0113a9fa00090000000000000000000a 0013 0064",
			.fill = 100, .ttl = 63}},
	{.name = "a Send indication of an IPv4 client with 7 bytes goes to the IPv6 peer it names",
		.in = {FROM_CLIENT_46,
			.front = "0016 0024 2112a442 0102030405060708090a0b0c 0012 0014 0002 3a4a "
				 "0113a9fa010b030405060708090a0b06 0013 0007",
			.fill = 7, .tail = "a5"},
		.out = {.l2 = next_hop_l2,
			BETWEEN(RELAY6, 49153, STRANGER6, 7000),
			.fill = 7,
			.ttl = 63}},
	{.name = "7 bytes of an IPv6 peer without a channel go to the IPv4 client as a Data "
		 "indication",
		.in = {BETWEEN(STRANGER6, 7000, RELAY6, 49153), .fill = 7},
		.out = {TO_CLIENT_46,
			.front = "0017 0024 2112a442 000000000000000000000000 0012 0014 0002 3a4a "
				 "0113a9fa00090000000000000000000a 0013 0007",
			.fill = 7, .tail = "00", .ttl = 63}},
	{.name = "a Send indication of an IPv6 client with 100 bytes goes to the IPv4 peer it "
		 "names",
		.in = {FROM_CLIENT_64,
			.front = "0016 0074 2112a442 0102030405060708090a0b0c 0012 0008 0001 3a4a "
				 "ea12d548 0013 0064",
			.fill = 100},
		.out = {.l2 = next_hop_l2,
			BETWEEN(RELAY4, 49154, STRANGER4, 7000),
			.fill = 100,
			.ttl = 63}},
	{.name = "100 bytes of an IPv4 peer without a channel go to the IPv6 client as a Data "
		 "indication",
		.in = {BETWEEN(STRANGER4, 7000, RELAY4, 49154), .fill = 100},
		.out = {TO_CLIENT_64,
			.front = "0017 0074 2112a442 000000000000000000000000 0012 0008 0001 3a4a "
				 "ea12d548 0013 0064",
			.fill = 100, .ttl = 63}},
	{.name = "a Send indication of an IPv6 client with 7 bytes goes to the IPv4 peer it names",
		.in = {FROM_CLIENT_64,
			.front = "0016 0018 2112a442 0102030405060708090a0b0c 0012 0008 0001 3a4a "
				 "ea12d548 0013 0007",
			.fill = 7, .tail = "a5"},
		.out = {.l2 = next_hop_l2,
			BETWEEN(RELAY4, 49154, STRANGER4, 7000),
			.fill = 7,
			.ttl = 63}},
	{.name = "7 bytes of an IPv4 peer without a channel go to the IPv6 client as a Data "
		 "indication",
		.in = {BETWEEN(STRANGER4, 7000, RELAY4, 49154), .fill = 7},
		.out = {TO_CLIENT_64,
			.front = "0017 0018 2112a442 000000000000000000000000 0012 0008 0001 3a4a "
				 "ea12d548 0013 0007",
			.fill = 7, .tail = "00", .ttl = 63}},
	{.name = "a Send indication of an IPv6 client with 100 bytes goes to the IPv6 peer it "
		 "names",
		.in = {FROM_CLIENT_66,
			.front = "0016 0080 2112a442 0102030405060708090a0b0c 0012 0014 0002 3a4a "
				 "0113a9fa010b030405060708090a0b06 0013 0064",
			.fill = 100},
		.out = {.l2 = next_hop_l2,
			BETWEEN(RELAY6, 49155, STRANGER6, 7000),
			.fill = 100,
			.ttl = 63}},
	{.name = "100 bytes of an IPv6 peer without a channel go to the IPv6 client as a Data "
		 "indication",
		.in = {BETWEEN(STRANGER6, 7000, RELAY6, 49155), .fill = 100},
		.out = {TO_CLIENT_66,
			.front = "0017 0080 2112a442 000000000000000000000000 0012 0014 0002 3a4a "
				 "0113a9fa00090000000000000000000a 0013 0064",
			.fill = 100, .ttl = 63}},
	{.name = "a Send indication of an IPv6 client with 7 bytes goes to the IPv6 peer it names",
		.in = {FROM_CLIENT_66,
			.front = "0016 0024 2112a442 0102030405060708090a0b0c 0012 0014 0002 3a4a "
				 "0113a9fa010b030405060708090a0b06 0013 0007",
			.fill = 7, .tail = "a5"},
		.out = {.l2 = next_hop_l2,
			BETWEEN(RELAY6, 49155, STRANGER6, 7000),
			.fill = 7,
			.ttl = 63}},
	{.name = "7 bytes of an IPv6 peer without a channel go to the IPv6 client as a Data "
		 "indication",
		.in = {BETWEEN(STRANGER6, 7000, RELAY6, 49155), .fill = 7},
		.out = {TO_CLIENT_66,
			.front = "0017 0024 2112a442 000000000000000000000000 0012 0014 0002 3a4a "
				 "0113a9fa00090000000000000000000a 0013 0007",
			.fill = 7, .tail = "00", .ttl = 63}},
	{.name = "an empty Send indication is an empty datagram",
		.in = {FROM_CLIENT_44, .front = "0016 0010 2112a442 0102030405060708090a0b0c 0012 "
						"0008 0001 3a4a ea12d548 0013 0000"},
		.out = {.l2 = next_hop_l2, BETWEEN(RELAY4, 49152, STRANGER4, 7000), .ttl = 63}},
	{.name = "an empty datagram is an empty Data indication",
		.in = {BETWEEN(STRANGER4, 7000, RELAY4, 49152)},
		.out = {TO_CLIENT_44,
			.front = "0017 0010 2112a442 000000000000000000000000 0012 0008 0001 3a4a "
				 "ea12d548 0013 0000",
			.ttl = 63}},
	{.name = "attributes behind DATA are cut off",
		.in = {FROM_CLIENT_46,
			.front = "0016 002c 2112a442 0102030405060708090a0b0c 0012 0014 0002 3a4a "
				 "0113a9fa010b030405060708090a0b06 0013 0007",
			.fill = 7, .tail = "00 8022 0004 74657374"},
		.out = {.l2 = next_hop_l2,
			BETWEEN(RELAY6, 49153, STRANGER6, 7000),
			.fill = 7,
			.ttl = 63}},
	{.name = "a Send indication to a peer without a permission is dropped",
		.in = {FROM_CLIENT_44,
			.front = "0016 0014 2112a442 0102030405060708090a0b0c 0012 0008 0001 3a4a "
				 "ea12d549 0013 0004",
			.fill = 4},
		.outcome = OUTCOME_DROPPED,
		.drop = TP_C_send_no_permission},
	{.name = "a Send indication to a peer of the other family is dropped",
		.in = {FROM_CLIENT_44,
			.front = "0016 0020 2112a442 0102030405060708090a0b0c 0012 0014 0002 3a4a "
				 "0113a9fa010b030405060708090a0b06 0013 0004",
			.fill = 4},
		.outcome = OUTCOME_DROPPED,
		.drop = TP_C_send_invalid_peer},
	{.name = "a STUN request is the control plane's",
		.in = {FROM_CLIENT_44, .front = "0001 0000 2112a442 0102030405060708090a0b0c"},
		.outcome = OUTCOME_PUNTED},
	{.name = "a STUN request of a stranger is the control plane's",
		.in = {BETWEEN(STRANGER6, 5000, SERVER6, 3478),
			.front = "0001 0000 2112a442 0102030405060708090a0b0c"},
		.outcome = OUTCOME_PUNTED},
	{.name = "a STUN request from the wire with our server address as source is dropped",
		.in = {BETWEEN(SERVER4, 5000, SERVER4, 3478),
			.front = "0001 0000 2112a442 0102030405060708090a0b0c"},
		.outcome = OUTCOME_DROPPED,
		.drop = TP_C_client_source_invalid},
	{.name = "a STUN request from the wire with our relay address as source is dropped",
		.in = {BETWEEN(RELAY6, 49155, SERVER6, 3478),
			.front = "0001 0000 2112a442 0102030405060708090a0b0c"},
		.outcome = OUTCOME_DROPPED,
		.drop = TP_C_client_source_invalid},
};

CASES(cases_indication, table);
