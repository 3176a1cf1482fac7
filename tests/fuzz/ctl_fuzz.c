// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The control socket, turnpikectl's end. Input: what somebody answers, in two parts divided by a NUL. Whatever
// it is, what people get to see of it is lines of text.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../controlplane/admin/ask.h"
#include "../../controlplane/admin/present.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

// What people see is text: no control character but the ends of lines.
static void check_shown(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint8_t c = (uint8_t)text[i], next = (uint8_t)text[i + 1];

		check((c >= 0x20 || c == '\n') && c != 0x7f);
		check(!(c == 0xc2 && next >= 0x80 && next < 0xa0));
	}
}

static void show(const json_t *answer)
{
	size_t length;
	char *text;
	FILE *out = open_memstream(&text, &length);

	check(out != NULL);
	present_status(answer, out);
	present_allocations(answer, out);
	present_counters(answer, true, out);
	present_counters(answer, false, out);
	fclose(out);
	check_shown(text, length);
	free(text);
}

// What turnpikectl makes of such an answer.
static json_t *ask_for(const uint8_t *data, size_t size)
{
	json_t *answer;
	int pair[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	check(send(pair[1], data, size, MSG_DONTWAIT) == (ssize_t)size || !size);
	shutdown(pair[1], SHUT_WR);
	answer = ask_over(pair[0], "/run/x", "status", size & 1 ? 7 : 0);
	close(pair[1]);
	check(!answer || json_is_object(answer));
	return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	const uint8_t *end = memchr(data, 0, size);
	size_t first = end ? (size_t)(end - data) : size;
	json_t *whole, *part;
	FILE *before = stderr;

	if (size > 16384)
		return 0;
	if (!nowhere)
		nowhere = fopen("/dev/null", "we");
	check(nowhere != NULL);
	stderr = nowhere; // sentences for people, one for each bad answer
	whole = ask_for(data, first);
	part = end ? ask_for(end + 1, size - first - 1) : NULL;
	stderr = before;
	if (whole && part)
		ask_join(whole, part);
	else
		json_decref(part);
	if (whole)
		show(whole);
	json_decref(whole);
	return 0;
}
