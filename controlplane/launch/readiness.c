// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "readiness.h"

#define PERIOD_MS 20u
#define TICKS_MAX 50u // an answer that takes longer is asked for again
#define ANSWER_MAX 65536u // bytes

static char request[] = "{\"command\":\"status\"}\n";

struct question {
	uv_pipe_t pipe;
	uv_connect_t connect;
	uv_write_t write;
	struct readiness *readiness; // NULL: given up
	size_t length;
	char answer[ANSWER_MAX];
};

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void give_up(struct question *q)
{
	if (q->readiness)
		q->readiness->question = NULL;
	q->readiness = NULL;
	if (!uv_is_closing((uv_handle_t *)&q->pipe))
		uv_close((uv_handle_t *)&q->pipe, on_closed);
}

static bool is_ready(const char *answer, size_t length)
{
	json_t *root = json_loadb(answer, length, 0, NULL);
	bool ready = json_is_true(json_object_get(json_object_get(root, "dataplane"), "ready"));

	json_decref(root);
	return ready;
}

static void on_room(uv_handle_t *handle, size_t, uv_buf_t *buf)
{
	struct question *q = handle->data;

	*buf = uv_buf_init(q->answer + q->length, (unsigned int)(ANSWER_MAX - q->length));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *)
{
	struct question *q = stream->data;
	struct readiness *r = q->readiness;

	if (n > 0) {
		q->length += (size_t)n;
		return;
	}
	if (n == 0)
		return;
	give_up(q);
	if (r && n == UV_EOF && is_ready(q->answer, q->length)) {
		readiness_stop(r);
		r->ready(r->context);
	}
}

static void on_written(uv_write_t *write, int status)
{
	if (status < 0)
		give_up(write->data);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct question *q = connect->data;
	uv_buf_t buf = uv_buf_init(request, sizeof(request) - 1);

	if (status < 0 || !q->readiness) {
		give_up(q);
		return;
	}
	q->write.data = q;
	if (uv_write(&q->write, (uv_stream_t *)&q->pipe, &buf, 1, on_written) < 0 ||
		uv_read_start((uv_stream_t *)&q->pipe, on_room, on_read) < 0)
		give_up(q);
}

static void on_tick(uv_timer_t *timer)
{
	struct readiness *r = timer->data;
	struct question *q = r->question;

	if (q && ++r->ticks < TICKS_MAX)
		return;
	if (q)
		give_up(q);
	q = calloc(1, sizeof(*q));
	if (!q)
		return;
	if (uv_pipe_init(timer->loop, &q->pipe, 0) < 0) {
		free(q);
		return;
	}
	q->readiness = r;
	q->pipe.data = q->connect.data = q;
	r->question = q;
	r->ticks = 0;
	uv_pipe_connect(&q->connect, &q->pipe, r->path, on_connected);
}

void readiness_start(struct readiness *readiness, uv_loop_t *loop, const char *path,
	void (*ready)(void *context), void *context)
{
	*readiness = (struct readiness){.path = path, .ready = ready, .context = context};
	uv_timer_init(loop, &readiness->timer);
	readiness->timer.data = readiness;
	uv_timer_start(&readiness->timer, on_tick, 0, PERIOD_MS);
}

void readiness_stop(struct readiness *readiness)
{
	uv_timer_stop(&readiness->timer);
	if (readiness->question)
		give_up(readiness->question);
}
