// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Strangers: as many frames as an interface takes, with sources drawn from 10.0.0.0/8, past the kernel's queues.
// For the harness alone: it floods whatever the wire leads to, so the wire should lead into a namespace.
//
//   flood INTERFACE MAC SERVER PORT bare|garbage|ports SECONDS
//
// bare: an Allocate request of 28 bytes without credentials, as browsers begin with. garbage: random bytes.
// ports: data to random ports of the server's address, 49152 and up. At the end: {"sent": N, "pps": N}.

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <turnpike/ip.h>
#include <turnpike/wire.h>

#include "../../dataplane/frame/frame.h"
#include "figure.h"

#define FRAMES 4096u // made before the clock starts, sent over and over
#define BATCH 64u
#define PAYLOAD 172u
#define ROOM 128u // before a payload

struct flood {
	int fd;
	uint8_t mac[6];
	struct tp_endpoint server;
	uint8_t buffer[FRAMES][ROOM + PAYLOAD];
	struct iovec part[FRAMES];
	struct mmsghdr message[FRAMES];
};

static void fail(const char *what)
{
	fprintf(stderr, "flood: %s\n", what);
	exit(1);
}

static uint32_t random32(void)
{
	uint32_t v;

	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		fail("no randomness");
	return v;
}

static uint32_t put_payload(uint8_t *b, const char *kind)
{
	if (getrandom(b, PAYLOAD, 0) != PAYLOAD)
		fail("no randomness");
	if (strcmp(kind, "bare") != 0)
		return PAYLOAD;
	tp_put32(b, (uint32_t)TP_STUN_ALLOCATE << 16 | 8);
	tp_put32(b + 4, TP_STUN_COOKIE);
	tp_put32(b + 20, TP_ATTR_REQUESTED_TRANSPORT << 16 | 4);
	tp_put32(b + 24, TP_PROTO_UDP << 24);
	return 28;
}

static void make(struct flood *f, uint32_t i, const char *kind)
{
	uint8_t *payload = f->buffer[i] + ROOM, *frame;
	uint32_t length = put_payload(payload, kind);
	struct frame_send send = {.dont_fragment = true, .l2_length = TP_ETHERNET_HEADER};

	send.source = (struct tp_endpoint){
		.ip = tp_ip4(TP_BE32(0x0a000000u | (random32() & 0xffffff))),
		.port = (uint16_t)(1024 + random32() % 64000)};
	send.destination = f->server;
	if (!strcmp(kind, "ports"))
		send.destination.port = (uint16_t)(49152 + random32() % 16384);
	memcpy(send.l2, f->mac, sizeof(f->mac));
	send.l2[6] = 2; // a local address
	frame = frame_build(payload, length, &send);
	if (!frame)
		fail("a frame was not built");
	f->part[i] = (struct iovec){frame, (size_t)(payload + length - frame)};
	f->message[i].msg_hdr = (struct msghdr){.msg_iov = &f->part[i], .msg_iovlen = 1};
}

static void open_interface(struct flood *f, const char *name)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
	int one = 1;

	f->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (f->fd < 0 || !to.sll_ifindex || bind(f->fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		setsockopt(f->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		fail("it can't send there: is the interface right, and is this root?");
}

static bool parse(struct flood *f, char **argv)
{
	struct in_addr server;

	if (sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &f->mac[0], &f->mac[1], &f->mac[2],
		    &f->mac[3], &f->mac[4], &f->mac[5]) != 6 ||
		inet_pton(AF_INET, argv[3], &server) != 1)
		return false;
	f->server = (struct tp_endpoint){
		.ip = tp_ip4(server.s_addr), .port = (uint16_t)atoi(argv[4])};
	return !strcmp(argv[5], "bare") || !strcmp(argv[5], "garbage") || !strcmp(argv[5], "ports");
}

static void run(struct flood *f, double seconds)
{
	double begin = now_ns(), end = begin + seconds * 1e9, now = begin;
	uint64_t sent = 0;

	for (uint32_t i = 0; now < end; i = (i + BATCH) % FRAMES, now = now_ns()) {
		int n = sendmmsg(f->fd, f->message + i, BATCH, MSG_DONTWAIT);

		if (n > 0)
			sent += (uint32_t)n;
		else if (n < 0 && errno != ENOBUFS && errno != EAGAIN)
			fail("the interface takes nothing");
	}
	printf("{\"sent\": %llu, \"pps\": %.0f}\n", (unsigned long long)sent,
		(double)sent / (now - begin) * 1e9);
}

int main(int argc, char **argv)
{
	static struct flood flood;

	if (argc != 7 || !parse(&flood, argv)) {
		fprintf(stderr,
			"usage: flood INTERFACE MAC SERVER PORT bare|garbage|ports SECONDS\n");
		return 2;
	}
	open_interface(&flood, argv[1]);
	for (uint32_t i = 0; i < FRAMES; i++)
		make(&flood, i, argv[5]);
	run(&flood, atof(argv[6]));
	return 0;
}
