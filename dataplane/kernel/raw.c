// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "raw.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <turnpike/attach.h>

#include "settings.h"
#include "xdp/interfaces.h"

#define RAW_BUFFER (4 << 20) // bytes that may wait in the driver

// Every address of a client or peer may be another one, and a client that moves is in two places.
static uint32_t destinations(const struct tp_capabilities *c)
{
	uint64_t n = 2ull * c->allocations + c->peers;

	return n < NEXTHOP_DESTINATIONS_MAX ? (uint32_t)n : NEXTHOP_DESTINATIONS_MAX;
}

// Protocol 0: it receives nothing.
static int open_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int may_send(void)
{
	int fd = open_socket();

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

// Writes the interfaces that frames can be sent by, and says so. Returns their number.
static uint32_t find(struct raw *raw, const struct settings *settings,
	struct nexthop_port port[TP_INTERFACES_MAX])
{
	struct interface found[TP_INTERFACES_MAX];
	uint32_t ports = 0;
	int n = interfaces_find(
		found, settings->interface, settings->interfaces, &settings->common.capabilities);

	for (int i = 0; i < n; i++) {
		if (!found[i].ifindex || !found[i].ethernet)
			continue;
		fprintf(stderr, "turnpike-kernel: %s: sends by packet sockets.\n",
			found[i].told.name);
		raw->ifindex[ports] = found[i].ifindex;
		port[ports] = (struct nexthop_port){.ifindex = found[i].ifindex};
		memcpy(port[ports++].mac, found[i].mac, sizeof(found[i].mac));
	}
	return ports;
}

int raw_start(struct raw *raw, const struct settings *settings)
{
	struct nexthop_port port[TP_INTERFACES_MAX];
	const char *why = NULL;
	uint32_t ports = 0;
	int err;

	*raw = (struct raw){0};
	if (!settings->raw)
		return 0;
	err = may_send();
	if (err)
		why = err == -EPERM ? "takes CAP_NET_RAW" : strerror(-err);
	else if (!(ports = find(raw, settings, port)))
		why = "no Ethernet interface has the addresses";
	if (why) {
		fprintf(stderr, "turnpike-kernel: UDP sockets send, because --raw: %s.\n", why);
		return 0;
	}
	err = nexthops_create(
		&raw->nexthops, port, ports, destinations(&settings->common.capabilities));
	if (err)
		raw->nexthops = NULL;
	return err;
}

void raw_stop(struct raw *raw)
{
	nexthops_destroy(raw->nexthops);
	raw->nexthops = NULL;
}

int raw_sender_init(struct raw_sender *sender, const struct raw *raw)
{
	const int on = 1, buffer = RAW_BUFFER;

	*sender = (struct raw_sender){.fd = -1, .raw = raw};
	if (!raw->nexthops)
		return 0;
	sender->hops = nexthops_view(raw->nexthops);
	sender->ip_id = (uint16_t)tp_random64();
	sender->fd = open_socket();
	if (sender->fd < 0)
		return sender->fd;
	if (setsockopt(sender->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0)
		return -errno;
	if (setsockopt(sender->fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) < 0)
		setsockopt(sender->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	return 0;
}

void raw_sender_free(struct raw_sender *sender)
{
	if (sender->fd >= 0)
		close(sender->fd);
	sender->fd = -1;
}

static uint32_t take(void *context, const struct tp_ip *ip)
{
	return nexthops_take(context, ip);
}

static void give_back(void *context, uint32_t destination)
{
	nexthops_give_back(context, destination);
}

void raw_follow(const struct raw *raw, struct relay *relay)
{
	if (raw->nexthops)
		relay_on_destinations(relay, take, give_back, raw->nexthops);
}
