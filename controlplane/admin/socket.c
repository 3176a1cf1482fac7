// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "socket.h"

#define CLIENT_MS 5000 // to send a request and take its answer

struct client {
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	struct admin_socket *socket;
	size_t length;
	char request[SOCKET_REQUEST_MAX];
	char *answer;
	struct client *newer; // in struct admin_socket's list
	struct client *older;
	int handles; // still open
	bool closing;
};

struct admin_socket {
	uv_pipe_t listener;
	admin_answer_fn *answer;
	void *context;
	struct client *newest;
	struct client *oldest;
	int clients;
	bool waiting; // somebody waits to be accepted
	bool closed;
};

static void accept_one(struct admin_socket *s);

static void add(struct admin_socket *s, struct client *c)
{
	c->older = s->newest;
	*(s->newest ? &s->newest->newer : &s->oldest) = c;
	s->newest = c;
	s->clients++;
}

static void forget(struct admin_socket *s, struct client *c)
{
	*(c->older ? &c->older->newer : &s->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &s->newest) = c->older;
	s->clients--;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;
	struct admin_socket *s = c->socket;

	if (--c->handles)
		return;
	forget(s, c);
	free(c->answer);
	free(c);
	if (s->closed && !s->clients)
		free(s);
	else if (s->waiting && !s->closed)
		accept_one(s);
}

static void close_client(struct client *c)
{
	if (c->closing)
		return;
	c->closing = true;
	uv_close((uv_handle_t *)&c->pipe, on_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	close_client(write->data);
}

static void on_timeout(uv_timer_t *timer)
{
	close_client(timer->data);
}

static json_t *answer(struct client *c)
{
	json_t *request = json_loadb(c->request, c->length, 0, NULL);
	json_t *o = c->socket->answer(c->socket->context, request);

	json_decref(request);
	return o;
}

static void respond(struct client *c)
{
	json_t *o = answer(c);
	uv_buf_t buf;

	uv_read_stop((uv_stream_t *)&c->pipe);
	c->answer = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (!c->answer) {
		close_client(c);
		return;
	}
	buf = uv_buf_init(c->answer, (unsigned int)strlen(c->answer));
	c->write.data = c;
	if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &buf, 1, on_written))
		close_client(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *c = handle->data;

	(void)suggested;
	*buf = uv_buf_init(c->request + c->length, (unsigned int)(sizeof(c->request) - c->length));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = stream->data;

	(void)buf;
	if (n < 0) { // also UV_ENOBUFS: a request without an end
		close_client(c);
		return;
	}
	c->length += (size_t)n;
	if (memchr(c->request, '\n', c->length))
		respond(c);
}

static void accept_one(struct admin_socket *s)
{
	struct client *c = calloc(1, sizeof(*c));

	s->waiting = false;
	if (!c)
		return;
	c->socket = s;
	c->pipe.data = c->timer.data = c;
	c->handles = 2;
	add(s, c);
	uv_pipe_init(s->listener.loop, &c->pipe, 0);
	uv_timer_init(s->listener.loop, &c->timer);
	uv_timer_start(&c->timer, on_timeout, CLIENT_MS, 0);
	if (uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)&c->pipe) ||
		uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read))
		close_client(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct admin_socket *s = listener->data;

	if (status < 0)
		return;
	s->waiting = true;
	if (s->clients < SOCKET_CLIENTS_MAX)
		accept_one(s);
	else // who has been here longest has had its time: a crowd that says nothing holds nobody up
		close_client(s->oldest);
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct admin_socket *s = handle->data;

	s->closed = true;
	if (!s->clients)
		free(s);
}

int admin_socket_open(struct admin_socket **out, uv_loop_t *loop, int fd,
	admin_answer_fn *answer_fn, void *context)
{
	struct admin_socket *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s)
		return UV_ENOMEM;
	s->answer = answer_fn;
	s->context = context;
	s->listener.data = s;
	uv_pipe_init(loop, &s->listener, 0);
	err = uv_pipe_open(&s->listener, fd);
	if (!err)
		err = uv_listen((uv_stream_t *)&s->listener, 16, on_connection);
	if (err) {
		uv_close((uv_handle_t *)&s->listener, on_listener_closed);
		return err;
	}
	*out = s;
	return 0;
}

void admin_socket_close(struct admin_socket *s)
{
	if (s)
		uv_close((uv_handle_t *)&s->listener, on_listener_closed);
}
