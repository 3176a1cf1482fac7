// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Segments to hand over, and a count of what a test leaves open.
#pragma once

#include <dirent.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include <turnpike/attach.h>

static inline int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	cr_assert_not_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline struct tp_header dataplane_header(uint32_t workers)
{
	struct tp_header h = {.magic = TP_MAGIC_DATAPLANE,
		.abi = TP_ABI,
		.workers = workers,
		.epoch = 7,
		.results = 4096,
		.punts = 8192};

	h.size = tp_dataplane_size(&h);
	return h;
}

static inline struct tp_header control_header(uint32_t workers)
{
	struct tp_header h = {.magic = TP_MAGIC_CONTROL,
		.abi = TP_ABI,
		.workers = workers,
		.epoch = 9,
		.commands = 4096};

	h.size = tp_control_size(&h);
	return h;
}

// A segment of `size` bytes that begins with this header.
static inline int segment_with(struct tp_header h, uint64_t size, struct tp_mapping *m)
{
	int fd = tp_segment_create("test", size, m);

	cr_assert_geq(fd, 0);
	memcpy(m->base, &h, sizeof(h));
	return fd;
}
