// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Rates (RFC 8656 section 21.3.1): how many packets and bits per second an allocation may relay, and all of a
// user's together, in each direction.
//
// The token buckets are not looked at for every packet. A line (tables.h) takes a lease out of them, so many
// packets and bytes that are paid for in advance, and counts it down in the words in which it counts anyway.
// What the lease doesn't cover takes the slow way: it gives the rest back and takes another. A line without a
// rate has a lease as large as its words hold. So a rate costs a packet nothing, and whatever goes has been paid.
//
// What lines hold and don't use is missing in the bucket. So a lease is a LEASE_PART-th of what the bucket holds,
// divided by the lines that draw on it by then; where that is nothing, and where the bucket is nearly empty, the
// line pays for the packet at hand alone. With n lines the i-th oldest lease was taken when there were at least
// i of them: together at most (1 + 1/2 + ... + 1/n) / LEASE_PART of the bucket, less than a 16th for any n below
// five million. Hence, whatever the history and however many channels:
//   - what is relayed from the start on is at most a bucket and what the rate brings, and a 16th of a bucket
//     more in an interval that begins later, with leases taken before;
//   - nothing is dropped of what stays within 15/16 of a bucket and the rate.
//
// The buckets are this worker's own. A user's bucket has the sum of the shares that the user's allocations
// here bring with them: the control plane divides the user's rate among all of them, wherever they are.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct relay;
struct tp_command;

#define LEASE_PART 256u

// A line's word: packets in the low bits, bytes above them, and above each a bit that borrows.
#define LEASE_PACKETS ((1u << 23) - 1) // at most, and without a rate
#define LEASE_BYTES ((1ull << 39) - 1)
#define LEASE_SHIFT 24
#define LEASE_BORROWED (1ull << 63 | 1ull << 23)

enum lease_way {
	LEASE_TO_PEER = 0,
	LEASE_TO_CLIENT = 1,
};

// Per second; 0: no limit.
struct lease_rate {
	uint64_t packets;
	uint64_t bits;
};

struct lease_bucket {
	int64_t packets; // thousandths
	int64_t bits; // thousandths
	uint64_t at_ms; // filled until then
	uint64_t lease_bytes;
	uint32_t lease_packets;
	uint32_t lines; // that may hold a lease
};
_Static_assert(sizeof(struct lease_bucket) == 40, "");

// What a slot has.
struct lease_slot {
	_Alignas(64) struct lease_rate own;
	struct lease_bucket bucket[2]; // by enum lease_way
	struct lease_rate share; // of the user's
	uint32_t user;
	bool of_user; // it has a share
};
_Static_assert(sizeof(struct lease_slot) == 128, "two lines");

// What a user has here.
struct lease_user {
	struct lease_rate rate; // sum of the shares
	struct lease_bucket bucket[2];
};

static inline uint32_t lease_packets(uint64_t lease)
{
	return (uint32_t)lease & LEASE_PACKETS;
}

static inline uint64_t lease_bytes(uint64_t lease)
{
	return lease >> LEASE_SHIFT;
}

// Pays for a packet of `length` bytes, at most 65535, out of a line's lease; or returns false: it is not covered.
static inline bool lease_use(uint64_t *lease, uint32_t length)
{
	const uint64_t left = *lease - ((uint64_t)length << LEASE_SHIFT | 1);

	if (left & LEASE_BORROWED)
		return false;
	*lease = left;
	return true;
}

// A new allocation's, from a command that was checked: full buckets, one line in each direction.
void lease_start(struct relay *r, const struct tp_command *c);
// Whether a slot has the rates that the command tells; and sets them: its lines hold no leases then.
bool lease_is(const struct relay *r, const struct tp_command *c);
void lease_change(struct relay *r, const struct tp_command *c);
// The slot has no rates any more, and its user's has no share of it. Its lines hold no leases.
void lease_clear(struct relay *r, uint32_t slot);
// So many lines more, or less, may hold a lease of this slot.
void lease_lines(struct relay *r, uint32_t slot, enum lease_way way, int32_t more);

// Gives back what is left of a line's lease, takes another one, and pays for a packet of `length` bytes out of it.
// False: there is none, the packet is over a rate.
bool lease_take(
	struct relay *r, uint32_t slot, enum lease_way way, uint32_t length, uint64_t *lease);
// Gives it back, and takes none.
void lease_end(struct relay *r, uint32_t slot, enum lease_way way, uint64_t *lease);
