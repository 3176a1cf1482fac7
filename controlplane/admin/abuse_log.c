// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../config/text.h"
#include "abuse_log.h"

#define BUFFER 65536u
#define LINE_BYTES 1024u // bytes; the longest has about 900: a name of 64 bytes, each escaped

struct abuse_log {
	char *name; // within the directory
	int directory;
	int fd; // -1: it can't be had at the moment
	uint64_t size, max_size; // bytes
	uint32_t files;
	uint32_t per_second;
	uint64_t tokens; // thousandths of a line
	uint64_t refilled_ms;
	uint64_t dropped; // that the log has not told of yet
	struct tp_counters *counters;
	uint32_t used; // of the buffer
	uint32_t lines; // in it
	char buffer[BUFFER];
};

// A line under way: what does not fit is not in it.
struct line {
	char text[LINE_BYTES];
	size_t length;
};

[[gnu::format(printf, 2, 3)]] static void add(struct line *l, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(l->text + l->length, sizeof(l->text) - l->length, format, args);
	va_end(args);
	if (n > 0 && l->length + (size_t)n < sizeof(l->text))
		l->length += (size_t)n;
}

// Any bytes: what is not printable ASCII, and what JSON escapes, as \u00XX, a byte each.
static void add_bytes(struct line *l, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			add(l, "\\u%04x", c);
		else
			add(l, "%c", c);
	}
}

static void begin(struct line *l, uint64_t wall_s, const char *event)
{
	const time_t t = (time_t)wall_s;
	struct tm tm;
	char text[32] = "";

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	l->length = 0;
	add(l, "{\"time\":\"%s\",\"event\":\"%s\"", text, event);
}

static void add_endpoint(struct line *l, const char *key, const struct tp_endpoint *e)
{
	char text[TEXT_ENDPOINT];

	add(l, ",\"%s\":\"%s\"", key, e->port ? text_endpoint(e, text) : text_ip(&e->ip, text));
}

static void put(struct abuse_log *log, struct line *l)
{
	add(l, "}\n");
	if (log->used + l->length > sizeof(log->buffer))
		abuse_log_flush(log);
	memcpy(log->buffer + log->used, l->text, l->length);
	log->used += (uint32_t)l->length;
	log->lines++;
}

static void drop(struct abuse_log *log, uint64_t lines)
{
	log->dropped += lines;
	tp_count(log->counters, TP_CC_abuse_log_dropped, lines);
}

static bool may_write(struct abuse_log *log, uint64_t now_ms)
{
	const uint64_t most = 1000ull * log->per_second;
	uint64_t passed = now_ms - log->refilled_ms;

	log->refilled_ms = now_ms;
	log->tokens += (passed < 1000 ? passed : 1000) * log->per_second;
	if (log->tokens > most)
		log->tokens = most;
	if (log->tokens < 1000)
		return false;
	log->tokens -= 1000;
	return true;
}

void abuse_log_trace(void *context, const struct turn_trace *t)
{
	static const char *const events[] = {"allocation", "permission", "channel", "end", "move"};
	struct abuse_log *log = context;
	struct line l;

	if (!may_write(log, t->now_ms)) {
		drop(log, 1);
		return;
	}
	if (log->dropped) {
		begin(&l, t->wall_s, "dropped");
		add(&l, ",\"lines\":%" PRIu64, log->dropped);
		log->dropped = 0;
		put(log, &l);
	}
	begin(&l, t->wall_s, events[t->kind]);
	add(&l, ",\"user\":\"");
	add_bytes(&l, t->user, t->user_kept);
	add(&l, "\"");
	if (t->user_length > t->user_kept)
		add(&l, ",\"user_bytes\":%u", t->user_length);
	add_endpoint(&l, "client", &t->client);
	add_endpoint(&l, "server", &t->server);
	add_endpoint(&l, "relayed", &t->relayed);
	if (t->kind == TURN_TRACE_PERMISSION || t->kind == TURN_TRACE_CHANNEL)
		add_endpoint(&l, "peer", &t->peer);
	if (t->kind == TURN_TRACE_CHANNEL)
		add(&l, ",\"channel\":\"0x%04x\"", t->channel);
	put(log, &l);
}

static int open_file(struct abuse_log *log)
{
	struct stat st;

	log->fd = openat(log->directory, log->name,
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	if (log->fd < 0)
		return -errno;
	if (fstat(log->fd, &st) < 0)
		return -errno;
	log->size = (uint64_t)st.st_size;
	return 0;
}

// FILE.n becomes FILE.n+1, the last one goes, FILE becomes FILE.1.
static void rotate(struct abuse_log *log)
{
	char from[NAME_MAX + 16], to[NAME_MAX + 16];

	close(log->fd);
	log->fd = -1;
	for (uint32_t n = log->files; n > 1; n--) {
		snprintf(from, sizeof(from), "%s.%u", log->name, n - 1);
		snprintf(to, sizeof(to), "%s.%u", log->name, n);
		renameat(log->directory, from, log->directory, to);
	}
	snprintf(to, sizeof(to), "%s.1", log->name);
	if (log->files)
		renameat(log->directory, log->name, log->directory, to);
	else
		unlinkat(log->directory, log->name, 0);
	open_file(log);
}

void abuse_log_flush(struct abuse_log *log)
{
	ssize_t n = -1;
	bool torn;

	if (!log || !log->used)
		return;
	if (log->fd >= 0 && log->size && log->size + log->used > log->max_size)
		rotate(log);
	if (log->fd < 0)
		open_file(log);
	if (log->fd >= 0)
		n = write(log->fd, log->buffer, log->used);
	if (n > 0)
		log->size += (uint64_t)n;
	torn = n > 0 && n < (ssize_t)log->used;
	if (n == (ssize_t)log->used)
		tp_count(log->counters, TP_CC_abuse_log_lines, log->lines);
	else
		drop(log, log->lines);
	log->used = log->lines = 0;
	// A line that is not whole ends there: what follows is one of its own.
	if (torn)
		log->buffer[log->used++] = '\n';
}

int abuse_log_open(
	struct abuse_log **out, const struct config_abuse_log *config, struct tp_counters *counters)
{
	const char *slash;
	struct abuse_log *log;
	char *path;
	int err;

	*out = NULL;
	if (!config->file)
		return 0;
	slash = strrchr(config->file, '/');
	if (strlen(slash + 1) > NAME_MAX)
		return -ENAMETOOLONG;
	log = calloc(1, sizeof(*log));
	path = strndup(config->file, slash == config->file ? 1 : (size_t)(slash - config->file));
	if (!log || !path) {
		free(log);
		free(path);
		return -ENOMEM;
	}
	*log = (struct abuse_log){.fd = -1,
		.max_size = config->max_size,
		.files = config->files,
		.per_second = config->per_second,
		.tokens = 1000ull * config->per_second,
		.counters = counters};
	log->name = strdup(slash + 1);
	log->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = log->directory < 0 ? -errno : log->name ? open_file(log) : -ENOMEM;
	free(path);
	if (err) {
		abuse_log_close(log);
		return err;
	}
	*out = log;
	return 0;
}

void abuse_log_close(struct abuse_log *log)
{
	if (!log)
		return;
	abuse_log_flush(log);
	if (log->fd >= 0)
		close(log->fd);
	if (log->directory >= 0)
		close(log->directory);
	free(log->name);
	free(log);
}
