// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "page.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "page.inc"

enum { CONNECTIONS = 32, IDLE_SECONDS = 10 };

static const struct {
	const char *name, *value;
} headers[] = {
	{MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8"},
	{MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
	// Credentials are typed into it: it loads nothing, sends nothing, and sits in no other page.
	{MHD_HTTP_HEADER_CONTENT_SECURITY_POLICY,
		"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
		"form-action 'none'; frame-ancestors 'none'; base-uri 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
};

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		0, NULL, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result queued = MHD_NO;

	if (response)
		queued = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result answer(void *ready, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **state)
{
	(void)version;
	(void)upload;
	(void)state;
	// A body is neither wanted nor read.
	if (*upload_size)
		return MHD_NO;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED);
	if (strcmp(url, "/") != 0)
		return refuse(connection, MHD_HTTP_NOT_FOUND);
	return MHD_queue_response(connection, MHD_HTTP_OK, ready);
}

static struct MHD_Response *make_response(void)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		sizeof(page), (void *)page, MHD_RESPMEM_PERSISTENT);

	if (!response)
		return NULL;
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		MHD_add_response_header(response, headers[i].name, headers[i].value);
	return response;
}

int page_serve(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct MHD_Response *response = make_response();
	struct MHD_Daemon *daemon = NULL;
	sigset_t ends;
	int got;

	// Blocked before the server's thread is made, which inherits it: they are waited for below.
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	if (response)
		daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, port, NULL, NULL, answer,
			response, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT,
			(unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
			(unsigned)IDLE_SECONDS, MHD_OPTION_END);
	if (!daemon) {
		fprintf(stderr,
			"turnpike: port %u of 127.0.0.1 cannot be listened on: %s. Choose another "
			"with --port.\n",
			port, strerror(errno));
		MHD_destroy_response(response);
		return 1;
	}
	const union MHD_DaemonInfo *bound = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);

	printf("turnpike: the page is at http://127.0.0.1:%u/ until Ctrl-C\n",
		bound ? bound->port : port);
	fflush(stdout);
	sigwait(&ends, &got);
	MHD_stop_daemon(daemon);
	MHD_destroy_response(response);
	return 0;
}
