// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The traffic of wire_bench.py: sends frames through devices at whose other end a program forwards them,
// and counts and times what comes back. Runs on the first CPU that it may use.
//
//   wire_load TAP DEVICE... [-- EAL ARGUMENT...]
//
// While nothing is measured the first device is a wire for the TAP, so that a host behind it can talk to
// the forwarding program; ARP passes at any time. Commands come on stdin, an answer in JSON for each:
//
//   link DEVICE                    whether its other end is there
//   frames FILE                    takes frames: two bytes of length (host byte order), then so many
//   rate DEVICE MS LENGTH          as many as possible; LENGTH is what they come back as
//   latency DEVICE MS LENGTH PPS   one by one at a steady pace, timed from when each was meant to leave
//   gaps CPU MS                    looks at nothing but the clock, on that CPU
//
// The last 16 bytes of a frame are the load's: magic, when it was meant to leave (TSC), and what keeps the
// sum of both, so that UDP's checksum stays right.

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#define BURST 32u
#define DEVICES_MAX 8u
#define FRAMES_MAX 4096u
#define FRAME_MAX 512u
#define TRAILER 16u
#define TIMES_MAX (1u << 23) // latencies of one measurement
#define WINDOW_MS 5u // of a rate: the best one tells what is possible while both sides run
#define GRACE_MS 20u // for what is still under way at the end
#define GAP_US 5u // longer than this the clock doesn't stand still by itself

static const char magic[4] = "load";

struct template
{
	uint16_t length;
	uint8_t bytes[FRAME_MAX];
};

struct load {
	struct rte_mempool *pool;
	uint16_t tap;
	uint16_t device[DEVICES_MAX];
	unsigned int devices;
	struct template frame[FRAMES_MAX];
	uint32_t frames;
	uint32_t next; // frame to send
	uint64_t begin; // TSC of the measurement: what is older belongs to another
	uint32_t length; // of frames that come back
	uint64_t sent;
	uint64_t received;
	uint64_t wrong; // of another length
	uint64_t longest; // TSC between two looks at the clock
	uint64_t window; // TSC when the next one begins
	uint64_t window_received; // before it
	uint64_t best; // received in one
	uint32_t *ns; // latencies
	uint32_t times;
};

static uint64_t tsc_of_ms(uint64_t ms)
{
	return rte_get_tsc_hz() / 1000 * ms;
}

static double us_of(uint64_t tsc)
{
	return (double)tsc * 1e6 / (double)rte_get_tsc_hz();
}

// `stamp`, and what its words are short of zero in ones' complement.
static void put_stamp(uint8_t *trailer, uint64_t stamp)
{
	uint16_t word[4], complement;
	uint32_t sum = 0;

	memcpy(word, &stamp, sizeof(word));
	for (unsigned int i = 0; i < 4; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	complement = (uint16_t)~sum;
	memcpy(trailer + 4, &stamp, sizeof(stamp));
	memcpy(trailer + 12, &complement, sizeof(complement));
}

// Returns how many the device took.
static uint16_t emit(struct load *l, uint16_t device, uint16_t n, uint64_t stamp, uint64_t step)
{
	struct rte_mbuf *m[BURST];
	uint16_t taken;

	if (rte_pktmbuf_alloc_bulk(l->pool, m, n))
		return 0;
	for (uint16_t i = 0; i < n; i++, stamp += step) {
		const struct template *f = &l->frame[l->next];
		uint8_t *data = rte_pktmbuf_mtod(m[i], uint8_t *);

		l->next = l->next + 1 == l->frames ? 0 : l->next + 1;
		memcpy(data, f->bytes, f->length);
		put_stamp(data + f->length - TRAILER, stamp);
		m[i]->data_len = f->length;
		m[i]->pkt_len = f->length;
	}
	taken = rte_eth_tx_burst(device, 0, m, n);
	rte_pktmbuf_free_bulk(m + taken, n - taken);
	l->sent += taken;
	return taken;
}

// A frame of the load that comes back. False: it is none.
static bool count(struct load *l, const struct rte_mbuf *m)
{
	const uint8_t *trailer = rte_pktmbuf_mtod(m, const uint8_t *) + m->data_len - TRAILER;
	uint64_t stamp, now;

	if (m->data_len < TRAILER || memcmp(trailer, magic, sizeof(magic)) != 0)
		return false;
	memcpy(&stamp, trailer + 4, sizeof(stamp));
	if (stamp < l->begin)
		return true;
	l->received++;
	l->wrong += m->data_len != l->length;
	now = rte_rdtsc();
	if (l->times < TIMES_MAX)
		l->ns[l->times++] = (uint32_t)(us_of(now > stamp ? now - stamp : 0) * 1000);
	return true;
}

// What is none of the load's goes to the TAP. Returns how many came.
static uint16_t receive(struct load *l, uint16_t device)
{
	struct rte_mbuf *m[BURST], *other[BURST];
	uint16_t n = rte_eth_rx_burst(device, 0, m, BURST), others = 0, sent;

	for (uint16_t i = 0; i < n; i++)
		if (count(l, m[i]))
			rte_pktmbuf_free(m[i]);
		else
			other[others++] = m[i];
	if (others) {
		sent = device == l->device[0] ? rte_eth_tx_burst(l->tap, 0, other, others) : 0;
		rte_pktmbuf_free_bulk(other + sent, others - sent);
	}
	return n;
}

static uint16_t from_tap(const struct load *l)
{
	struct rte_mbuf *m[BURST];
	uint16_t n = rte_eth_rx_burst(l->tap, 0, m, BURST);
	uint16_t sent = n ? rte_eth_tx_burst(l->device[0], 0, m, n) : 0;

	rte_pktmbuf_free_bulk(m + sent, n - sent);
	return n;
}

static void begin(struct load *l, uint32_t length)
{
	l->sent = l->received = l->wrong = l->longest = 0;
	l->window_received = l->best = 0;
	l->times = 0;
	l->length = length;
	l->begin = rte_rdtsc();
	l->window = l->begin + tsc_of_ms(WINDOW_MS);
}

// One in which the machine was taken away from us is longer, and counts for less.
static void look_at_window(struct load *l, uint64_t now)
{
	uint64_t size = tsc_of_ms(WINDOW_MS), took = size + now - l->window;

	if (now < l->window)
		return;
	l->best = RTE_MAX(l->best, (l->received - l->window_received) * size / took);
	l->window = now + size;
	l->window_received = l->received;
}

static void finish(struct load *l, uint16_t device)
{
	uint64_t until = rte_rdtsc() + tsc_of_ms(GRACE_MS);

	while (rte_rdtsc() < until)
		receive(l, device);
}

static void measure_rate(struct load *l, uint16_t device, uint64_t ms, uint32_t length)
{
	uint64_t until, last, now;

	begin(l, length);
	until = l->begin + tsc_of_ms(ms);
	for (last = now = l->begin; now < until; last = now, now = rte_rdtsc()) {
		l->longest = RTE_MAX(l->longest, now - last);
		emit(l, device, BURST, now, 0);
		while (receive(l, device) == BURST)
			;
		look_at_window(l, rte_rdtsc());
	}
	printf("{\"pps\": %.0f, \"best_pps\": %lu, ",
		(double)l->received / us_of(now - l->begin) * 1e6, l->best * 1000 / WINDOW_MS);
	finish(l, device);
	printf("\"sent\": %lu, \"received\": %lu, \"wrong\": %lu, \"longest_us\": %.0f}\n", l->sent,
		l->received, l->wrong, us_of(l->longest));
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double share(const struct load *l, double part)
{
	return l->times ? l->ns[(uint32_t)((double)(l->times - 1) * part)] / 1000.0 : 0;
}

static void measure_latency(
	struct load *l, uint16_t device, uint64_t ms, uint32_t length, uint64_t pps)
{
	uint64_t step = rte_get_tsc_hz() / pps, due, until, last, now;

	begin(l, length);
	due = l->begin + step;
	until = l->begin + tsc_of_ms(ms);
	for (last = now = l->begin; now < until; last = now, now = rte_rdtsc()) {
		uint64_t n = now < due ? 0 : (now - due) / step + 1;

		l->longest = RTE_MAX(l->longest, now - last);
		if (n)
			due += step * emit(l, device, (uint16_t)RTE_MIN(n, BURST), due, step);
		receive(l, device);
	}
	finish(l, device);
	qsort(l->ns, l->times, sizeof(*l->ns), ascending);
	printf("{\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"p99.9\": %.2f, \"max\": %.0f, "
	       "\"sent\": %lu, \"received\": %lu, \"wrong\": %lu, \"longest_us\": %.0f}\n",
		share(l, 0.5), share(l, 0.9), share(l, 0.99), share(l, 0.999), share(l, 1), l->sent,
		l->received, l->wrong, us_of(l->longest));
}

static void move_to(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		perror("wire_load: sched_setaffinity");
}

static void measure_gaps(unsigned int cpu, uint64_t ms)
{
	unsigned int home = rte_lcore_to_cpu_id(-1);
	uint64_t first, last, now, longest = 0, lost = 0, n = 0;

	move_to(cpu);
	first = last = rte_rdtsc();
	while ((now = rte_rdtsc()) - first < tsc_of_ms(ms)) {
		if (us_of(now - last) > GAP_US) {
			longest = RTE_MAX(longest, now - last);
			lost += now - last;
			n++;
		}
		last = now;
	}
	move_to(home);
	printf("{\"gaps\": %lu, \"longest_us\": %.0f, \"lost_percent\": %.2f}\n", n, us_of(longest),
		100 * us_of(lost) / us_of(now - first));
}

static bool take_frames(struct load *l, const char *path)
{
	FILE *file = fopen(path, "r");
	struct template *f = l->frame;
	bool good = file != NULL;

	l->frames = l->next = 0;
	while (good && l->frames < FRAMES_MAX && fread(&f->length, sizeof(f->length), 1, file)) {
		good = f->length > TRAILER && f->length <= FRAME_MAX &&
		       fread(f->bytes, f->length, 1, file) == 1;
		l->frames += good;
		f++;
	}
	if (file)
		fclose(file);
	printf("{\"frames\": %u}\n", l->frames);
	return good && l->frames;
}

static bool is_up(uint16_t device)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(device, &link) == 0 && link.link_status;
}

// Returns false when the line can't be understood.
static bool obey(struct load *l, const char *line)
{
	unsigned int device, length;
	uint64_t ms, pps;
	char path[256];

	if (sscanf(line, "frames %255s", path) == 1)
		return take_frames(l, path);
	if (sscanf(line, "gaps %u %lu", &device, &ms) == 2) {
		measure_gaps(device, ms);
		return true;
	}
	if (sscanf(line, "%*s %u", &device) != 1 || device >= l->devices)
		return false;
	device = l->device[device];
	if (!strncmp(line, "link ", 5))
		printf("{\"up\": %s}\n", is_up((uint16_t)device) ? "true" : "false");
	else if (sscanf(line, "rate %*u %lu %u", &ms, &length) == 2 && l->frames)
		measure_rate(l, (uint16_t)device, ms, length);
	else if (sscanf(line, "latency %*u %lu %u %lu", &ms, &length, &pps) == 3 && pps &&
		 l->frames)
		measure_latency(l, (uint16_t)device, ms, length, pps);
	else
		return false;
	return true;
}

// Between commands: a wire for the TAP. Returns false at the end of stdin.
static bool wait_for_command(struct load *l, char *line, int size)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	fflush(stdout);
	while (poll(&in, 1, 0) <= 0) {
		if (!(from_tap(l) + receive(l, l->device[0])))
			usleep(20);
	}
	return fgets(line, size, stdin) != NULL;
}

static bool start(struct load *l, const char *spec, uint16_t *id)
{
	const struct rte_eth_conf conf = {0};
	char name[RTE_ETH_NAME_MAX_LEN];
	int err = rte_dev_probe(spec);

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(spec, ","), spec);
	if (!err)
		err = rte_eth_dev_get_port_by_name(name, id);
	if (!err)
		err = rte_eth_dev_configure(*id, 1, 1, &conf);
	if (!err)
		err = rte_eth_rx_queue_setup(*id, 0, 1024, SOCKET_ID_ANY, NULL, l->pool);
	if (!err)
		err = rte_eth_tx_queue_setup(*id, 0, 1024, SOCKET_ID_ANY, NULL);
	if (!err)
		err = rte_eth_dev_start(*id);
	if (err)
		fprintf(stderr, "wire_load: %s: %s\n", spec, strerror(-err));
	return !err;
}

static void close_device(uint16_t device)
{
	rte_eth_dev_stop(device);
	rte_eth_dev_close(device);
}

// EAL wants its arguments in front, with a program's name.
static int start_eal(int argc, char **argv, int *devices)
{
	int at = 1;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	*devices = at;
	if (at == argc)
		at--;
	argv[at] = argv[0];
	return rte_eal_init(argc - at, argv + at);
}

int main(int argc, char **argv)
{
	static struct load l;
	char line[512];
	int end;

	if (argc < 3 || start_eal(argc, argv, &end) < 0) {
		fprintf(stderr, "usage: wire_load TAP DEVICE... -- EAL ARGUMENT...\n");
		return 2;
	}
	l.pool = rte_pktmbuf_pool_create(
		"frames", 32767, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	l.ns = calloc(TIMES_MAX, sizeof(*l.ns));
	if (!l.pool || !l.ns || !start(&l, argv[1], &l.tap))
		return 1;
	for (int i = 2; i < end && l.devices < DEVICES_MAX; i++)
		if (!start(&l, argv[i], &l.device[l.devices++]))
			return 1;
	puts("{\"ready\": true}");
	while (wait_for_command(&l, line, sizeof(line)))
		if (!obey(&l, line))
			puts("{\"error\": \"not understood\"}");
	for (unsigned int i = 0; i < l.devices; i++)
		close_device(l.device[i]);
	close_device(l.tap);
	rte_eal_cleanup();
	return 0;
}
