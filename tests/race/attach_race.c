// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// One dataplane, and one control plane after the other: most of them are killed at any instant of
// attaching, pushing or reading. Every command of a life arrives once and in order, from the first;
// nothing of a former life does; the positions only move on; nothing is left open. Argument: lives.
#include <sys/prctl.h>
#include <sys/wait.h>

#include "attach_control.h"
#include "watch.h"

#define COMMANDS 300u // of a life
#define HUNG_S 30u // without the end of a life

struct worker {
	struct tp_mapping own;
	struct tp_mapping other; // of the control plane attached
	struct tp_header header;
	struct tp_consumer commands;
	struct tp_producer results;
	struct tp_producer punts;
	const struct tp_doorbell *bell; // the control plane's
	uint32_t rung;
	uint32_t life;
	uint32_t applied; // in this life
	uint32_t punted; // in this life
	uint64_t total;
	int segment;
	int bell_fd; // the control plane's
	int ears[2]; // our own of this attachment: tp_bell_make()
};

static _Noreturn void fail(const struct worker *w, const char *what)
{
	printf("attach_race: life %u: %s\n", w->life, what);
	exit(1);
}

static void hung(int signal)
{
	static const char text[] = "attach_race: hung\n";

	(void)signal;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(WATCH_STUCK);
}

static void start(struct worker *w)
{
	struct tp_header h = {.abi = TP_ABI,
		.workers = 1,
		.results = 4096,
		.punts = 4096,
		.epoch = tp_random64()};
	struct tp_dataplane_segment *dp;

	h.size = tp_dataplane_size(&h);
	w->segment = tp_segment_create("dataplane", h.size, &w->own);
	if (w->segment < 0)
		fail(w, "no segment");
	dp = w->own.base;
	dp->header = w->header = h;
	__atomic_store_n(&dp->header.magic, TP_MAGIC_DATAPLANE, __ATOMIC_RELEASE);
}

// Returns whether there is a control plane now.
static bool attach(struct worker *w, int sock)
{
	struct tp_dataplane_segment *dp = w->own.base;
	const struct tp_control_segment *cp;
	int fds[2];
	uint32_t n;
	int workers, err;

	if (tp_bell_make(w->ears))
		fail(w, "no bell");
	err = tp_greeting_send(sock, TP_HELLO_MAGIC, 1, (int[]){w->segment, w->ears[1]}, 2);
	close(w->ears[1]);
	if (err)
		return false; // killed already
	workers = tp_greeting_receive(sock, TP_WELCOME_MAGIC, fds, 2, &n);
	if (workers < 0)
		return false;
	if (tp_segment_map(fds[0], TP_MAGIC_CONTROL, &w->other) || w->other.header.workers != 1)
		fail(w, "a good segment was refused");
	close(fds[0]);
	w->bell_fd = fds[1];
	w->rung = 0;
	cp = w->other.base;
	w->bell = &cp->bell;
	tp_consumer_resume(&w->commands,
		(const uint8_t *)cp + tp_commands_offset(&w->other.header, 0),
		w->other.header.commands, &cp->worker[0].commands_tail,
		&dp->worker[0].commands_head);
	tp_producer_resume(&w->results, (uint8_t *)dp + tp_results_offset(&w->header, 0),
		w->header.results, &dp->worker[0].results_tail, &cp->worker[0].results_head);
	tp_producer_resume(&w->punts, (uint8_t *)dp + tp_punts_offset(&w->header, 0),
		w->header.punts, &dp->worker[0].punts_tail, &cp->worker[0].punts_head);
	w->applied = w->punted = 0;
	return true;
}

// Applies what is there while there is room for the results. Returns whether there was anything.
static bool work(struct worker *w)
{
	struct tp_command command;
	bool any = false;
	uint32_t kind;
	int length;

	// A filler and a record: then a result surely fits.
	while (tp_ring_room(&w->results) >= 128 &&
		(length = tp_ring_next(&w->commands, &kind, &command, sizeof(command))) !=
			-EAGAIN) {
		struct tp_result result = {.sequence = command.sequence};
		uint64_t punt = life_mark(w->life, w->punted + 1);
		void *b;

		if (length != (int)sizeof(command) || kind != TP_COMMAND ||
			command.sequence != life_mark(w->life, ++w->applied))
			fail(w, "a command was lost, stale or out of order");
		b = tp_ring_reserve(&w->results, TP_RESULT, sizeof(result));
		if (!b)
			fail(w, "no room for a result");
		memcpy(b, &result, sizeof(result));
		b = tp_ring_reserve(&w->punts, TP_PUNT, sizeof(punt));
		if (b) {
			memcpy(b, &punt, sizeof(punt));
			w->punted++;
		}
		w->total++;
		any = true;
	}
	tp_ring_release(&w->commands);
	tp_ring_publish(&w->punts);
	tp_ring_publish(&w->results);
	tp_doorbell_ring(w->bell, w->bell_fd, &w->rung);
	return any;
}

// Serves one control plane until its connection ends.
static void serve(struct worker *w, int sock)
{
	struct tp_dataplane_segment *dp = w->own.base;
	struct pollfd pfd[] = {{.fd = w->ears[0], .events = POLLIN}, {.fd = sock}};

	for (;;) {
		if (work(w))
			continue;
		tp_doorbell_sleep(&dp->worker[0].bell);
		if (!tp_ring_ready(&w->commands)) {
			poll(pfd, 2, -1);
			if (tp_bell_silence(w->ears[0]) < 0)
				fail(w, "can't silence the bell");
		} else {
			// No room for results, and nobody rings when there is some: look again.
			poll(pfd, 2, 0);
		}
		tp_doorbell_awake(&dp->worker[0].bell);
		if (pfd[1].revents)
			break;
	}
	tp_unmap(&w->other);
	close(w->bell_fd);
}

// One control plane's life. Returns whether it ended by itself.
static bool live(struct worker *w, uint64_t dice)
{
	const struct tp_dataplane_segment *dp = w->own.base;
	uint64_t head = dp->worker[0].commands_head.value;
	uint64_t tail = dp->worker[0].results_tail.value;
	uint32_t steps = dice % 4 ? 1 + (uint32_t)((dice >> 8) % (dice % 3 ? 40 : 1200)) : 0;
	int status = 0;
	int sock[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock))
		fail(w, "no sockets");
	child = fork();
	if (child < 0)
		fail(w, "no process");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(sock[0]);
		control_live(sock[1], w->life, COMMANDS, steps);
	}
	close(sock[1]);
	if (attach(w, sock[0]))
		serve(w, sock[0]);
	close(w->ears[0]);
	close(sock[0]);
	if (waitpid(child, &status, 0) != child)
		fail(w, "no child");
	if (WIFEXITED(status) && WEXITSTATUS(status) != LIFE_GOOD) {
		printf("attach_race: control plane %u ended with %d\n", w->life,
			WEXITSTATUS(status));
		exit(1);
	}
	if (dp->worker[0].commands_head.value < head || dp->worker[0].results_tail.value < tail)
		fail(w, "a position went back");
	if (!steps && w->applied != COMMANDS)
		fail(w, "a whole life did not bring all its commands");
	return WIFEXITED(status);
}

int main(int argc, char **argv)
{
	uint32_t lives = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 2000;
	struct worker w = {0};
	uint64_t state = 88172645463325252;
	uint64_t told = watch_ms();
	uint32_t whole = 0;
	int descriptors;
	int mappings;

	signal(SIGALRM, hung);
	start(&w);
	descriptors = count_descriptors();
	mappings = count_mappings();
	for (w.life = 1; w.life <= lives; w.life++) {
		alarm(HUNG_S);
		whole += live(&w, random64(&state));
		if (count_descriptors() != descriptors || count_mappings() != mappings)
			fail(&w, "a descriptor or mapping is left");
		if (w.life == lives || watch_ms() - told >= 1000) {
			printf("attach_race: %u of %u lives, %u of them whole, %lu commands\n",
				w.life, lives, whole, w.total);
			fflush(stdout);
			told = watch_ms();
		}
	}
	return 0;
}
