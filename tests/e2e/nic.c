// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Plays a NIC with several receive queues, and the wire behind it: the wire is a TAP device, the queues
// are those of net_memif or net_vhost, at whose other end is turnpike-dpdk.
//
//   nic WAY QUEUES DEVICE TAP [EAL ARGUMENT]...
//
// WAY is how frames to relay ports (from FIRST on) find their queue: `bits` by the lowest bits of the
// port, `rss` by Toeplitz' hash of it with KEY and a table of TABLE entries, queue after queue; `astray`
// one queue beyond that of `bits`. Frames to other UDP ports go by their source's port, the rest to
// queue 0. There must be a worker for each queue: net_memif takes one that the other end does not have for
// its first. Says "ready" when both sides have started.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_thash.h>

enum {
	BURST = 32,
	DESCRIPTORS = 1024,
	BUFFERS = 16383,
	POLLS = 200, // without a frame, until it sleeps
	SLEEP_US = 100,
	FIRST = 4000, // relay port
	TABLE = 128,
	UDP = 17,
	QUEUES_MAX = 16,
};

// Microsoft's example key.
static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25,
	0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb,
	0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

enum way { BITS, RSS, ASTRAY };

struct nic {
	enum way way;
	uint16_t queues;
	uint16_t device, tap;
	struct rte_mempool *pool;
};

static volatile sig_atomic_t over;

static void end(int)
{
	over = 1;
}

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

// Where UDP's header begins in a frame; 0: there is none.
static uint32_t udp_of(const uint8_t *frame, uint32_t length)
{
	if (length >= 42 && load16(frame + 12) == RTE_ETHER_TYPE_IPV4 && frame[23] == UDP &&
		!(load16(frame + 20) & 0x3fff))
		return 14 + (frame[14] & 15u) * 4;
	if (length >= 62 && load16(frame + 12) == RTE_ETHER_TYPE_IPV6 && frame[20] == UDP)
		return 54;
	return 0;
}

static uint16_t by_bits(const struct nic *n, uint16_t port)
{
	uint16_t values = 1;

	while (values < n->queues)
		values *= 2;
	return (port & (values - 1)) % n->queues;
}

static uint16_t queue_of(const struct nic *n, const struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t udp = udp_of(frame, m->data_len);
	uint16_t port;
	uint32_t word;

	if (!udp || udp + 8 > m->data_len)
		return 0;
	port = load16(frame + udp + 2);
	if (port < FIRST)
		return load16(frame + udp) % n->queues;
	word = (uint32_t)port << 16;
	if (n->way == RSS)
		return (uint16_t)(rte_softrss(&word, 1, key) % TABLE % n->queues);
	return (uint16_t)((by_bits(n, port) + (n->way == ASTRAY)) % n->queues);
}

static uint16_t from_wire(const struct nic *n)
{
	struct rte_mbuf *m[BURST];
	uint16_t count = rte_eth_rx_burst(n->tap, 0, m, BURST);

	for (uint16_t i = 0; i < count; i++)
		if (!rte_eth_tx_burst(n->device, queue_of(n, m[i]), &m[i], 1))
			rte_pktmbuf_free(m[i]);
	return count;
}

static uint16_t to_wire(const struct nic *n)
{
	struct rte_mbuf *m[BURST];
	uint16_t total = 0;

	for (uint16_t q = 0; q < n->queues; q++) {
		uint16_t count = rte_eth_rx_burst(n->device, q, m, BURST);
		uint16_t sent = count ? rte_eth_tx_burst(n->tap, 0, m, count) : 0;

		if (sent < count)
			rte_pktmbuf_free_bulk(m + sent, count - sent);
		total += count;
	}
	return total;
}

static int start(const struct nic *n, const char *spec, uint16_t *id, uint16_t queues)
{
	const struct rte_eth_conf conf = {0};
	char name[RTE_ETH_NAME_MAX_LEN];
	int err = rte_dev_probe(spec);

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(spec, ","), spec);
	if (!err)
		err = rte_eth_dev_get_port_by_name(name, id);
	if (!err)
		err = rte_eth_dev_configure(*id, queues, queues, &conf);
	for (uint16_t q = 0; !err && q < queues; q++) {
		err = rte_eth_rx_queue_setup(*id, q, DESCRIPTORS, SOCKET_ID_ANY, NULL, n->pool);
		if (!err)
			err = rte_eth_tx_queue_setup(*id, q, DESCRIPTORS, SOCKET_ID_ANY, NULL);
	}
	if (!err)
		err = rte_eth_dev_start(*id);
	if (err)
		fprintf(stderr, "nic: %s: %s\n", spec, strerror(-err));
	return err;
}

static void relay(const struct nic *n)
{
	uint32_t idle = 0;

	while (!over) {
		idle = from_wire(n) + to_wire(n) ? 0 : idle + 1;
		if (idle >= POLLS)
			usleep(SLEEP_US);
	}
}

static int begin(struct nic *n, char **argv, int argc)
{
	char *eal[32] = {"nic", "--no-telemetry", "--no-pci", "--log-level=warning", "-l", "0"};
	int count = 6;

	for (int i = 5; i < argc && count < 31; i++)
		eal[count++] = argv[i];
	if (rte_eal_init(count, eal) < 0)
		return -1;
	n->pool = rte_pktmbuf_pool_create(
		"frames", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!n->pool || start(n, argv[3], &n->device, n->queues) || start(n, argv[4], &n->tap, 1))
		return -1;
	puts("ready");
	return fflush(stdout);
}

int main(int argc, char **argv)
{
	static const char *const ways[] = {"bits", "rss", "astray"};
	struct nic n = {0};
	int err;

	while (argc > 4 && n.way <= ASTRAY && strcmp(argv[1], ways[n.way]) != 0)
		n.way++;
	if (argc > 4)
		n.queues = (uint16_t)strtoul(argv[2], NULL, 10);
	if (n.way > ASTRAY || !n.queues || n.queues > QUEUES_MAX) {
		fprintf(stderr, "usage: nic bits|rss|astray QUEUES DEVICE TAP [EAL...]\n");
		return 2;
	}
	signal(SIGTERM, end);
	err = begin(&n, argv, argc);
	if (!err)
		relay(&n);
	rte_eal_cleanup();
	return err ? 1 : 0;
}
