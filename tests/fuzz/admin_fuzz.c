// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The control socket, turnpike-control's end. Input: what a handful of clients do, byte by byte if they like,
// half, never, or too much. Whoever sends a line gets one JSON object, nobody gets two, and whatever they did
// the next client is served.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../controlplane/admin/report.h"
#include "../../controlplane/admin/socket.h"
#include "../../controlplane/link/null.h"

#define CLIENTS 20u // more than are served at once
#define SLOW_NS 3000000000u // a client that is served by then was not hung up on for its slowness
#define SPIN 24 // turns of the loop in which everything is done that can be

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static struct server {
	struct auth *auth;
	uv_loop_t loop;
	struct sockaddr_un address; // abstract, of the kernel's choice
	socklen_t address_length;
	struct admin_socket *socket;
	struct config config;
	struct report report;
	struct null_link below;
} server;

static json_t *on_request(void *context, const json_t *request)
{
	return report_answer(context, request);
}

static int listen_somewhere(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	server.address.sun_family = AF_UNIX;
	check(fd >= 0);
	check(bind(fd, (struct sockaddr *)&server.address, sizeof(sa_family_t)) == 0);
	server.address_length = sizeof(server.address);
	check(getsockname(fd, (struct sockaddr *)&server.address, &server.address_length) == 0);
	return fd;
}

// LeakSanitizer does not look into the memory that its secrets are in.
static void end(void)
{
	auth_destroy(server.auth);
}

// A server without allocations, and no dataplane.
static void serve(void)
{
	static const struct auth_config credentials = {.realm = "example.org"};
	struct tp_relay_address relay = {
		.local = tp_ip4(TP_BE32(0xc0000201)), .public_ = tp_ip4(TP_BE32(0xc0000201))};
	struct turn_config turn = {.table = {.allocations = 4,
					   .port_min = 50000,
					   .port_max = 50007,
					   .relays = &relay,
					   .relays_count = 1},
		.channel_max = TP_CHANNEL_MAX};
	static struct tp_counters counters;
	struct vault vault;

	signal(SIGPIPE, SIG_IGN); // as turnpike-control does
	check(auth_create(&server.auth, &credentials) == 0);
	check(atexit(end) == 0);
	check(null_link_create(&server.below, 16) == 0);
	check(vault_open(&vault, memfd_create("fuzz", MFD_CLOEXEC), 4, tp_peers_for(4)) == 0);
	check(turn_create(&server.report.server, &turn, &vault, server.auth, &server.below.link,
		      &counters) == 0);
	check(shm_link_create(&server.report.link, -1) == 0);
	server.report.config = &server.config;
	check(uv_loop_init(&server.loop) == 0);
	check(admin_socket_open(&server.socket, &server.loop, listen_somewhere(), on_request,
		      &server.report) == 0);
}

struct client {
	int fd; // -1: not connected
	bool ended; // says no more
	size_t sent;
	bool line; // its first SOCKET_REQUEST_MAX bytes end a line
	size_t length;
	char answer[16384];
};

static struct client clients[CLIENTS];
static unsigned int connected; // by this input, those who have left among them

static void turn(void)
{
	uv_run(&server.loop, UV_RUN_NOWAIT);
}

static void connect_client(struct client *c)
{
	*c = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
	check(c->fd >= 0);
	// A full backlog: this one comes too late.
	if (connect(c->fd, (struct sockaddr *)&server.address, server.address_length) < 0) {
		close(c->fd);
		c->fd = -1;
	}
	connected++;
}

static void say(struct client *c, const uint8_t *data, size_t n)
{
	ssize_t sent = c->ended ? -1 : send(c->fd, data, n, MSG_NOSIGNAL);

	for (ssize_t i = 0; i < sent; i++)
		if (c->sent++ < SOCKET_REQUEST_MAX && data[i] == '\n')
			c->line = true;
}

static void hear(struct client *c)
{
	ssize_t n = read(c->fd, c->answer + c->length, sizeof(c->answer) - c->length);

	if (n > 0)
		c->length += (size_t)n;
	check(c->length < sizeof(c->answer));
}

static void leave(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void check_answer(const struct client *c)
{
	json_t *o = json_loadb(c->answer, c->length, 0, NULL);

	check(json_is_object(o));
	json_decref(o);
}

// When nothing is left to do: who asked has been answered, and nobody else.
static void settle(void)
{
	for (int i = 0; i < SPIN; i++) {
		turn();
		for (struct client *c = clients; c < clients + CLIENTS; c++)
			if (c->fd >= 0)
				hear(c);
	}
}

// Whether the machine kept us from serving for so long that clients may have run out of time.
static bool was_slow(uint64_t began)
{
	return uv_hrtime() - began > SLOW_NS;
}

static void check_clients(uint64_t began)
{
	for (struct client *c = clients; c < clients + CLIENTS; c++) {
		if (c->fd < 0)
			continue;
		if (c->length)
			check_answer(c);
		check(!c->length || c->line);
		// For one too many the oldest is hung up on, whatever it is about to say.
		check(c->length || !c->line || connected > SOCKET_CLIENTS_MAX || was_slow(began));
	}
}

static void probe(void)
{
	static const uint8_t line[] = "{\"command\":\"status\"}\n";
	struct client *c = &clients[0];
	uint64_t began = uv_hrtime();

	connect_client(c);
	check(c->fd >= 0);
	say(c, line, sizeof(line) - 1);
	settle();
	check(c->length || was_slow(began));
	if (c->length)
		check_answer(c);
	leave(c);
	settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { CONNECT, SAY, END, LEAVE, TURN, ACTIONS };
	uint64_t began = uv_hrtime();
	size_t n;

	if (size > 16384)
		return 0;
	if (!server.socket)
		serve();
	for (size_t i = 0; i < CLIENTS; i++)
		clients[i].fd = -1;
	connected = 0;
	while (size >= 2) {
		struct client *c = &clients[data[0] % CLIENTS];
		unsigned int action = data[1] % ACTIONS;

		n = data[1] / ACTIONS;
		data += 2;
		size -= 2;
		n = n < size ? n : size;
		if (c->fd < 0 && action != TURN)
			connect_client(c);
		if (c->fd < 0)
			continue;
		if (action == SAY) {
			say(c, data, n);
			data += n;
			size -= n;
		} else if (action == END) {
			c->ended = true;
			shutdown(c->fd, SHUT_WR);
		} else if (action == LEAVE) {
			leave(c);
		} else if (action == TURN) {
			turn();
		}
	}
	settle();
	check_clients(began);
	for (size_t i = 0; i < CLIENTS; i++)
		leave(&clients[i]);
	settle();
	probe();
	return 0;
}
