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

void link_init(struct link *link, const char *program, const char *path,
	const struct segment *segment, struct agent *const *agent)
{
	*link = (struct link){.program = program,
		.path = path,
		.segment = segment,
		.agent = agent,
		.sock = -1,
		.backoff_ms = BACKOFF_MIN_MS,
		.attachment.doorbell = -1};
	memset(link->attachment.bell, -1, sizeof(link->attachment.bell));
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

static void offer(struct link *link, struct attachment *attachment)
{
	for (uint32_t i = 0; i < link->segment->workers; i++)
		agent_offer(link->agent[i], attachment);
}

// Whether every worker has done as was offered.
static bool settled(const struct link *link, const struct attachment *attachment)
{
	for (uint32_t i = 0; i < link->segment->workers; i++)
		if (!agent_holds(link->agent[i], attachment))
			return false;
	return true;
}

static void release(struct link *link)
{
	tp_unmap(&link->attachment.control);
	if (link->attachment.doorbell >= 0)
		close(link->attachment.doorbell);
	for (uint32_t i = 0; i < TP_WORKERS_MAX; i++)
		if (link->attachment.bell[i] >= 0)
			close(link->attachment.bell[i]);
	link->attachment = (struct attachment){.doorbell = -1};
	memset(link->attachment.bell, -1, sizeof(link->attachment.bell));
}

// When no worker holds the attachment.
static void give_up(struct link *link, uint64_t now)
{
	release(link);
	hang_up(link, now);
}

// Says hello, with a bell for each worker that nobody has had before: who hung on to a former one could ring it,
// or have it full, for ever.
static int say_hello(struct link *link)
{
	const struct segment *segment = link->segment;
	int fds[TP_WORKERS_MAX + 1] = {segment->fd};
	uint32_t made = 0;
	int err = 0;

	while (!err && made < segment->workers) {
		int bell[2];

		err = tp_bell_make(bell);
		if (err)
			break;
		link->attachment.bell[made] = bell[0];
		fds[++made] = bell[1];
	}
	if (!err)
		err = tp_greeting_send(link->sock, TP_HELLO_MAGIC, made, fds, made + 1);
	while (made)
		close(fds[made--]);
	return err;
}

static int call(struct link *link)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t length = strlen(link->path);

	if (length >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, link->path, length);
	link->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->sock < 0)
		return -errno;
	if (connect(link->sock, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	return say_hello(link);
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
			"%s: no control plane at %s (%s); relaying goes on, trying again.\n",
			link->program, link->path, strerror(-err));
	link->told = true;
	give_up(link, now);
}

// Checks the segment that came with the welcome and fills in link->attachment. Takes both
// descriptors, of which the doorbell is a socket that never makes a worker wait (doorbell.h).
static int accept_segment(struct link *link, int segment, int doorbell)
{
	struct attachment *a = &link->attachment;
	int err = tp_segment_map(segment, TP_MAGIC_CONTROL, &a->control);

	close(segment);
	a->doorbell = doorbell;
	if (err)
		return err;
	a->segment = a->control.base;
	return a->control.header.workers == link->segment->workers ? 0 : -EPROTO;
}

static void welcome(struct link *link, uint64_t now)
{
	int fds[2];
	uint32_t n;
	int workers = tp_greeting_receive(link->sock, TP_WELCOME_MAGIC, fds, 2, &n);
	int err = workers < 0 ? workers : 0;

	if (err == -EAGAIN)
		return;
	if (!err)
		err = accept_segment(link, fds[0], fds[1]);
	if (err) {
		if (err != -ECONNRESET)
			fprintf(stderr,
				"%s: refused the control plane's segment (%s): are both programs "
				"of one version?\n",
				link->program, strerror(-err));
		give_up(link, now);
		return;
	}
	link->state = LINK_TAKING;
	offer(link, &link->attachment);
}

static void notice_end(struct link *link)
{
	char byte;
	ssize_t n = recv(link->sock, &byte, sizeof(byte), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	// Nothing is to follow the welcome, so anything else ends it as well.
	fprintf(stderr, "%s: the control plane went away; relaying goes on.\n", link->program);
	link->state = LINK_LETTING_GO;
	offer(link, NULL);
}

void link_step(struct link *link, uint64_t now, bool readable)
{
	if (link->state == LINK_LETTING_GO && settled(link, NULL)) {
		give_up(link, now);
	}
	if (link->state == LINK_TAKING && settled(link, &link->attachment)) {
		fprintf(stderr, "%s: attached to the control plane.\n", link->program);
		link->state = LINK_UP;
		link->backoff_ms = BACKOFF_MIN_MS;
		link->told = false;
	}
	if (link->state == LINK_GREETING) {
		if (readable)
			welcome(link, now);
		else if (now >= link->due)
			give_up(link, now);
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
