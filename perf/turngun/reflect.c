// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "reflect.h"

#include <signal.h>
#include <stdio.h>

#include "gaps.h"

static volatile sig_atomic_t over;

static void end(int)
{
	over = 1;
}

void reflect(struct wire *w, double seconds)
{
	uint64_t now = clock_ns(), until = now + (uint64_t)(seconds * 1e9), reflected = 0;
	struct sigaction on = {.sa_handler = end};

	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGINT, &on, NULL);
	puts("ready");
	fflush(stdout);
	for (; !over && (seconds <= 0 || now < until); now = clock_ns())
		for (uint32_t n; (n = w->ops->reflect(w));)
			reflected += n;
	printf("%lu reflected\n", reflected);
}
