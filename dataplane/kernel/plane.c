// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "plane.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <confine.h>
#include <endpoint.h>
#include <plane_calls.h>

#include "calls.h"
#include "listener.h"

static int complain(const char *what, int err)
{
	fprintf(stderr, "turnpike-kernel: %s: %s.\n", what, strerror(-err));
	return -1;
}

static int make_shared(struct plane *plane, const struct options *options)
{
	int err = segment_make(&plane->segment, options->workers, &options->capabilities, NULL);

	if (err)
		return complain("what is shared with the control plane can't be made", err);
	err = owners_init(&plane->owners, &options->capabilities);
	return err ? complain("the map of relay ports", err) : 0;
}

static int complain_listen(const struct tp_endpoint *server, int err)
{
	char text[ENDPOINT_TEXT];

	endpoint_text(server, text);
	if (err == -EADDRINUSE)
		fprintf(stderr,
			"turnpike-kernel: %s is in use by another program: stop that one, or "
			"listen elsewhere.\n",
			text);
	else if (err == -EADDRNOTAVAIL)
		fprintf(stderr,
			"turnpike-kernel: %s is no address of this host: give one that `ip "
			"address` "
			"shows.\n",
			text);
	else if (err == -EACCES)
		fprintf(stderr,
			"turnpike-kernel: listening on %s takes CAP_NET_BIND_SERVICE, or a port "
			"from 1024 on.\n",
			text);
	else
		fprintf(stderr, "turnpike-kernel: listening on %s failed: %s.\n", text,
			strerror(-err));
	return -1;
}

// Opens the listening sockets, listener[worker][server].
static int make_listeners(const struct options *options, int listener[][TP_SERVERS_MAX])
{
	const struct tp_capabilities *caps = &options->capabilities;

	for (uint32_t s = 0; s < caps->servers; s++) {
		int fds[TP_WORKERS_MAX];
		int err = listener_open(&caps->server[s], options->workers, fds);

		if (err)
			return complain_listen(&caps->server[s], err);
		for (uint32_t w = 0; w < options->workers; w++)
			listener[w][s] = fds[w];
	}
	return 0;
}

static int make_worker(struct plane *plane, uint32_t index, const int *listener)
{
	struct worker_setup setup = {.index = index,
		.segment = &plane->segment,
		.owners = &plane->owners,
		.mirror = plane->xdp.mirror,
		.raw = &plane->raw,
		.listener = listener};
	struct worker *w = aligned_alloc(64, (sizeof(*w) + 63) & ~(size_t)63);
	int err = w ? worker_init(w, &setup) : -ENOMEM;

	if (err) {
		free(w);
		return complain("a worker's memory and sockets can't be had (--allocations and "
				"--peers say how much)",
			err);
	}
	plane->agent[plane->workers] = &w->agent;
	plane->worker[plane->workers++] = w;
	return 0;
}

static uint32_t cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 0 : (uint32_t)CPU_COUNT(&set);
}

// What the XDP program leaves to the sockets is too little, or too odd, to be hurried.
static int start_raw(struct plane *plane, const struct settings *settings)
{
	int err;

	if (plane->xdp.mirror)
		return 0;
	err = raw_start(&plane->raw, settings);
	return err ? complain("next hops can't be followed", err) : 0;
}

// What listening and buffers took is done. Threads start with what their maker has.
static int give_up_capabilities(const struct tp_capabilities *caps)
{
	bool low = caps->port_min < IPPORT_RESERVED; // relay sockets are bound as allocations come
	int err = confine_keep(low ? CONFINE_BIT(CAP_NET_BIND_SERVICE) : 0);

	return err ? complain("capabilities can't be given up", err) : 0;
}

int plane_start(struct plane *plane, struct settings *settings)
{
	const struct options *options = &settings->common;
	static const struct filter_call *const with_xdp[] = {
		plane_calls, kernel_calls, kernel_xdp_calls, NULL};
	static const struct filter_call *const without[] = {plane_calls, kernel_calls, NULL};
	int listener[TP_WORKERS_MAX][TP_SERVERS_MAX];

	*plane = (struct plane){0};
	xdp_start(&plane->xdp, settings, &settings->common.capabilities);
	if (start_raw(plane, settings) < 0 || make_shared(plane, options) < 0 ||
		make_listeners(options, listener) < 0)
		return -1;
	for (uint32_t i = 0; i < options->workers; i++)
		if (make_worker(plane, i, listener[i]) < 0)
			return -1;
	if (give_up_capabilities(&options->capabilities) < 0)
		return -1;
	for (; plane->running < plane->workers; plane->running++) {
		int err = worker_start(plane->worker[plane->running], cpus() >= plane->workers);

		if (err)
			return complain("no thread for a worker", err);
	}
	return filter_install(options->program->name, plane->xdp.mirror ? with_xdp : without, true);
}

void plane_stop(struct plane *plane)
{
	for (uint32_t i = 0; i < plane->running; i++)
		agent_stop(plane->agent[i]);
	for (uint32_t i = 0; i < plane->running; i++)
		pthread_join(plane->worker[i]->thread, NULL);
	for (uint32_t i = 0; i < plane->workers; i++) {
		worker_free(plane->worker[i]);
		free(plane->worker[i]);
	}
	xdp_stop(&plane->xdp);
	raw_stop(&plane->raw);
	owners_free(&plane->owners);
	segment_free(&plane->segment);
}

void plane_beat(void *context)
{
	struct plane *plane = context;

	if (xdp_runs(&plane->xdp))
		xdp_publish(&plane->xdp, &plane->segment.shared->program);
}
