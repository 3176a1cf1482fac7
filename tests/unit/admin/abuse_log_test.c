// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The abuse log's lines, its rate and its files.
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../controlplane/admin/abuse_log.h"
#include "../../../controlplane/config/text.h"

#define WALL_S 1700000000u // 2023-11-14T22:13:20Z

static char directory[64];
static char path[96];
static struct config_abuse_log config;
static struct tp_counters counters;
static struct abuse_log *abuse_log;

static void start(void)
{
	cr_assert_eq(abuse_log_open(&abuse_log, &config, &counters), 0);
	cr_assert_not_null(abuse_log);
}

static void init(void)
{
	snprintf(directory, sizeof(directory), "/tmp/abuse-log-test-XXXXXX");
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/abuse.log", directory);
	config = (struct config_abuse_log){
		.file = path, .max_size = 1 << 20, .files = 3, .per_second = 1000};
	memset(&counters, 0, sizeof(counters));
	start();
}

static void fini(void)
{
	DIR *d = opendir(directory);
	struct dirent *e;

	abuse_log_close(abuse_log);
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(directory);
}

TestSuite(abuse_log, .init = init, .fini = fini);

static struct turn_trace trace(enum turn_trace_kind kind, const char *user)
{
	struct turn_trace t = {.kind = kind,
		.now_ms = 5000,
		.wall_s = WALL_S,
		.user = user,
		.user_kept = (uint32_t)strlen(user),
		.user_length = (uint32_t)strlen(user)};

	text_to_endpoint("192.0.2.1:4444", &t.client);
	text_to_endpoint("198.51.100.2:3478", &t.server);
	text_to_endpoint("[2001:db8::2]:50000", &t.relayed);
	return t;
}

static char *contents(const char *suffix)
{
	static char text[1 << 20];
	char name[128];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	f = fopen(name, "r");
	text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = 0;
	if (f)
		fclose(f);
	return text;
}

static uint64_t counted(enum tp_control_counter c)
{
	return tp_counter(&counters, c);
}

static void many(uint32_t n, uint64_t now_ms)
{
	struct turn_trace t = trace(TURN_TRACE_ALLOCATION, "alice");

	t.now_ms = now_ms;
	for (uint32_t i = 0; i < n; i++)
		abuse_log_trace(abuse_log, &t);
}

static uint32_t lines(const char *text)
{
	uint32_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

#define TO \
	"\"client\":\"192.0.2.1:4444\",\"server\":\"198.51.100.2:3478\"," \
	"\"relayed\":\"[2001:db8::2]:50000\""

Test(abuse_log, tells_time_user_client_relayed_address_and_peer)
{
	struct turn_trace t = trace(TURN_TRACE_ALLOCATION, "alice");

	abuse_log_trace(abuse_log, &t);
	t.kind = TURN_TRACE_PERMISSION;
	text_to_ip("203.0.113.9", &t.peer.ip);
	abuse_log_trace(abuse_log, &t);
	t.kind = TURN_TRACE_CHANNEL;
	t.peer.port = 7000;
	t.channel = 0x4001;
	abuse_log_trace(abuse_log, &t);
	t.kind = TURN_TRACE_MOVE;
	abuse_log_trace(abuse_log, &t);
	t.kind = TURN_TRACE_END;
	abuse_log_trace(abuse_log, &t);
	cr_expect_str_empty(contents(""));
	abuse_log_flush(abuse_log);
	cr_expect_str_eq(contents(""),
		"{\"time\":\"2023-11-14T22:13:20Z\",\"event\":\"allocation\",\"user\":\"alice\"," TO
		"}\n"
		"{\"time\":\"2023-11-14T22:13:20Z\",\"event\":\"permission\",\"user\":\"alice\"," TO
		",\"peer\":\"203.0.113.9\"}\n"
		"{\"time\":\"2023-11-14T22:13:20Z\",\"event\":\"channel\",\"user\":\"alice\"," TO
		",\"peer\":\"203.0.113.9:7000\",\"channel\":\"0x4001\"}\n"
		"{\"time\":\"2023-11-14T22:13:20Z\",\"event\":\"move\",\"user\":\"alice\"," TO "}\n"
		"{\"time\":\"2023-11-14T22:13:20Z\",\"event\":\"end\",\"user\":\"alice\"," TO
		"}\n");
	cr_expect_eq(counted(TP_CC_abuse_log_lines), 5u);
	cr_expect_eq(counted(TP_CC_abuse_log_dropped), 0u);
}

Test(abuse_log, a_name_of_any_bytes_stays_within_its_line_and_quotes)
{
	char name[64];
	const char *user;
	json_t *line;

	for (int first = 0; first < 256; first += 64) {
		struct turn_trace t = trace(TURN_TRACE_ALLOCATION, "");

		for (int i = 0; i < 64; i++)
			name[i] = (char)(first + i);
		t.user = name;
		t.user_kept = 64;
		t.user_length = 255;
		unlink(path);
		abuse_log_close(abuse_log);
		start();
		abuse_log_trace(abuse_log, &t);
		abuse_log_flush(abuse_log);
		cr_expect_eq(lines(contents("")), 1u);
		for (const char *c = contents(""); *c; c++)
			cr_expect((*c >= 0x20 && *c <= 0x7e) || *c == '\n');
		line = json_loads(contents(""), JSON_ALLOW_NUL, NULL);
		cr_assert_not_null(line, "%s", contents(""));
		cr_expect_eq(json_integer_value(json_object_get(line, "user_bytes")), 255);
		// Each byte is a code point.
		user = json_string_value(json_object_get(line, "user"));
		cr_expect_eq(json_string_length(json_object_get(line, "user")),
			first < 128 ? 64u : 128u);
		cr_expect_eq(user[0], first < 128 ? first : (int)(char)(0xc0 | first >> 6));
		json_decref(line);
	}
}

Test(abuse_log, says_how_many_lines_were_over_its_rate)
{
	config.per_second = 10;
	abuse_log_close(abuse_log);
	start();
	many(25, 5000);
	abuse_log_flush(abuse_log);
	cr_expect_eq(lines(contents("")), 10u);
	cr_expect_eq(counted(TP_CC_abuse_log_dropped), 15u);
	many(1, 5050); // half a line's worth
	many(1, 5100);
	abuse_log_flush(abuse_log);
	cr_expect_eq(lines(contents("")), 12u);
	cr_expect_not_null(strstr(contents(""), "\"event\":\"dropped\",\"lines\":16}\n"));
	many(100, 100000);
	abuse_log_flush(abuse_log);
	cr_expect_eq(lines(contents("")), 22u);
}

Test(abuse_log, begins_another_file_at_its_size_and_keeps_so_many)
{
	struct stat st;
	char name[128];

	config.max_size = 4096;
	abuse_log_close(abuse_log);
	start();
	for (uint64_t i = 0; i < 200; i++) {
		many(4, 5000 + 1000 * i);
		abuse_log_flush(abuse_log);
	}
	for (int i = 0; i <= 3; i++) {
		char suffix[8] = "";

		if (i)
			snprintf(suffix, sizeof(suffix), ".%d", i);
		snprintf(name, sizeof(name), "%s%s", path, suffix);
		cr_assert_eq(stat(name, &st), 0, "%s", name);
		cr_expect(st.st_size > 0 && st.st_size <= 4096);
		cr_expect_eq(st.st_mode & 0777, 0640);
		cr_expect_eq(contents(suffix)[0], '{');
	}
	snprintf(name, sizeof(name), "%s.4", path);
	cr_expect_neq(stat(name, &st), 0);
	cr_expect_eq(counted(TP_CC_abuse_log_lines), 800u);
}

Test(abuse_log, goes_on_where_it_ended)
{
	many(3, 5000);
	abuse_log_close(abuse_log);
	start();
	many(2, 5000);
	abuse_log_flush(abuse_log);
	cr_expect_eq(lines(contents("")), 5u);
}

Test(abuse_log, keeps_every_line_of_a_long_burst)
{
	config.per_second = 100000;
	abuse_log_close(abuse_log);
	start();
	many(3000, 5000); // more than the buffer
	abuse_log_flush(abuse_log);
	cr_expect_eq(lines(contents("")), 3000u);
}

Test(abuse_log, counts_what_could_not_be_written_and_says_so_later)
{
	const struct rlimit none = {.rlim_cur = 100, .rlim_max = RLIM_INFINITY};
	const struct rlimit all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	many(2, 5000);
	abuse_log_flush(abuse_log);
	abuse_log_flush(abuse_log);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	cr_expect_eq(counted(TP_CC_abuse_log_dropped), 2u);
	many(1, 6000);
	abuse_log_flush(abuse_log);
	// What was written of a line in part ends there.
	cr_expect_eq(contents("")[100], '{');
	cr_expect_not_null(strstr(contents(""), "\"event\":\"dropped\",\"lines\":2}\n{"));
}

Test(abuse_log, of_no_file_is_none_and_one_that_cannot_be_opened_is_an_error)
{
	struct config_abuse_log other = config;
	struct abuse_log *none;

	other.file = NULL;
	cr_expect_eq(abuse_log_open(&none, &other, &counters), 0);
	cr_expect_null(none);
	abuse_log_flush(none);
	abuse_log_close(none);
	other.file = (char[]){"/nonexistent/turnpike/abuse.log"};
	cr_expect_eq(abuse_log_open(&none, &other, &counters), -ENOENT);
	unlink(path);
	cr_assert_eq(symlink("/etc/hostname", path), 0);
	cr_expect_eq(abuse_log_open(&none, &config, &counters), -ELOOP);
}
