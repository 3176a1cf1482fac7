// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "attach_control.h"

#include <dirent.h>

struct control {
	struct tp_mapping own;
	struct tp_mapping other;
	struct tp_producer commands;
	struct tp_consumer results;
	struct tp_consumer punts;
	const struct tp_doorbell *bell; // the worker's
	uint32_t rung;
	uint32_t life;
	uint32_t steps;
	uint32_t pushed;
	uint32_t answered;
	uint64_t last_punt;
	int bell_fd; // the worker's
	int ears[2]; // our own: tp_bell_make()
};

int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

int count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	while (maps && fgets(line, sizeof(line), maps))
		n += strstr(line, "/memfd:") != NULL;
	if (maps)
		fclose(maps);
	return n;
}

// Any line may be the last one.
static void step(struct control *c)
{
	if (c->steps && --c->steps == 0)
		raise(SIGKILL);
}

static void push(struct control *c, uint32_t limit)
{
	while (c->pushed < limit) {
		struct tp_command command = {
			.kind = TP_PUT_ALLOCATION, .sequence = life_mark(c->life, c->pushed + 1)};
		void *b = tp_ring_reserve(&c->commands, TP_COMMAND, sizeof(command));

		if (!b)
			break;
		step(c);
		memcpy(b, &command, sizeof(command));
		c->pushed++;
		if (c->pushed % 3 == 0)
			tp_ring_publish(&c->commands);
	}
	tp_ring_publish(&c->commands);
	step(c);
	tp_doorbell_ring(c->bell, c->bell_fd, &c->rung);
}

static void attach(struct control *c, int sock)
{
	struct tp_header h = {
		.abi = TP_ABI, .workers = 1, .commands = 4096, .epoch = tp_random64()};
	struct tp_dataplane_segment *dp;
	struct tp_control_segment *cp;
	int fds[2];
	uint32_t n;
	int segment;

	if (tp_greeting_receive(sock, TP_HELLO_MAGIC, fds, 2, &n) != 1)
		_exit(LIFE_REFUSED);
	step(c);
	if (tp_segment_map(fds[0], TP_MAGIC_DATAPLANE, &c->other) || c->other.header.workers != 1)
		_exit(LIFE_REFUSED);
	close(fds[0]);
	c->bell_fd = fds[1];
	step(c);
	h.size = tp_control_size(&h);
	segment = tp_segment_create("control", h.size, &c->own);
	if (segment < 0)
		_exit(LIFE_REFUSED);
	dp = c->other.base;
	cp = c->own.base;
	cp->header = h;
	c->bell = &dp->worker[0].bell;
	if (tp_producer_init(&c->commands, (uint8_t *)cp + tp_commands_offset(&h, 0), 4096,
		    &cp->worker[0].commands_tail, &dp->worker[0].commands_head) ||
		tp_consumer_init(&c->results,
			(uint8_t *)dp + tp_results_offset(&c->other.header, 0),
			c->other.header.results, &dp->worker[0].results_tail,
			&cp->worker[0].results_head) ||
		tp_consumer_init(&c->punts, (uint8_t *)dp + tp_punts_offset(&c->other.header, 0),
			c->other.header.punts, &dp->worker[0].punts_tail,
			&cp->worker[0].punts_head))
		_exit(LIFE_REFUSED);
	step(c);
	__atomic_store_n(&cp->header.magic, TP_MAGIC_CONTROL, __ATOMIC_RELEASE);
	if (tp_bell_make(c->ears))
		_exit(LIFE_REFUSED);
	// Before the welcome: the worker must find them when it comes.
	push(c, 5);
	if (tp_greeting_send(sock, TP_WELCOME_MAGIC, 1, (int[]){segment, c->ears[1]}, 2))
		_exit(LIFE_REFUSED);
	step(c);
	close(segment);
	close(c->ears[1]);
}

static bool read_all(struct control *c)
{
	struct tp_result result;
	uint64_t punt;
	uint32_t kind;
	bool any = false;
	int length;

	while ((length = tp_ring_next(&c->results, &kind, &result, sizeof(result))) != -EAGAIN) {
		if (length != (int)sizeof(result) || kind != TP_RESULT ||
			result.sequence != life_mark(c->life, ++c->answered))
			_exit(LIFE_RESULT);
		any = true;
		step(c);
	}
	while ((length = tp_ring_next(&c->punts, &kind, &punt, sizeof(punt))) != -EAGAIN) {
		// The worker drops punts where the ring is full, but never reorders or repeats them.
		if (length != (int)sizeof(punt) || kind != TP_PUNT || punt >> 32 != c->life ||
			punt <= c->last_punt)
			_exit(LIFE_PUNT);
		c->last_punt = punt;
		any = true;
		step(c);
	}
	tp_ring_release(&c->results);
	tp_ring_release(&c->punts);
	return any;
}

_Noreturn void control_live(int sock, uint32_t life, uint32_t commands, uint32_t steps)
{
	struct control c = {.life = life, .steps = steps};
	int before = count_descriptors();
	struct tp_control_segment *cp;
	struct pollfd pfd;

	attach(&c, sock);
	cp = c.own.base;
	pfd = (struct pollfd){.fd = c.ears[0], .events = POLLIN};
	while (c.answered < commands) {
		push(&c, commands);
		if (read_all(&c))
			continue;
		tp_doorbell_sleep(&cp->bell);
		step(&c);
		if (!tp_ring_ready(&c.results) && !tp_ring_ready(&c.punts)) {
			poll(&pfd, 1, -1);
			if (tp_bell_silence(c.ears[0]) < 0)
				_exit(LIFE_REFUSED);
		}
		tp_doorbell_awake(&cp->bell);
	}
	tp_unmap(&c.own);
	tp_unmap(&c.other);
	close(c.bell_fd);
	close(c.ears[0]);
	_exit(count_descriptors() == before ? LIFE_GOOD : LIFE_LEAK);
}
