// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "wire.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <world.h>

#define PATIENCE_MS 60000

static void sh(const char *format, ...)
{
	char command[512] = "PATH=$PATH:/usr/sbin:/sbin; ";
	size_t n = strlen(command);
	va_list arguments;

	va_start(arguments, format);
	cr_assert(vsnprintf(command + n, sizeof(command) - n, format, arguments) <
		  (int)(sizeof(command) - n));
	va_end(arguments);
	cr_assert_eq(system(command), 0, "%s", command);
}

static int packet_socket(const char *name, uint16_t protocol)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)if_nametoindex(name)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void keep_to_one_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	cr_assert_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void set_up_host(void)
{
	// A host that takes what the table takes, whatever the defaults are.
	sh("cd /proc/sys/net/ipv4 && for i in all way_in way_out; do "
	   "echo 0 >conf/$i/rp_filter && echo 0 >conf/$i/forwarding && "
	   "echo 1 >conf/$i/accept_source_route || exit; done");
	// All that it answers is seen.
	sh("cd /proc/sys/net && echo 0 >ipv4/icmp_ratemask && echo >ipv6/icmp/ratemask");
	// A fragment waits for the others for longer than the test runs, and nobody is told of its end.
	sh("cd /proc/sys/net && echo 3600 >ipv4/ipfrag_time && echo 3600 >ipv6/ip6frag_time");
	sh("ip link set lo up && ip link set way_in up && ip link set way_out up");
	sh("for a in %s/32 %s/32; do ip addr add $a dev lo || exit; done", SERVER4, RELAY4);
	sh("for a in %s/128 %s/128; do ip addr add $a dev lo nodad || exit; done", SERVER6, RELAY6);
}

void wire_make(struct wire *w)
{
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network namespace: run as root");
	keep_to_one_cpu();
	// The far ends have addresses of their own, so that this host's IP takes nothing of what comes there.
	sh("ip link add way_in address 02:00:00:00:00:01 type veth peer name far_in && "
	   "ip link add way_out address 02:00:00:00:00:0a type veth peer name far_out");
	sh("for i in far_in far_out; do "
	   "echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6 && ip link set $i up || exit; done");
	sh("ethtool -K way_out tx off >/dev/null");
	set_up_host();
	*w = (struct wire){
		.in = packet_socket("far_in", 0), .out = packet_socket("far_out", ETH_P_ALL)};
	wire_renew(w, 1500);
}

void wire_renew(struct wire *w, uint16_t mtu)
{
	sh("ip route flush table main; ip -6 route flush table main; ip link set way_out mtu %u",
		mtu);
	sh("ip neigh replace 100.64.0.254 lladdr 02:00:00:00:00:0b dev way_out nud permanent && "
	   "ip route replace default via 100.64.0.254 dev way_out onlink");
	// IPv6 takes an MTU of 1280 (RFC 8200 section 5): below it there is none on this way.
	if (mtu >= 1280)
		sh("ip neigh replace fe80::b lladdr 02:00:00:00:00:0b dev way_out nud permanent && "
		   "ip route replace default via fe80::b dev way_out onlink");
	w->mtu = mtu;
}

void wire_put(struct wire *w, const uint8_t *frame, uint32_t length)
{
	cr_assert_eq(send(w->in, frame, length, 0), (ssize_t)length);
}

uint32_t wire_take(struct wire *w, uint8_t *frame)
{
	struct pollfd p = {.fd = w->out, .events = POLLIN};
	ssize_t n;

	// What else there is of this host's own, of neighbours and groups, is not for the next hop.
	do {
		cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "no frame came within the time");
		n = recv(w->out, frame, WIRE_FRAME_MAX, MSG_TRUNC);
		cr_assert(n >= 14 && n <= (ssize_t)WIRE_FRAME_MAX, "%zd bytes", n);
	} while (memcmp(frame, next_hop_l2, 6) != 0);
	return (uint32_t)n;
}
