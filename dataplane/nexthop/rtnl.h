// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What is asked of the kernel over rtnetlink, and what it tells by itself. The sockets belong to the network
// namespace of the thread that opened them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

struct mnl_socket;

struct rtnl {
	struct mnl_socket *ask;
	struct mnl_socket *events; // non-blocking
	uint32_t sequence;
	uint8_t *buffer;
};

struct rtnl_route {
	bool usable; // unicast, and its interface has a carrier
	uint32_t ifindex;
	struct tp_ip gateway; // the destination itself where it is on the link
	uint32_t mtu; // 0: the interface's
};

struct rtnl_neighbour {
	uint32_t ifindex;
	struct tp_ip ip;
	uint16_t nud; // 0: there is none
	bool managed;
	bool ours; // we had it managed, in this life or another
	uint8_t mac[6]; // where nud is one of RTNL_NUD_VALID
};
#define RTNL_NUD_FIXED 0xc0u // NUD_PERMANENT, NUD_NOARP: nobody's to resolve
#define RTNL_NUD_VALID 0xdeu // these and REACHABLE, STALE, DELAY, PROBE
#define RTNL_NUD_FAILED 0x20u

struct rtnl_link {
	uint32_t ifindex;
	bool running;
	bool changed; // as the kernel says; of answers, not set
	uint32_t mtu;
};

// What the kernel tells. NULL where it isn't wanted.
struct rtnl_listener {
	void (*neighbour)(void *context, const struct rtnl_neighbour *neighbour);
	void (*link)(void *context, const struct rtnl_link *link);
	// Routes to a prefix; length 0: the family's default.
	void (*prefix)(
		void *context, enum tp_family family, const struct tp_ip *ip, unsigned int length);
	void (*everything)(void *context); // rules, next hop objects, addresses that are gone
	void *context;
};

// 0 or a negative errno. rtnl_close() takes one that wasn't opened (all zero).
int rtnl_open(struct rtnl *r);
void rtnl_close(struct rtnl *r);

// 0; -ENETUNREACH and the like: there is no way; -EAGAIN: no answer, ask again later.
int rtnl_get_route(struct rtnl *r, const struct tp_ip *to, struct rtnl_route *out);
// 0 (with nud 0: no entry) or a negative errno.
int rtnl_get_neighbour(
	struct rtnl *r, uint32_t ifindex, const struct tp_ip *ip, struct rtnl_neighbour *out);
int rtnl_get_link(struct rtnl *r, uint32_t ifindex, struct rtnl_link *out);
// Has the kernel resolve a neighbour, and, if managed, keep it resolved. -EPERM: without CAP_NET_ADMIN.
int rtnl_use_neighbour(struct rtnl *r, uint32_t ifindex, const struct tp_ip *ip, bool managed);

int rtnl_events_fd(const struct rtnl *r);
// Reads what the kernel tells, a bounded amount. Returns 1 if there may be more, 0 if not, -ENOBUFS if some
// of it was lost, or another negative errno.
int rtnl_listen(struct rtnl *r, const struct rtnl_listener *to);
