// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "interfaces.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "../sockname.h"

// Their senders are this host's own stack or a hypervisor's, which leave checksums to a device that there
// is not.
static bool is_virtual(const char *driver)
{
	static const char *const drivers[] = {"veth", "tun", "virtio_net", "vmxnet3", "hv_netvsc",
		"xen-netfront", "bridge", "dummy", "ifb"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (!strcmp(driver, drivers[i]))
			return true;
	return false;
}

static bool ethtool(int s, const char *name, void *data)
{
	struct ifreq request = {.ifr_data = data};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(s, SIOCETHTOOL, &request) == 0;
}

static void ask_ethtool(int s, struct tp_interface *told)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	if (ethtool(s, told->name, &driver))
		snprintf(told->driver, sizeof(told->driver), "%.31s", driver.driver);
	if (ethtool(s, told->name, &channels))
		told->queues = (uint16_t)(channels.rx_count + channels.combined_count);
	told->virtual_ = is_virtual(told->driver);
}

static void ask(int s, struct interface *f)
{
	struct ifreq request = {0};
	uint32_t program = 0;

	f->ifindex = if_nametoindex(f->told.name);
	if (!f->ifindex)
		return;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", f->told.name);
	if (ioctl(s, SIOCGIFHWADDR, &request) == 0) {
		f->ethernet = request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
		memcpy(f->mac, request.ifr_hwaddr.sa_data, sizeof(f->mac));
	}
	if (ioctl(s, SIOCGIFMTU, &request) == 0)
		f->told.mtu = (uint32_t)request.ifr_mtu;
	ask_ethtool(s, &f->told);
	f->other_program = bpf_xdp_query_id((int)f->ifindex, 0, &program) == 0 && program;
}

static bool is_ours(const struct tp_capabilities *c, const struct tp_ip *ip)
{
	for (uint32_t i = 0; i < c->servers; i++)
		if (tp_ip_equal(&c->server[i].ip, ip))
			return true;
	for (uint32_t i = 0; i < c->relays; i++)
		if (tp_ip_equal(&c->relay[i].local, ip))
			return true;
	return false;
}

static bool add(struct interface out[TP_INTERFACES_MAX], int *count, const char *name)
{
	for (int i = 0; i < *count; i++)
		if (!strcmp(out[i].told.name, name))
			return true;
	if (*count == (int)TP_INTERFACES_MAX)
		return false;
	out[*count] = (struct interface){0};
	snprintf(out[*count].told.name, sizeof(out[*count].told.name), "%s", name);
	++*count;
	return true;
}

static int find_by_address(
	struct interface out[TP_INTERFACES_MAX], const struct tp_capabilities *capabilities)
{
	struct ifaddrs *list;
	int count = 0;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		union sockname name;
		struct tp_endpoint e;

		if (!i->ifa_addr || (i->ifa_flags & IFF_LOOPBACK) ||
			(i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&name, i->ifa_addr,
			i->ifa_addr->sa_family == AF_INET ? sizeof(name.v4) : sizeof(name.v6));
		if (sockname_get(&name, &e) && is_ours(capabilities, &e.ip) &&
			!add(out, &count, i->ifa_name))
			break;
	}
	freeifaddrs(list);
	return count;
}

int interfaces_find(struct interface out[TP_INTERFACES_MAX], const char *const *names,
	uint32_t names_count, const struct tp_capabilities *capabilities)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int count = 0;

	if (s < 0)
		return -errno;
	for (uint32_t i = 0; i < names_count; i++)
		add(out, &count, names[i]);
	if (!names_count)
		count = find_by_address(out, capabilities);
	for (int i = 0; i < count; i++)
		ask(s, &out[i]);
	close(s);
	return count;
}
