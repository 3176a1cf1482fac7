// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which peers may be reached, in every disguise (invariant 3).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "../../../controlplane/turn/policy.h"
#include "rig.h"

#define MAX 8

// Prefixes as text, "ADDRESS/BITS", separated by spaces.
static size_t prefixes(const char *text, struct policy_prefix *out)
{
	char copy[256], *save = NULL;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		char *slash = strchr(p, '/');
		int bits = atoi(slash + 1);

		*slash = 0;
		out[n].ip = rig_ip(p);
		out[n++].bits = (uint8_t)(strchr(p, ':') ? bits : bits + 96);
	}
	return n;
}

static bool allows(const char *allow, const char *deny, const char *own, const char *peer)
{
	struct policy_prefix a[MAX], d[MAX], o[MAX];
	struct tp_ip ip = rig_ip(peer), ours[MAX];
	size_t n = prefixes(own, o);
	struct policy *p = NULL;
	bool result;

	for (size_t i = 0; i < n; i++)
		ours[i] = o[i].ip;
	cr_assert_eq(policy_create(&p, a, prefixes(allow, a), d, prefixes(deny, d), ours, n), 0);
	result = policy_allows(p, &ip);
	policy_destroy(p);
	return result;
}

static bool open_to(const char *peer)
{
	return allows("", "", "", peer);
}

Test(turn_policy, by_default_denies_special_ipv4_to_its_edges)
{
	static const char *const denied[] = {"0.0.0.0", "0.0.0.1", "0.255.255.255", "10.0.0.0",
		"10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.0", "127.0.0.1",
		"127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255",
		"172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.0",
		"192.0.2.255", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255",
		"198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255", "224.0.0.0",
		"239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255",
		"192.88.99.1"};
	static const char *const allowed[] = {"1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0",
		"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
		"192.0.1.255", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
		"198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
		"223.255.255.255"};

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		cr_expect_not(open_to(denied[i]), "%s", denied[i]);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		cr_expect(open_to(allowed[i]), "%s", allowed[i]);
}

Test(turn_policy, by_default_denies_special_ipv6_to_its_edges)
{
	static const char *const denied[] = {"::", "::1", "::2", "fe80::", "fe80::1",
		"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::", "fd00::1",
		"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::1",
		"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::", "ff02::1", "ff0e::1",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "100::1", "2001:10::1",
		"2001:2::1", "4000::1", "1fff:ffff::1", "e000::1"};
	static const char *const allowed[] = {"2000::1", "2001:4860:4860::8888", "2001:db7:ffff::1",
		"2001:db9::1", "2600:1234::1", "2001:200::1", "2003::1", "2a00:1450::1"};

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		cr_expect_not(open_to(denied[i]), "%s", denied[i]);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		cr_expect(open_to(allowed[i]), "%s", allowed[i]);
}

Test(turn_policy, sees_ipv4_in_ipv6)
{
	static const char *const denied[] = {
		"64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254",
		"64:ff9b::0.0.0.0", "64:ff9b::255.255.255.255", // NAT64
		"64:ff9b:1::10.0.0.1", "64:ff9b:1::8.8.8.8", // NAT64 for local use
		"64:ff9b:1:a00:0:100::", "2002:a00:1::1", "2002:7f00:1::1", "2002:c0a8:101::1",
		"2002:808:808::1", // 6to4
		"2001:0:a00:1::", "2001:0:808:808:0:1234:f5ff:fffe", // Teredo
		"2001:0:808:808:0:1234:f7f7:f7f7", "2001::1", "::10.0.0.1", "::127.0.0.1",
		"::8.8.8.8", // IPv4-compatible
		"::ffff:0:10.0.0.1", "::ffff:0:8.8.8.8", // IPv4-translated
	};

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		cr_expect_not(open_to(denied[i]), "%s", denied[i]);
	cr_expect(open_to("64:ff9b::8.8.8.8"));
}

Test(turn_policy, an_allowed_tunnel_does_not_open_what_is_inside)
{
	static const struct {
		const char *allow, *peer;
		bool allowed;
	} table[] = {
		{"2002::/16", "2002:808:808::1", false},
		{"2002::/16", "2002:a00:1::1", false},
		{"2002::/16", "2002:7f00:1::1", false},
		{"2002::/16 10.0.0.0/8", "2002:a00:1::1", false},
		{"2001::/32", "2001:0:808:808:0:1234:f7f7:f7f7", false},
		{"2001::/32", "2001:0:a00:1:0:1234:f7f7:f7f7", false}, // server 10.0.0.1
		{"2001::/32", "2001:0:808:808:0:1234:f5ff:fffe", false}, // client 10.0.0.1
		{"2001::/32", "2001:0:808:808:0:1234:80ff:fffe", false}, // client 127.0.0.1
		{"::/96", "::8.8.8.8", true},
		{"::/96", "::10.0.0.1", false},
		{"64:ff9b:1::/48", "64:ff9b:1::8.8.8.8", true},
		{"64:ff9b:1::/48", "64:ff9b:1::10.0.0.1", false},
		{"64:ff9b:1::/48", "64:ff9b:1:808:8:800::", true}, // 8.8.8.8
		{"64:ff9b:1::/48", "64:ff9b:1:a00:0:100::", false}, // 10.0.0.1
		{"64:ff9b:1::/48", "64:ff9b:1:7:8:808:800:0", true}, // 7 is not in it
		{"64:ff9b:1::/48", "64:ff9b:1:7:a:0:100:0", false},
		{"64:ff9b:1::/48", "64:ff9b:1:70a:0:1::", false},
		{"64:ff9b::/96", "64:ff9b::10.0.0.1", false},
		{"64:ff9b::/96 10.0.0.0/8", "64:ff9b::10.0.0.1", true},
		{"10.0.0.0/8", "64:ff9b::10.0.0.1", true},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_expect_eq(allows(table[i].allow, "", "", table[i].peer), table[i].allowed,
			"%s with %s", table[i].peer, table[i].allow);
}

Test(turn_policy, the_longest_prefix_decides_and_of_equal_ones_the_operators_then_deny)
{
	static const struct {
		const char *allow, *deny, *peer;
		bool allowed;
	} table[] = {
		{"", "8.8.8.0/24", "8.8.8.8", false},
		{"", "8.8.8.0/24", "8.8.9.0", true},
		{"8.8.8.8/32", "8.8.8.0/24", "8.8.8.8", true},
		{"8.8.8.8/32", "8.8.8.0/24", "8.8.8.9", false},
		{"8.8.8.0/24", "8.8.8.8/32", "8.8.8.8", false},
		{"8.8.8.0/24", "8.8.8.0/24", "8.8.8.8", false},
		{"10.0.0.0/8", "", "10.1.2.3", true}, // as long as the built-in one
		{"10.1.0.0/16", "", "10.1.2.3", true},
		{"10.1.0.0/16", "", "10.2.2.3", false},
		{"0.0.0.0/0", "", "10.1.2.3", false}, // shorter than the built-in one
		{"::/0", "", "10.1.2.3", false},
		{"::/0", "", "fd00::1", false},
		{"0.0.0.0/0", "0.0.0.0/0", "8.8.8.8", false},
		{"", "0.0.0.0/0", "8.8.8.8", false},
		{"", "0.0.0.0/0", "2600::1", true},
		{"", "::/0", "2600::1", false},
		{"", "::/0", "64:ff9b::8.8.8.8", false},
		{"64:ff9b::/96", "::/0", "64:ff9b::8.8.8.8", true},
		{"::/0", "", "64:ff9b::8.8.8.8", true},
		{"::/0", "", "::1", false},
		{"4000::/8", "", "4000::1", true},
		{"8.8.8.8/32", "0.0.0.0/0", "8.8.8.8", true},
		{"127.0.0.1/32", "", "127.0.0.1", true},
		{"127.0.0.1/32", "", "127.0.0.2", false},
		{"2600:1::/32", "2600::/16", "2600:1::5", true},
		{"2600:1::/32", "2600::/16", "2600:2::5", false},
		{"2001:db8:7::/48", "", "2001:db8:7::1", true},
		{"", "8.8.8.8/32", "64:ff9b::8.8.8.8", false},
		{"2600::/1", "2600::/2", "2600::1", false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_expect_eq(allows(table[i].allow, table[i].deny, "", table[i].peer),
			table[i].allowed, "%s, allow %s, deny %s", table[i].peer, table[i].allow,
			table[i].deny);
}

Test(turn_policy, own_addresses_are_denied_in_every_form)
{
	static const char own[] = "93.184.216.1/32 2600:1234::1/128";
	static const char *const denied[] = {"93.184.216.1", "2600:1234::1",
		"64:ff9b::93.184.216.1", "2002:5db8:d801::1", "::93.184.216.1"};

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		cr_expect_not(allows("", "", own, denied[i]), "%s", denied[i]);
		cr_expect_not(allows("0.0.0.0/0 ::/0 2002::/16 93.184.216.0/24 2600:1234::/32", "",
				      own, denied[i]),
			"%s", denied[i]);
	}
	cr_expect(allows("", "", own, "93.184.216.2"));
	cr_expect(allows("", "", own, "2600:1234::2"));
}

Test(turn_policy, a_mapped_address_on_the_wire_is_refused)
{
	static const char wire[20] = {0, 2};
	struct ask q;
	uint8_t value[20];
	struct rig rig;

	rig_defaults(&rig);
	rig_start(&rig);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 2), 0);
	for (int i = 0; i < 2; i++) {
		const struct tp_ip ip = i ? rig_ip4(127, 0, 0, 1) : rig_ip4(93, 184, 216, 34);
		int code;

		ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
		memcpy(value, wire, sizeof(value));
		value[2] = 0x21;
		value[3] = 0x12 ^ 7;
		for (size_t k = 0; k < 16; k++)
			value[4 + k] = ip.b[k] ^ q.bytes[4 + k];
		ask_bytes(&q, TP_ATTR_XOR_PEER_ADDRESS, value, sizeof(value));
		code = answer_code(ask_send(&q));
		cr_expect(code == 403 || code == 443, "%d", code);
		cr_expect_eq(rig.table->live_peers, 0u);
	}
	rig_stop(&rig);
}
