// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "far_end.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/time.h>

#define BUFFER 32768u

struct link {
	bool elsewhere; // its far end is in namespace `nsid`
	int32_t nsid;
	uint32_t far; // ifindex; 0: none
	bool program;
};

static int on_xdp(const struct nlattr *attribute, void *context)
{
	struct link *link = context;

	if (mnl_attr_get_type(attribute) == IFLA_XDP_ATTACHED &&
		mnl_attr_get_payload_len(attribute) >= sizeof(uint8_t))
		link->program = mnl_attr_get_u8(attribute) != XDP_ATTACHED_NONE;
	return MNL_CB_OK;
}

static int on_attribute(const struct nlattr *attribute, void *context)
{
	struct link *link = context;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type == IFLA_XDP)
		return mnl_attr_parse_nested(attribute, on_xdp, link);
	if (mnl_attr_get_payload_len(attribute) < sizeof(uint32_t))
		return MNL_CB_OK;
	if (type == IFLA_LINK)
		link->far = mnl_attr_get_u32(attribute);
	if (type == IFLA_LINK_NETNSID) {
		link->elsewhere = true;
		link->nsid = (int32_t)mnl_attr_get_u32(attribute);
	}
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *message, void *context)
{
	return mnl_attr_parse(message, sizeof(struct ifinfomsg), on_attribute, context);
}

// About an interface, of the namespace that `where` has its far end in; NULL: of ours. Returns whether it was told.
static bool ask(struct mnl_socket *s, uint32_t ifindex, const struct link *where, struct link *out)
{
	char buffer[BUFFER];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;
	ssize_t n;

	*out = (struct link){.far = 0};
	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST;
	message->nlmsg_seq = ifindex;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_index = (int)ifindex;
	if (where && where->elsewhere)
		mnl_attr_put_u32(message, IFLA_TARGET_NETNSID, (uint32_t)where->nsid);
	if (mnl_socket_sendto(s, message, message->nlmsg_len) < 0)
		return false;
	n = mnl_socket_recvfrom(s, buffer, sizeof(buffer));
	return n > 0 && mnl_cb_run(buffer, (size_t)n, ifindex, mnl_socket_get_portid(s), on_link,
				out) >= MNL_CB_STOP;
}

bool far_end_has_program(uint32_t ifindex)
{
	const struct timeval patience = {.tv_sec = 1};
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct link near, far;
	bool found;

	found = s && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 &&
		setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &patience,
			sizeof(patience)) == 0 &&
		ask(s, ifindex, NULL, &near) && near.far && ask(s, near.far, &near, &far) &&
		far.program;
	if (s)
		mnl_socket_close(s);
	return found;
}
