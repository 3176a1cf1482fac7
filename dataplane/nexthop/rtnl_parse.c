// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "rtnl_parse.h"

_Static_assert(RTNL_NUD_FIXED == (NUD_PERMANENT | NUD_NOARP), "the kernel's numbers");
_Static_assert(
	RTNL_NUD_VALID == (RTNL_NUD_FIXED | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE),
	"the kernel's numbers");
_Static_assert(RTNL_NUD_FAILED == NUD_FAILED, "the kernel's number");

// The first attribute of a kind whose payload has at least `size` bytes, or NULL.
static const struct nlattr *find(
	const struct nlmsghdr *nlh, size_t header, uint16_t type, uint16_t size)
{
	const struct nlattr *a;

	if (mnl_nlmsg_get_payload_len(nlh) < header)
		return NULL;
	mnl_attr_for_each(a, nlh,
		header) if (mnl_attr_get_type(a) == type) return mnl_attr_get_payload_len(a) >= size
		? a
		: NULL;
	return NULL;
}

static bool has_header(const struct nlmsghdr *nlh, size_t size)
{
	return mnl_nlmsg_get_payload_len(nlh) >= size;
}

static bool get_ip(uint8_t family, const void *bytes, uint16_t length, struct tp_ip *out)
{
	uint32_t be;

	if (family == AF_INET && length == 4) {
		memcpy(&be, bytes, 4);
		*out = tp_ip4(be);
		return true;
	}
	if (family == AF_INET6 && length == 16) {
		memcpy(out, bytes, 16);
		return true;
	}
	return false;
}

static bool find_ip(
	const struct nlmsghdr *nlh, size_t header, uint16_t type, uint8_t family, struct tp_ip *out)
{
	const struct nlattr *a = find(nlh, header, type, 4);

	return a && get_ip(family, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a), out);
}

// An IPv4 route's gateway may be an IPv6 address (RFC 8950).
static bool find_via(const struct nlmsghdr *nlh, struct tp_ip *out)
{
	const struct nlattr *a = find(nlh, sizeof(struct rtmsg), RTA_VIA, 6);
	uint16_t family;

	if (!a)
		return false;
	memcpy(&family, mnl_attr_get_payload(a), 2);
	return get_ip((uint8_t)family, (const uint8_t *)mnl_attr_get_payload(a) + 2,
		(uint16_t)(mnl_attr_get_payload_len(a) - 2), out);
}

static uint32_t find_mtu(const struct nlmsghdr *nlh)
{
	const struct nlattr *metrics = find(nlh, sizeof(struct rtmsg), RTA_METRICS, 0);
	const struct nlattr *a;

	if (!metrics)
		return 0;
	mnl_attr_for_each_nested(
		a, metrics) if (mnl_attr_get_type(a) == RTAX_MTU &&
				mnl_attr_get_payload_len(a) == 4) return mnl_attr_get_u32(a);
	return 0;
}

bool rtnl_parse_route(const struct nlmsghdr *nlh, const struct tp_ip *asked, struct rtnl_route *out)
{
	const struct nlattr *oif = find(nlh, sizeof(struct rtmsg), RTA_OIF, 4);
	const struct rtmsg *rtm;

	if (nlh->nlmsg_type != RTM_NEWROUTE || !has_header(nlh, sizeof(*rtm)))
		return false;
	rtm = mnl_nlmsg_get_payload(nlh);
	*out = (struct rtnl_route){
		.usable = oif && rtm->rtm_type == RTN_UNICAST &&
			  !(rtm->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)),
		.ifindex = oif ? mnl_attr_get_u32(oif) : 0,
		.gateway = *asked,
		.mtu = find_mtu(nlh),
	};
	if (!find_via(nlh, &out->gateway))
		find_ip(nlh, sizeof(*rtm), RTA_GATEWAY, rtm->rtm_family, &out->gateway);
	return true;
}

bool rtnl_parse_neighbour(const struct nlmsghdr *nlh, struct rtnl_neighbour *out)
{
	const struct nlattr *mac = find(nlh, sizeof(struct ndmsg), NDA_LLADDR, 6);
	const struct nlattr *ext = find(nlh, sizeof(struct ndmsg), NDA_FLAGS_EXT, 4);
	const struct nlattr *protocol = find(nlh, sizeof(struct ndmsg), NDA_PROTOCOL, 1);
	const struct ndmsg *ndm;

	if ((nlh->nlmsg_type != RTM_NEWNEIGH && nlh->nlmsg_type != RTM_DELNEIGH) ||
		!has_header(nlh, sizeof(*ndm)))
		return false;
	ndm = mnl_nlmsg_get_payload(nlh);
	if (ndm->ndm_flags & NTF_PROXY)
		return false;
	*out = (struct rtnl_neighbour){
		.ifindex = (uint32_t)ndm->ndm_ifindex,
		.nud = nlh->nlmsg_type == RTM_NEWNEIGH ? ndm->ndm_state : 0,
		.managed = ext && (mnl_attr_get_u32(ext) & NTF_EXT_MANAGED),
		.ours = protocol && mnl_attr_get_u8(protocol) == RTNL_PROTOCOL,
	};
	if (out->nud & RTNL_NUD_VALID) {
		if (!mac || mnl_attr_get_payload_len(mac) != 6)
			return false;
		memcpy(out->mac, mnl_attr_get_payload(mac), 6);
	}
	return find_ip(nlh, sizeof(*ndm), NDA_DST, ndm->ndm_family, &out->ip);
}

bool rtnl_parse_link(const struct nlmsghdr *nlh, struct rtnl_link *out)
{
	const struct nlattr *mtu = find(nlh, sizeof(struct ifinfomsg), IFLA_MTU, 4);
	const struct ifinfomsg *ifi;

	if ((nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK) ||
		!has_header(nlh, sizeof(*ifi)))
		return false;
	ifi = mnl_nlmsg_get_payload(nlh);
	if (ifi->ifi_family != AF_UNSPEC)
		return false;
	*out = (struct rtnl_link){
		.ifindex = (uint32_t)ifi->ifi_index,
		.running = nlh->nlmsg_type == RTM_NEWLINK && (ifi->ifi_flags & IFF_UP) &&
			   (ifi->ifi_flags & IFF_LOWER_UP),
		.changed = nlh->nlmsg_type == RTM_DELLINK || ifi->ifi_change,
		.mtu = mtu ? mnl_attr_get_u32(mtu) : 0,
	};
	return true;
}

static void tell_route(const struct nlmsghdr *nlh, const struct rtnl_listener *to)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	enum tp_family family;
	struct tp_ip ip = {.q = {0, 0}};

	if (!has_header(nlh, sizeof(*rtm)) || (rtm->rtm_flags & RTM_F_CLONED) ||
		(rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6))
		return;
	family = rtm->rtm_family == AF_INET ? TP_IPV4 : TP_IPV6;
	if (rtm->rtm_dst_len > (family == TP_IPV4 ? 32 : 128) ||
		(rtm->rtm_dst_len && !find_ip(nlh, sizeof(*rtm), RTA_DST, rtm->rtm_family, &ip)))
		return;
	to->prefix(to->context, family, &ip, rtm->rtm_dst_len);
}

void rtnl_parse_event(const struct nlmsghdr *nlh, const struct rtnl_listener *to)
{
	struct rtnl_neighbour neighbour;
	struct rtnl_link link;

	switch (nlh->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		tell_route(nlh, to);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (rtnl_parse_neighbour(nlh, &neighbour))
			to->neighbour(to->context, &neighbour);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (rtnl_parse_link(nlh, &link))
			to->link(to->context, &link);
		break;
	// A new address comes with routes of its own, which are told. One that goes takes IPv4 routes
	// with it silently, and so does a rule or a next hop object.
	case RTM_DELADDR:
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		to->everything(to->context);
		break;
	}
}
