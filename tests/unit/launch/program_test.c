// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../controlplane/launch/program.h"

Test(program, restarts_start_at_once_and_slow_down_to_five_seconds)
{
	static const uint64_t expected[] = {0, 10, 100, 1000, 5000, 5000, 5000};

	for (unsigned int i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		cr_expect_eq(program_delay(i), expected[i]);
}

// A shell that writes to descriptor 3, which is a memfd of ours.
static struct spawn shell(const char *script, int fd)
{
	static char *argv[] = {"sh", "-c", NULL, NULL};

	argv[2] = (char *)script;
	return (struct spawn){
		.path = "/bin/sh", .argv = argv, .fds = {fd}, .fds_count = 1, .fd_names = "out"};
}

static void wait_child(struct process *process, int status)
{
	int found;

	cr_assert(process_wait(process, 10000));
	cr_assert_eq(waitpid(process->pid, &found, 0), process->pid);
	cr_expect_eq(found, status);
	process_close(process);
}

Test(program, descriptors_arrive_from_3_on_with_their_names)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	struct spawn spawn = shell(
		"test $LISTEN_PID = $$ && echo $LISTEN_FDS $LISTEN_FDNAMES >&3", fd);
	struct process process;
	char text[32] = {0};

	cr_assert_eq(spawn_start(&spawn, &process), 0);
	process_go(&process);
	wait_child(&process, 0);
	cr_assert_eq(pread(fd, text, sizeof(text) - 1, 0), 6);
	cr_expect_str_eq(text, "1 out\n");
}

Test(program, nothing_else_that_is_open_here_arrives)
{
	int fd = memfd_create("out", MFD_CLOEXEC), other = fcntl(fd, F_DUPFD, 77);
	struct spawn spawn = shell("test -e /proc/$$/fd/3 -a ! -e /proc/$$/fd/77", fd);
	struct process process;

	cr_assert_eq(other, 77);
	cr_assert_eq(spawn_start(&spawn, &process), 0);
	process_go(&process);
	wait_child(&process, 0);
}

Test(program, a_process_whose_launcher_dies_before_it_was_written_down_never_runs)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	struct spawn spawn = shell("echo ran >&3", fd);
	struct process process;

	cr_assert_eq(spawn_start(&spawn, &process), 0);
	close(process.gate); // as the kernel does for a launcher that dies
	process.gate = -1;
	wait_child(&process, 1 << 8);
	cr_expect_eq(lseek(fd, 0, SEEK_END), 0);
}

struct seen {
	struct program *program;
	unsigned int changed, ended, gave_up;
};

static void on_changed(void *context)
{
	((struct seen *)context)->changed++;
}

static void on_ended(void *context, struct program *program, bool gave_up)
{
	struct seen *seen = context;

	seen->ended++;
	seen->gave_up += gave_up;
	uv_stop(program->loop);
}

Test(program, one_that_was_adopted_but_cannot_be_watched_does_not_hold_up_the_stop)
{
	struct seen seen = {0};
	struct program_events events = {on_changed, on_ended, &seen};
	// A regular file can't be polled.
	struct process process = {
		.pid = getpid(), .pidfd = memfd_create("no pidfd", MFD_CLOEXEC), .gate = -1};
	struct program program;
	uv_loop_t loop;

	cr_assert_eq(uv_loop_init(&loop), 0);
	program_init(&program, &loop, "sh", &events);
	program_adopt(&program, &process);
	program_stop(&program, SIGTERM);
	cr_expect_eq(seen.ended, 1);
	cr_expect_eq(seen.gave_up, 0);
	program_stop(&program, SIGKILL);
	cr_expect_eq(seen.ended, 1);
}

Test(program, one_that_fails_before_it_was_useful_is_given_up_after_five_attempts)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	struct seen seen = {0};
	struct program_events events = {on_changed, on_ended, &seen};
	struct program program;
	uv_loop_t loop;

	cr_assert_eq(uv_loop_init(&loop), 0);
	program_init(&program, &loop, "sh", &events);
	program.spawn = shell("echo >&3; exit 1", fd);
	program_start(&program);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(seen.ended, 1);
	cr_expect_eq(seen.gave_up, 1);
	cr_expect_eq(lseek(fd, 0, SEEK_END), 5, "five attempts ran");
	cr_expect_eq(seen.changed, 10, "each start and each end is written down");
}

Test(program, one_that_was_stopped_is_not_started_again)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	struct seen seen = {0};
	struct program_events events = {on_changed, on_ended, &seen};
	struct program program;
	uv_loop_t loop;

	cr_assert_eq(uv_loop_init(&loop), 0);
	program_init(&program, &loop, "sh", &events);
	program.spawn = shell("exec sleep 60", fd);
	program_start(&program);
	program_stop(&program, SIGTERM);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(seen.ended, 1);
	cr_expect_eq(seen.gave_up, 0);
	cr_expect_eq(program.process.pid, 0);
}

Test(program, one_that_was_adopted_goes_by_its_own_name_until_another_takes_its_place)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	struct seen seen = {0};
	struct program_events events = {on_changed, on_ended, &seen};
	struct program program;
	struct process adopted;
	uv_loop_t loop;

	cr_assert_eq(uv_loop_init(&loop), 0);
	program_init(&program, &loop, "sh", &events);
	program.spawn = shell("exec sleep 60", fd);
	cr_assert_eq(spawn_start(&program.spawn, &adopted), 0);
	process_go(&adopted);
	adopted.name = "another";
	program_adopt(&program, &adopted);
	cr_expect_str_eq(program.name, "another");
	process_signal(&adopted, SIGKILL);
	while (seen.changed < 2) // its end, and the start of what follows
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect_str_eq(program.name, "sh");
	cr_expect_neq(program.process.pid, adopted.pid);
	program_stop(&program, SIGKILL);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(seen.ended, 1);
}
