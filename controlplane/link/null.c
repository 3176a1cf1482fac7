// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <stdlib.h>

#include "null.h"

static int submit(struct link *link, const struct link_transaction *t)
{
	struct null_link *n = (struct null_link *)link;
	int status = TP_STATUS_OK;

	if (n->queued == n->capacity)
		return -EAGAIN;
	n->failed = 0;
	if (n->inspect)
		status = n->inspect(n->context, t);
	if (status < 0)
		return status;
	if (t->count)
		n->queue[n->queued++] = (struct null_outcome){t->id, (uint32_t)status, n->failed};
	return 0;
}

static uint32_t worker(struct link *link, const struct tp_endpoint *client, uint32_t punter)
{
	const struct null_link *n = (const struct null_link *)link;

	(void)client;
	return punter < n->workers ? punter : 0;
}

// An outcome may lead to another transaction: those wait for the next flush.
static void flush(struct link *link)
{
	struct null_link *n = (struct null_link *)link;
	uint32_t count = n->queued;

	for (uint32_t i = 0; i < count; i++)
		n->events.outcome(
			n->events.context, n->queue[i].id, n->queue[i].status, n->queue[i].failed);
	for (uint32_t i = count; i < n->queued; i++)
		n->queue[i - count] = n->queue[i];
	n->queued -= count;
}

static const struct link_ops null_ops = {.submit = submit, .worker = worker, .flush = flush};

int null_link_create(struct null_link *n, uint32_t capacity)
{
	*n = (struct null_link){.link = {.ops = &null_ops}, .capacity = capacity};
	n->queue = calloc(capacity, sizeof(*n->queue));
	return n->queue ? 0 : -ENOMEM;
}

void null_link_destroy(struct null_link *n)
{
	free(n->queue);
	*n = (struct null_link){0};
}
