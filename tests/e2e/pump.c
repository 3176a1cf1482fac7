// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Sends numbered packets both ways through a relay at a fixed rate, and tells which were lost.
//
//   pump RATE SECONDS SIZE WINDOW CLIENT:PEER:CHANNEL...
//
// CLIENT and PEER are inherited, connected UDP sockets: a client's to its server, with CHANNEL
// bound to the peer, and the peer's to the relayed address. RATE is packets a second over all flows
// and both directions. With a WINDOW that is not 0 no more packets than that are on their way at
// once: where none may be lost, a busy machine is to make it slow and no buffer full. A line
// {"second": N} goes out as each second begins, the result at the end.
#include <errno.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	HEADER = 4, // bytes of ChannelData before the payload
	SIZE_MIN = 8, // number of the flow, number of the packet
	SIZE_MAX_ = 1400,
	SECONDS_MAX = 120,
	ARRIVED = 0x80, // in a packet's state, beside the second in which it was sent, plus 1
	QUIET_MS = 2000, // without any arrival, after the last packet: the rest is lost
	FULL_MS = 20000, // likewise, while the window is full
};

// One direction of a channel.
struct flow {
	int from, to;
	uint16_t from_channel, to_channel; // 0: the peer's side, bare payload
	uint32_t sent, capacity;
	uint8_t *state; // of each packet
};

struct pump {
	struct flow *flows;
	uint32_t count;
	uint32_t size;
	uint32_t window; // 0: none
	uint64_t sent, received, duplicated, corrupt, other, send_errors;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void fill(uint8_t *payload, uint32_t flow, uint32_t number, uint32_t size)
{
	memcpy(payload, &flow, 4);
	memcpy(payload + 4, &number, 4);
	for (uint32_t i = SIZE_MIN; i < size; i++)
		payload[i] = (uint8_t)(flow * 31 + number * 7 + i);
}

static void send_one(struct pump *p, uint32_t index, uint32_t second)
{
	struct flow *f = &p->flows[index];
	uint8_t packet[HEADER + SIZE_MAX_];
	uint32_t skip = f->from_channel ? HEADER : 0;

	if (f->sent == f->capacity)
		return;
	if (skip) {
		packet[0] = (uint8_t)(f->from_channel >> 8);
		packet[1] = (uint8_t)f->from_channel;
		packet[2] = (uint8_t)(p->size >> 8);
		packet[3] = (uint8_t)p->size;
	}
	fill(packet + skip, index, f->sent, p->size);
	// A pending ICMP error of an earlier packet comes out here, and nothing is sent.
	if (send(f->from, packet, skip + p->size, MSG_DONTWAIT) < 0) {
		p->send_errors++;
		return;
	}
	f->state[f->sent++] = (uint8_t)(second + 1);
	p->sent++;
}

static void arrived(
	struct pump *p, const struct flow *f, uint32_t index, const uint8_t *data, size_t length)
{
	uint8_t expected[SIZE_MAX_];
	uint32_t flow, number;

	if (f->to_channel) {
		if (length < HEADER || (data[0] << 8 | data[1]) != f->to_channel) {
			p->other++;
			return;
		}
		length = length - HEADER < p->size ? length - HEADER : p->size;
		data += HEADER;
	}
	if (length != p->size) {
		p->corrupt++;
		return;
	}
	memcpy(&flow, data, 4);
	memcpy(&number, data + 4, 4);
	if (flow != index || number >= f->sent) {
		p->corrupt++;
		return;
	}
	fill(expected, flow, number, p->size);
	if (memcmp(data, expected, p->size) != 0)
		p->corrupt++;
	else if (f->state[number] & ARRIVED)
		p->duplicated++;
	else {
		f->state[number] |= ARRIVED;
		p->received++;
	}
}

// Takes what is there, waiting at most `ms` for the first.
static bool receive(struct pump *p, int epoll, int ms)
{
	struct epoll_event events[64];
	int n = epoll_wait(epoll, events, 64, ms);

	for (int i = 0; i < n; i++) {
		uint32_t index = events[i].data.u32;
		const struct flow *f = &p->flows[index];
		uint8_t data[2048];
		ssize_t length;

		while ((length = recv(f->to, data, sizeof(data), MSG_DONTWAIT)) >= 0)
			arrived(p, f, index, data, (size_t)length);
	}
	return n > 0;
}

static bool is_full(const struct pump *p)
{
	return p->window && p->sent - p->received >= p->window;
}

static void run(struct pump *p, int epoll, uint32_t rate, uint32_t seconds)
{
	uint64_t start = now_us();
	uint64_t total = (uint64_t)rate * seconds;
	uint64_t tried = 0, tick = 0, second = UINT64_MAX, heard = start;

	while (tried < total) {
		uint64_t elapsed = now_us() - start;
		uint64_t due = elapsed * rate / 1000000 + 1;

		if (elapsed / 1000000 != second && elapsed / 1000000 < SECONDS_MAX) {
			second = elapsed / 1000000;
			printf("{\"second\": %u}\n", (unsigned)second);
			fflush(stdout);
		}
		// After a pause of this process, catch up at twice the rate: a burst of all that is
		// due would overrun buffers that the rate itself does not.
		if (elapsed / 1000 > tick) {
			tick = elapsed / 1000;
			for (uint32_t n = 2 * rate / 1000 + 1;
				n && tried < due && tried < total && !is_full(p); n--)
				send_one(p, (uint32_t)(tried++ % p->count), (uint32_t)second);
		}
		if (receive(p, epoll, tried < due && !is_full(p) ? 0 : 1))
			heard = now_us();
		else if (is_full(p) && now_us() - heard > FULL_MS * 1000ull)
			break;
	}
	while (p->received < p->sent && receive(p, epoll, QUIET_MS))
		;
}

// Packets that this process was too slow to take: not the relay's losses.
static uint64_t own_drops(const struct pump *p)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t info[SK_MEMINFO_VARS] = {0};
		socklen_t length = sizeof(info);

		if (getsockopt(p->flows[i].to, SOL_SOCKET, SO_MEMINFO, info, &length) == 0)
			sum += info[SK_MEMINFO_DROPS];
	}
	return sum;
}

static void report(const struct pump *p, double took)
{
	uint64_t lost[SECONDS_MAX + 1] = {0};
	uint32_t seconds = 0;

	for (uint32_t i = 0; i < p->count; i++)
		for (uint32_t n = 0; n < p->flows[i].sent; n++) {
			uint8_t state = p->flows[i].state[n];
			uint32_t second = (uint32_t)(state & ~ARRIVED) - 1;

			lost[second] += !(state & ARRIVED);
			seconds = second + 1 > seconds ? second + 1 : seconds;
		}
	printf("{\"sent\": %lu, \"received\": %lu, \"lost\": %lu, \"duplicated\": %lu, "
	       "\"corrupt\": %lu, \"other\": %lu, \"send_errors\": %lu, \"own_drops\": %lu, "
	       "\"took\": %.3f, \"lost_by_second\": [",
		p->sent, p->received, p->sent - p->received, p->duplicated, p->corrupt, p->other,
		p->send_errors, own_drops(p), took);
	for (uint32_t s = 0; s < seconds; s++)
		printf("%s%lu", s ? ", " : "", lost[s]);
	printf("]}\n");
}

static int usage(void)
{
	fprintf(stderr,
		"usage: pump RATE SECONDS SIZE WINDOW CLIENT:PEER:CHANNEL...\n"
		"SECONDS up to %d, SIZE %d to %d\n",
		SECONDS_MAX, SIZE_MIN, SIZE_MAX_);
	return 2;
}

int main(int argc, char **argv)
{
	uint32_t rate = argc > 5 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	uint32_t seconds = argc > 5 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	struct pump p = {.size = argc > 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0};
	const int first = 5; // of the flows
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t start;

	if (!rate || !seconds || seconds > SECONDS_MAX || p.size < SIZE_MIN || p.size > SIZE_MAX_)
		return usage();
	p.window = (uint32_t)strtoul(argv[4], NULL, 10);
	p.count = 2 * (uint32_t)(argc - first);
	p.flows = calloc(p.count, sizeof(*p.flows));
	if (epoll < 0 || !p.flows)
		return 1;
	for (uint32_t i = 0; i < p.count; i++) {
		struct flow *f = &p.flows[i];
		int client, peer;
		unsigned int channel;

		if (sscanf(argv[first + (int)i / 2], "%d:%d:%u", &client, &peer, &channel) != 3)
			return usage();
		if (i % 2 == 0)
			*f = (struct flow){
				.from = client, .to = peer, .from_channel = (uint16_t)channel};
		else
			*f = (struct flow){
				.from = peer, .to = client, .to_channel = (uint16_t)channel};
		f->capacity = rate / p.count * seconds + seconds + 1;
		f->state = calloc(f->capacity, 1);
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
		if (!f->state || epoll_ctl(epoll, EPOLL_CTL_ADD, f->to, &event) < 0) {
			perror("pump");
			return 1;
		}
	}
	start = now_us();
	run(&p, epoll, rate, seconds);
	report(&p, (double)(now_us() - start) / 1e6);
	for (uint32_t i = 0; i < p.count; i++)
		free(p.flows[i].state);
	free(p.flows);
	return 0;
}
