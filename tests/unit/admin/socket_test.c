// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The control socket when there are more clients than it serves at once.
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../controlplane/admin/socket.h"

#define CROWD (3 * SOCKET_CLIENTS_MAX)
#define TURNS 1000 // of the loop, none of which waits for anything

static struct {
	uv_loop_t loop;
	struct sockaddr_un address; // abstract, of the kernel's choice
	socklen_t length;
	struct admin_socket *socket;
	int crowd[CROWD];
} rig;

static json_t *on_request(void *context, const json_t *request)
{
	(void)context;
	return json_pack("{sb}", "understood", request != NULL);
}

static void turn(void)
{
	uv_run(&rig.loop, UV_RUN_NOWAIT);
}

static int dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	for (int i = 0; connect(fd, (struct sockaddr *)&rig.address, rig.length); i++) {
		cr_assert_eq(errno, EAGAIN);
		cr_assert_lt(i, TURNS);
		turn();
	}
	turn();
	return fd;
}

static void setup(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	rig.address.sun_family = AF_UNIX;
	cr_assert_eq(bind(fd, (struct sockaddr *)&rig.address, sizeof(sa_family_t)), 0);
	rig.length = sizeof(rig.address);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&rig.address, &rig.length), 0);
	cr_assert_eq(uv_loop_init(&rig.loop), 0);
	cr_assert_eq(admin_socket_open(&rig.socket, &rig.loop, fd, on_request, NULL), 0);
}

static void teardown(void)
{
	admin_socket_close(rig.socket);
	for (size_t i = 0; i < CROWD; i++)
		if (rig.crowd[i])
			close(rig.crowd[i]);
	// Everybody has left, so nothing keeps the loop.
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&rig.loop), 0);
}

TestSuite(admin_socket, .init = setup, .fini = teardown);

static void expect_answer(void)
{
	static const char request[] = "{\"command\":\"status\"}\n";
	char answer[100];
	ssize_t n = -1;
	int fd = dial();

	cr_assert_eq(write(fd, request, sizeof(request) - 1), (ssize_t)sizeof(request) - 1);
	for (int i = 0; i < TURNS && n < 0; i++) {
		turn();
		n = read(fd, answer, sizeof(answer));
	}
	cr_assert_gt(n, 0);
	cr_expect_eq(memcmp(answer, "{\"understood\":true}", (size_t)n), 0);
	close(fd);
}

static bool hung_up(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 0;
}

Test(admin_socket, answers_whatever_crowd_says_nothing)
{
	for (size_t i = 0; i < CROWD; i++)
		rig.crowd[i] = dial();
	expect_answer();
	expect_answer();
}

Test(admin_socket, hangs_up_on_the_oldest_alone)
{
	for (size_t i = 0; i < SOCKET_CLIENTS_MAX; i++)
		rig.crowd[i] = dial();
	close(rig.crowd[3]);
	rig.crowd[3] = 0;
	for (int i = 0; i < TURNS; i++)
		turn();
	expect_answer(); // in the free place
	cr_expect(!hung_up(rig.crowd[0]));
	for (int i = 0; i < TURNS; i++)
		turn();
	rig.crowd[3] = dial();
	expect_answer();
	cr_expect(hung_up(rig.crowd[0]));
	for (size_t i = 1; i < SOCKET_CLIENTS_MAX; i++)
		cr_expect(!hung_up(rig.crowd[i]), "%zu", i);
}
