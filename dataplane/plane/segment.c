// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "segment.h"

#include <sys/eventfd.h>

#define RESULTS_BYTES (1u << 18) // of each worker's ring: 4,096 results
#define PUNTS_BYTES (1u << 20) // of each worker's ring: some 4,000 usual requests

static int make_wakes(struct segment *s)
{
	s->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->ready < 0)
		return -errno;
	for (uint32_t i = 0; i < s->workers; i++) {
		s->wake[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (s->wake[i] < 0)
			return -errno;
	}
	return 0;
}

int segment_make(struct segment *s, uint32_t workers, const struct tp_capabilities *capabilities,
	const uint8_t *owners)
{
	struct tp_header header = {.abi = TP_ABI,
		.workers = workers,
		.epoch = tp_random64(),
		.results = RESULTS_BYTES,
		.punts = PUNTS_BYTES,
		.pid = (uint32_t)getpid(),
		.owners = owners ? tp_owners_size(capabilities) : 0};
	int err;

	*s = (struct segment){.fd = -1, .workers = workers, .ready = -1};
	memset(s->wake, -1, sizeof(s->wake));
	header.size = tp_dataplane_size(&header);
	if (!header.size)
		return -EINVAL;
	err = make_wakes(s);
	if (err)
		return err;
	s->fd = tp_segment_create("turnpike-dataplane", header.size, &s->mapping);
	if (s->fd < 0)
		return s->fd;
	s->shared = s->mapping.base;
	s->shared->header = header;
	s->shared->capabilities = *capabilities;
	if (owners)
		memcpy(segment_owners(s), owners, header.owners);
	__atomic_store_n(&s->shared->header.magic, TP_MAGIC_DATAPLANE, __ATOMIC_RELEASE);
	return 0;
}

void segment_free(struct segment *s)
{
	for (uint32_t i = 0; i < TP_WORKERS_MAX; i++)
		if (s->wake[i] >= 0)
			close(s->wake[i]);
	if (s->ready >= 0)
		close(s->ready);
	tp_unmap(&s->mapping);
	if (s->fd >= 0)
		close(s->fd);
}

void segment_beat(struct segment *s, uint64_t now)
{
	__atomic_store_n(&s->shared->heartbeat.ms, now, __ATOMIC_RELAXED);
}
