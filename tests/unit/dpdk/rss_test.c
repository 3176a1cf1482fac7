// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <rss.h>
#include <rte_thash.h>

#include "lab.h"

static struct rss given(const char *hash, const char *table)
{
	struct rss r = {0};

	cr_assert(rss_parse_key(&r, LAB_KEY));
	cr_assert(rss_parse_hash(&r, hash));
	cr_assert(rss_parse_table(&r, table));
	return r;
}

// Microsoft's verification suite: source and destination, address before address, port before port.
static const struct {
	const char *source, *destination;
	uint16_t source_port, destination_port;
	uint32_t hash;
} suite[] = {
	{"66.9.149.187", "161.142.100.80", 2794, 1766, 0x51ccc178},
	{"199.92.111.2", "65.69.140.83", 14230, 4739, 0xc626b0ea},
	{"3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x40207d3d},
};

Test(dpdk_rss, the_hash_is_the_one_of_microsofts_verification_suite)
{
	struct rss r = given("4-tuple", "0");

	for (size_t i = 0; i < sizeof(suite) / sizeof(suite[0]); i++) {
		int family = strchr(suite[i].source, ':') ? AF_INET6 : AF_INET;
		uint32_t size = family == AF_INET ? 4 : 16;
		uint16_t ports[2] = {htons(suite[i].source_port), htons(suite[i].destination_port)};
		uint8_t data[36];

		cr_assert_eq(inet_pton(family, suite[i].source, data), 1);
		cr_assert_eq(inet_pton(family, suite[i].destination, data + size), 1);
		memcpy(data + 2 * size, ports, sizeof(ports));
		cr_assert_eq(rss_toeplitz(r.key, data, 2 * size + 4), suite[i].hash);
	}
}

Test(dpdk_rss, a_relay_ports_queue_is_what_dpdks_own_hash_names)
{
	struct rss port = given("destination-port", "0,1,2,3,3,2,1,0"),
		   both = given("destination", "0,1,2,3,3,2,1,0");
	struct tp_endpoint relay = lab_relayed(0);
	struct tp_ip relay6 = {.b = {0x20, 1, 0xd, 0xb8, [15] = 7}};

	for (uint32_t p = 49152; p <= 65535; p++) {
		uint32_t words[5] = {p << 16};

		cr_assert_eq(rss_queue(&port, &relay.ip, (uint16_t)p),
			port.table[rte_softrss(words, 1, port.key) % 8]);
		words[0] = ntohl(relay.ip.w[3]);
		words[1] = p << 16;
		cr_assert_eq(rss_queue(&both, &relay.ip, (uint16_t)p),
			both.table[rte_softrss(words, 2, both.key) % 8]);
		for (int i = 0; i < 4; i++)
			words[i] = ntohl(relay6.w[i]);
		words[4] = p << 16;
		cr_assert_eq(rss_queue(&both, &relay6, (uint16_t)p),
			both.table[rte_softrss(words, 5, both.key) % 8]);
	}
}

Test(dpdk_rss, a_hash_of_the_peers_address_tells_nothing)
{
	struct rss r = given("4-tuple", "0,1");

	cr_assert_not(rss_tells(&r));
	r.hash = RSS_DESTINATION;
	cr_assert(rss_tells(&r));
	r.key_length = 0;
	cr_assert_not(rss_tells(&r), "without a key");
}

Test(dpdk_rss, keys_and_tables_are_read_whole_or_not_at_all)
{
	struct rss r = {0};
	char key[2 * RSS_KEY_MAX + 3];

	memset(key, 'a', sizeof(key));
	key[2 * RSS_KEY_MAX + 2] = 0;
	cr_assert_not(rss_parse_key(&r, key), "too long");
	key[2 * RSS_KEY_MAX] = 0;
	cr_assert(rss_parse_key(&r, key));
	cr_assert_eq(r.key_length, RSS_KEY_MAX);
	key[2 * RSS_KEY_MIN - 2] = 0;
	cr_assert_not(rss_parse_key(&r, key), "too short");
	cr_assert_not(rss_parse_key(&r, LAB_KEY "a"), "half a byte");
	cr_assert_not(rss_parse_key(&r, "0x" LAB_KEY));
	cr_assert(rss_parse_table(&r, "3,2,1,0"));
	cr_assert_eq(r.table_size, 4);
	cr_assert_eq(r.table[0], 3);
	for (const char *const *bad = (const char *const[]){"", "1,", ",1", "0,1,2", "0,64", "a",
		     "0 ,1", "-1,0", NULL};
		*bad; bad++)
		cr_assert_not(rss_parse_table(&r, *bad), "%s", *bad);
}
