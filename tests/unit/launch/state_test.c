// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../controlplane/launch/state.h"

static char directory[] = "/tmp/turnpike-state-XXXXXX";
static char path[64];

static void make_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/launcher.json", directory);
}

static void remove_directory(void)
{
	unlink(path);
	rmdir(directory);
}

TestSuite(state, .init = make_directory, .fini = remove_directory);

// This very process stands for a program that runs.
static const char *own_name(void)
{
	static char line[4096];
	FILE *file = fopen("/proc/self/cmdline", "re");
	const char *slash;

	cr_assert_gt(fread(line, 1, sizeof(line) - 1, file), 0);
	fclose(file);
	slash = strrchr(line, '/');
	return slash ? slash + 1 : line;
}

Test(state, a_program_that_runs_is_found_again)
{
	struct program programs[2] = {
		{.name = own_name(), .process = {.pid = getpid()}},
		{.name = "other", .process = {.pid = 0}},
	};
	struct process found;

	programs[0].process.start = process_start_time(getpid());
	cr_assert_neq(programs[0].process.start, 0);
	cr_assert_eq(state_write(path, programs, 2), 0);
	cr_assert_eq(state_find(path, own_name(), &found), 0);
	cr_expect_eq(found.pid, getpid());
	process_close(&found);
	cr_expect_eq(state_find(path, "other", &found), -ESRCH);
}

Test(state, another_process_with_the_same_pid_is_not_taken_for_it)
{
	struct program program = {.name = own_name(), .process = {.pid = getpid()}};
	struct process found;

	program.process.start = process_start_time(getpid()) + 1;
	cr_assert_eq(state_write(path, &program, 1), 0);
	cr_expect_eq(state_find(path, own_name(), &found), -ESRCH);
}

Test(state, another_program_in_the_same_process_is_not_taken_for_it)
{
	struct program program = {.name = "turnpike-kernel", .process = {.pid = getpid()}};
	struct process found;

	program.process.start = process_start_time(getpid());
	cr_assert_eq(state_write(path, &program, 1), 0);
	cr_expect_eq(state_find(path, "turnpike-kernel", &found), -ESRCH);
}

Test(state, a_file_full_of_garbage_names_nobody)
{
	static const char *const garbage[] = {"", "{", "[]", "{\"programs\":3}",
		"{\"programs\":[3,{\"name\":3},{\"name\":\"x\",\"pid\":-1,\"start\":1},"
		"{\"name\":\"x\",\"pid\":1e99,\"start\":1},{\"name\":\"x\",\"pid\":99999999999,"
		"\"start\":1}]}"};
	struct process found;

	cr_expect_eq(state_find(path, "x", &found), -ESRCH, "no file");
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		FILE *file = fopen(path, "w");

		cr_assert_not_null(file);
		fputs(garbage[i], file);
		fclose(file);
		cr_expect_eq(state_find(path, "x", &found), -ESRCH, "%s", garbage[i]);
	}
}
