// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Waking a consumer that sleeps.
//
// Roles      The consumer owns `need`, in its own segment, and makes a bell for each attachment: a
//            pair of datagram sockets. It hears one, which it keeps to itself, and hands the other
//            over, to be rung. Producers read `need` and send.
// Values     Even: awake. Odd: about to sleep, or asleep. It only grows, so that a producer knows
//            whether it has rung for this sleep already (a read-only mapping can't clear a flag).
// Ordering   The consumer stores an odd value, issues a seq_cst fence, looks at its rings once more,
//            and sleeps only if they are empty. It silences the bell before it announces a
//            sleep, never between that and poll(). A producer publishes, issues a seq_cst fence, and
//            loads `need`. Whatever the interleaving, one of the two sees the other's store: without
//            both fences, store buffers let both miss, once in a few million hand-overs.
// Wrap       32 bits, compared for equality only: a producer would have to miss 2^31 sleeps and
//            come back on the very same value to skip a ring.
// Hostility  A lost or spurious ring costs that side its own messages, or us one wake-up. Nothing it
//            does to the socket that both hold makes us wait: O_NONBLOCK, which is the socket's and so
//            both sides', is not relied on (an eventfd has nothing else). Descriptors that are sent
//            along with a ring are closed by whoever hears it, which some make a long affair: the
//            kernel refuses them (Linux 6.16 on), and so do the other side's system calls (confine/).
//
// ThreadSanitizer executes these fences, but takes no order from them. It needs none: what they order
// is atomic itself (tail and `need`), and the records are ordered by the tail's release and acquire.
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <turnpike/ring.h>

struct tp_doorbell {
	_Alignas(TP_LINE) uint32_t need; // consumer: rw, producers: ro
};
_Static_assert(sizeof(struct tp_doorbell) == TP_LINE, "");

#define TP_BELL_RINGS 16u // that are silenced at once; more would be heard the next time
#define TP_SO_PASSRIGHTS 83 // Linux 6.16

// What the consumer makes for an attachment: bell[0] to hear, bell[1] to hand over, and to close then. Returns
// 0 or a negative errno.
static inline int tp_bell_make(int bell[2])
{
	const int no = 0;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, bell) < 0)
		return -errno;
	// Older kernels don't know it.
	(void)setsockopt(bell[0], SOL_SOCKET, TP_SO_PASSRIGHTS, &no, sizeof(no));
	return 0;
}

// Whether a descriptor that was handed over may be rung: another kind of socket, or no socket, might hold whoever
// sends.
static inline bool tp_bell_valid(int fd)
{
	int domain, type;
	socklen_t length = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM;
}

// Consumer: takes the rings out of its bell. Returns how many there were, or a negative errno other than -EAGAIN.
static inline int tp_bell_silence(int fd)
{
	struct mmsghdr rings[TP_BELL_RINGS];
	int n;

	memset(rings, 0, sizeof(rings));
	n = recvmmsg(fd, rings, TP_BELL_RINGS, MSG_DONTWAIT, NULL);
	if (n >= 0)
		return n;
	return errno == EAGAIN ? 0 : -errno;
}

static inline void tp_doorbell_fence(void)
{
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
}

// Consumer: announces sleep, another one each time. Then look at every ring again; if one is ready,
// tp_doorbell_awake().
static inline void tp_doorbell_sleep(struct tp_doorbell *bell)
{
	uint32_t need = __atomic_load_n(&bell->need, __ATOMIC_RELAXED);

	__atomic_store_n(&bell->need, (need + 1u) | 1u, __ATOMIC_RELAXED);
	tp_doorbell_fence();
}

// Consumer: awake again.
static inline void tp_doorbell_awake(struct tp_doorbell *bell)
{
	uint32_t need = __atomic_load_n(&bell->need, __ATOMIC_RELAXED);

	if (need & 1u)
		__atomic_store_n(&bell->need, need + 1u, __ATOMIC_RELAXED);
}

// Producer, after tp_ring_publish(): rings if the consumer sleeps and hasn't been rung for this
// sleep; `rung` is the producer's own memory of that, 0 at each attach. Returns whether it rang.
static inline bool tp_doorbell_ring(const struct tp_doorbell *bell, int fd, uint32_t *rung)
{
	const char ring = 1;
	uint32_t need;

	tp_doorbell_fence();
	need = __atomic_load_n(&bell->need, __ATOMIC_RELAXED);
	if (!(need & 1u) || need == *rung)
		return false;
	// EAGAIN means that the socket is full: the consumer has plenty to wake up for.
	if (send(fd, &ring, sizeof(ring), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		return false;
	*rung = need;
	return true;
}
