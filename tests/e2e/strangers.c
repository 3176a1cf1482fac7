// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Strangers, of whom no two have the same address: the n-th frame comes from an address of 10.0.0.0/8 of its
// own, until all 16,777,216 have been. They leave by a packet socket, past the sender's queues.
//
//   strangers INTERFACE MAC SERVER PORT
//
// Each line that is read says how many frames are to be sent now, as fast as the interface takes them; when
// they have left, a line goes out with how many have left in all: {"sent": N}. Ends with its input.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <turnpike/ip.h>
#include <turnpike/wire.h>

#include <frame.h>

enum {
	BATCH = 64,
	ROOM = 64, // for the headers
	PAYLOAD_MAX_ = 128,
	KINDS = 8,
};

// What strangers send, five requests of eight: 28 bytes of Allocate as browsers begin with, the others without
// credentials or with ones that nobody has, and then what no stranger may.
struct kind {
	uint8_t bytes[PAYLOAD_MAX_];
	uint32_t length;
};

struct strangers {
	int fd;
	uint8_t mac[6];
	struct tp_endpoint server;
	struct kind kind[KINDS];
	uint64_t sent;
	uint8_t buffer[BATCH][ROOM + PAYLOAD_MAX_];
	struct iovec part[BATCH];
	struct mmsghdr message[BATCH];
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "strangers: %s (%s)\n", what, strerror(errno));
	exit(1);
}

static void put(struct kind *k, const void *bytes, uint32_t length)
{
	memcpy(k->bytes + k->length, bytes, length);
	k->length += length;
}

static void put_attribute(struct kind *k, uint16_t type, const void *bytes, uint16_t length)
{
	static const uint8_t zero[4];
	uint8_t header[4];

	tp_put32(header, (uint32_t)type << 16 | length);
	put(k, header, sizeof(header));
	put(k, bytes, length);
	put(k, zero, tp_pad4(length));
	tp_put32(k->bytes, (uint32_t)(k->bytes[0] << 8 | k->bytes[1]) << 16 | (k->length - 20));
}

static struct kind stun(uint16_t type)
{
	struct kind k = {.length = 20};

	tp_put32(k.bytes, (uint32_t)type << 16);
	tp_put32(k.bytes + 4, TP_STUN_COOKIE);
	return k;
}

static void make_kinds(struct kind kind[KINDS])
{
	static const uint8_t udp[4] = {TP_PROTO_UDP},
			     peer[8] = {0, 1, 0x21, 0x12, 0xe1, 0xba, 0xd3, 0x43},
			     integrity[20] = {1}, channel[36] = {0x40, 0, 0, 32},
			     other[32] = {0xff};

	kind[0] = stun(TP_STUN_ALLOCATE);
	put_attribute(&kind[0], TP_ATTR_REQUESTED_TRANSPORT, udp, sizeof(udp));
	kind[1] = stun(TP_STUN_BINDING);
	kind[2] = stun(TP_STUN_REFRESH);
	put_attribute(&kind[2], TP_ATTR_USERNAME, "nobody", 6);
	put_attribute(&kind[2], TP_ATTR_REALM, "nowhere", 7);
	put_attribute(&kind[2], TP_ATTR_NONCE, "never", 5);
	put_attribute(&kind[2], TP_ATTR_MESSAGE_INTEGRITY, integrity, sizeof(integrity));
	put(&kind[3], channel, sizeof(channel));
	kind[4] = stun(TP_STUN_CREATE_PERMISSION);
	put_attribute(&kind[4], TP_ATTR_XOR_PEER_ADDRESS, peer, sizeof(peer));
	kind[5] = stun(TP_STUN_TYPE_SEND);
	put_attribute(&kind[5], TP_ATTR_XOR_PEER_ADDRESS, peer, sizeof(peer));
	put_attribute(&kind[5], TP_ATTR_DATA, "data", 4);
	kind[6] = kind[0];
	put(&kind[7], other, sizeof(other));
}

// The n-th frame. An odd factor visits each of the 2^24 addresses once.
static void make(struct strangers *s, uint32_t i, uint64_t n)
{
	const struct kind *k = &s->kind[n % KINDS];
	uint8_t *payload = s->buffer[i] + ROOM, *frame;
	struct frame_send send = {.dont_fragment = true, .l2_length = TP_ETHERNET_HEADER};
	uint32_t host = (uint32_t)(n * 0x9e3779b1u) & 0xffffff;

	send.source = (struct tp_endpoint){.ip = tp_ip4(TP_BE32(0x0a000000u | host)),
		.port = (uint16_t)(1024 + n * 40503u % 64000)};
	send.destination = s->server;
	memcpy(send.l2, s->mac, sizeof(s->mac));
	send.l2[6] = 2; // a local address
	memcpy(payload, k->bytes, k->length);
	if (k->bytes[0] < 4)
		memcpy(payload + 8, &n, sizeof(n)); // of the transaction ID
	frame = frame_build(payload, k->length, &send);
	if (!frame)
		fail("a frame was not built");
	s->part[i] = (struct iovec){frame, (size_t)(payload + k->length - frame)};
	s->message[i].msg_hdr = (struct msghdr){.msg_iov = &s->part[i], .msg_iovlen = 1};
}

static void send_some(struct strangers *s, uint64_t count)
{
	struct pollfd room = {.fd = s->fd, .events = POLLOUT};
	uint32_t made = 0, gone = 0;

	for (uint64_t left = count; left;) {
		int n;

		if (gone == made) {
			gone = 0;
			for (made = 0; made < BATCH && made < left; made++)
				make(s, made, s->sent + made);
		}
		n = sendmmsg(s->fd, s->message + gone, made - gone, 0);
		if (n < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			fail("the interface takes nothing");
		if (n < 0) {
			poll(&room, 1, 1);
			continue;
		}
		gone += (uint32_t)n;
		left -= (uint32_t)n;
		s->sent += (uint32_t)n;
	}
}

static void open_interface(struct strangers *s, const char *name)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
	int one = 1;

	// Of protocol 0: nothing that arrives is queued here.
	s->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (s->fd < 0 || !to.sll_ifindex || bind(s->fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		setsockopt(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		fail("it can't send there");
}

int main(int argc, char **argv)
{
	static struct strangers s;
	struct in_addr server;
	char line[64];

	if (argc != 5 ||
		sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &s.mac[0], &s.mac[1], &s.mac[2],
			&s.mac[3], &s.mac[4], &s.mac[5]) != 6 ||
		inet_pton(AF_INET, argv[3], &server) != 1) {
		fprintf(stderr, "usage: strangers INTERFACE MAC SERVER PORT\n");
		return 2;
	}
	s.server = (struct tp_endpoint){
		.ip = tp_ip4(server.s_addr), .port = (uint16_t)strtoul(argv[4], NULL, 10)};
	make_kinds(s.kind);
	open_interface(&s, argv[1]);
	while (fgets(line, sizeof(line), stdin)) {
		send_some(&s, strtoull(line, NULL, 10));
		printf("{\"sent\": %llu}\n", (unsigned long long)s.sent);
		fflush(stdout);
	}
	return 0;
}
