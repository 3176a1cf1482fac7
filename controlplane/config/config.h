// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The configuration: read from YAML through libcyaml, checked as a whole. What is in a struct config has
// been checked; nothing starts from a configuration with an error in it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <turnpike/addr.h>

struct config_cidr {
	struct tp_ip ip; // host bits zero
	uint8_t bits; // of the 128 of the mapped form: an IPv4 /8 is 104
};

struct config_external {
	struct tp_ip public_;
	struct tp_ip local;
};

struct config_user {
	char *name;
	char *password; // NULL: one or both of the keys
	char *key; // 32 hex digits: MD5(name ":" realm ":" password)
	char *key_sha256; // 64 hex digits: SHA-256 of the same
};

// Servers that take over: new allocations are sent there (RFC 8489 section 10).
struct config_redirect {
	struct tp_endpoint *servers;
	size_t servers_count; // 0: no redirection
	char *domain; // their certificate's name; empty: ours
};

enum config_dataplane {
	CONFIG_DATAPLANE_AUTO, // XDP where an interface takes it, else sockets
	CONFIG_DATAPLANE_XDP,
	CONFIG_DATAPLANE_SOCKETS,
	CONFIG_DATAPLANE_DPDK,
};

// Where in the kernel the XDP program runs.
enum config_xdp_mode {
	CONFIG_XDP_AUTO, // native, else generic
	CONFIG_XDP_NATIVE, // in the driver
	CONFIG_XDP_GENERIC, // before the network stack
};

#define CONFIG_XDP_INTERFACES_MAX 8u

struct config_xdp {
	bool given; // the file has such a section
	char **interfaces; // none: those that hold the addresses of `listen` and `relay`
	size_t interfaces_count;
	enum config_xdp_mode mode;
};

// How what isn't TURN's gets from a DPDK port to the kernel and back.
enum config_exception {
	CONFIG_EXCEPTION_TAP,
	CONFIG_EXCEPTION_VIRTIO_USER,
	CONFIG_EXCEPTION_NONE, // not at all: the port's kernel driver sees to it, or nobody
};

// Which workers know a relay port, with dpdk.
enum config_placement {
	CONFIG_PLACEMENT_AUTO, // its owner where that is known, else all
	CONFIG_PLACEMENT_EVERY,
	CONFIG_PLACEMENT_OWNER, // the one that its ports bring it to
};

// How dpdk's ports bring relay ports to their owners.
enum config_steering {
	CONFIG_STEERING_AUTO, // by rules, else by RSS
	CONFIG_STEERING_RULES, // rte_flow
	CONFIG_STEERING_RSS, // by the key and table below
	CONFIG_STEERING_BITS, // by lowest bits, as whoever feeds the queues sees to
};

// What RSS hashes.
enum config_rss_hash {
	CONFIG_RSS_4_TUPLE,
	CONFIG_RSS_DESTINATION, // address and port
	CONFIG_RSS_DESTINATION_PORT,
};

#define CONFIG_RSS_TABLE_MAX 512u
#define CONFIG_EAL_MAX 32u
#define CONFIG_DPDK_PORTS_MAX 8u
#define CONFIG_BURST_MAX 64u

struct config_dpdk {
	bool given; // the file has such a section
	char **eal; // arguments of DPDK's environment abstraction layer
	size_t eal_count;
	char **ports; // PCI addresses or virtual devices, with their arguments
	size_t ports_count;
	enum config_exception exception;
	char **interfaces; // the kernel's side of each port; the program names the rest
	size_t interfaces_count;
	uint32_t burst; // packets
	uint32_t rx_ring; // descriptors of each queue
	uint32_t tx_ring;
	uint32_t mbufs; // packet buffers in all; 0: as many as can be in use
	bool huge_pages;
	uint32_t mtu; // of IP packets; 0: as the ports have it
	uint32_t idle_polls; // empty polls in a row before a worker sleeps; 0: never
	uint32_t idle_latency; // microseconds that a sleep lasts at most
	enum config_placement placement;
	enum config_steering steering;
	char *rss_key; // hex digits; NULL: none
	enum config_rss_hash rss_hash;
	uint8_t rss_table[CONFIG_RSS_TABLE_MAX]; // queues
	uint32_t rss_table_count; // 0: queue after queue
};

struct config_limits {
	uint32_t allocations; // in total; also what memory is taken for
	uint32_t allocations_per_user; // 0: no limit
	uint32_t allocations_per_address; // 0: no limit
	uint32_t unauthenticated_per_second; // 0: no limit
	uint32_t network_unauthenticated_per_second; // 0: no limit
	uint32_t permissions_per_allocation; // 0: no limit
	uint32_t channels_per_allocation; // 0: no limit
	uint32_t permissions_per_user; // 0: no limit
	uint32_t channels_per_user; // 0: no limit
	uint32_t new_peers_per_second; // of an allocation; 0: no limit
	uint32_t user_new_peers_per_second; // 0: no limit
	uint32_t packets_per_second; // of an allocation, in each direction; 0: no limit
	uint64_t bits_per_second;
	// Not given: where XDP relays there is no such limit.
	bool packets_per_second_spared, bits_per_second_spared;
	uint32_t user_packets_per_second;
	uint64_t user_bits_per_second;
};

// Who was given which address, and whom they may reach (RFC 8656 section 21.3.2).
struct config_abuse_log {
	char *file; // NULL: none is written
	uint64_t max_size; // bytes, after which another one is begun
	uint32_t files; // former ones that are kept, numbered from 1
	uint32_t per_second; // lines
};

// As whom the programs run when root starts them; NULL: the host's usual names for it (launch/users.c).
struct config_run_as {
	char *control, *dataplane; // users
	char *operators; // a group
};

struct config {
	struct tp_endpoint *listen; // wildcards expanded to the host's addresses
	size_t listen_count;
	struct tp_ip *relay;
	size_t relay_count;
	struct config_external *external;
	size_t external_count;
	struct config_cidr *allow_peers;
	size_t allow_peers_count;
	struct config_cidr *deny_peers;
	size_t deny_peers_count;
	struct config_user *users;
	size_t users_count;
	char **secrets;
	size_t secrets_count;
	uint16_t port_min, port_max;
	char *realm;
	char *software; // SOFTWARE attribute; empty: none
	char *control_socket;
	enum config_dataplane dataplane;
	uint32_t workers; // 0 in the file means one per core (dpdk: but one); resolved here
	struct config_dpdk dpdk;
	struct config_xdp xdp;
	bool raw_sending; // turnpike-kernel sends by packet sockets where XDP does not relay
	struct config_limits limits;
	struct config_redirect redirect;
	struct config_abuse_log abuse_log;
	struct config_run_as run_as;
	uint32_t channel_max; // TP_CHANNEL_MAX or TP_CHANNEL_MAX_5766
	bool nat_discovery; // RFC 5780; `listen` has what that takes
	bool mobility_forbidden; // 405 for who asks for a ticket (RFC 8016)
};

// As they are written in the file.
const char *config_dataplane_name(enum config_dataplane dataplane);
const char *config_exception_name(enum config_exception exception);
const char *config_placement_name(enum config_placement placement);
const char *config_steering_name(enum config_steering steering);
const char *config_rss_hash_name(enum config_rss_hash hash);
const char *config_xdp_mode_name(enum config_xdp_mode mode);
// Whether it is turnpike-kernel that relays, and may use XDP.
bool config_uses_xdp(const struct config *config);

// Loads and checks. On error prints sentences to `errors`, each with file, key and line (cross-field
// checks name the keys), never a secret, and returns a negative errno with *out NULL. The caller owns
// *out until config_free(), which wipes secrets and takes NULL.
int config_load(struct config **out, const char *path, FILE *errors);
// The same from memory; `name` stands for the file in messages.
int config_parse(
	struct config **out, const char *yaml, size_t length, const char *name, FILE *errors);
void config_free(struct config *config);
// Wipes passwords, keys and secrets once they have been made into what verifies: none is left then.
void config_forget_secrets(struct config *config);

// Warnings about the host, one sentence each to `warnings`: the relay range overlaps the kernel's
// ephemeral ports, descriptors won't do for the configured allocations, ... Returns their number.
int config_warn(const struct config *config, FILE *warnings);
