// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <status.h>

#define NAME "confined-program"

static struct confine_status status(void)
{
	struct confine_status s;

	cr_assert_eq(prctl(PR_SET_NAME, NAME), 0);
	cr_assert_eq(confine_status(getpid(), NAME, &s), 0);
	return s;
}

static pthread_barrier_t barrier;

static void *wait_twice(void *)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

// Of this thread alone: a filter that allows everything.
static bool confine(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog program = {.len = 1, .filter = &allow};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// In a process of its own: Criterion's has threads. Returns which step was wrong, 0: none.
static int one_thread_then_all(void)
{
	struct confine_status s;
	pthread_t thread;

	if (prctl(PR_SET_NAME, NAME) < 0 || pthread_barrier_init(&barrier, NULL, 2) ||
		pthread_create(&thread, NULL, wait_twice, NULL))
		return 1;
	pthread_barrier_wait(&barrier);
	if (!confine() || confine_status(getpid(), NAME, &s) < 0)
		return 2;
	if (s.no_new_privs || s.seccomp)
		return 3; // the other thread is as free as it was
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	// It has been joined a little before the kernel tells of it no more.
	for (int i = 0; i < 10000; i++) {
		if (confine_status(getpid(), NAME, &s) < 0)
			return 4;
		if (s.no_new_privs && s.seccomp)
			return 0;
		usleep(1000);
	}
	return 5;
}

Test(confine_status, tells_what_is_in_force_for_all_threads)
{
	pid_t child = fork();
	int code;

	if (child == 0)
		_exit(one_thread_then_all());
	cr_assert_eq(waitpid(child, &code, 0), child);
	cr_expect_eq(code, 0, "step %d", WEXITSTATUS(code));
	cr_expect_eq(status().user, geteuid());
}

Test(confine_status, of_another_name_is_another_process)
{
	struct confine_status s = status();

	cr_expect_eq(confine_status(getpid(), "turnpike", &s), -ESRCH);
	cr_expect_eq(confine_status(INT32_MAX, NAME, &s), -ESRCH);
}

Test(confine_status, capabilities_have_their_names)
{
	cr_expect_str_eq(confine_capability_name(CAP_NET_ADMIN), "net_admin");
	cr_expect_null(confine_capability_name(63));
}
