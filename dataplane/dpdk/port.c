// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <frame.h>
#include <rte_dev.h>

#include "steer.h"

static int complain(const struct port *p, const char *what, int err)
{
	fprintf(stderr, "turnpike-dpdk: port %s: %s: %s.\n", p->spec, what,
		strerror(err < 0 ? -err : err));
	return -1;
}

// A device's name: what stands before its arguments.
static void device_name(const char *spec, char *out, size_t size)
{
	size_t length = strcspn(spec, ",");

	snprintf(out, size, "%.*s", (int)length, spec);
}

static int find(const char *spec, uint16_t *id)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	struct rte_dev_iterator iterator;
	uint16_t port;
	int err;

	device_name(spec, name, sizeof(name));
	// One that EAL's own options, or the program itself, have made.
	if (rte_eth_dev_get_port_by_name(name, id) == 0)
		return 0;
	err = rte_dev_probe(spec);
	if (err)
		return err;
	if (rte_eth_dev_get_port_by_name(name, id) == 0)
		return 0;
	// A PCI address may be written without its domain.
	RTE_ETH_FOREACH_MATCHING_DEV(port, name, &iterator)
	{
		rte_eth_iterator_cleanup(&iterator);
		*id = port;
		return 0;
	}
	return -ENODEV;
}

static int open_exception(
	struct port *p, const struct exception_setting *e, uint32_t index, uint32_t queues)
{
	char spec[160], mac[RTE_ETHER_ADDR_FMT_SIZE];
	struct rte_ether_addr address;
	int err;

	snprintf(p->kernel, sizeof(p->kernel), "%s", e->iface);
	memcpy(address.addr_bytes, p->mac, sizeof(p->mac));
	rte_ether_format_addr(mac, sizeof(mac), &address);
	if (e->kind == EXCEPTION_NONE)
		return 0;
	if (e->kind == EXCEPTION_TAP)
		snprintf(spec, sizeof(spec), "net_tap_exception%u,iface=%s,mac=%s", index, e->iface,
			mac);
	else
		snprintf(spec, sizeof(spec),
			"virtio_user%u,path=/dev/"
			"vhost-net,queues=%u,queue_size=1024,iface=%s,mac=%s",
			index, queues, e->iface, mac);
	err = find(spec, &p->exception);
	if (!err)
		return 0;
	fprintf(stderr,
		"turnpike-dpdk: port %s: the exception interface %s can't be made: %s. It takes "
		"CAP_NET_ADMIN and %s.\n",
		p->spec, e->iface, strerror(-err),
		e->kind == EXCEPTION_TAP ? "/dev/net/tun" : "/dev/vhost-net");
	return -1;
}

// The address of a TAP device is that of its kernel side: our end of the wire has the next one.
static void own_address(struct port *p)
{
	struct rte_ether_addr address;

	rte_eth_macaddr_get(p->id, &address);
	memcpy(p->mac, address.addr_bytes, sizeof(p->mac));
	if (!strcmp(p->driver, "net_tap"))
		p->mac[5] ^= 1;
}

int port_open(struct port *p, const struct settings *s, uint32_t index)
{
	struct rte_eth_dev_info info;
	int err;

	*p = (struct port){
		.spec = s->port[index], .id = RTE_MAX_ETHPORTS, .exception = RTE_MAX_ETHPORTS};
	err = find(p->spec, &p->id);
	// Of a name that no driver knows DPDK says "bad address".
	if (err)
		return complain(p,
			"no driver took it (is it bound to vfio-pci, or its name misspelt?)",
			err == -EFAULT ? ENODEV : err);
	err = rte_eth_dev_info_get(p->id, &info);
	if (err)
		return complain(p, "it does not say what it can do", err);
	if (info.max_tx_queues < s->common.workers) {
		fprintf(stderr,
			"turnpike-dpdk: port %s has %u TX queues, one short of one for each "
			"worker: "
			"--workers %u at most.\n",
			p->spec, info.max_tx_queues, info.max_tx_queues);
		return -1;
	}
	p->driver = info.driver_name;
	own_address(p);
	if (open_exception(p, &s->exception[index], index, s->common.workers) < 0)
		return -1;
	p->ifindex = if_nametoindex(p->kernel);
	if (!p->ifindex)
		return complain(p, "the kernel has no such exception interface", errno);
	return 0;
}

static bool lacks(
	const struct port *p, const char *what, uint32_t has, const char *option, uint32_t asked)
{
	fprintf(stderr, "turnpike-dpdk: port %s has %s of %u at most: --%s %u can't be had.\n",
		p->spec, what, has, option, asked);
	return false;
}

// Whether a wire can have the rings and the MTU that were asked for. Drivers would take less without
// a word.
static bool has_room(
	const struct port *p, const struct rte_eth_dev_info *info, const struct settings *s)
{
	if (s->rx_ring > info->rx_desc_lim.nb_max)
		return lacks(p, "receive rings", info->rx_desc_lim.nb_max, "rx-ring", s->rx_ring);
	if (s->tx_ring > info->tx_desc_lim.nb_max)
		return lacks(p, "transmit rings", info->tx_desc_lim.nb_max, "tx-ring", s->tx_ring);
	if (s->mtu > info->max_mtu)
		return lacks(p, "an MTU", info->max_mtu, "mtu", s->mtu);
	if (s->mtu + FRAME_L2_MAX <= RTE_MBUF_DEFAULT_DATAROOM ||
		info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER)
		return true;
	return lacks(p, "no scattered receive (RTE_ETH_RX_OFFLOAD_SCATTER), so an MTU",
		RTE_MBUF_DEFAULT_DATAROOM - FRAME_L2_MAX, "mtu", s->mtu);
}

// Before it starts. The MTU that was asked for is one that configuring has not complained about.
static int set_mtu(const struct port *p, const struct settings *s)
{
	int err = s->mtu && s->mtu != p->own_mtu ? rte_eth_dev_set_mtu(p->id, p->mtu) : 0;

	if (!err)
		return 0;
	fprintf(stderr, "turnpike-dpdk: port %s has an MTU of %u and can't have --mtu %u: %s.\n",
		p->spec, p->own_mtu, s->mtu, strerror(-err));
	return -1;
}

static uint16_t at_most(uint32_t want, uint16_t has)
{
	return want < has ? (uint16_t)want : has;
}

// The kernel joins groups (IPv6 neighbour discovery) on the exception interface: the port has to let them in.
static void let_groups_in(const struct port *p)
{
	int err = rte_eth_allmulticast_enable(p->id);

	if (err == -ENOTSUP)
		err = rte_eth_promiscuous_enable(p->id);
	// A device that has neither filters nothing.
	if (err && err != -ENOTSUP)
		fprintf(stderr,
			"turnpike-dpdk: port %s does not let multicast in: %s. IPv6 neighbours "
			"will "
			"not find it.\n",
			p->spec, strerror(-err));
}

// Sets up one device with a queue pair for each worker. Returns RX queues, or -1.
static int start_device(const struct port *p, uint16_t id, const struct settings *s,
	struct rte_mempool *pool, bool wire)
{
	struct rte_eth_conf conf = {.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE};
	struct rte_eth_dev_info info;
	uint16_t rx, tx = (uint16_t)s->common.workers;
	uint16_t rx_ring = (uint16_t)s->rx_ring, tx_ring = (uint16_t)s->tx_ring;
	int err = rte_eth_dev_info_get(id, &info);

	if (err)
		return complain(p, "it does not say what it can do", err);
	if (info.max_tx_queues < tx)
		return complain(p, "its exception interface has too few queues for so many workers",
			ENOSPC);
	if (wire && !has_room(p, &info, s))
		return -1;
	// Every frame that leaves by the wire is one buffer of one pool that nobody else refers to,
	// unless frames are larger than that pool's buffers.
	if (wire && p->mtu + FRAME_L2_MAX <= RTE_MBUF_DEFAULT_DATAROOM)
		conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	rx = at_most(s->common.workers, info.max_rx_queues);
	conf.rxmode.mtu = wire ? p->mtu : 0;
	if (wire && p->mtu + FRAME_L2_MAX > RTE_MBUF_DEFAULT_DATAROOM)
		conf.rxmode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	if (wire && rx > 1)
		steer_configure(&conf, &info, s);
	err = rte_eth_dev_configure(id, rx, tx, &conf);
	if (err)
		return complain(p, "it can't be configured", err);
	err = rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx_ring, &tx_ring);
	if (err)
		return complain(p, "it has no rings of this size", err);
	for (uint16_t q = 0; !err && q < rx; q++)
		err = rte_eth_rx_queue_setup(id, q, rx_ring, rte_eth_dev_socket_id(id), NULL, pool);
	for (uint16_t q = 0; !err && q < tx; q++)
		err = rte_eth_tx_queue_setup(id, q, tx_ring, rte_eth_dev_socket_id(id), NULL);
	if (err)
		return complain(p, "a queue can't be set up", err);
	if (wire)
		let_groups_in(p);
	if (wire && set_mtu(p, s) < 0)
		return -1;
	err = rte_eth_dev_start(id);
	return err ? complain(p, "it does not start", err) : rx;
}

int port_start(struct port *p, const struct settings *s, struct rte_mempool *pool)
{
	int rx;

	if (rte_eth_dev_get_mtu(p->id, &p->mtu))
		p->mtu = RTE_ETHER_MTU;
	p->own_mtu = p->mtu;
	if (s->mtu)
		p->mtu = (uint16_t)s->mtu;
	rx = start_device(p, p->id, s, pool, true);
	if (rx < 0)
		return -1;
	p->rx_queues = (uint16_t)rx;
	if (p->rx_queues < s->common.workers)
		fprintf(stderr,
			"turnpike-dpdk: port %s has %u RX queues: only the first %u of %u workers "
			"receive from it.\n",
			p->spec, p->rx_queues, p->rx_queues, s->common.workers);
	if (p->exception == RTE_MAX_ETHPORTS)
		return 0;
	rx = start_device(p, p->exception, s, pool, false);
	if (rx < 0)
		return -1;
	p->exception_rx_queues = (uint16_t)rx;
	// One that can't follow keeps its own, which is Ethernet's.
	rte_eth_dev_set_mtu(p->exception, p->mtu);
	return 0;
}

static void close_device(uint16_t id)
{
	if (id == RTE_MAX_ETHPORTS)
		return;
	rte_eth_dev_stop(id);
	rte_eth_dev_close(id);
}

void port_close(struct port *p)
{
	close_device(p->id);
	close_device(p->exception);
}
