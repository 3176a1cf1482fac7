// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <poll.h>

#include "rig.h"
#include "sockname.h"
#include "steer.h"

#define WORKERS 7u

// A steered reuseport group at `ip`; writes its sockets and its endpoint.
static void open_group(const struct tp_ip *ip, int out[WORKERS], struct tp_endpoint *at)
{
	const int on = 1;

	*at = (struct tp_endpoint){.ip = *ip};
	for (uint32_t i = 0; i < WORKERS; i++) {
		union sockname name;
		socklen_t length = sockname_set(&name, at);

		out[i] = socket(name.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		setsockopt(out[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
		cr_assert_eq(bind(out[i], &name.any, length), 0);
		cr_assert_eq(getsockname(out[i], &name.any, &length), 0);
		cr_assert(sockname_get(&name, at));
	}
	cr_assert_eq(steer_attach(out[0], tp_ip_family(ip), WORKERS), 0);
}

static void expect_at(const int group[WORKERS], uint32_t worker)
{
	char byte[64];

	for (uint32_t i = 0; i < WORKERS; i++)
		cr_assert_eq(recv(group[i], byte, sizeof(byte), MSG_DONTWAIT) >= 0, i == worker,
			"socket %u, expected %u", i, worker);
}

// Loopback delivers before sendto() returns, so no wait is needed.
static void check_many_ports(const char *server, const char *const *client, unsigned int clients)
{
	struct tp_ip ip = ip_of(server);
	struct tp_endpoint at, from;
	int group[WORKERS];
	unsigned int hit[WORKERS] = {0};

	open_group(&ip, group, &at);
	for (unsigned int i = 0; i < 300; i++) {
		struct tp_ip client_ip = ip_of(client[i % clients]);
		int fd = socket_at(&client_ip, &from);

		send_to(fd, &at, "steer", i % 6);
		expect_at(group, tp_client_worker(&from, WORKERS));
		hit[tp_client_worker(&from, WORKERS)]++;
		close(fd);
	}
	for (uint32_t i = 0; i < WORKERS; i++)
		cr_assert_gt(hit[i], 0);
}

Test(steer, the_kernel_gives_an_ipv4_client_to_the_worker_that_the_function_names)
{
	static const char *const clients[] = {"127.0.0.1", "127.1.2.3", "127.200.200.200"};

	check_many_ports("127.0.0.1", clients, 3);
}

Test(steer, the_kernel_gives_an_ipv6_client_to_the_worker_that_the_function_names)
{
	static const char *const clients[] = {"::1"};

	check_many_ports("::1", clients, 1);
}

Test(steer, ip_options_do_not_change_an_ipv4_clients_worker)
{
	static const uint8_t options[8] = {1, 1, 1, 1, 1, 1, 1, 0}; // no operation
	struct tp_ip ip = ip_of("127.0.0.1");
	struct tp_endpoint at, from;
	int group[WORKERS];

	open_group(&ip, group, &at);
	for (unsigned int i = 0; i < 50; i++) {
		int fd = socket_at(&ip, &from);

		cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_OPTIONS, options, sizeof(options)), 0);
		send_to(fd, &at, "steer", 5);
		expect_at(group, tp_client_worker(&from, WORKERS));
		close(fd);
	}
}

Test(steer, extension_headers_do_not_change_an_ipv6_clients_worker)
{
	static const uint8_t options[8] = {0, 0, 1, 4, 0, 0, 0, 0}; // PadN
	struct tp_ip ip = ip_of("::1");
	struct tp_endpoint at, from;
	int group[WORKERS];

	open_group(&ip, group, &at);
	for (unsigned int i = 0; i < 50; i++) {
		int fd = socket_at(&ip, &from);

		// Destination options take CAP_NET_RAW.
		if (setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, options, sizeof(options)) < 0)
			cr_skip_test("no CAP_NET_RAW");
		send_to(fd, &at, "steer", i % 6);
		expect_at(group, tp_client_worker(&from, WORKERS));
		close(fd);
	}
}
