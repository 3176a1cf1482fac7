// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Who is who in the table. One allocation for each pair of families, named client's first: on channel 0x4001
// its client has the peer, on port 6000; the stranger has a permission, but no channel.
#pragma once

#include "cases.h"

#define SERVER4 "192.0.2.1"
#define SERVER6 "2001:db8::1"
#define RELAY4 "198.51.100.1"
#define RELAY6 "2001:db8:1::1"
#define CLIENT_44 "10.1.0.1"
#define CLIENT_46 "10.1.0.2"
#define CLIENT_64 "2001:db8:c::3"
#define CLIENT_66 "2001:db8:c::4"
#define PEER4 "203.0.113.9"
#define PEER6 "2001:db8:9::9"
#define STRANGER4 "203.0.113.10"
#define STRANGER6 "2001:db8:9::a"

// Addresses and ports of a frame.
#define BETWEEN(from, from_port, to, to_port) \
	.source = from, .source_port = from_port, .destination = to, .destination_port = to_port

#define FROM_CLIENT_44 BETWEEN(CLIENT_44, 5000, SERVER4, 3478)
#define FROM_CLIENT_46 BETWEEN(CLIENT_46, 5000, SERVER4, 3478)
#define FROM_CLIENT_64 BETWEEN(CLIENT_64, 5000, SERVER6, 3478)
#define FROM_CLIENT_66 BETWEEN(CLIENT_66, 5000, SERVER6, 3478)
#define TO_CLIENT_44 .l2 = next_hop_l2, BETWEEN(SERVER4, 3478, CLIENT_44, 5000)
#define TO_CLIENT_46 .l2 = next_hop_l2, BETWEEN(SERVER4, 3478, CLIENT_46, 5000)
#define TO_CLIENT_64 .l2 = next_hop_l2, BETWEEN(SERVER6, 3478, CLIENT_64, 5000)
#define TO_CLIENT_66 .l2 = next_hop_l2, BETWEEN(SERVER6, 3478, CLIENT_66, 5000)

#define FROM_PEER_44 BETWEEN(PEER4, 6000, RELAY4, 49152)
#define FROM_PEER_46 BETWEEN(PEER6, 6000, RELAY6, 49153)
#define FROM_PEER_64 BETWEEN(PEER4, 6000, RELAY4, 49154)
#define FROM_PEER_66 BETWEEN(PEER6, 6000, RELAY6, 49155)
#define TO_PEER_44 .l2 = next_hop_l2, BETWEEN(RELAY4, 49152, PEER4, 6000)
#define TO_PEER_46 .l2 = next_hop_l2, BETWEEN(RELAY6, 49153, PEER6, 6000)
#define TO_PEER_64 .l2 = next_hop_l2, BETWEEN(RELAY4, 49154, PEER4, 6000)
#define TO_PEER_66 .l2 = next_hop_l2, BETWEEN(RELAY6, 49155, PEER6, 6000)

// An error of ours goes back to where the frame came from.
extern const uint8_t back_l2[12];
#define CASES(name, table) const struct frame_cases name = {table, sizeof(table) / sizeof(table[0])}
