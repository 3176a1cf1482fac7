// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../controlplane/admin/ask.h"

struct server {
	int fd;
	const char *answer;
	size_t length;
	char request[128];
};

// Reads one line, answers and closes.
static void *serve(void *context)
{
	struct server *s = context;
	size_t have = 0;
	ssize_t n;

	while (!memchr(s->request, '\n', have)) {
		n = read(s->fd, s->request + have, sizeof(s->request) - 1 - have);
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	for (size_t done = 0; done < s->length; done += (size_t)n) {
		n = write(s->fd, s->answer + done, s->length - done);
		if (n <= 0)
			break;
	}
	close(s->fd);
	return NULL;
}

static json_t *ask_server(
	struct server *server, const char *answer, size_t length, json_int_t cursor)
{
	pthread_t thread;
	json_t *root;
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*server = (struct server){.fd = pair[1], .answer = answer, .length = length};
	cr_assert_eq(pthread_create(&thread, NULL, serve, server), 0);
	root = ask_over(pair[0], "/run/x", "status", cursor);
	pthread_join(thread, NULL);
	return root;
}

Test(ask, one_line_goes_out_and_one_object_comes_back)
{
	static const char answer[] = "{\"pid\": 7}\n";
	struct server server;
	json_t *root = ask_server(&server, answer, strlen(answer), 0);

	cr_expect_str_eq(server.request, "{\"command\":\"status\"}\n");
	cr_expect_eq(json_integer_value(json_object_get(root, "pid")), 7);
	json_decref(root);
}

Test(ask, a_further_part_is_asked_for_by_its_cursor_and_joined)
{
	static const char answer[] = "{\"a\": [3], \"next\": 17}\n";
	struct server server;
	json_t *part = ask_server(&server, answer, strlen(answer), 9);
	json_t *whole = json_pack("{s:[ii]}", "a", 1, 2),
	       *expected = json_pack("{s:[iii]}", "a", 1, 2, 3);

	cr_expect_str_eq(server.request, "{\"command\":\"status\",\"cursor\":9}\n");
	cr_expect_eq(ask_join(whole, part), 17);
	cr_expect(json_equal(whole, expected));
	cr_expect_eq(ask_join(whole, json_pack("{s:[]}", "a")), 0);
	cr_expect(json_equal(whole, expected));
	json_decref(whole);
	json_decref(expected);
}

Test(ask, an_answer_of_a_megabyte_is_read_whole)
{
	static char answer[1 << 20];
	struct server server;
	json_t *root;

	memset(answer, ' ', sizeof(answer));
	answer[0] = '{';
	answer[sizeof(answer) - 1] = '}';
	root = ask_server(&server, answer, sizeof(answer), 0);
	cr_expect(json_is_object(root));
	json_decref(root);
}

Test(ask, what_is_no_object_is_refused_with_a_sentence, .init = cr_redirect_stderr)
{
	struct server server;

	cr_expect_null(ask_server(&server, "[1]", 3, 0));
	fflush(stderr);
	cr_expect_stderr_eq_str("turnpikectl: what /run/x answered is not a JSON object; is it "
				"Turnpike's control socket?\n");
}

Test(ask, nobody_there_is_told_with_what_to_do, .init = cr_redirect_stderr)
{
	cr_expect_null(ask("/nonexistent/control", "status"));
	fflush(stderr);
	cr_expect_stderr_eq_str(
		"turnpikectl: /nonexistent/control can't be reached (No such file or directory): "
		"start "
		"it with `turnpike run`, or name its control socket with --socket.\n");
}
