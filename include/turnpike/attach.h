// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Making a segment, and handing segments and doorbells over a UNIX socket (SOCK_SEQPACKET).
//
//   dataplane                                   control plane
//      | -- hello: its segment, a bell for       |   (connects again, with back-off, whenever
//      |    each worker -----------------------> |    there is no connection)
//      |                                         |   checks, maps read-only, makes a segment
//      | <- welcome: its segment, its bell ----- |   for this dataplane
//      |        ... the rings carry on ...       |
//      |  the connection's end is the other's    |
//
// The dataplane's workers let go of the former segment before the next hello goes out: so nobody
// moves a ring's position while the other side takes it over. Every function returns 0 or a
// descriptor, or a negative errno, and leaves nothing behind when it fails.
#pragma once

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <turnpike/segment.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#define TP_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

#define TP_HELLO_MAGIC 0x6f6c6c65486e7254ull
#define TP_WELCOME_MAGIC 0x656d6f636c577254ull

// Both messages: what it is, and how many workers the segment and the doorbells are for.
struct tp_greeting {
	uint64_t magic;
	uint32_t abi;
	uint32_t workers;
};
_Static_assert(sizeof(struct tp_greeting) == 16, "");

struct tp_mapping {
	void *base; // NULL: none
	uint64_t size;
	struct tp_header header; // of the other side's segment, as it was checked
};

static inline void tp_unmap(struct tp_mapping *m)
{
	if (m->base)
		munmap(m->base, m->size);
	*m = (struct tp_mapping){0};
}

// Creates, maps read-write and then seals a segment of `size` bytes, all of it taken now. The memory
// is zero: the writer fills it and stores the magic last. Returns the descriptor to hand over; -ENOSPC
// or -ENOMEM: there is not that much.
static inline int tp_segment_create(const char *name, uint64_t size, struct tp_mapping *out)
{
	int fd = (int)syscall(SYS_memfd_create, name, 3u); // MFD_CLOEXEC | MFD_ALLOW_SEALING
	void *base = MAP_FAILED;
	int err;

	if (fd < 0)
		return -errno;
	// Unlike MAP_POPULATE this says when memory runs out; a hole would be SIGBUS later.
	if (fallocate(fd, 0, 0, (off_t)size) < 0)
		goto fail;
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (base == MAP_FAILED || fcntl(fd, F_ADD_SEALS, TP_SEALS) < 0)
		goto fail;
	*out = (struct tp_mapping){.base = base, .size = size};
	return fd;
fail:
	err = -errno;
	if (base != MAP_FAILED)
		munmap(base, size);
	close(fd);
	return err;
}

// Maps the other side's segment read-only, if it is sealed as it must be: without the seals a shrunk
// file would kill us with SIGBUS. Returns 0; -EPERM: not sealed; -EPROTO: not ready, wrong magic, ABI
// or size, or memory that its writer hasn't taken. The descriptor may be closed afterwards. Offsets are
// to be computed from out->header, never from the mapping, which its writer may change; and its
// workers compared with the greeting's.
static inline int tp_segment_map(int fd, uint64_t magic, struct tp_mapping *out)
{
	const struct tp_header *h;
	struct tp_header copy;
	struct stat st;
	void *base;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & TP_SEALS) != TP_SEALS)
		return -EPERM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < (off_t)sizeof(struct tp_header) || st.st_size > (off_t)(1ll << 40))
		return -EPROTO;
	// Reading a hole takes a page on our account.
	if (st.st_blocks * 512 < st.st_size)
		return -EPROTO;
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	h = base;
	// The copy is what is checked: the writer may change the original while we look.
	if (__atomic_load_n(&h->magic, __ATOMIC_ACQUIRE) != magic)
		goto refuse;
	memcpy(&copy, h, sizeof(copy));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (copy.magic != magic || copy.abi != TP_ABI || copy.size != (uint64_t)st.st_size ||
		copy.size != (magic == TP_MAGIC_CONTROL ? tp_control_size(&copy)
							: tp_dataplane_size(&copy)))
		goto refuse;
	// What is there already is mapped now, so that no stranger's packet makes us larger later. Linux before
	// 5.14 does it page by page, when they are read.
	madvise(base, copy.size, 22); // MADV_POPULATE_READ
	*out = (struct tp_mapping){.base = base, .size = copy.size, .header = copy};
	return 0;
refuse:
	munmap(base, (size_t)st.st_size);
	return -EPROTO;
}

static inline uint64_t tp_random64(void)
{
	uint64_t v = 0;

	// Blocks only before the kernel's pool is first ready; 8 bytes are never cut short.
	if (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
		abort();
	return v;
}

// Sends a greeting with `n` descriptors, which stay the caller's.
static inline int tp_greeting_send(
	int sock, uint64_t magic, uint32_t workers, const int *fds, uint32_t n)
{
	struct tp_greeting g = {.magic = magic, .abi = TP_ABI, .workers = workers};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * (TP_WORKERS_MAX + 1))];
	} control = {0};
	struct iovec iov = {&g, sizeof(g)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf};
	struct cmsghdr *c;
	ssize_t sent;

	if (!n || n > TP_WORKERS_MAX + 1)
		return -EINVAL;
	msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	return sent == (ssize_t)sizeof(g) ? 0 : -EIO;
}

// Receives a greeting. `fds` gets `*n` descriptors, the caller's from now on: a segment, then a doorbell
// for each worker (hello) or one (welcome); `max` must have room for them. Returns the number of
// workers; -ECONNRESET: the other side closed; -EAGAIN; -EPROTO: no greeting of this kind and ABI, or
// not exactly these descriptors. What came with a refused greeting has been closed.
static inline int tp_greeting_receive(int sock, uint64_t magic, int *fds, uint32_t max, uint32_t *n)
{
	struct tp_greeting g = {0};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * (TP_WORKERS_MAX + 1))];
	} control;
	struct iovec iov = {&g, sizeof(g)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf)};
	ssize_t len = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	bool refuse;

	*n = 0;
	if (len < 0)
		return -errno;
	refuse = len != (ssize_t)sizeof(g) || (msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) ||
		 g.magic != magic || g.abi != TP_ABI || !g.workers || g.workers > TP_WORKERS_MAX;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*n < max)
				fds[(*n)++] = fd;
			else {
				close(fd);
				refuse = true;
			}
		}
	}
	if (*n != (magic == TP_HELLO_MAGIC ? 1 + g.workers : 2))
		refuse = true;
	for (uint32_t i = 1; i < *n && !refuse; i++)
		refuse = !tp_bell_valid(fds[i]);
	if (len == 0 || refuse) {
		for (uint32_t i = 0; i < *n; i++)
			close(fds[i]);
		*n = 0;
		return len == 0 ? -ECONNRESET : -EPROTO;
	}
	return (int)g.workers;
}
