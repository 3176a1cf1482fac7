// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "fixture.h"

#define USER "users: [{name: a, password: b}]\n"

Test(config_warnings, an_overlap_with_the_ephemeral_ports_names_the_sysctl_that_mends_it)
{
	struct host host = fixture_host();

	expect_warnings(USER, &host, 1,
		"warning: ports: 49152-65535 overlaps the ports that Linux gives to any program "
		"(32768-60999, net.ipv4.ip_local_port_range), so some relay ports may be taken; "
		"keep "
		"them free with: sysctl -w net.ipv4.ip_local_reserved_ports=49152-60999\n");
}

Test(config_warnings, reserved_ports_are_no_overlap)
{
	struct host host = fixture_host();

	host_parse_reserved("1,49152-60999\n", host.reserved);
	expect_warnings(USER, &host, 0, "");
	host.reserved[60998 / 8] = 0;
	host.ephemeral_max = 60998;
	host_parse_reserved("60992-60998", host.reserved);
	expect_warnings(USER, &host, 0, "");
}

Test(config_warnings, too_few_descriptors_are_told_with_both_numbers)
{
	struct host host = fixture_host();

	host.descriptors = 1024;
	expect_warnings(USER "ports: 61000-65535\nworkers: 1\nlimits: {allocations: 1000}\n", &host,
		1,
		"warning: limits.allocations: 1000 allocations need 1072 descriptors, but the "
		"limit here is "
		"1024; beyond it clients get a 508. Raise it (ulimit -Hn, LimitNOFILE=) or lower "
		"limits.allocations.\n");
}

Test(config_warnings, raw_sending_that_will_not_be_is_told)
{
	struct host host = fixture_host();

	expect_warnings(USER "ports: 61000-65535\ndataplane: sockets\nsockets: {raw: true}\n",
		&host, 0, "");
	host.privileged = false;
	expect_warnings(USER "ports: 61000-65535\ndataplane: sockets\nsockets: {raw: true}\n",
		&host, 1,
		"warning: sockets.raw takes root, or CAP_NET_RAW; without it UDP sockets send.\n");
}

Test(config_warnings, addresses_of_another_host_are_told)
{
	struct host host = fixture_host();

	expect_warnings(USER "ports: 61000-65535\nlisten: [192.0.2.1:3478]\nrelay: [192.0.2.2]\n",
		&host, 2,
		"warning: listen: this host does not have the address of 192.0.2.1:3478.\n"
		"warning: relay: this host does not have the address 192.0.2.2; if it is a NAT's, "
		"put the "
		"host's own address in `relay` and both in `external`.\n");
}

Test(config_warnings, a_configuration_that_helps_nobody_is_told)
{
	struct host host = fixture_host();

	host.privileged = false;
	expect_warnings("ports: 61000-65535\nlisten: [10.0.0.1:53]\nrelay: [127.0.0.1]\n", &host, 3,
		"warning: listen: 10.0.0.1:53 takes root or CAP_NET_BIND_SERVICE (ports below "
		"1024, "
		"net.ipv4.ip_unprivileged_port_start).\n"
		"warning: relay: there are loopback addresses only, which no other host can "
		"reach.\n"
		"warning: users, secrets: there are none, so that nobody can allocate; only STUN "
		"Binding is "
		"answered.\n");
}

#define RESERVED "ports: 61000-65535\n"
#define MD5_KEY "00112233445566778899aabbccddeeff"

Test(config_warnings, a_key_that_is_missing_is_told_with_what_it_keeps_from_whom)
{
	struct host host = fixture_host();

	expect_warnings(RESERVED
		"realm: r\nusers:\n- {name: a, password: p}\n- {name: b, key: " MD5_KEY "}\n",
		&host, 1,
		"warning: users[1]: has no key_sha256, so that SHA-256 is offered to nobody.\n");
	expect_warnings(RESERVED "realm: r\nusers:\n- {name: b, key_sha256: " MD5_KEY MD5_KEY "}\n",
		&host, 1,
		"warning: users[0]: has no key, so that clients that know only MD5 (browsers among "
		"them) are refused.\n");
	expect_warnings(RESERVED "realm: r\nusers:\n- {name: b, key: " MD5_KEY
				 ", key_sha256: " MD5_KEY MD5_KEY "}\n",
		&host, 0, "");
}

Test(config_warnings, a_family_that_is_not_redirected_is_told)
{
	struct host host = fixture_host();

	expect_warnings(RESERVED USER "redirect: {servers: [192.0.2.1:3478]}\n", &host, 1,
		"warning: redirect.servers: none has an IPv6 address, so that clients over IPv6 "
		"are "
		"not redirected.\n");
	expect_warnings(RESERVED USER
		"listen: ['10.0.0.1:3478']\nredirect: {servers: [192.0.2.1:3478]}\n",
		&host, 0, "");
}

Test(config_warnings, an_allowed_tunnel_is_told_to_be_refused)
{
	struct host host = fixture_host();

	expect_warnings(USER
		"ports: 61000-65535\n"
		"allow_peers: [\"2001:db8::/32\", \"2002:c000::/20\", \"2001::5/128\", "
		"\"2000::/8\", 10.0.0.0/8]\n",
		&host, 2,
		"warning: allow_peers[1]: 2002:c000::/20 is of the tunnel 6to4 (2002::/16), which "
		"RFC 8656 section 21.4 lets no peer be behind: it is refused all the same.\n"
		"warning: allow_peers[2]: 2001::5/128 is of the tunnel Teredo (2001::/32), which "
		"RFC "
		"8656 section 21.4 lets no peer be behind: it is refused all the same.\n");
}
