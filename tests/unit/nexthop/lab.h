// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Two network namespaces and three links between them: near has port0 and port1, which are the dataplane's,
// and other0, which isn't. Each test has its own, gone with its process.
//
//   near  port0   192.0.2.1/24     2001:db8::1/64      far  192.0.2.2, .3    2001:db8::2
//         port1   198.51.100.1/24  2001:db8:1::1/64         198.51.100.2     2001:db8:1::2
//         other0  172.16.0.1/24                             172.16.0.2
#pragma once

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include <nexthop.h>
#include <rtnl.h>

#define LAB_DESTINATIONS 4096u

struct lab {
	struct nexthops *n;
	struct nexthop_port port[2];
	uint8_t far_mac[2][6];
};

extern struct lab lab;

// Skips the test without the privileges that it takes.
void lab_make(void);
void lab_start(uint32_t destinations);
// Again, so that what was set up before is no change.
void lab_restart(uint32_t destinations);
void lab_end(void);
// Has the kernel send a datagram of so many bytes, DF set. Returns the path's MTU as the kernel knows it.
int lab_send(const char *to, size_t length);
// Runs a shell command in a namespace; fails the test if it fails.
void near(const char *format, ...) __attribute__((format(printf, 1, 2)));
void far(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline struct tp_ip ip(const char *text)
{
	struct tp_ip out = {.q = {0, 0}};
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return tp_ip4(v4.s_addr);
	cr_assert(eq(int, inet_pton(AF_INET6, text, out.b), 1));
	return out;
}

static inline uint32_t take(const char *text)
{
	struct tp_ip to = ip(text);
	uint32_t d = nexthops_take(lab.n, &to);

	cr_assert(ne(u32, d, 0));
	return d;
}

static inline struct nexthop look(uint32_t d)
{
	struct nexthop out;

	cr_assert(eq(int, nexthops_read(lab.n, d, &out), out.state));
	return out;
}

static inline struct nexthops_status status(void)
{
	struct nexthops_status s;

	nexthops_status(lab.n, &s);
	return s;
}

// Milliseconds of CLOCK_MONOTONIC.
uint64_t lab_now(void);
// Yields for a moment; fails the test where it was called for too long since `start`.
void lab_patience(uint64_t start, const char *condition);

#define await(condition) \
	do { \
		uint64_t start_ = lab_now(); \
		while (!(condition)) \
			lab_patience(start_, #condition); \
	} while (0)

// Ready, out of a port, to the far end of its link: the whole of it.
#define expect_ready(d, index, mtu_) \
	do { \
		struct nexthop expected_ = { \
			.mtu = (mtu_), .port = (index), .l2_length = 14, .state = NEXTHOP_READY}; \
		struct nexthop actual_; \
		memcpy(expected_.l2, lab.far_mac[index], 6); \
		memcpy(expected_.l2 + 6, lab.port[index].mac, 6); \
		await((actual_ = look(d), memcmp(&actual_, &expected_, sizeof(actual_)) == 0)); \
	} while (0)

#define expect_state(d, state_) await(look(d).state == (state_))
