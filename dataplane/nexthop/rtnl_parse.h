// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Messages of rtnetlink, checked. False: not one to act on.
#pragma once

#include <libmnl/libmnl.h>

#include "rtnl.h"

// Says in a neighbour's entry who had it managed (NDA_PROTOCOL). A number of nobody else's.
#define RTNL_PROTOCOL 84

bool rtnl_parse_route(
	const struct nlmsghdr *nlh, const struct tp_ip *asked, struct rtnl_route *out);
bool rtnl_parse_neighbour(const struct nlmsghdr *nlh, struct rtnl_neighbour *out);
bool rtnl_parse_link(const struct nlmsghdr *nlh, struct rtnl_link *out);
void rtnl_parse_event(const struct nlmsghdr *nlh, const struct rtnl_listener *to);
