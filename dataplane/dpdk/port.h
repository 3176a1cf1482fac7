// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A port: a NIC or virtual device that DPDK drives, and the exception interface through which the
// kernel has a share in it (ARP, neighbour discovery, ICMP echo, everything that isn't TURN's).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "settings.h"

struct port {
	const char *spec; // as it was given
	const char *driver; // DPDK's name for it
	uint16_t id; // DPDK's
	uint16_t exception; // DPDK's, of the exception interface; RTE_MAX_ETHPORTS: none
	uint16_t rx_queues; // workers [0, rx_queues) poll it
	uint16_t exception_rx_queues;
	uint16_t mtu; // of IP packets
	uint16_t own_mtu; // the device's, before anybody asked for another
	uint8_t mac[RTE_ETHER_ADDR_LEN]; // ours on this port; the exception interface has it too
	char kernel[IF_NAMESIZE]; // the kernel's interface that stands for it
	uint32_t ifindex; // its index
};

// Probes the port and makes its exception interface. Returns 0, or -1 after a sentence on stderr
// that says what it lacks.
int port_open(struct port *p, const struct settings *s, uint32_t index);

// Queues for s->workers and starts both. Returns as port_open().
int port_start(struct port *p, const struct settings *s, struct rte_mempool *pool);

// Stops and closes both; its interface goes, unless it is persistent.
void port_close(struct port *p);
