// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Handing descriptors over. Whatever arrives, a refused greeting leaves no descriptor behind.
#include "attach_fixture.h"

#define FDS (TP_WORKERS_MAX + 1)

struct pair {
	int sock[2];
	int file[3]; // a segment and two doorbells
	int descriptors; // open when all of this is
};

static void pair_open(struct pair *p)
{
	struct tp_header h = dataplane_header(2);
	struct tp_mapping m = {0};

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->sock), 0);
	p->file[0] = segment_with(h, h.size, &m);
	tp_unmap(&m);
	cr_assert_eq(tp_bell_make(p->file + 1), 0);
	p->descriptors = open_descriptors();
}

// Sends any bytes with any descriptors.
static void send_raw(int sock, const void *bytes, size_t length, const int *fds, uint32_t n)
{
	_Alignas(struct cmsghdr) char buf[CMSG_SPACE(sizeof(int) * 250)] = {0};
	struct iovec iov = {(void *)bytes, length};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (n) {
		msg.msg_control = buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	}
	cr_assert_eq(sendmsg(sock, &msg, 0), (ssize_t)length);
}

static void expect_refused(struct pair *p, uint32_t max, int error)
{
	int fds[FDS];
	uint32_t n = 99;

	cr_assert_eq(tp_greeting_receive(p->sock[1], TP_HELLO_MAGIC, fds, max, &n), error);
	cr_assert_eq(n, 0);
	cr_assert_eq(open_descriptors(), p->descriptors);
}

Test(greeting, a_hello_brings_a_segment_and_a_doorbell_for_each_worker)
{
	struct pair p;
	int fds[FDS];
	uint32_t n = 0;
	char ring = 1;

	pair_open(&p);
	cr_assert_eq(tp_greeting_send(p.sock[0], TP_HELLO_MAGIC, 2, p.file, 3), 0);
	cr_assert_eq(tp_greeting_receive(p.sock[1], TP_HELLO_MAGIC, fds, FDS, &n), 2);
	cr_assert_eq(n, 3);
	cr_assert_eq(open_descriptors(), p.descriptors + 3);
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
	cr_assert_eq(send(fds[2], &ring, sizeof(ring), 0), 1);
	cr_assert_eq(tp_bell_silence(p.file[1]), 1);
}

Test(greeting, a_welcome_brings_a_segment_and_one_doorbell_however_many_the_workers)
{
	struct pair p;
	int fds[2];
	uint32_t n = 0;

	pair_open(&p);
	cr_assert_eq(tp_greeting_send(p.sock[0], TP_WELCOME_MAGIC, 64, p.file, 2), 0);
	cr_assert_eq(tp_greeting_receive(p.sock[1], TP_WELCOME_MAGIC, fds, 2, &n), 64);
	cr_assert_eq(n, 2);
}

Test(greeting, the_most_workers_there_may_be_fit_one_greeting)
{
	struct pair p;
	int fds[FDS];
	int send[FDS];
	uint32_t n = 0;

	pair_open(&p);
	for (uint32_t i = 0; i < FDS; i++)
		send[i] = p.file[i != 0];
	cr_assert_eq(tp_greeting_send(p.sock[0], TP_HELLO_MAGIC, TP_WORKERS_MAX, send, FDS), 0);
	cr_assert_eq(tp_greeting_receive(p.sock[1], TP_HELLO_MAGIC, fds, FDS, &n), TP_WORKERS_MAX);
	cr_assert_eq(n, FDS);
	cr_assert_eq(tp_greeting_send(p.sock[0], TP_HELLO_MAGIC, 1, send, 0), -EINVAL);
	cr_assert_eq(tp_greeting_send(p.sock[0], TP_HELLO_MAGIC, 1, send, FDS + 1), -EINVAL);
}

Test(greeting, a_message_that_is_no_greeting_of_this_kind_is_refused)
{
	const struct tp_greeting good = {.magic = TP_HELLO_MAGIC, .abi = TP_ABI, .workers = 2};
	struct tp_greeting bad[] = {good, good, good, good, good};
	uint8_t longer[sizeof(good) + 1] = {0};
	struct pair p;

	bad[0].magic = TP_WELCOME_MAGIC;
	bad[1].abi = TP_ABI + 1;
	bad[2].workers = 0;
	bad[3].workers = TP_WORKERS_MAX + 1;
	bad[4].workers = UINT32_MAX;
	pair_open(&p);
	for (uint32_t i = 0; i < 5; i++) {
		send_raw(p.sock[0], &bad[i], sizeof(bad[i]), p.file, 3);
		expect_refused(&p, FDS, -EPROTO);
	}
	send_raw(p.sock[0], &good, sizeof(good) - 1, p.file, 3);
	expect_refused(&p, FDS, -EPROTO);
	memcpy(longer, &good, sizeof(good));
	send_raw(p.sock[0], longer, sizeof(longer), p.file, 3);
	expect_refused(&p, FDS, -EPROTO);
	send_raw(p.sock[0], &good, 0, p.file, 3);
	expect_refused(&p, FDS, -ECONNRESET);
}

Test(greeting, too_few_or_too_many_descriptors_are_refused_and_closed)
{
	const struct tp_greeting hello = {.magic = TP_HELLO_MAGIC, .abi = TP_ABI, .workers = 2};
	int many[200];
	struct pair p;

	pair_open(&p);
	for (uint32_t i = 0; i < 200; i++)
		many[i] = p.file[i != 0];
	send_raw(p.sock[0], &hello, sizeof(hello), NULL, 0);
	expect_refused(&p, FDS, -EPROTO);
	for (uint32_t n = 1; n <= 200; n++) {
		if (n == 3)
			continue;
		send_raw(p.sock[0], &hello, sizeof(hello), many, n);
		expect_refused(&p, FDS, -EPROTO);
	}
	send_raw(p.sock[0], &hello, sizeof(hello), many, 3);
	expect_refused(&p, 2, -EPROTO);
}

// To send to another kind of socket may take as long as its other users like.
Test(greeting, a_doorbell_that_is_no_datagram_socket_of_this_host_is_refused)
{
	int bad[4];
	struct pair p;

	pair_open(&p);
	bad[0] = p.file[0];
	bad[1] = eventfd(0, EFD_CLOEXEC);
	bad[2] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bad[3] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	p.descriptors += 3;
	for (uint32_t i = 0; i < 4; i++) {
		cr_assert_geq(bad[i], 0);
		cr_assert_eq(tp_greeting_send(p.sock[0], TP_HELLO_MAGIC, 2,
				     (int[]){p.file[0], p.file[1], bad[i]}, 3),
			0);
		expect_refused(&p, FDS, -EPROTO);
	}
}

Test(greeting, an_end_of_the_connection_and_an_empty_socket_are_told_apart)
{
	struct pair p;

	pair_open(&p);
	cr_assert_eq(fcntl(p.sock[1], F_SETFL, O_NONBLOCK), 0);
	expect_refused(&p, FDS, -EAGAIN);
	close(p.sock[0]);
	p.descriptors--;
	expect_refused(&p, FDS, -ECONNRESET);
	cr_assert_eq(tp_greeting_send(p.sock[1], TP_WELCOME_MAGIC, 1, p.file, 2), -EPIPE);
}
