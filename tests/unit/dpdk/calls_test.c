// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <confined.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <plane_calls.h>

#include "../../../dataplane/dpdk/calls.h"

static const struct filter_call *const lists[] = {plane_calls, dpdk_calls, NULL};

Test(calls, the_poll_mode_dataplane_makes_none_that_nobody_may_make, .timeout = 120)
{
	static const struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	unsetenv("TURNPIKE_SECCOMP");
	confined_expect_killed(lists, confined_never);
}
