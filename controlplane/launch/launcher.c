// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "launcher.h"
#include "notify.h"
#include "state.h"

#define PATIENCE_MS 5000u

static void on_changed(void *context)
{
	struct launcher *l = context;
	int err = state_write(l->runtime->state, l->program, PROGRAMS);

	if (err)
		fprintf(stderr, "turnpike: %s can't be written: %s.\n", l->runtime->state,
			strerror(-err));
}

static void on_impatient(uv_timer_t *timer)
{
	struct launcher *l = timer->data;

	for (int i = 0; i < PROGRAMS; i++)
		if (l->program[i].process.pid) {
			fprintf(stderr, "turnpike: %s does not end; it is killed.\n",
				l->program[i].name);
			program_stop(&l->program[i], SIGKILL);
		}
}

static void stop(struct launcher *l)
{
	if (l->stopping)
		return;
	l->stopping = true;
	readiness_stop(&l->readiness);
	uv_timer_start(&l->patience, on_impatient, PATIENCE_MS, 0);
	for (int i = 0; i < PROGRAMS; i++)
		program_stop(&l->program[i], SIGTERM);
}

static void on_ended(void *context, struct program *program, bool gave_up)
{
	struct launcher *l = context;

	l->live--;
	if (gave_up) {
		fprintf(stderr, "turnpike: %s failed %u times in a row; giving up.\n",
			program->name, PROGRAM_ATTEMPTS);
		l->gave_up = true;
		stop(l);
	}
	if (!l->live)
		uv_stop(&l->loop);
}

static void on_ready(void *context)
{
	struct launcher *l = context;
	int err;

	for (int i = 0; i < PROGRAMS; i++)
		l->program[i].useful = true;
	printf("turnpike: ready\n");
	fflush(stdout);
	err = notify_ready();
	if (err)
		fprintf(stderr, "turnpike: NOTIFY_SOCKET can't be told: %s.\n", strerror(-err));
}

static void on_signal(uv_signal_t *handle, int)
{
	stop(handle->data);
}

static void watch_signal(struct launcher *l, uv_signal_t *handle, int signal)
{
	uv_signal_init(&l->loop, handle);
	handle->data = l;
	uv_signal_start(handle, on_signal, signal);
}

static void close_handle(uv_handle_t *handle, void *)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

int launcher_run(struct launcher *l, const struct config *config, struct runtime *runtime,
	const struct users *users, const struct process adopted[PROGRAMS])
{
	const char *const names[PROGRAMS] = {CONTROL_NAME, command_dataplane_name(config)};

	*l = (struct launcher){.config = config, .runtime = runtime, .live = PROGRAMS};
	l->events = (struct program_events){on_changed, on_ended, l};
	if (uv_loop_init(&l->loop) < 0) {
		fprintf(stderr, "turnpike: the event loop can't be made.\n");
		return 1;
	}
	for (int i = 0; i < PROGRAMS; i++)
		program_init(&l->program[i], &l->loop, names[i], &l->events);
	if (command_control(&l->program[CONTROL].spawn, runtime, users) < 0 ||
		command_dataplane(&l->program[DATAPLANE].spawn, config, runtime, users) < 0) {
		fprintf(stderr, "turnpike: there is not enough memory.\n");
		return 1;
	}
	signal(SIGHUP, SIG_IGN);
	watch_signal(l, &l->term, SIGTERM);
	watch_signal(l, &l->interrupt, SIGINT);
	uv_timer_init(&l->loop, &l->patience);
	l->patience.data = l;

	for (int i = 0; i < PROGRAMS; i++)
		if (adopted[i].pid)
			program_adopt(&l->program[i], &adopted[i]);
	on_changed(l);
	for (int i = 0; i < PROGRAMS; i++)
		if (!adopted[i].pid)
			program_start(&l->program[i]);
	readiness_start(&l->readiness, &l->loop, runtime->control, on_ready, l);
	uv_run(&l->loop, UV_RUN_DEFAULT);

	uv_walk(&l->loop, close_handle, NULL);
	uv_run(&l->loop, UV_RUN_DEFAULT);
	uv_loop_close(&l->loop);
	for (int i = 0; i < PROGRAMS; i++)
		command_free(&l->program[i].spawn);
	return l->gave_up ? 1 : 0;
}
