// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ask.h"

static json_t *unreachable(const char *path, int err)
{
	const char *advice =
		"start it with `turnpike run`, or name its control socket with --socket";

	if (err == EACCES || err == EPERM)
		advice = "run turnpikectl as root, or as the user that turnpike runs as";
	fprintf(stderr, "turnpikectl: %s can't be reached (%s): %s.\n", path, strerror(err),
		advice);
	return NULL;
}

static int send_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = send(fd, text, length, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

// Reads to the end. Returns the length or a negative errno; the caller frees *out in either case.
static ssize_t read_all(int fd, char **out)
{
	size_t size = 65536, length = 0;
	ssize_t n;

	*out = malloc(size);
	while (*out) {
		n = read(fd, *out + length, size - length);
		if (n <= 0)
			return n < 0 ? -errno : (ssize_t)length;
		length += (size_t)n;
		if (length == size) {
			char *more = size < ASK_ANSWER_MAX ? realloc(*out, size * 2) : NULL;

			if (!more)
				return -EFBIG;
			*out = more;
			size *= 2;
		}
	}
	return -ENOMEM;
}

json_t *ask_over(int fd, const char *path, const char *command, json_int_t cursor)
{
	struct timeval timeout = {.tv_sec = ASK_TIMEOUT_S};
	json_t *answer = NULL;
	char request[128], *text = NULL;
	int length = cursor ? snprintf(request, sizeof(request),
				      "{\"command\":\"%s\",\"cursor\":%lld}\n", command,
				      (long long)cursor)
			    : snprintf(request, sizeof(request), "{\"command\":\"%s\"}\n", command);
	ssize_t n;
	int err;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	err = send_all(fd, request, (size_t)length);
	n = err ? err : read_all(fd, &text);
	close(fd);
	if (n == -EAGAIN)
		fprintf(stderr,
			"turnpikectl: %s did not answer within %d seconds; the control plane may "
			"hang: "
			"see its messages.\n",
			path, ASK_TIMEOUT_S);
	else if (n < 0)
		unreachable(path, (int)-n);
	else
		answer = json_loadb(text, (size_t)n, 0, NULL);
	free(text);
	if (n >= 0 && !json_is_object(answer)) {
		fprintf(stderr,
			"turnpikectl: what %s answered is not a JSON object; is it Turnpike's "
			"control "
			"socket?\n",
			path);
		json_decref(answer);
		return NULL;
	}
	return answer;
}

static json_t *ask_part(const char *path, const char *command, json_int_t cursor)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(un.sun_path))
		return unreachable(path, ENAMETOOLONG);
	memcpy(un.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return unreachable(path, errno);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0) {
		err = errno;
		close(fd);
		return unreachable(path, err);
	}
	return ask_over(fd, path, command, cursor);
}

json_int_t ask_join(json_t *whole, json_t *part)
{
	json_int_t next = json_integer_value(json_object_get(part, "next"));
	const char *key;
	json_t *list;

	json_object_foreach(part, key, list) if (json_is_array(list))
		json_array_extend(json_object_get(whole, key), list);
	json_decref(part);
	return next;
}

json_t *ask(const char *path, const char *command)
{
	json_t *whole = ask_part(path, command, 0);
	json_int_t next = json_integer_value(json_object_get(whole, "next")), after;

	json_object_del(whole, "next");
	while (whole && next) {
		json_t *part = ask_part(path, command, next);

		if (!part) {
			json_decref(whole);
			return NULL;
		}
		// One that does not go on would be asked for ever.
		after = ask_join(whole, part);
		next = after > next ? after : 0;
	}
	return whole;
}
