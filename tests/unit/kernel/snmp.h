// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the kernel counts for the network that the test is in: /proc/net/snmp, netstat and snmp6.
#pragma once

#include <stdint.h>

struct snmp {
	unsigned int count;
	struct {
		char name[48]; // "Udp.InErrors", "Udp6InErrors"
		uint64_t value;
	} at[640];
};

void snmp_read(struct snmp *out);
// By how much a counter has grown; the test fails where there is no such counter.
uint64_t snmp_grown(const struct snmp *before, const struct snmp *after, const char *name);
// Says on standard output which have.
void snmp_show(const struct snmp *before, const struct snmp *after);
