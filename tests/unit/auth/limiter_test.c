// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "request.h"

static struct auth *limited(uint32_t per_second)
{
	struct auth_config config = config_of_test();

	config.unauthenticated_per_second = per_second;
	return auth_of(&config);
}

static struct auth *limited_by_network(uint32_t per_second, uint32_t per_network)
{
	struct auth_config config = config_of_test();

	config.unauthenticated_per_second = per_second;
	config.network_unauthenticated_per_second = per_network;
	return auth_of(&config);
}

static unsigned int answers(
	struct auth *auth, const struct tp_ip *from, uint64_t now_ms, unsigned int asked)
{
	unsigned int n = 0;

	while (asked--)
		n += auth_may_answer(auth, from, now_ms);
	return n;
}

Test(limiter, gives_a_second_s_worth_at_once_but_at_least_10)
{
	static const uint32_t rates[][2] = {
		{1, 10}, {9, 10}, {10, 10}, {11, 11}, {1000, 1000}, {1000000, 1000000}};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct auth *auth = limited(rates[i][0]);

		cr_assert(answers(auth, &client.ip, 0, 1000100) == rates[i][1], "%u", rates[i][0]);
		auth_destroy(auth);
	}
}

Test(limiter, refills_exactly_at_the_rate)
{
	struct auth *auth = limited(3);
	const uint64_t start = 1ull << 42;

	cr_assert(answers(auth, &client.ip, start, 20) == 10);
	cr_assert(answers(auth, &client.ip, start + 333, 5) == 0);
	cr_assert(answers(auth, &client.ip, start + 334, 5) == 1);
	cr_assert(answers(auth, &client.ip, start + 666, 5) == 0);
	cr_assert(answers(auth, &client.ip, start + 667, 5) == 1);
	cr_assert(answers(auth, &client.ip, start + 1000, 5) == 1);
	cr_assert(answers(auth, &client.ip, start + 1000000, 50) == 10, "never more than a burst");
	auth_destroy(auth);
}

Test(limiter, over_an_hour_gives_burst_plus_rate_times_time)
{
	struct auth *auth = limited(7);
	unsigned int n = 0;

	for (uint64_t ms = 1; ms <= 3600 * 1000; ms += 1)
		n += auth_may_answer(auth, &client.ip, ms);
	// The first millisecond is a start, not elapsed time.
	cr_assert(n == 10 + (3600 * 1000 - 1) * 7 / 1000);
	auth_destroy(auth);
}

Test(limiter, of_zero_is_no_limit)
{
	struct auth *auth = limited(0);

	cr_assert(answers(auth, &client.ip, 5, 100000) == 100000);
	auth_destroy(auth);
}

Test(limiter, counts_ipv4_by_address_and_ipv6_by_the_first_64_bits)
{
	struct auth *auth = limited(10);
	const struct tp_ip v4 = client.ip, v6 = {.b = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1}};
	struct tp_ip next4 = v4, same6 = v6, next6 = v6;

	next4.b[15] ^= 1;
	same6.b[8] ^= 0x80;
	same6.b[15] ^= 1;
	next6.b[7] ^= 1;
	cr_assert(answers(auth, &v4, 0, 20) == 10);
	cr_assert(answers(auth, &next4, 0, 20) == 10);
	cr_assert(answers(auth, &v6, 0, 20) == 10);
	cr_assert(answers(auth, &same6, 0, 20) == 0);
	cr_assert(answers(auth, &next6, 0, 20) == 10);
	auth_destroy(auth);
}

Test(limiter, spreads_addresses_over_its_buckets)
{
	struct auth *auth = limited(1);
	unsigned int first = 0;

	for (uint32_t i = 0; i < 10000; i++) {
		struct tp_ip ip = tp_ip4(TP_BE32(0x0a000000 + i));

		first += answers(auth, &ip, 0, 20) == 10;
	}
	// 10,000 in 65,536 buckets: about 9,280 find theirs untouched.
	cr_assert(first > 9000 && first < 9600, "%u", first);
	auth_destroy(auth);
}

Test(limiter, counts_a_24_and_a_48_as_one_whatever_address_asks)
{
	static const struct {
		const uint8_t ip[16], outside[16];
		unsigned int host; // a byte that may be anything inside
	} networks[] = {
		{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 0},
			{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 3, 0}, 15},
		{{0x20, 1, 0xd, 0xb8, 0, 1}, {0x20, 1, 0xd, 0xb8, 0, 2}, 6},
		{{0x20, 1, 0xd, 0xb8, 0, 1}, {0x20, 1, 0xd, 0xb8, 0, 0}, 7},
	};

	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		struct auth *auth = limited_by_network(20, 50);
		struct tp_ip ip, outside;
		unsigned int n = 0;

		memcpy(ip.b, networks[i].ip, 16);
		memcpy(outside.b, networks[i].outside, 16);
		for (unsigned int host = 0; host < 256; host++) {
			ip.b[networks[i].host] = (uint8_t)host;
			n += answers(auth, &ip, 0, 1);
		}
		cr_expect_eq(n, 50u, "%zu: %u", i, n);
		cr_expect_eq(answers(auth, &outside, 0, 30), 20u, "%zu", i);
		auth_destroy(auth);
	}
}

Test(limiter, takes_nothing_of_a_network_for_what_an_address_is_refused)
{
	struct auth *auth = limited_by_network(10, 15);
	const struct tp_ip one = tp_ip4(TP_BE32(0xc0000201)), other = tp_ip4(TP_BE32(0xc0000202));

	cr_expect_eq(answers(auth, &one, 0, 1000), 10u);
	cr_expect_eq(answers(auth, &other, 0, 1000), 5u, "what the network has left");
	auth_destroy(auth);
}

Test(limiter, of_a_network_alone_limits_it)
{
	struct auth *auth = limited_by_network(0, 12);
	const struct tp_ip one = tp_ip4(TP_BE32(0xc0000201));

	cr_expect_eq(answers(auth, &one, 0, 1000), 12u);
	auth_destroy(auth);
}
