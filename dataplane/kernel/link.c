// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define BACKOFF_MIN_MS 10u
#define BACKOFF_MAX_MS 1000u
#define GREETING_MS 5000u // a control plane that takes longer is asked again

void link_init(struct link *link, struct plane *plane, const char *path)
{
	*link = (struct link){.plane = plane,
		.path = path,
		.sock = -1,
		.backoff_ms = BACKOFF_MIN_MS,
		.attachment.doorbell = -1};
}

static void hang_up(struct link *link, uint64_t now)
{
	if (link->sock >= 0)
		close(link->sock);
	link->sock = -1;
	link->state = LINK_DOWN;
	link->due = now + link->backoff_ms;
	link->backoff_ms *= 2;
	if (link->backoff_ms > BACKOFF_MAX_MS)
		link->backoff_ms = BACKOFF_MAX_MS;
}

static void release(struct link *link)
{
	tp_unmap(&link->attachment.control);
	if (link->attachment.doorbell >= 0)
		close(link->attachment.doorbell);
	link->attachment = (struct attachment){.doorbell = -1};
}

static int call(struct link *link)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fds[TP_WORKERS_MAX + 1];
	size_t length = strlen(link->path);

	if (length >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, link->path, length);
	link->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->sock < 0)
		return -errno;
	if (connect(link->sock, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	fds[0] = link->plane->segment_fd;
	memcpy(fds + 1, link->plane->bell, link->plane->workers * sizeof(fds[0]));
	return tp_greeting_send(
		link->sock, TP_HELLO_MAGIC, link->plane->workers, fds, link->plane->workers + 1);
}

static void greet(struct link *link, uint64_t now)
{
	int err = call(link);

	if (!err) {
		link->state = LINK_GREETING;
		link->due = now + GREETING_MS;
		return;
	}
	if (!link->told)
		fprintf(stderr,
			"turnpike-kernel: no control plane at %s (%s); relaying goes on, trying "
			"again.\n",
			link->path, strerror(-err));
	link->told = true;
	hang_up(link, now);
}

// Checks what came with the welcome and fills in link->attachment. Takes both descriptors.
static int accept_segment(struct link *link, int segment, int doorbell)
{
	struct attachment *a = &link->attachment;
	int err = tp_segment_map(segment, TP_MAGIC_CONTROL, &a->control);

	close(segment);
	a->doorbell = doorbell;
	if (err)
		return err;
	a->segment = a->control.base;
	a->header = a->control.header; // as it was checked
	if (a->header.workers != link->plane->workers ||
		tp_control_size(&a->header) != a->control.size)
		return -EPROTO;
	return 0;
}

static void welcome(struct link *link, uint64_t now)
{
	int fds[2];
	uint32_t n;
	int workers = tp_greeting_receive(link->sock, TP_WELCOME_MAGIC, fds, 2, &n);
	int err = workers < 0 ? workers : 0;

	if (err == -EAGAIN)
		return;
	if (!err && n == 2)
		err = accept_segment(link, fds[0], fds[1]);
	else if (!err) {
		for (uint32_t i = 0; i < n; i++)
			close(fds[i]);
		err = -EPROTO;
	}
	if (err) {
		if (err != -ECONNRESET)
			fprintf(stderr,
				"turnpike-kernel: refused the control plane's segment (%s): are "
				"both "
				"programs of one version?\n",
				strerror(-err));
		release(link);
		hang_up(link, now);
		return;
	}
	link->state = LINK_TAKING;
	plane_offer(link->plane, &link->attachment);
}

static void notice_end(struct link *link)
{
	char byte;
	ssize_t n = recv(link->sock, &byte, sizeof(byte), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	// Nothing is to follow the welcome, so anything else ends it as well.
	fprintf(stderr, "turnpike-kernel: the control plane went away; relaying goes on.\n");
	link->state = LINK_LETTING_GO;
	plane_offer(link->plane, NULL);
}

void link_step(struct link *link, uint64_t now, bool readable)
{
	if (link->state == LINK_LETTING_GO && plane_settled(link->plane, NULL)) {
		release(link);
		hang_up(link, now);
	}
	if (link->state == LINK_TAKING && plane_settled(link->plane, &link->attachment)) {
		fprintf(stderr, "turnpike-kernel: attached to the control plane.\n");
		link->state = LINK_UP;
		link->backoff_ms = BACKOFF_MIN_MS;
		link->told = false;
	}
	if (link->state == LINK_GREETING) {
		if (readable)
			welcome(link, now);
		else if (now >= link->due)
			hang_up(link, now);
	} else if (link->state == LINK_UP && readable) {
		notice_end(link);
	} else if (link->state == LINK_DOWN && now >= link->due) {
		greet(link, now);
	}
}

int link_timeout(const struct link *link, uint64_t now, int most)
{
	uint64_t rest;

	if (link->state != LINK_DOWN && link->state != LINK_GREETING)
		return most;
	rest = link->due > now ? link->due - now : 0;
	return rest < (uint64_t)most ? (int)rest : most;
}

void link_free(struct link *link)
{
	release(link);
	if (link->sock >= 0)
		close(link->sock);
	link->sock = -1;
}
