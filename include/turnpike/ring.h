// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A single-producer, single-consumer ring of records of any length, between two processes that do
// not trust each other.
//
//        head (consumer's segment)          tail (producer's segment)
//          |                                  |
//   ...free|record|record|record|.............|free...
//
// Roles      The producer writes data and tail, in its own segment; the consumer writes head, in
//            its own. Each maps the other's segment read-only.
// Positions  head and tail count bytes since the ring began, multiples of TP_RING_ALIGN. The place
//            in the data is the position modulo the size (a power of two). 64 bits, compared only by
//            their difference: a hostile side may move them near the end, and its successor goes on.
// Records    8 bytes of struct tp_record, then `length` bytes, rounded up to TP_RING_ALIGN. A record
//            never crosses the end of the data: TP_FILLER takes what is left there. A record takes
//            half of the ring at most, so that an empty ring has room for it wherever it stands.
// Ordering   The producer stores tail with release after writing records; the consumer loads it with
//            acquire before reading them. The consumer stores head with release after it has copied
//            records out; the producer loads it with acquire before overwriting them.
// Lines      tail and head each have a line of their own; the cached copies are private memory.
// Restart    The side that greets last (the control plane) takes its positions from the other's:
//            tp_producer_init(), tp_consumer_init(). It may write at once, so the dataplane goes on from
//            its own, which it left alone meanwhile: tp_producer_resume(), tp_consumer_resume().
// Hostility  The consumer copies each record out and only then looks at it. A tail, head or length
//            that can't be is -EPROTO: the ring is emptied up to the tail and goes on from there.
//            The other side can make every call return -EPROTO: count it, and count it in the burst.
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <turnpike/record.h>

#define TP_LINE 64u
#define TP_RING_ALIGN 64u

struct tp_record {
	uint32_t length; // bytes that follow, without padding
	uint32_t kind; // enum tp_record_kind
};
_Static_assert(sizeof(struct tp_record) == 8, "");

// An index in shared memory, alone on its line.
struct tp_position {
	_Alignas(TP_LINE) uint64_t value; // owner: rw, the other side: ro
};
_Static_assert(sizeof(struct tp_position) == TP_LINE, "");

struct tp_producer {
	uint8_t *data;
	struct tp_position *tail; // own segment
	const struct tp_position *head; // the other side's
	uint64_t size;
	uint64_t local; // end of what is written, not all of it published
	uint64_t published; // last tail stored
	uint64_t freed; // last head seen
};

struct tp_consumer {
	const uint8_t *data;
	const struct tp_position *tail; // the other side's
	struct tp_position *head; // own segment
	uint64_t size;
	uint64_t local; // next to read
	uint64_t limit; // last tail seen
	uint64_t refused; // tail that was no position: reported once, then nothing to read
};

static inline uint64_t tp_record_span(uint32_t length)
{
	return (sizeof(struct tp_record) + (uint64_t)length + TP_RING_ALIGN - 1) &
	       ~(uint64_t)(TP_RING_ALIGN - 1);
}

static inline bool tp_ring_size_valid(uint64_t size)
{
	return size >= 4096 && size <= (1ull << 30) && (size & (size - 1)) == 0;
}

// Starts at what the consumer has read so far, so that a restarted producer needs no reset of the
// other side. Returns 0, or -EPROTO when `head` is no position.
static inline int tp_producer_init(struct tp_producer *p, uint8_t *data, uint64_t size,
	struct tp_position *tail, const struct tp_position *head)
{
	uint64_t start = __atomic_load_n(&head->value, __ATOMIC_ACQUIRE);

	if (start % TP_RING_ALIGN)
		return -EPROTO;
	*p = (struct tp_producer){.data = data, .tail = tail, .head = head, .size = size};
	p->local = p->published = p->freed = start;
	__atomic_store_n(&tail->value, start, __ATOMIC_RELEASE);
	return 0;
}

// Starts at what the producer has written so far: what was left unread is skipped.
static inline int tp_consumer_init(struct tp_consumer *c, const uint8_t *data, uint64_t size,
	const struct tp_position *tail, struct tp_position *head)
{
	uint64_t start = __atomic_load_n(&tail->value, __ATOMIC_ACQUIRE);

	if (start % TP_RING_ALIGN)
		return -EPROTO;
	*c = (struct tp_consumer){.data = data, .tail = tail, .head = head, .size = size};
	c->local = c->limit = c->refused = start;
	__atomic_store_n(&head->value, start, __ATOMIC_RELEASE);
	return 0;
}

// The dataplane's side of an attachment, which the control plane began by taking over the dataplane's
// positions (attach.h): goes on where its own tail stands, since the new consumer started there.
static inline void tp_producer_resume(struct tp_producer *p, uint8_t *data, uint64_t size,
	struct tp_position *tail, const struct tp_position *head)
{
	uint64_t start = __atomic_load_n(&tail->value, __ATOMIC_RELAXED);

	*p = (struct tp_producer){.data = data, .tail = tail, .head = head, .size = size};
	p->local = p->published = p->freed = start;
}

// As tp_producer_resume(), for the consumer: goes on where its own head stands. What the new producer
// has written since it started there is not skipped.
static inline void tp_consumer_resume(struct tp_consumer *c, const uint8_t *data, uint64_t size,
	const struct tp_position *tail, struct tp_position *head)
{
	uint64_t start = __atomic_load_n(&head->value, __ATOMIC_RELAXED);

	*c = (struct tp_consumer){.data = data, .tail = tail, .head = head, .size = size};
	c->local = c->limit = c->refused = start;
}

// Bytes that are surely free. Returns -EPROTO when the consumer's head can't be.
static inline int64_t tp_ring_room(struct tp_producer *p)
{
	uint64_t head = __atomic_load_n(&p->head->value, __ATOMIC_ACQUIRE);

	if (head - p->freed > p->published - p->freed || head % TP_RING_ALIGN)
		return -EPROTO;
	p->freed = head;
	return (int64_t)(p->size - (p->local - head));
}

// Room for a record of `length` bytes, in place; the producer fills it and calls tp_ring_publish()
// after this or later records. NULL: full, or the consumer's head can't be (tp_ring_room() tells), or
// the record would take more than half of the ring and so might never find room.
static inline void *tp_ring_reserve(struct tp_producer *p, uint32_t kind, uint32_t length)
{
	uint64_t span = tp_record_span(length);
	uint64_t offset = p->local & (p->size - 1);
	uint64_t rest = p->size - offset;
	uint64_t need = span <= rest ? span : span + rest;
	struct tp_record record = {.length = length, .kind = kind};

	if (span > p->size / 2)
		return NULL;
	if (need > p->size - (p->local - p->freed)) {
		int64_t room = tp_ring_room(p);

		if (room < 0 || need > (uint64_t)room)
			return NULL;
	}
	if (span > rest) {
		struct tp_record filler = {.length = (uint32_t)(rest - sizeof(filler))};

		memcpy(p->data + offset, &filler, sizeof(filler));
		p->local += rest;
		offset = 0;
	}
	memcpy(p->data + offset, &record, sizeof(record));
	p->local += span;
	return p->data + offset + sizeof(record);
}

// Shows the consumer all that was reserved since. Ring the doorbell afterwards (doorbell.h).
static inline void tp_ring_publish(struct tp_producer *p)
{
	if (p->published == p->local)
		return;
	p->published = p->local;
	__atomic_store_n(&p->tail->value, p->local, __ATOMIC_RELEASE);
}

// Whether there is something to read. A bad tail counts as something: tp_ring_next() reports it.
static inline bool tp_ring_ready(struct tp_consumer *c)
{
	uint64_t tail;

	if (c->local != c->limit)
		return true;
	tail = __atomic_load_n(&c->tail->value, __ATOMIC_ACQUIRE);
	return tail != c->local && tail != c->refused;
}

// Looks for what the producer has published. Returns how far tp_ring_next() may go without another look;
// the position of a bad tail counts: tp_ring_next() reports it.
static inline uint64_t tp_ring_look(struct tp_consumer *c)
{
	uint64_t tail = __atomic_load_n(&c->tail->value, __ATOMIC_ACQUIRE);

	if (tail == c->refused)
		return c->local;
	if (tail - c->local <= c->size && tail % TP_RING_ALIGN == 0)
		c->limit = tail;
	return tail;
}

static inline int tp_ring_resync(struct tp_consumer *c, uint64_t tail)
{
	c->local = c->limit = tail & ~(uint64_t)(TP_RING_ALIGN - 1);
	c->refused = tail;
	return -EPROTO;
}

// One load: were the compiler to fetch the length again after the check, the producer could have
// changed it in between.
static inline struct tp_record tp_ring_peek(const struct tp_consumer *c, uint64_t offset)
{
	uint64_t word = __atomic_load_n((const uint64_t *)(c->data + offset), __ATOMIC_RELAXED);
	struct tp_record record;

	memcpy(&record, &word, sizeof(record));
	return record;
}

// Copies the next record's bytes into `out`, at most `capacity` of them, and its kind.
// Returns the length; -EAGAIN: empty; -EPROTO: the ring was inconsistent and has been emptied;
// -EMSGSIZE: the record is longer than `capacity` and has been skipped.
// The space is given back by tp_ring_release().
static inline int tp_ring_next(struct tp_consumer *c, uint32_t *kind, void *out, uint32_t capacity)
{
	uint64_t offset = c->local & (c->size - 1);
	struct tp_record record;
	uint64_t span;

	if (c->local == c->limit) {
		uint64_t tail = __atomic_load_n(&c->tail->value, __ATOMIC_ACQUIRE);

		if (tail == c->local || tail == c->refused)
			return -EAGAIN;
		if (tail - c->local > c->size || tail % TP_RING_ALIGN)
			return tp_ring_resync(c, tail);
		c->limit = tail;
	}
	record = tp_ring_peek(c, offset);
	span = tp_record_span(record.length);
	// One filler at most, at the end and with a record behind it: a producer that went on writing
	// fillers would hold us here.
	if (record.kind == TP_FILLER) {
		if (span != c->size - offset || span >= c->limit - c->local)
			return tp_ring_resync(c, c->limit);
		c->local += span;
		offset = 0;
		record = tp_ring_peek(c, offset);
		span = tp_record_span(record.length);
	}
	if (record.kind == TP_FILLER || span > c->limit - c->local || span > c->size - offset)
		return tp_ring_resync(c, c->limit);
	c->local += span;
	*kind = record.kind;
	if (record.length > capacity)
		return -EMSGSIZE;
	memcpy(out, c->data + offset + sizeof(record), record.length);
	// What the caller checks is the copy: it must not be read from the ring again.
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return (int)record.length;
}

// Gives the space of everything read so far back to the producer.
static inline void tp_ring_release(struct tp_consumer *c)
{
	__atomic_store_n(&c->head->value, c->local, __ATOMIC_RELEASE);
}
