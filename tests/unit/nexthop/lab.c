// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

#define PATIENCE_MS 20000u

struct lab lab;
static int near_fd = -1, far_fd = -1;

static int new_namespace(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("this test takes root (network namespaces)");
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void run_in(int fd, const char *format, va_list arguments)
{
	char command[512];

	cr_assert(lt(int, vsnprintf(command, sizeof(command), format, arguments), 512));
	cr_assert(eq(int, setns(fd, CLONE_NEWNET), 0));
	cr_assert(eq(int, system(command), 0), "%s", command);
	cr_assert(eq(int, setns(near_fd, CLONE_NEWNET), 0));
}

void near(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	run_in(near_fd, format, arguments);
	va_end(arguments);
}

void far(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	run_in(far_fd, format, arguments);
	va_end(arguments);
}

static void mac_of(int fd, const char *name, uint8_t mac[6])
{
	struct ifreq request = {0};
	int s;

	cr_assert(eq(int, setns(fd, CLONE_NEWNET), 0));
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	cr_assert(eq(int, ioctl(s, SIOCGIFHWADDR, &request), 0));
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	close(s);
	cr_assert(eq(int, setns(near_fd, CLONE_NEWNET), 0));
}

static void link_up(const char *name, const char *far_name, const char *net4, const char *net6)
{
	near("ip link add %s type veth peer name %s netns /proc/%d/fd/%d", name, far_name, getpid(),
		far_fd);
	near("ip addr add %s.1/24 dev %s && ip link set %s up", net4, name, name);
	far("ip addr add %s.2/24 dev %s && ip addr add %s.3/24 dev %s && ip link set %s up", net4,
		far_name, net4, far_name, far_name);
	// Until both ends are quite there, the kernel goes on telling of changes.
	near("until ip link show %s | grep -q 'state UP'; do :; done", name);
	if (!net6)
		return;
	near("ip addr add %s::1/64 dev %s nodad", net6, name);
	far("ip addr add %s::2/64 dev %s nodad", net6, far_name);
	// A neighbour that isn't there has failed soon, and one that changes is believed at once.
	near("cd /proc/sys/net/ipv4/neigh/%s && echo 50 >retrans_time_ms && echo 0 >locktime",
		name);
	near("echo 50 >/proc/sys/net/ipv6/neigh/%s/retrans_time_ms", name);
}

void lab_make(void)
{
	far_fd = new_namespace();
	near_fd = new_namespace();
	link_up("port0", "far0", "192.0.2", "2001:db8");
	link_up("port1", "far1", "198.51.100", "2001:db8:1");
	link_up("other0", "far2", "172.16.0", NULL);
	for (int i = 0; i < 2; i++) {
		char name[] = {'p', 'o', 'r', 't', (char)('0' + i), 0};
		char far_name[] = {'f', 'a', 'r', (char)('0' + i), 0};

		lab.port[i].ifindex = if_nametoindex(name);
		lab.port[i].mtu = 9000;
		mac_of(near_fd, name, lab.port[i].mac);
		mac_of(far_fd, far_name, lab.far_mac[i]);
	}
}

void lab_start(uint32_t destinations)
{
	cr_assert(eq(int, nexthops_create(&lab.n, lab.port, 2, destinations), 0));
}

void lab_restart(uint32_t destinations)
{
	nexthops_destroy(lab.n);
	lab_start(destinations);
}

int lab_send(const char *to, size_t length)
{
	static const uint8_t zeroes[2000];
	static int s = -1;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(9)};
	socklen_t size = sizeof(int);
	int mtu = 0;

	if (s < 0) {
		cr_assert(eq(int, inet_pton(AF_INET, to, &at.sin_addr), 1));
		s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		cr_assert(eq(int, connect(s, (struct sockaddr *)&at, sizeof(at)), 0));
	}
	// Refused as soon as it is known not to fit: that is what is asked for.
	if (send(s, zeroes, length, 0) < 0 && errno != EMSGSIZE && errno != ECONNREFUSED)
		cr_fatal("send: %s", strerror(errno));
	cr_assert(eq(int, getsockopt(s, IPPROTO_IP, IP_MTU, &mtu, &size), 0));
	return mtu;
}

void lab_end(void)
{
	nexthops_destroy(lab.n);
}

uint64_t lab_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void lab_patience(uint64_t start, const char *condition)
{
	const struct timespec moment = {.tv_nsec = 500000};

	if (lab_now() - start > PATIENCE_MS)
		cr_fatal("in vain: %s", condition);
	nanosleep(&moment, NULL);
}
