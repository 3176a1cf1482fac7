// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What turnpike-dpdk was asked to do: the options that all dataplanes share, and its own.
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include <options.h>

#include "rss.h"

#define PORTS_MAX 8u
#define EAL_ARGS_MAX 32u

// The kernel's side of a port.
enum exception_kind {
	EXCEPTION_TAP = 0,
	EXCEPTION_VIRTIO_USER = 1, // virtio-user over vhost-net
	EXCEPTION_NONE = 2, // none of ours; `iface` is the NIC's own in the kernel
};

// Where relay-side entries are put when there are several workers.
enum placement {
	PLACEMENT_AUTO = 0, // with their owner where there is a way to know it
	PLACEMENT_EVERY = 1,
	PLACEMENT_OWNER = 2, // or not at all
};

// How a port brings relay ports to their owners (steer.h).
enum steering {
	STEERING_AUTO = 0, // by rules, else by RSS
	STEERING_RULES = 1, // rte_flow rules
	STEERING_RSS = 2, // by the key and table that were given
	STEERING_BITS = 3, // by their lowest bits, which whoever feeds the port's queues sees to
};

struct exception_setting {
	enum exception_kind kind;
	char iface[IF_NAMESIZE];
};

struct settings {
	struct options common;
	uint32_t ports;
	const char *port[PORTS_MAX]; // PCI address or virtual device with its arguments
	uint32_t exceptions; // given; the rest has the default
	struct exception_setting exception[PORTS_MAX];
	uint32_t eal_args;
	char *eal[EAL_ARGS_MAX];
	uint32_t burst; // packets taken from a queue at once, 1 to RELAY_BURST
	uint32_t rx_ring; // descriptors
	uint32_t tx_ring;
	uint32_t mbufs; // in the pool; 0: as many as rings and queues can hold
	uint32_t mtu; // of IP packets; 0: as the port has it
	uint32_t idle_polls; // empty rounds before the first sleep; 0: never sleeps
	uint32_t idle_latency; // microseconds that a sleep may last
	enum placement placement;
	enum steering steering;
	struct rss rss;
	bool huge; // huge pages
	bool check; // only say whether the options are good
};

// As options_parse() (options.h); sentences go to stderr.
enum options_result settings_parse(struct settings *out, int argc, char **argv);
