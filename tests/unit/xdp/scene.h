// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// One allocation with a permission and a channel in the lab, frames for it, and what becomes of them.
//
//   client i 192.0.2.9:4000+i    server 198.51.100.1:3478    relay 198.51.100.1:50000+i    peer 203.0.113.9:5000
//   client6  2001:db8:1::9       server 2001:db8:2::1:3478   relay 2001:db8:2::1           peer6 2001:db8:3::9
#pragma once

#include "lab.h"

#define SERVER_PORT 3478
#define RELAY_PORT 50000
#define RELAY_PORTS 101
#define CHANNEL 0x4000
#define FRONT (TP_ETHERNET_HEADER + TP_IP4_HEADER + TP_UDP_HEADER)
#define LARGEST 3520u // of a test run: a page but for headroom and what the kernel keeps behind

extern struct lab lab;
extern const uint8_t l2[12];

struct tp_endpoint ep(const char *ip, uint16_t port);
struct tp_endpoint client(uint32_t i);
struct tp_endpoint server(void);

void set_way(const uint8_t mac[12], uint16_t mtu, uint16_t device);
void put(uint32_t i); // allocation i, with a permission and a channel
// Skips the test where there can be no BPF. Entries say `until`. Between them the caller may change lab.config.
void open_scene(uint32_t until);
void load_scene(void);
void open_lab(uint32_t until); // both, and allocation 0

// A frame with this payload. Returns its length.
uint32_t frame(uint8_t *b, const struct tp_endpoint *from, const struct tp_endpoint *to,
	const void *payload, uint32_t length);
uint32_t channel_data(uint8_t *b, uint32_t i);
uint32_t send_indication(uint8_t *b);
uint32_t peer_data(uint8_t *b, uint16_t from_port, uint32_t length);

uint32_t verdict(const uint8_t *sent, uint32_t length, uint8_t *out);
// It passes up as it came, and is counted under its reason alone; TP_COUNTER_COUNT: nowhere.
void passes(const uint8_t *sent, uint32_t length, enum tp_counter reason);
// It came from a client with so long a payload, and is dropped under this name alone.
void drops(const uint8_t *sent, uint32_t length, uint32_t payload, enum tp_counter reason);
