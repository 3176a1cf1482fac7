// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "receive.h"

#include <errno.h>
#include <sys/mman.h>

int receive_init(struct receive *r)
{
	void *buffer = mmap(NULL, (size_t)RELAY_BURST * RECEIVE_STRIDE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_NORESERVE, -1, 0);

	if (buffer == MAP_FAILED)
		return -errno;
	r->buffer = buffer;
	for (unsigned int i = 0; i < RELAY_BURST; i++) {
		r->part[i] = (struct iovec){
			r->buffer + (size_t)i * RECEIVE_STRIDE + RECEIVE_FRONT, RECEIVE_MAX};
		r->message[i].msg_hdr = (struct msghdr){.msg_name = &r->name[i],
			.msg_iov = &r->part[i],
			.msg_iovlen = 1,
			.msg_control = r->control[i]};
	}
	return 0;
}

void receive_free(struct receive *r)
{
	if (r->buffer)
		munmap(r->buffer, (size_t)RELAY_BURST * RECEIVE_STRIDE);
	r->buffer = NULL;
}

int receive_burst(struct receive *r, unsigned int first, int fd)
{
	int n;

	// The kernel overwrites these two, for the slots it uses.
	for (unsigned int i = first; i < RELAY_BURST; i++) {
		r->message[i].msg_hdr.msg_namelen = sizeof(r->name[i]);
		r->message[i].msg_hdr.msg_controllen = RECEIVE_CONTROL;
	}
	n = recvmmsg(fd, &r->message[first], RELAY_BURST - first, MSG_DONTWAIT, NULL);
	return n < 0 ? -errno : n;
}

uint32_t receive_slot(struct receive *r, unsigned int i, struct datagram *out, uint32_t *overflow)
{
	struct msghdr *msg = &r->message[i].msg_hdr;
	uint32_t dropped = 0;

	// A header field that the kernel did not tell counts as the usual one.
	*out = (struct datagram){.data = r->part[i].iov_base,
		.length = r->message[i].msg_len,
		.ttl = 64,
		.truncated = msg->msg_flags & MSG_TRUNC};
	out->source_valid = sockname_get(&r->name[i], &out->from);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		uint32_t value = 0;

		// IP_TOS comes as one byte, the others as an int.
		memcpy(&value, CMSG_DATA(c),
			c->cmsg_len >= CMSG_LEN(sizeof(value)) ? sizeof(value) : 1);
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			dropped = value - *overflow;
			*overflow = value;
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			out->ttl = (uint8_t)value;
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)) {
			out->tos = (uint8_t)value;
		}
	}
	return dropped;
}

int receive_options(int fd, enum tp_family family)
{
	const int on = 1;
	bool ok;

	if (family == TP_IPV4)
		ok = setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)) == 0 &&
		     setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)) == 0;
	else
		ok = setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on)) == 0 &&
		     setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)) == 0;
	if (!ok || setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}
