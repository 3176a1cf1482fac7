// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Ports that can't do what is asked, and say what they lack: net_null and net_ring, each with a wish that its
// driver does not grant.

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <rte_eth_ring.h>

#include <eal.h>

#include "lab.h"

#define ARGS_MAX 48

static struct plane plane;

// Starts a dataplane on this port with these options, NULL at their end.
static int start(const char *port, char *const *options)
{
	char *argv[ARGS_MAX] = {"turnpike-dpdk", "--link", "/nowhere", "--listen",
		"198.51.100.1:3478", "--relay", "198.51.100.1", "--ports", "50000-50015",
		"--allocations", "16", "--exception", "none,lo", "--no-huge", "--port",
		(char *)port};
	int argc = 16;
	struct settings settings;

	while (*options)
		argv[argc++] = *options++;
	optind = 1;
	cr_redirect_stderr();
	cr_assert_eq(settings_parse(&settings, argc, argv), OPTIONS_RUN);
	cr_assert_eq(eal_start(&settings), 0);
	if (!strcmp(port, "net_ring_wire")) {
		struct rte_ring *ring = rte_ring_create("r", 64, 0, 0);

		cr_assert_geq(rte_eth_from_rings("wire", &ring, 1, &ring, 1, 0), 0);
	}
	return plane_make(&plane, &settings);
}

#define OPTIONS(...) ((char *[]){__VA_ARGS__, NULL})

static void refused(const char *port, char *const *options, const char *sentence)
{
	cr_assert_eq(start(port, options), -1);
	fflush(stderr);
	cr_assert_stderr_eq_str(sentence);
}

Test(dpdk_port, that_is_not_there)
{
	refused("net_nothing0", OPTIONS("--workers", "1"),
		"EAL: failed to parse device \"net_nothing0\"\n"
		"EAL: Failed to attach device on primary process\n"
		"turnpike-dpdk: port net_nothing0: no driver took it (is it bound to vfio-pci, or "
		"its "
		"name misspelt?): No such device.\n");
}

Test(dpdk_port, without_a_tx_queue_for_each_worker)
{
	refused("net_ring_wire", OPTIONS("--workers", "2"),
		"turnpike-dpdk: port net_ring_wire has 1 TX queues, one short of one for each "
		"worker: "
		"--workers 1 at most.\n");
}

Test(dpdk_port, whose_mtu_is_what_it_is)
{
	refused("net_ring_wire", OPTIONS("--workers", "1", "--mtu", "1400"),
		"turnpike-dpdk: port net_ring_wire has an MTU of 1500 and can't have --mtu 1400: "
		"Operation not supported.\n");
}

Test(dpdk_port, without_scattered_receive_takes_no_frames_larger_than_a_buffer)
{
	refused("net_null0", OPTIONS("--workers", "1", "--mtu", "9000"),
		"turnpike-dpdk: port net_null0 has no scattered receive "
		"(RTE_ETH_RX_OFFLOAD_SCATTER), so an MTU of 2030 at most: --mtu 9000 can't be "
		"had.\n");
}

Test(dpdk_port, that_grants_an_mtu_has_it)
{
	cr_assert_eq(start("net_null0", OPTIONS("--workers", "1", "--mtu", "1400")), 0);
	cr_assert_eq(plane.shared.port[0].mtu, 1400);
}

Test(dpdk_port, without_rte_flow_can_not_make_rules)
{
	refused("net_null0",
		OPTIONS("--workers", "2", "--placement", "owner", "--steering", "rules"),
		"turnpike-dpdk: port net_null0: it takes no rte_flow rule for the lowest bits of a "
		"UDP port: Function not implemented; so nobody knows the owners of relay ports: "
		"take "
		"--placement every, or another --steering.\n");
}

Test(dpdk_port, whose_rss_can_not_hash_a_port_alone)
{
	refused("net_null0",
		OPTIONS("--workers", "2", "--steering", "rss", "--rss-key", LAB_KEY, "--rss-hash",
			"destination-port"),
		"turnpike-dpdk: port net_null0: its RSS can't hash the destination port of UDP "
		"alone; "
		"so nobody knows the owners of relay ports: take --placement every, or another "
		"--steering.\n");
}

Test(dpdk_port, with_nothing_that_tells_owners_has_every_worker_know_all)
{
	cr_assert_eq(start("net_null0", OPTIONS("--workers", "2")), 0);
	fflush(stderr);
	cr_assert_stderr_eq_str(
		"turnpike-dpdk: port net_null0: it takes no rte_flow rule for the lowest bits of a "
		"UDP port: Function not implemented; so every worker is told of every relay "
		"port.\n");
	cr_assert_eq(plane.shared.settings.common.capabilities.placement, TP_PLACEMENT_EVERY);
}
