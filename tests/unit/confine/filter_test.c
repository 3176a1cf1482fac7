// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The lists of the programs themselves, each with what it must not have.
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <plane_calls.h>

#include "../../../controlplane/admin/calls.h"
#include "../../../dataplane/kernel/calls.h"
#include "confined.h"

static const struct filter_call *const none[] = {NULL};
static const struct filter_call *const sockets[] = {plane_calls, kernel_calls, NULL};
static const struct filter_call *const xdp[] = {plane_calls, kernel_calls, kernel_xdp_calls, NULL};
static const struct filter_call *const control[] = {control_calls, NULL};
static const struct filter_call *const control_with_log[] = {
	control_calls, control_log_calls, NULL};

static void set_up(void)
{
	static const struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	unsetenv("TURNPIKE_SECCOMP");
}

TestSuite(filter, .init = set_up, .timeout = 120);

static void open_udp(void)
{
	if (syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0)
		_exit(1);
}

static void use_a_map(void)
{
	union bpf_attr attributes = {0};

	syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attributes, sizeof(attributes));
}

Test(filter, the_dataplane_of_sockets_makes_no_other_call)
{
	confined_expect_killed(sockets, confined_never);
	confined_expect_killed(sockets, confined_without_drivers);
	confined_expect_killed(
		sockets, (const struct confined_try[]){{"bpf", use_a_map}, {NULL, NULL}});
	confined_expect_allowed(sockets, open_udp);
}

Test(filter, with_xdp_it_uses_maps_and_loads_nothing)
{
	confined_expect_killed(xdp, confined_never);
	confined_expect_killed(xdp, confined_without_drivers);
	confined_expect_allowed(xdp, use_a_map);
}

Test(filter, turnpike_control_makes_no_other_call)
{
	confined_expect_killed(control, confined_never);
	confined_expect_killed(control, confined_without_drivers);
	confined_expect_killed(
		control, (const struct confined_try[]){{"socket", open_udp}, {NULL, NULL}});
}

Test(filter, an_abuse_log_lets_it_append_to_files_and_nothing_else)
{
	confined_expect_killed(control_with_log, confined_never);
	confined_expect_killed(control_with_log, confined_without_drivers);
}

static void *execute_later(void *context)
{
	char go;

	if (read(*(int *)context, &go, 1) == 1)
		syscall(SYS_execve, "/bin/true", NULL, NULL);
	return NULL;
}

Test(filter, it_is_in_force_for_threads_that_ran_before)
{
	int status, go[2];
	pthread_t thread;
	pid_t pid;

	cr_assert_eq(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		if (pthread_create(&thread, NULL, execute_later, go) ||
			filter_install("under test", none, false) < 0 || write(go[1], "", 1) != 1)
			_exit(3);
		pthread_join(thread, NULL);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%x", (unsigned int)status);
}

static void get_ppid(void)
{
	getppid();
}

// Each in a process of its own, as Criterion runs it.
Test(filter, debugging_takes_a_variable_of_the_environment)
{
	setenv("TURNPIKE_SECCOMP", "log", 1);
	confined_expect_allowed(none, get_ppid);
	setenv("TURNPIKE_SECCOMP", "off", 1);
	confined_expect_allowed(none, get_ppid);
	setenv("TURNPIKE_SECCOMP", "of", 1);
	cr_assert_eq(filter_install("under test", none, false), -EINVAL);
	setenv("TURNPIKE_SECCOMP", "kill", 1);
	confined_expect_killed(
		none, (const struct confined_try[]){{"getppid", get_ppid}, {NULL, NULL}});
}

Test(filter, what_nobody_calls_fails_for_who_starts_programs_and_for_those)
{
	cr_assert_eq(filter_forbid("under test"), 0);
	cr_assert_eq(syscall(SYS_kexec_load, 0, 0, NULL, 0), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(syscall(SYS_process_vm_writev, getpid(), NULL, 0, NULL, 0, 0), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(system("exit 7"), 7 << 8);
}
