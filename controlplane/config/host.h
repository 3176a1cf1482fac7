// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the defaults and the warnings need to know about the machine. A plain value: tests make their own.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>

#define HOST_ADDRESSES_MAX 256u
#define HOST_INTERFACES_MAX 256u

struct host {
	struct tp_ip address[HOST_ADDRESSES_MAX]; // without link-local ones; loopback is among them
	size_t count;
	struct tp_ip source4; // the kernel's choice towards the internet; all zero: no route
	struct tp_ip source6;
	uint32_t cores; // online, at least 1
	uint64_t descriptors; // RLIMIT_NOFILE's hard limit
	uint16_t ephemeral_min; // net.ipv4.ip_local_port_range; 0: unknown
	uint16_t ephemeral_max;
	uint16_t unprivileged_port; // net.ipv4.ip_unprivileged_port_start
	bool privileged; // root
	bool huge_pages; // some are reserved, of whatever size
	uint8_t reserved[65536 / 8]; // net.ipv4.ip_local_reserved_ports
	char interface[HOST_INTERFACES_MAX][16];
	size_t interfaces; // 0: unknown
	char runtime[96]; // the directory for the control socket
};

// Reads this machine. What can't be read is left unknown. No packet is sent.
void host_read(struct host *host);

bool host_is_loopback(const struct tp_ip *ip);
bool host_is_link_local(const struct tp_ip *ip);
bool host_has(const struct host *host, const struct tp_ip *ip);
// Of a host whose interfaces are unknown: true.
bool host_has_interface(const struct host *host, const char *name);

// Reads the format of ip_local_reserved_ports ("1000-1010,2000") into a bitmap.
void host_parse_reserved(const char *text, uint8_t reserved[65536 / 8]);
bool host_reserves(const struct host *host, uint16_t port);
