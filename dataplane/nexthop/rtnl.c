// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "rtnl.h"
#include "rtnl_parse.h"

#define BUFFER 32768u
#define EVENTS_BUFFER (4 << 20) // bytes that the kernel may hold for us
#define ANSWER_S 1
#define LISTEN_MESSAGES 16 // datagrams in one go

static int join(struct mnl_socket *s)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_NEXTHOP};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		// Kernels before 5.3 have no next hop objects.
		if (mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 &&
			group != RTNLGRP_NEXTHOP)
			return -errno;
	}
	return 0;
}

int rtnl_open(struct rtnl *r)
{
	const struct timeval patience = {.tv_sec = ANSWER_S};
	const int size = EVENTS_BUFFER;
	int err;

	*r = (struct rtnl){.buffer = malloc(BUFFER)};
	if (!r->buffer)
		return -ENOMEM;
	r->ask = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	r->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!r->ask || !r->events || mnl_socket_bind(r->ask, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_bind(r->events, 0, MNL_SOCKET_AUTOPID) < 0 ||
		setsockopt(mnl_socket_get_fd(r->ask), SOL_SOCKET, SO_RCVTIMEO, &patience,
			sizeof(patience)) < 0) {
		err = -errno;
		goto fail;
	}
	// Without privileges the host's rmem_max caps it: then it is lost notifications sooner.
	if (setsockopt(mnl_socket_get_fd(r->events), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		    sizeof(size)) < 0)
		setsockopt(
			mnl_socket_get_fd(r->events), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	err = join(r->events);
	if (err == 0)
		return 0;
fail:
	rtnl_close(r);
	return err;
}

void rtnl_close(struct rtnl *r)
{
	if (r->ask)
		mnl_socket_close(r->ask);
	if (r->events)
		mnl_socket_close(r->events);
	free(r->buffer);
	*r = (struct rtnl){0};
}

static int error_of(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) < sizeof(*e) ? -EPROTO : e->error;
}

// Sends a request and returns its answer, in the buffer; NULL with *err: the kernel's error, 0 for an
// acknowledgement. A late answer to an earlier request is passed over by its sequence.
static const struct nlmsghdr *ask(struct rtnl *r, struct nlmsghdr *request, int *err)
{
	uint32_t port = mnl_socket_get_portid(r->ask);
	uint32_t sequence = request->nlmsg_seq = ++r->sequence;

	if (mnl_socket_sendto(r->ask, request, request->nlmsg_len) < 0) {
		*err = -errno;
		return NULL;
	}
	for (;;) {
		ssize_t length = mnl_socket_recvfrom(r->ask, r->buffer, BUFFER);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)r->buffer;
		int left = (int)length;

		if (length < 0) {
			*err = errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
			return NULL;
		}
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (!mnl_nlmsg_seq_ok(nlh, sequence) || !mnl_nlmsg_portid_ok(nlh, port))
				continue;
			*err = nlh->nlmsg_type == NLMSG_ERROR ? error_of(nlh) : 0;
			return nlh->nlmsg_type == NLMSG_ERROR ? NULL : nlh;
		}
	}
}

static struct nlmsghdr *request(struct rtnl *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(r->buffer);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	return nlh;
}

static void put_ip(struct nlmsghdr *nlh, uint16_t type, const struct tp_ip *ip)
{
	if (tp_ip_is4(ip))
		mnl_attr_put(nlh, type, 4, &ip->w[3]);
	else
		mnl_attr_put(nlh, type, 16, ip->b);
}

static uint8_t family_of(const struct tp_ip *ip)
{
	return tp_ip_is4(ip) ? AF_INET : AF_INET6;
}

static bool transient(int err)
{
	return err == -ENOBUFS || err == -ENOMEM || err == -EINTR || err == -EPROTO;
}

int rtnl_get_route(struct rtnl *r, const struct tp_ip *to, struct rtnl_route *out)
{
	struct nlmsghdr *nlh = request(r, RTM_GETROUTE, 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	const struct nlmsghdr *answer;
	int err;

	rtm->rtm_family = family_of(to);
	rtm->rtm_dst_len = tp_ip_is4(to) ? 32 : 128;
	put_ip(nlh, RTA_DST, to);
	answer = ask(r, nlh, &err);
	if (answer)
		return rtnl_parse_route(answer, to, out) ? 0 : -EAGAIN;
	return transient(err) || err == 0 ? -EAGAIN : err;
}

static struct nlmsghdr *neighbour_request(struct rtnl *r, uint16_t type, uint16_t flags,
	uint32_t ifindex, const struct tp_ip *ip, uint8_t ntf)
{
	struct nlmsghdr *nlh = request(r, type, flags);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = family_of(ip);
	ndm->ndm_ifindex = (int)ifindex;
	ndm->ndm_flags = ntf;
	put_ip(nlh, NDA_DST, ip);
	return nlh;
}

int rtnl_get_neighbour(
	struct rtnl *r, uint32_t ifindex, const struct tp_ip *ip, struct rtnl_neighbour *out)
{
	const struct nlmsghdr *answer;
	int err;

	answer = ask(r, neighbour_request(r, RTM_GETNEIGH, 0, ifindex, ip, 0), &err);
	if (answer && rtnl_parse_neighbour(answer, out))
		return 0;
	*out = (struct rtnl_neighbour){.ifindex = ifindex, .ip = *ip};
	return answer || err == -ENOENT ? 0 : err;
}

int rtnl_get_link(struct rtnl *r, uint32_t ifindex, struct rtnl_link *out)
{
	struct nlmsghdr *nlh = request(r, RTM_GETLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	const struct nlmsghdr *answer;
	int err;

	ifi->ifi_index = (int)ifindex;
	answer = ask(r, nlh, &err);
	if (answer)
		return rtnl_parse_link(answer, out) ? 0 : -EPROTO;
	return err ? err : -EPROTO;
}

int rtnl_use_neighbour(struct rtnl *r, uint32_t ifindex, const struct tp_ip *ip, bool managed)
{
	// Kernels before 5.16 pass over the extended flags: they probe once.
	struct nlmsghdr *nlh = neighbour_request(
		r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, ifindex, ip, NTF_USE);
	int err;

	if (managed) {
		mnl_attr_put_u32(nlh, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
		mnl_attr_put_u8(nlh, NDA_PROTOCOL, RTNL_PROTOCOL);
	}
	return ask(r, nlh, &err) ? -EPROTO : err;
}

int rtnl_events_fd(const struct rtnl *r)
{
	return mnl_socket_get_fd(r->events);
}

int rtnl_listen(struct rtnl *r, const struct rtnl_listener *to)
{
	for (unsigned int i = 0; i < LISTEN_MESSAGES; i++) {
		ssize_t length = mnl_socket_recvfrom(r->events, r->buffer, BUFFER);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)r->buffer;
		int left = (int)length;

		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (length < 0)
			return -errno;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			rtnl_parse_event(nlh, to);
	}
	return 1;
}
