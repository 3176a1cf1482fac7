// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "../../../controlplane/config/render.h"
#include "fixture.h"

#define F "turnpike.yaml:"
#define ADDRESSES "listen: [192.0.2.1:3478]\nrelay: [192.0.2.1]\nports: 61000-65535\n"
#define DPDK ADDRESSES "dataplane: dpdk\nusers: [{name: a, password: b}]\ndpdk:\n" // line 7 follows
#define KEY "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa"
#define PORT DPDK "  ports: [\"0000:03:00.0\"]\n" // line 8 follows

Test(config_dpdk, one_port_is_enough_and_gives_every_default)
{
	struct host host = fixture_host();
	struct config *c = good(PORT, &host);
	const struct config_dpdk *d = &c->dpdk;

	cr_expect_eq(c->dataplane, CONFIG_DATAPLANE_DPDK);
	cr_expect_eq(c->workers, 2, "of three cores one is everybody else's");
	cr_assert_eq(d->ports_count, 1);
	cr_expect_str_eq(d->ports[0], "0000:03:00.0");
	cr_expect_eq(d->eal_count + d->interfaces_count, 0);
	cr_expect_eq(d->exception, CONFIG_EXCEPTION_TAP);
	cr_expect_eq(d->burst, 32);
	cr_expect_eq(d->rx_ring, 512);
	cr_expect_eq(d->tx_ring, 512);
	cr_expect_eq(d->mbufs, 0);
	cr_expect_eq(d->idle_polls, 0, "workers never sleep");
	cr_expect(d->huge_pages);
	cr_expect_eq(d->mtu, 0);
	cr_expect_eq(d->idle_latency, 200);
	cr_expect_eq(d->placement, CONFIG_PLACEMENT_AUTO);
	cr_expect_eq(d->steering, CONFIG_STEERING_AUTO);
	cr_expect_null(d->rss_key);
	cr_expect_eq(d->rss_table_count, 0);
	config_free(c);
}

Test(config_dpdk, a_single_core_has_a_worker_all_the_same)
{
	struct host host = fixture_host();
	struct config *c;

	host.cores = 1;
	c = good(PORT, &host);
	cr_expect_eq(c->workers, 1);
	config_free(c);
}

static const char everything[] = DPDK
	"  eal: [--log-level, 'pmd:debug', \"--proc-type=primary\"]\n"
	"  ports: ['03:00.1,mprq_en=1', 'net_tap0,iface=d0', 'auxiliary:mlx5_core.sf.4']\n"
	"  interfaces: [turn0, turn1]\n"
	"  exception: virtio-user\n"
	"  workers: 3\n"
	"  burst: 64\n"
	"  rx_ring: 64\n"
	"  tx_ring: 32768\n"
	"  mbufs: 300000\n"
	"  huge_pages: false\n"
	"  mtu: 9000\n"
	"  idle_polls: 1000\n"
	"  idle_latency: 50\n"
	"  placement: owner\n"
	"  steering: rss\n"
	"  rss_key: " KEY "\n"
	"  rss_hash: destination-port\n"
	"  rss_table: [0, 1, 2, 1]\n";

static void expect_everything(const struct config *c)
{
	const struct config_dpdk *d = &c->dpdk;

	cr_expect_eq(c->dataplane, CONFIG_DATAPLANE_DPDK);
	cr_expect_eq(c->workers, 3);
	cr_assert_eq(d->eal_count, 3);
	cr_expect_str_eq(d->eal[0], "--log-level");
	cr_expect_str_eq(d->eal[1], "pmd:debug");
	cr_expect_str_eq(d->eal[2], "--proc-type=primary");
	cr_assert_eq(d->ports_count, 3);
	cr_expect_str_eq(d->ports[0], "03:00.1,mprq_en=1");
	cr_expect_str_eq(d->ports[1], "net_tap0,iface=d0");
	cr_expect_str_eq(d->ports[2], "auxiliary:mlx5_core.sf.4");
	cr_assert_eq(d->interfaces_count, 2);
	cr_expect_str_eq(d->interfaces[1], "turn1");
	cr_expect_eq(d->exception, CONFIG_EXCEPTION_VIRTIO_USER);
	cr_expect_eq(d->burst, 64);
	cr_expect_eq(d->rx_ring, 64);
	cr_expect_eq(d->tx_ring, 32768);
	cr_expect_eq(d->mbufs, 300000);
	cr_expect_not(d->huge_pages);
	cr_expect_eq(d->mtu, 9000);
	cr_expect_eq(d->idle_polls, 1000);
	cr_expect_eq(d->idle_latency, 50);
	cr_expect_eq(d->placement, CONFIG_PLACEMENT_OWNER);
	cr_expect_eq(d->steering, CONFIG_STEERING_RSS);
	cr_expect_str_eq(d->rss_key, KEY);
	cr_expect_eq(d->rss_hash, CONFIG_RSS_DESTINATION_PORT);
	cr_assert_eq(d->rss_table_count, 4);
	cr_expect_arr_eq(d->rss_table, ((uint8_t[]){0, 1, 2, 1}), 4);
}

Test(config_dpdk, every_key_is_read_and_rendered_so_that_another_host_reads_the_same)
{
	struct host host = fixture_host(), other = {.cores = 1, .runtime = "/elsewhere"};
	struct config *c = good(everything, &host);
	size_t size;
	char *yaml;
	FILE *file = open_memstream(&yaml, &size);

	expect_everything(c);
	cr_assert_eq(config_render(c, file), 0);
	fclose(file);
	config_free(c);
	c = good(yaml, &other);
	expect_everything(c);
	config_free(c);
	free(yaml);
}

Test(config_dpdk, defaults_are_rendered_so_that_they_are_read_again)
{
	struct host host = fixture_host();
	struct config *c = good(PORT, &host);
	size_t size;
	char *yaml;
	FILE *file = open_memstream(&yaml, &size);

	cr_assert_eq(config_render(c, file), 0);
	fclose(file);
	config_free(c);
	config_free(good(yaml, &host));
	free(yaml);
}

static const struct {
	const char *yaml, *message;
} wrong[] = {
	{PORT "  port: []\n", F "8: dpdk.port: unknown key.\n"},
	{ADDRESSES "dpdk: [a]\n",
		F "4: dpdk: a mapping (key: value) is expected here, not a list.\n"},
	{DPDK "  ports: a\n", F "7: dpdk.ports: a list is expected here, not a single value.\n"},
	{ADDRESSES "dataplane: dpdk\n",
		F "4: dataplane: dpdk takes ports of its own: name them in `dpdk.ports`, such as "
		  "[\"0000:03:00.0\"].\n"},
	{DPDK "  burst: 8\n",
		F "6: dpdk.ports: dpdk takes ports of its own: name them in `dpdk.ports`, such as "
		  "[\"0000:03:00.0\"].\n"},
	{DPDK "  ports: [net_tap0,\n    eth0]\n",
		F "8: dpdk.ports[1]: \"eth0\" is neither a PCI address such as 0000:03:00.0 nor a "
		  "virtual device such as net_tap0,iface=tap0.\n"},
	{DPDK "  ports: ['0000:03:00.8']\n",
		F "7: dpdk.ports[0]: \"0000:03:00.8\" is neither a PCI address such as "
		  "0000:03:00.0 nor a virtual device such as net_tap0,iface=tap0.\n"},
	{DPDK "  ports: ['']\n",
		F "7: dpdk.ports[0]: \"\" is neither a PCI address such as 0000:03:00.0 nor a "
		  "virtual device such as net_tap0,iface=tap0.\n"},
	{DPDK "  ports: ['net_tap0,iface=a', 'net_tap0,iface=b']\n",
		F "7: dpdk.ports[1]: net_tap0 is in the list twice.\n"},
	{DPDK "  ports: [net_a, net_b, net_c, net_d, net_e, net_f, net_g, net_h, net_i]\n",
		F "7: dpdk.ports: more than 8 ports.\n"},
	{PORT "  eal: ['']\n", F "8: dpdk.eal[0]: is empty.\n"},
	{PORT "  eal: [--no-huge]\n",
		F "8: dpdk.eal[0]: --no-huge is not for here: write huge_pages: false.\n"},
	{PORT "  exception: kni\n",
		F "8: dpdk.exception: \"kni\" is none of tap, virtio-user, none.\n"},
	{PORT "  interfaces: [a/b]\n",
		F "8: dpdk.interfaces[0]: \"a/b\" can't be the name of a network interface.\n"},
	{PORT "  interfaces: [sixteen-letters-]\n",
		F "8: dpdk.interfaces[0]: \"sixteen-letters-\" can't be the name of a network "
		  "interface.\n"},
	{PORT "  interfaces: [a, b]\n",
		F "8: dpdk.interfaces: has 2 names, but there are 1 `ports`; each has one "
		  "interface.\n"},
	{DPDK "  ports: [net_a, net_b]\n  interfaces: [x, x]\n",
		F "8: dpdk.interfaces[1]: x is in the list twice.\n"},
	{PORT "  burst: 0\n", F "8: dpdk.burst: \"0\" is not a whole number from 1 to 64.\n"},
	{PORT "  burst: 65\n", F "8: dpdk.burst: \"65\" is not a whole number from 1 to 64.\n"},
	{PORT "  rx_ring: 1000\n",
		F "8: dpdk.rx_ring: \"1000\" is not a power of two from 64 to 32768.\n"},
	{PORT "  tx_ring: 32\n",
		F "8: dpdk.tx_ring: \"32\" is not a power of two from 64 to 32768.\n"},
	{PORT "  tx_ring: 65536\n",
		F "8: dpdk.tx_ring: \"65536\" is not a power of two from 64 to 32768.\n"},
	{PORT "  mbufs: 2048\n  workers: 2\n",
		F "8: dpdk.mbufs: 2048 buffers are too few: the rings of 2 workers on 1 ports (512 "
		  "and 512 each) hold 2048.\n"},
	{PORT "  mbufs: -1\n",
		F "8: dpdk.mbufs: \"-1\" is not a whole number from 0 to 67108864.\n"},
	{PORT "  huge_pages: yes\n", F "8: dpdk.huge_pages: \"yes\" is neither true nor false.\n"},
	{PORT "  idle_polls: 1e3\n",
		F "8: dpdk.idle_polls: \"1e3\" is not a whole number from 0 to 4294967295.\n"},
	{PORT "  mtu: 1279\n",
		F "8: dpdk.mtu: \"1279\" is not a whole number from 1280 to 9600.\n"},
	{PORT "  idle_latency: 0\n",
		F "8: dpdk.idle_latency: \"0\" is not a whole number from 1 to 100000.\n"},
	{PORT "  placement: client\n",
		F "8: dpdk.placement: \"client\" is none of auto, every, owner.\n"},
	{PORT "  steering: hash\n",
		F "8: dpdk.steering: \"hash\" is none of auto, rules, rss, bits.\n"},
	{PORT "  placement: every\n  steering: bits\n",
		F "9: dpdk.steering: does nothing with placement: every; one of them must go.\n"},
	{PORT "  steering: rss\n  rss_hash: destination\n",
		F "8: dpdk.steering: rss takes `rss_key`: without it nobody knows the hash.\n"},
	{PORT "  placement: owner\n  rss_key: " KEY "\n  rss_hash: 4-tuple\n",
		F "10: dpdk.rss_hash: 4-tuple can't tell a relay port's owner, since the peer's "
		  "address and port are hashed too: write destination or destination-port.\n"},
	{PORT "  rss_hash: 2-tuple\n",
		F "8: dpdk.rss_hash: \"2-tuple\" is none of 4-tuple, destination, "
		  "destination-port.\n"},
	{PORT "  rss_key: 6d5a56da\n",
		F "8: dpdk.rss_key: 8 characters; a key is 40 to 52 bytes in hex digits, as many "
		  "as the NIC's has.\n"},
	{PORT "  steering: bits\n  rss_key: " KEY "\n",
		F "9: dpdk.rss_key: does nothing with steering: bits; one of them must go.\n"},
	{PORT "  rss_table: [0, 1, 0]\n",
		F "8: dpdk.rss_table: 3 queues; a table has a power of two of them, at most "
		  "512.\n"},
	{PORT "  workers: 2\n  rss_table: [0, 2]\n",
		F "9: dpdk.rss_table[1]: \"2\" is no queue of 2 workers, which are 0 to 1.\n"},
	{PORT "  workers: 0\n", F "8: dpdk.workers: \"0\" is not a whole number from 1 to 64.\n"},
	{PORT "  workers: 2\nworkers: 2\n",
		F "8: dpdk.workers: `workers` is there too; one of them must go.\n"},
	{"dataplane: dpdk\ndpdk:\n  ports: [net_tap0]\n", F
		"1: dataplane: dpdk has no default for `listen`: name the addresses that its "
		"ports are to have.\n" F
		"1: dataplane: dpdk has no default for `relay`: name the addresses that its ports "
		"are to have.\n"},
	{"listen:\n- 0.0.0.0:3478\n- '[::]:3478'\nrelay: [192.0.2.1]\ndataplane: dpdk\n"
	 "dpdk: {ports: [net_tap0]}\n",
		F "2: listen[0]: 0.0.0.0:3478 would be this host's addresses; with dataplane: dpdk "
		  "name those that its ports are to have.\n" F
		  "3: listen[1]: [::]:3478 would be this host's addresses; with dataplane: dpdk "
		  "name those that its ports are to have.\n"},
};

Test(config_dpdk, an_impossible_value_names_file_line_and_key)
{
	struct host host = fixture_host();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *errors;

		config_free(parse(wrong[i].yaml, &host, &errors));
		cr_expect_str_eq(errors, wrong[i].message, "%s", errors);
		free(errors);
	}
}

static struct host host_for_dpdk(void)
{
	struct host host = fixture_host();

	host.huge_pages = true;
	return host;
}

Test(config_dpdk, what_sockets_would_need_of_the_host_is_not_missed)
{
	struct host host = host_for_dpdk();

	// Neither its addresses nor a descriptor for each allocation.
	host.descriptors = 1024;
	expect_warnings(PORT, &host, 0, "");
}

Test(config_dpdk, without_an_exception_interface_the_addresses_must_be_there_already)
{
	struct host host = host_for_dpdk();

	expect_warnings(PORT "  exception: none\n", &host, 2,
		"warning: listen: this host does not have the address of 192.0.2.1:3478.\n"
		"warning: relay: this host does not have the address 192.0.2.1; if it is a NAT's, "
		"put the host's own address in `relay` and both in `external`.\n");
}

Test(config_dpdk, a_section_that_nobody_reads_is_told)
{
	struct host host = host_for_dpdk();

	expect_warnings("ports: 61000-65535\nusers: [{name: a, password: b}]\n"
			"dpdk: {ports: [net_tap0]}\n",
		&host, 1, "warning: dpdk: this section does nothing without `dataplane: dpdk`.\n");
}

Test(config_dpdk, what_the_host_lacks_is_told_with_what_mends_it)
{
	struct host host = host_for_dpdk();

	host.huge_pages = false;
	host.privileged = false;
	expect_warnings(PORT "  workers: 3\n", &host, 3,
		"warning: workers: each of the 3 workers keeps a core busy, and of 3 cores none is "
		"left for the control plane; take fewer, or let them sleep with dpdk.idle_polls.\n"
		"warning: dataplane: dpdk takes root, or CAP_NET_ADMIN and the right to use its "
		"ports.\n"
		"warning: dpdk.huge_pages: this host has none; reserve some (sysctl -w "
		"vm.nr_hugepages=512), or set huge_pages: false.\n");
	expect_warnings(PORT "  workers: 3\n  idle_polls: 100\n  huge_pages: false\n", &host, 1,
		"warning: dataplane: dpdk takes root, or CAP_NET_ADMIN and the right to use its "
		"ports.\n");
}

Test(config_dpdk, a_hash_that_gathers_all_clients_is_told)
{
	struct host host = host_for_dpdk();

	expect_warnings(PORT "  rss_key: " KEY "\n  rss_hash: destination\n", &host, 1,
		"warning: dpdk.rss_hash: destination brings all clients of a listening address to "
		"one worker; listen on several ports, or take placement: every.\n");
}

Test(config_dpdk, ports_of_the_ephemeral_range_and_loopback_are_told)
{
	struct host host = host_for_dpdk();

	expect_warnings("listen: [127.0.0.1:3478]\nrelay: [192.0.2.1]\nports: 60000-60010\n"
			"users: [{name: a, password: b}]\ndataplane: dpdk\n"
			"dpdk: {ports: [net_tap0]}\n",
		&host, 2,
		"warning: ports: 60000-60010 overlaps the ports that Linux gives to any program "
		"(32768-60999, net.ipv4.ip_local_port_range), so answers to programs with a relay "
		"address may end in the relay; keep them free with: sysctl -w "
		"net.ipv4.ip_local_reserved_ports=60000-60010\n"
		"warning: listen: 127.0.0.1:3478 is loopback, which no port of dpdk brings.\n");
}
