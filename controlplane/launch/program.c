// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "program.h"

uint64_t program_delay(unsigned int failures)
{
	static const uint64_t delays[] = {0, 10, 100, 1000, 5000};
	const unsigned int last = sizeof(delays) / sizeof(delays[0]) - 1;

	return delays[failures < last ? failures : last];
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void again(uv_timer_t *timer)
{
	program_start(timer->data);
}

// Says how it ended. Returns whether it failed by itself: signals come from someone else.
static bool tell_end(struct program *p)
{
	siginfo_t info = {0};

	if (p->stopping) {
		if (p->ours)
			waitid(P_PIDFD, (id_t)p->process.pidfd, &info, WEXITED | WNOHANG);
		return false;
	}
	if (!p->ours) {
		fprintf(stderr, "turnpike: %s (pid %d), which was adopted, has ended.\n", p->name,
			(int)p->process.pid);
		return false;
	}
	waitid(P_PIDFD, (id_t)p->process.pidfd, &info, WEXITED | WNOHANG);
	if (info.si_code == CLD_EXITED) {
		fprintf(stderr, "turnpike: %s (pid %d) exited with status %d.\n", p->name,
			(int)p->process.pid, info.si_status);
		return info.si_status != 0;
	}
	fprintf(stderr, "turnpike: %s (pid %d) was killed by signal %d (%s)%s.\n", p->name,
		(int)p->process.pid, info.si_status, strsignal(info.si_status),
		info.si_status == SIGSYS ? ": it made a system call that is not on its list "
					   "(confine/), by a mistake of ours or in somebody's hands"
					 : "");
	return false;
}

static void start_later(struct program *p)
{
	uint64_t delay = program_delay(p->failures++);

	if (delay)
		fprintf(stderr, "turnpike: %s starts again in %llu ms.\n", p->name,
			(unsigned long long)delay);
	if (delay)
		uv_timer_start(&p->timer, again, delay, 0);
	else
		program_start(p);
}

static void on_end(uv_poll_t *poll, int, int)
{
	struct program *p = poll->data;
	bool failed = tell_end(p);

	uv_poll_stop(poll);
	uv_close((uv_handle_t *)poll, free_handle);
	p->poll = NULL;
	process_close(&p->process);
	if (p->stopping) {
		p->events->ended(p->events->context, p, false);
		return;
	}
	p->events->changed(p->events->context);
	uv_update_time(p->loop);
	if (uv_now(p->loop) - p->started_ms >= PROGRAM_HEALTHY_MS)
		p->failures = 0;
	if (failed && !p->useful && p->failures + 1 >= PROGRAM_ATTEMPTS) {
		p->stopping = true;
		p->events->ended(p->events->context, p, true);
		return;
	}
	start_later(p);
}

static int watch(struct program *p)
{
	int err;

	p->poll = calloc(1, sizeof(*p->poll));
	if (!p->poll)
		return -ENOMEM;
	err = uv_poll_init(p->loop, p->poll, p->process.pidfd);
	if (err < 0) {
		free(p->poll);
		p->poll = NULL;
		return err;
	}
	p->poll->data = p;
	err = uv_poll_start(p->poll, UV_READABLE, on_end);
	if (err < 0) {
		uv_close((uv_handle_t *)p->poll, free_handle);
		p->poll = NULL;
	}
	return err;
}

void program_init(struct program *program, uv_loop_t *loop, const char *name,
	const struct program_events *events)
{
	*program = (struct program){
		.name = name, .loop = loop, .events = events, .process = {.gate = -1}};
	uv_timer_init(loop, &program->timer);
	program->timer.data = program;
}

void program_start(struct program *p)
{
	int err;

	uv_update_time(p->loop);
	p->started_ms = uv_now(p->loop);
	p->name = p->spawn.argv[0]; // what was adopted may have been another dataplane
	err = spawn_start(&p->spawn, &p->process);
	if (!err) {
		p->ours = true;
		err = watch(p);
	}
	if (err) {
		fprintf(stderr, "turnpike: %s can't be started: %s.\n", p->name, strerror(-err));
		process_close(&p->process);
		start_later(p);
		return;
	}
	p->events->changed(p->events->context);
	process_go(&p->process);
	if (p->failures)
		fprintf(stderr, "turnpike: %s was started again, as pid %d.\n", p->name,
			(int)p->process.pid);
}

void program_adopt(struct program *p, const struct process *process)
{
	uv_update_time(p->loop);
	p->started_ms = uv_now(p->loop);
	p->process = *process;
	p->name = process->name;
	p->ours = false;
	p->useful = true;
	if (watch(p) < 0)
		fprintf(stderr, "turnpike: %s (pid %d) can't be watched.\n", p->name,
			(int)process->pid);
}

void program_stop(struct program *p, int signal)
{
	bool first = !p->stopping;

	p->stopping = true;
	uv_timer_stop(&p->timer);
	if (p->process.pid)
		process_signal(&p->process, signal);
	// Of one that can't be watched no end will be seen: it is told to end, and that is all.
	if (!p->poll && first)
		p->events->ended(p->events->context, p, false);
}
