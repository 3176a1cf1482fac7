// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "steer.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

// The kernel runs the program with the data at the UDP payload; the network header is reached
// through SKF_NET_OFF, whatever lies in between.
#define NET(offset) ((uint32_t)(SKF_NET_OFF + (offset)))

#define IPV4_SOURCE 12
#define IPV6_PAYLOAD_LENGTH 4
#define IPV6_NEXT_HEADER 6
#define IPV6_SOURCE 8
#define IPV6_HEADER 40u
#define UDP_HEADER 8u

// Leaves the source port's offset from the network header in X. IPv4's header length is in its
// first byte.
static unsigned int port_offset_ipv4(struct sock_filter *p)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NET(0)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x0f),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
	};

	memcpy(p, code, sizeof(code));
	return sizeof(code) / sizeof(code[0]);
}

// IPv6's UDP header follows the IPv6 header at once, or is found from the end: extension headers
// are what the packet holds besides UDP header and payload.
static unsigned int port_offset_ipv6(struct sock_filter *p)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LDX | BPF_IMM, IPV6_HEADER),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NET(IPV6_NEXT_HEADER)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 5, 0),
		BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, NET(IPV6_PAYLOAD_LENGTH)),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, IPV6_HEADER - UDP_HEADER),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
	};

	memcpy(p, code, sizeof(code));
	return sizeof(code) / sizeof(code[0]);
}

unsigned int steer_program(
	struct sock_filter out[STEER_MAX], enum tp_family family, uint32_t workers)
{
	unsigned int n = family == TP_IPV4 ? port_offset_ipv4(out) : port_offset_ipv6(out);
	unsigned int words = family == TP_IPV4 ? 1 : 4;
	uint32_t source = family == TP_IPV4 ? IPV4_SOURCE : IPV6_SOURCE;

	// h = the words of the address and the port, exclusive or.
	out[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_IND, NET(0));
	for (unsigned int i = 0; i < words; i++) {
		out[n++] = (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0);
		out[n++] = (struct sock_filter)BPF_STMT(
			BPF_LD | BPF_W | BPF_ABS, NET(source + 4 * i));
		out[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0);
	}
	out[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1u);
	out[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16);
	out[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers);
	out[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	return n;
}

int steer_attach(int fd, enum tp_family family, uint32_t workers)
{
	struct sock_filter code[STEER_MAX];
	struct sock_fprog program = {.filter = code};

	program.len = (unsigned short)steer_program(code, family, workers);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0)
		return -errno;
	return 0;
}
