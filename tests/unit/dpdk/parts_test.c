// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What needs no EAL: addresses, the way of an answer, owners, options.

#include <addresses.h>
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <getopt.h>
#include <held.h>
#include <settings.h>
#include <steer.h>
#include <via.h>

static struct tp_endpoint at(uint8_t last, uint16_t port)
{
	const uint8_t b[4] = {198, 51, 100, last};
	uint32_t be;

	memcpy(&be, b, 4);
	return (struct tp_endpoint){.ip = tp_ip4(be), .port = port};
}

static struct addresses known(uint16_t listening)
{
	struct tp_capabilities c = {
		.servers = 2, .relays = 2, .port_min = 50000, .port_max = 50010};
	struct addresses a;

	c.server[0] = at(1, 3478);
	c.server[1] = at(2, listening);
	c.relay[0].local = at(2, 0).ip;
	c.relay[1].local = at(3, 0).ip;
	addresses_init(&a, &c);
	return a;
}

static int find(const struct addresses *a, uint8_t last, uint16_t port)
{
	struct tp_endpoint e = at(last, port);
	uint8_t index = 9;
	enum address_kind kind = addresses_find(a, &e, &index);
	uint8_t index4 = 9;

	cr_assert_eq(
		addresses_find4(a, e.ip.w[3], port, &index4), kind, "both tables say the same");
	cr_assert(kind == ADDRESS_OTHER || index4 == index);
	return kind == ADDRESS_OTHER ? 0 : (int)kind * 10 + index;
}

Test(dpdk_addresses, a_destination_is_a_listening_address_a_relay_port_or_none_of_ours)
{
	struct addresses a = known(443);

	cr_assert_eq(find(&a, 1, 3478), ADDRESS_SERVER * 10 + 0);
	cr_assert_eq(find(&a, 2, 443), ADDRESS_SERVER * 10 + 1);
	cr_assert_eq(find(&a, 2, 50000), ADDRESS_RELAY * 10 + 0);
	cr_assert_eq(find(&a, 3, 50010), ADDRESS_RELAY * 10 + 1);
	cr_assert_eq(find(&a, 1, 50000), 0, "no relay address");
	cr_assert_eq(find(&a, 2, 3478), 0);
	cr_assert_eq(find(&a, 3, 50011), 0);
	cr_assert_eq(find(&a, 3, 49999), 0);
	cr_assert_eq(find(&a, 3, 0), 0);
	cr_assert_eq(find(&a, 4, 50000), 0);
}

Test(dpdk_addresses, a_burst_to_several_addresses_finds_each)
{
	static const struct {
		uint8_t last;
		uint16_t port;
	} to[] = {{1, 3478}, {1, 3478}, {2, 443}, {1, 443}, {2, 3478}, {3, 50000}, {1, 3478},
		{2, 50000}, {1, 0}, {2, 443}, {2, 443}};
	struct addresses a = known(443);
	struct address_last last = {.key = ADDRESS_LAST_NONE};

	for (unsigned int i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		uint32_t be = at(to[i].last, 0).ip.w[3];
		uint8_t index = 9, expected = 9;
		enum address_kind kind = addresses_find4(&a, be, to[i].port, &expected);

		cr_assert_eq(addresses_next4(&a, &last, be, to[i].port, &index), kind, "%u", i);
		cr_assert(kind == ADDRESS_OTHER || index == expected, "%u", i);
	}
	last.key = ADDRESS_LAST_NONE;
	cr_assert_eq(addresses_next4(&a, &last, 0, 0, &last.index), ADDRESS_OTHER);
	cr_assert_eq(
		addresses_next4(&a, &last, UINT32_MAX, UINT16_MAX, &last.index), ADDRESS_OTHER);
}

Test(dpdk_addresses, a_listening_port_among_the_relay_ports_listens)
{
	struct addresses a = known(50005);

	cr_assert_eq(find(&a, 2, 50005), ADDRESS_SERVER * 10 + 1);
	cr_assert_eq(find(&a, 2, 50006), ADDRESS_RELAY * 10 + 0);
	cr_assert_eq(find(&a, 3, 50005), ADDRESS_RELAY * 10 + 1);
	a = known(50000);
	cr_assert_eq(find(&a, 2, 50000), ADDRESS_SERVER * 10 + 1, "the first");
	a = known(50010);
	cr_assert_eq(find(&a, 2, 50010), ADDRESS_SERVER * 10 + 1, "the last");
}

static uint32_t longest_run(const struct addresses *a)
{
	uint32_t run = 0, longest = 0;

	for (uint32_t i = 0; i < 2 * ADDRESS_SLOTS; i++) {
		run = a->entry[i % ADDRESS_SLOTS].used ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static uint32_t longest_run4(const struct addresses *a)
{
	uint32_t run = 0, longest = 0;

	for (uint32_t i = 0; i < 2 * ADDRESS_SLOTS; i++) {
		run = a->entry4[i % ADDRESS_SLOTS] ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

// A packet to a relay port walks one.
Test(dpdk_addresses, neighbouring_relay_addresses_make_no_chain)
{
	static const uint8_t prefix[15] = {0x20, 0x01, 0x0d, 0xb8};

	for (unsigned int six = 0; six < 2; six++) {
		struct tp_capabilities c = {.relays = 64, .port_min = 50000, .port_max = 50010};
		struct addresses a;

		for (uint8_t i = 0; i < 64; i++) {
			c.relay[i].local = at(i, 0).ip;
			if (six) {
				memcpy(c.relay[i].local.b, prefix, sizeof(prefix));
				c.relay[i].local.b[15] = i;
			}
		}
		addresses_init(&a, &c);
		cr_assert_leq(longest_run(&a), 8u, "%u in a row", longest_run(&a));
		cr_assert_leq(longest_run4(&a), 8u, "%u in a row", longest_run4(&a));
	}
}

Test(dpdk_held, a_port_out_of_the_range_is_not_held)
{
	const struct tp_capabilities c = {.relays = 2, .port_min = 50000, .port_max = 50010};
	uint64_t bits[1] = {UINT64_MAX};
	const struct held all = {bits};

	cr_assert_eq(held_words(&c), 1);
	cr_assert(held_has(&all, &c, 0, 50000) && held_has(&all, &c, 1, 50010));
	cr_assert(!held_has(&all, &c, 1, 49999) && !held_has(&all, &c, 1, 50011));
}

static const uint8_t tagged[18] = {
	1, 2, 3, 4, 5, 6, 0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0x81, 0x00, 0x20, 0x64, 0x08, 0x00};

Test(dpdk_via, an_answer_goes_back_to_where_the_request_came_from)
{
	struct tp_via via;
	uint8_t l2[18] = {0}, port;

	via_set(&via, 3, tagged, 14);
	cr_assert_eq(via_get(&via, 4, &port, l2), 14);
	cr_assert_eq(port, 3);
	cr_assert_arr_eq(l2, tagged + 6, 6);
	via_set(&via, 0, tagged, 18);
	cr_assert_eq(via_get(&via, 4, &port, l2), 18);
	cr_assert_arr_eq(l2 + 12, tagged + 12, 4);
}

Test(dpdk_via, what_was_never_given_out_is_refused)
{
	struct tp_via good, via;
	uint8_t l2[18], port;

	via_set(&good, 3, tagged, 18);
	cr_assert_eq(via_get(&good, 3, &port, l2), -EINVAL, "a port that isn't there");
	via = (struct tp_via){0};
	cr_assert_eq(via_get(&via, 4, &port, l2), -EINVAL, "none");
	via = good;
	via.b[1] |= 1;
	cr_assert_eq(via_get(&via, 4, &port, l2), -EINVAL, "a group");
	via = good;
	memset(via.b + 1, 0, 6);
	cr_assert_eq(via_get(&via, 4, &port, l2), -EINVAL, "no address");
	via = good;
	via.b[15] = 1;
	cr_assert_eq(via_get(&via, 4, &port, l2), -EINVAL, "hidden bytes");
}

Test(dpdk_steer, each_worker_owns_relay_ports_and_no_other_number_is_named)
{
	for (uint32_t workers = 1; workers <= 9; workers++) {
		uint32_t owned[9] = {0};

		for (uint32_t port = 49152; port <= 65535; port++) {
			uint32_t w = steer_by_bits((uint16_t)port, workers);

			cr_assert_lt(w, workers);
			owned[w]++;
		}
		for (uint32_t w = 0; w < workers; w++)
			cr_assert_gt(owned[w], 0);
	}
	cr_assert_eq(steer_by_bits(50003, 2), 1);
	cr_assert_eq(
		steer_by_bits(50003, 3), 0, "the lowest two bits are 3, which is worker 0 of 3");
}

#define SHARED "turnpike-dpdk", "--link", "/x", "--listen", "192.0.2.1:3478", "--relay", "192.0.2.1"

static enum options_result parse(struct settings *s, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	optind = 1;
	return settings_parse(s, argc, argv);
}

Test(dpdk_settings, ports_have_a_tap_unless_something_else_is_said)
{
	char *argv[] = {SHARED, "--port", "0000:3b:00.0", "--port", "net_tap1,iface=w",
		"--exception", "none,eth3", "--burst", "64", "--idle-polls", "0", NULL};
	struct settings s;

	cr_assert_eq(parse(&s, argv), OPTIONS_RUN);
	cr_assert_eq(s.ports, 2);
	cr_assert_eq(s.exception[0].kind, EXCEPTION_NONE);
	cr_assert_str_eq(s.exception[0].iface, "eth3");
	cr_assert_eq(s.exception[1].kind, EXCEPTION_TAP);
	cr_assert_str_eq(s.exception[1].iface, "tp1");
	cr_assert_eq(s.burst, 64);
	cr_assert_eq(s.idle_polls, 0);
	cr_assert(s.huge);
	cr_assert_str_eq(s.common.capabilities.name, "dpdk");
}

static void refused(char **argv, const char *sentence)
{
	struct settings s;

	cr_redirect_stderr();
	cr_assert_eq(parse(&s, argv), OPTIONS_BAD);
	fflush(stderr);
	cr_assert_stderr_eq_str(sentence);
}

Test(dpdk_settings, without_a_port_it_says_what_to_give)
{
	refused((char *[]){SHARED, NULL},
		"turnpike-dpdk: --port is missing: give the NIC or virtual device that clients and "
		"peers are reached by.\n");
}

Test(dpdk_settings, an_exception_of_no_known_kind_is_refused)
{
	refused((char *[]){SHARED, "--port", "net_tap0", "--exception", "kni", NULL},
		"turnpike-dpdk: --exception kni: give tap, virtio-user or none.\n");
}

Test(dpdk_settings, none_takes_the_kernels_interface)
{
	refused((char *[]){SHARED, "--port", "net_tap0", "--exception", "none", NULL},
		"turnpike-dpdk: --exception none takes the NIC's interface in the kernel too, as "
		"in "
		"none,eth0: routes and neighbours are asked of it.\n");
}

Test(dpdk_settings, a_burst_is_at_most_64)
{
	refused((char *[]){SHARED, "--port", "net_tap0", "--burst", "65", NULL},
		"turnpike-dpdk: --burst 65: give a number from 1 to 64.\n");
}

Test(dpdk_settings, a_port_given_twice_is_refused)
{
	refused((char *[]){SHARED, "--port", "net_tap0,iface=a", "--port", "net_tap0,iface=b",
			NULL},
		"turnpike-dpdk: --port net_tap0,iface=b is given twice.\n");
}
