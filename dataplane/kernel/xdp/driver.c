// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "driver.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <sys/time.h>
#include <time.h>

// Of linux/netdev.h, which is younger than the headers that this is built with.
#define NETDEV_FAMILY "netdev"
#define NETDEV_DEV_GET 1
#define NETDEV_IFINDEX 1
#define NETDEV_XDP_FEATURES 3
#define XDP_BASIC (1u << 0)
#define XDP_NDO_XMIT (1u << 2)

struct answer {
	uint16_t family;
	bool told;
	uint64_t features;
};

static int on_attribute(const struct nlattr *attribute, void *context)
{
	struct answer *answer = context;

	if (mnl_attr_get_type(attribute) == NETDEV_XDP_FEATURES &&
		mnl_attr_get_payload_len(attribute) == sizeof(uint64_t)) {
		answer->features = mnl_attr_get_u64(attribute);
		answer->told = true;
	}
	return MNL_CB_OK;
}

static int on_device(const struct nlmsghdr *message, void *context)
{
	return mnl_attr_parse(message, sizeof(struct genlmsghdr), on_attribute, context);
}

static int on_family_attribute(const struct nlattr *attribute, void *context)
{
	struct answer *answer = context;

	if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID &&
		mnl_attr_get_payload_len(attribute) == sizeof(uint16_t))
		answer->family = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

static int on_family(const struct nlmsghdr *message, void *context)
{
	return mnl_attr_parse(message, sizeof(struct genlmsghdr), on_family_attribute, context);
}

static struct nlmsghdr *begin(void *buffer, uint16_t family, uint8_t command)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *generic;

	message->nlmsg_type = family;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = command;
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->cmd = command;
	generic->version = 1;
	return message;
}

// Sends a request and reads its answer up to the acknowledgement. Returns whether it was one.
static bool ask(
	struct mnl_socket *s, struct nlmsghdr *message, mnl_cb_t on_answer, struct answer *answer)
{
	char buffer[8192];
	uint32_t sequence = message->nlmsg_seq;
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(s, message, message->nlmsg_len) < 0)
		return false;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(s, buffer, sizeof(buffer));

		if (n < 0)
			return false;
		more = mnl_cb_run(
			buffer, (size_t)n, sequence, mnl_socket_get_portid(s), on_answer, answer);
	}
	return more == MNL_CB_STOP;
}

static void ask_device(struct mnl_socket *s, uint32_t ifindex, struct answer *answer)
{
	char buffer[256];
	struct nlmsghdr *message = begin(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);

	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	if (!ask(s, message, on_family, answer) || !answer->family)
		return;
	message = begin(buffer, answer->family, NETDEV_DEV_GET);
	mnl_attr_put_u32(message, NETDEV_IFINDEX, ifindex);
	if (!ask(s, message, on_device, answer))
		answer->told = false;
}

void driver_ask(uint32_t ifindex, struct driver *out)
{
	const struct timeval patience = {.tv_sec = 1};
	struct mnl_socket *s = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	struct answer answer = {.told = false};

	if (s && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 &&
		setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &patience,
			sizeof(patience)) == 0)
		ask_device(s, ifindex, &answer);
	if (s)
		mnl_socket_close(s);
	*out = (struct driver){.known = answer.told,
		.native = answer.features & XDP_BASIC,
		.transmits = answer.features & XDP_NDO_XMIT};
}
