// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The dataplanes' command lines, word for word.

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/launch/command.h"

#define SHARED \
	"listen: ['192.0.2.1:3478', '[2001:db8::1]:3479']\nrelay: [192.0.2.1, 2001:db8::1]\n" \
	"external: [{public: 203.0.113.1, local: 192.0.2.1}]\nports: 50000-50009\n" \
	"limits: {allocations: 10}\n"
#define KEY "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa"
#define SHARED_ARGUMENTS \
	"--link /run/t/link --listen 192.0.2.1:3478 --listen [2001:db8::1]:3479 " \
	"--relay 192.0.2.1=203.0.113.1 --relay 2001:db8::1 --ports 50000-50009 --workers 2 " \
	"--allocations 10 --peers 6144 --channel-max 0x4fff"

static struct config *configured(const char *yaml)
{
	struct config *config;

	cr_assert_eq(config_parse(&config, yaml, strlen(yaml), "x", stderr), 0);
	return config;
}

static void expect_command(const char *yaml, bool many_descriptors, const char *expected)
{
	struct runtime runtime = {.link = "/run/t/link"};
	struct users users = {.separate = false};
	struct config *config = configured(yaml);
	struct spawn spawn;
	char line[4096] = "";

	cr_assert_eq(command_dataplane(&spawn, config, &runtime, &users), 0);
	for (char *const *a = spawn.argv; *a; a++) {
		strncat(line, *a, sizeof(line) - strlen(line) - 1);
		strncat(line, a[1] ? " " : "", sizeof(line) - strlen(line) - 1);
	}
	cr_expect_str_eq(line, expected);
	cr_expect_str_eq(strrchr(spawn.path, '/') + 1, spawn.argv[0], "beside this program");
	cr_expect_eq(spawn.many_descriptors, many_descriptors);
	cr_expect_eq(spawn.fds_count, 0);
	command_free(&spawn);
	config_free(config);
}

Test(command, sockets_get_the_shared_options)
{
	expect_command(SHARED "workers: 2\ndataplane: sockets\n", true,
		"turnpike-kernel " SHARED_ARGUMENTS);
}

Test(command, who_wants_frames_sent_raw_gets_it_but_with_dpdk)
{
	expect_command(SHARED "workers: 2\ndataplane: sockets\nsockets: {raw: true}\n", true,
		"turnpike-kernel " SHARED_ARGUMENTS " --raw");
	expect_command(SHARED "workers: 2\nsockets: {raw: true}\n", true,
		"turnpike-kernel " SHARED_ARGUMENTS " --xdp auto --raw");
	expect_command(SHARED "workers: 2\ndataplane: sockets\nsockets: {raw: false}\n", true,
		"turnpike-kernel " SHARED_ARGUMENTS);
}

Test(command, where_it_may_be_xdp_the_kernel_dataplane_is_told_so)
{
	expect_command(
		SHARED "workers: 2\n", true, "turnpike-kernel " SHARED_ARGUMENTS " --xdp auto");
	expect_command(SHARED "workers: 2\ndataplane: xdp\n"
			      "xdp: {interfaces: [eth0, eth1], mode: generic}\n",
		true,
		"turnpike-kernel " SHARED_ARGUMENTS
		" --xdp generic --interface eth0 --interface eth1");
}

Test(command, dpdk_gets_its_own_options_too)
{
	expect_command(SHARED "workers: 2\ndataplane: dpdk\ndpdk: {ports: ['0000:03:00.0']}\n",
		false,
		"turnpike-dpdk " SHARED_ARGUMENTS
		" --port 0000:03:00.0 --exception tap --burst 32 --rx-ring 512 --tx-ring 512 "
		"--idle-polls 0 --idle-latency 200 --placement auto --steering auto");
}

Test(command, dpdk_gets_every_port_with_its_interface_and_every_argument_of_eal)
{
	expect_command(SHARED "dataplane: dpdk\n"
			      "dpdk: {ports: ['net_tap0,iface=a', 'net_tap1'], interfaces: [k0],\n"
			      "  eal: ['--log-level', 'a b'], exception: none, workers: 2,\n"
			      "  burst: 8, rx_ring: 256, tx_ring: 128, mbufs: 9000,\n"
			      "  huge_pages: false, mtu: 1400, idle_polls: 7, idle_latency: 9,\n"
			      "  placement: owner, steering: rss, rss_key: " KEY ",\n"
			      "  rss_hash: destination, rss_table: [0, 1, 1, 0]}\n",
		false,
		"turnpike-dpdk " SHARED_ARGUMENTS
		" --port net_tap0,iface=a --exception none,k0 --port net_tap1 --exception none "
		"--eal --log-level --eal a b --burst 8 --rx-ring 256 --tx-ring 128 --mbufs 9000 "
		"--mtu 1400 --idle-polls 7 --idle-latency 9 --placement owner --steering rss "
		"--rss-key " KEY " --rss-hash destination --rss-table 0,1,1,0 --no-huge");
}

Test(command, a_dataplane_that_was_not_built_is_told_before_anything_starts)
{
	struct config *config = configured(
		SHARED "workers: 2\ndataplane: dpdk\ndpdk: {ports: [net_tap0]}\n");
	size_t size;
	char *text;
	FILE *file = open_memstream(&text, &size);

	// There is none beside this test.
	cr_expect_eq(command_check(config, "warning", file), -ENOENT);
	fclose(file);
	cr_expect_eq(strncmp(text, "warning: dataplane: dpdk needs /", 32), 0, "%s", text);
	cr_expect_not_null(
		strstr(text, "/turnpike-dpdk, which was not built: install libdpdk-dev "
			     "and libmnl-dev and build again, or set dataplane: auto.\n"));
	config_free(config);
	free(text);
	config = configured(SHARED);
	cr_expect_eq(command_check(config, "warning", stderr), 0);
	config_free(config);
}
