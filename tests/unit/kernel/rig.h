// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A turnpike-kernel of its own for a test, and a control plane in the test's process that drives
// it. Every wait is bounded: what doesn't come within RIG_WAIT_MS fails the test.
#pragma once

#include <sys/types.h>

#include <turnpike/attach.h>
#include <turnpike/wire.h>

#define RIG_WAIT_MS 5000
#define RIG_OPTIONS_MAX 32u
#define RIG_SERVER4 0u // indices of the addresses that rig_start() publishes
#define RIG_SERVER6 1u
#define RIG_RELAY4 0u
#define RIG_RELAY6 1u

struct rig {
	char directory[32];
	char path[64]; // of the link's socket
	pid_t child;
	int errors; // the child's stderr
	int listening; // the link's socket
	int connection; // -1: detached
	uint32_t workers;
	uint32_t generation;
	struct tp_endpoint server[2];
	struct tp_ip relay[2]; // as clients know them
	struct tp_ip relay_local[2]; // as sockets see them
	struct tp_ip peer[2]; // where peers may be, by family as `relay`
	struct tp_mapping theirs;
	const struct tp_dataplane_segment *plane; // theirs.base
	int bell[TP_WORKERS_MAX];
	int doorbell;
	int own_fd;
	struct tp_mapping ours;
	struct tp_control_segment *control; // ours.base
	struct tp_producer commands[TP_WORKERS_MAX];
	struct tp_consumer results[TP_WORKERS_MAX];
	struct tp_consumer punts[TP_WORKERS_MAX];
	uint32_t rung[TP_WORKERS_MAX];
	uint64_t sequence;
};

// Starts the program on IPv4 and IPv6 loopback addresses, attaches, and waits until every worker is
// served. `public4`: the external form of the IPv4 relay address, NULL: none.
void rig_start(struct rig *rig, uint32_t workers, const char *public4);

// As rig_start(), without waiting for the program to attach.
void rig_launch(struct rig *rig, uint32_t workers, const char *public4);

// Starts the program with these options besides link and workers, NULL behind them, in the network that the test is in.
void rig_launch_with(struct rig *rig, uint32_t workers, char *const options[]);
// Attaches, and waits until every worker is served.
void rig_serve(struct rig *rig);

// Takes the program's next hello and welcomes it. rig_detach() lets go, as a dying control plane
// does.
void rig_attach(struct rig *rig);
void rig_detach(struct rig *rig);

// Ends the program by SIGTERM, requires exit status 0 and that every worker's counters add up.
void rig_stop(struct rig *rig);

// Waits until the sum of counter `which` over all workers is `value`.
void rig_expect(struct rig *rig, enum tp_counter which, uint64_t value);
uint64_t rig_counter(const struct rig *rig, enum tp_counter which);

// Pushes a record as it is; rig_ring() shows what was pushed.
void rig_push(struct rig *rig, uint32_t worker, uint32_t kind, const void *bytes, uint32_t length);
void rig_ring(struct rig *rig, uint32_t worker);

// The next result of a worker, or the next punt and its bytes.
struct tp_result rig_result(struct rig *rig, uint32_t worker);
struct tp_punt rig_punt(struct rig *rig, uint32_t worker, uint8_t bytes[TP_PUNT_MAX]);

// The next record among the punts is this arrival.
void rig_expect_arrival(struct rig *rig, uint32_t worker, const struct tp_arrival *arrival);

// Pushes a command, waits for its result and returns the status. Sequence, generation and expiry
// are filled in.
enum tp_status rig_command(struct rig *rig, uint32_t worker, struct tp_command command);

// A client and its allocation.
struct client {
	int fd;
	uint32_t worker;
	uint32_t slot;
	struct tp_endpoint endpoint; // its own
	struct tp_endpoint relayed; // as it was told
};

// A client of server `server` on `worker`, with an allocation on relay address `relay`, at a free
// port.
struct client rig_client(
	struct rig *rig, uint32_t worker, uint32_t slot, uint8_t server, uint8_t relay);
// Gives a client another socket, over IPv4, at an address that is that worker's. The former one stays open.
void rig_leave_home(const struct rig *rig, struct client *c, uint32_t worker);
enum tp_status rig_permit(struct rig *rig, const struct client *c, const struct tp_endpoint *peer);
enum tp_status rig_bind(
	struct rig *rig, const struct client *c, const struct tp_endpoint *peer, uint16_t channel);

// A socket at `ip`, on a port of the kernel's choosing, that tells TTL and TOS; `out` is its
// endpoint.
int socket_at(const struct tp_ip *ip, struct tp_endpoint *out);
uint16_t free_port(const struct tp_ip *ip);
struct tp_ip ip_of(const char *text);
void send_to(int fd, const struct tp_endpoint *to, const void *bytes, size_t length);

// Sends a client's bytes to its server.
void client_send(struct rig *rig, const struct client *c, const void *bytes, size_t length);

// What arrived.
struct packet {
	uint8_t bytes[65536];
	size_t length;
	struct tp_endpoint from;
	int ttl;
	int tos;
};
void receive(int fd, struct packet *out);

// Requires that the next datagram is exactly these bytes.
void expect_bytes(int fd, const void *bytes, size_t length);
// Requires that nothing has arrived.
void expect_silence(int fd);

// ChannelData; returns its length.
size_t channel_data(uint8_t *out, uint16_t channel, const void *bytes, size_t length);
// A Send indication (TP_STUN_TYPE_SEND) or Data indication (TP_STUN_TYPE_DATA) with transaction ID
// `tid`.
size_t indication(uint8_t *out, uint16_t type, const uint8_t *tid, const struct tp_endpoint *peer,
	const void *bytes, size_t length, bool dont_fragment);
