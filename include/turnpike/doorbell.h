// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Waking a consumer that sleeps.
//
// Roles      The consumer owns `need`, in its own segment, and an eventfd that it handed over at
//            attach; producers read `need` and write the eventfd.
// Values     Even: awake. Odd: about to sleep, or asleep. It only grows, so that a producer knows
//            whether it has rung for this sleep already (a read-only mapping can't clear a flag).
// Ordering   The consumer stores an odd value, issues a seq_cst fence, looks at its rings once more,
//            and sleeps only if they are empty. It reads the eventfd empty before it announces a
//            sleep, never between that and poll(). A producer publishes, issues a seq_cst fence, and
//            loads `need`. Whatever the interleaving, one of the two sees the other's store: without
//            both fences, store buffers let both miss, once in a few million hand-overs.
// Wrap       32 bits, compared for equality only: a producer would have to miss 2^31 sleeps and
//            come back on the very same value to skip a ring.
// A lost or spurious ring by a hostile side costs that side its own messages, or us one wake-up.
//
// ThreadSanitizer executes these fences, but takes no order from them. It needs none: what they order
// is atomic itself (tail and `need`), and the records are ordered by the tail's release and acquire.
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include <turnpike/ring.h>

struct tp_doorbell {
	_Alignas(TP_LINE) uint32_t need; // consumer: rw, producers: ro
};
_Static_assert(sizeof(struct tp_doorbell) == TP_LINE, "");

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
static inline bool tp_doorbell_ring(const struct tp_doorbell *bell, int eventfd, uint32_t *rung)
{
	const uint64_t one = 1;
	uint32_t need;

	tp_doorbell_fence();
	need = __atomic_load_n(&bell->need, __ATOMIC_RELAXED);
	if (!(need & 1u) || need == *rung)
		return false;
	// EAGAIN means that the counter is full: the consumer has plenty to wake up for.
	if (write(eventfd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		return false;
	*rung = need;
	return true;
}
