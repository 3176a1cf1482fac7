// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// ring.h and doorbell.h for the model checker spin: one producer, one consumer that sleeps, and memory
// that is as weak as C11 allows it to be for these stores. Checked for every interleaving: records arrive
// whole, once and in order; nothing unread is overwritten; nobody sleeps while there is something to read
// (that would be an invalid end state). tests/models runs it, and each BREAK_ below, which must fail.
//
// Memory: a store waits in its core's buffer until `memory` lets it through, in any order; a release
// store waits for the stores before it; a fence waits for all of them. Loads happen in program order, which
// the acquire loads of ring.h ask for.

#define SIZE 4 /* units of the ring's data */
#define RECORDS 4
#define FILLER 255

// What everybody sees.
byte data[SIZE]; // the record's number in each of its units
byte span[SIZE]; // of the record that starts here
byte tail, head; // positions, counted in units since the beginning
byte need; // doorbell.h: odd: the consumer sleeps or is about to
byte bell; // rings that wait in the socket

// Stores that are under way.
byte waiting[SIZE]; // 0: none, 1: since the last release, 2: before it
byte new_data[SIZE], new_span[SIZE];
bool tail_waits, head_waits, need_waits;
byte new_tail, new_head, new_need;

byte received; // records that the consumer took

inline store_unit(at, what, length)
{
	atomic {
		assert(waiting[at] == 0);
		new_data[at] = what;
		new_span[at] = length;
		waiting[at] = 1
	}
}

inline producer_fence()
{
#ifndef BREAK_PRODUCER_FENCE
	(!waiting[0] && !waiting[1] && !waiting[2] && !waiting[3] && !tail_waits);
#endif
	skip;
}

inline consumer_fence()
{
#ifndef BREAK_CONSUMER_FENCE
	(!head_waits && !need_waits);
#endif
	skip;
}

active proctype producer()
{
	byte here, freed, length, rest, wanted, number, rung, seen, i;

	for (number : 1 .. RECORDS) {
		if
		:: length = 1
		:: length = 2
		fi;
		// tp_ring_reserve(): a record does not cross the end of the data.
		rest = SIZE - here % SIZE;
		wanted = (length <= rest -> length : length + rest);
		do
		:: wanted <= SIZE - (here - freed) -> break
		:: else ->
#ifdef BREAK_ROOM
			break
#else
			// Full: it tries again once the consumer has given something back.
			(head != freed);
			freed = head
#endif
		od;
		if
		:: length > rest -> store_unit(here % SIZE, FILLER, rest); here = here + rest
		:: else
		fi;
		for (i : 0 .. length - 1) {
			(!waiting[(here + i) % SIZE]);
			store_unit((here + i) % SIZE, number, length)
		}
		here = here + length;
		// tp_ring_publish(): release.
		atomic {
#ifndef BREAK_RELEASE
			for (i : 0 .. SIZE - 1) {
				waiting[i] = (waiting[i] -> 2 : 0)
			}
#endif
			i = 0;
			tail_waits = true;
			new_tail = here
		}
		// tp_doorbell_ring()
		producer_fence();
		seen = need;
		if
		:: seen % 2 == 1 && seen != rung -> bell++; rung = seen
		:: else
		fi
	}
}

active proctype consumer()
{
	byte here, limit, mine, length, i;

	do
	:: received == RECORDS -> break
	:: else ->
		// tp_ring_next()
		if
		:: here == limit -> limit = tail
		:: else
		fi;
		if
		:: here != limit ->
			if
			:: data[here % SIZE] == FILLER ->
				assert(span[here % SIZE] == SIZE - here % SIZE);
				here = here + span[here % SIZE]
			:: else
			fi;
			length = span[here % SIZE];
			assert(length >= 1 && length <= limit - here);
#ifdef BREAK_RELEASE_EARLY
			atomic { head_waits = true; new_head = here + length }
#endif
			for (i : 0 .. length - 1) {
				assert(data[(here + i) % SIZE] == received + 1)
			}
			received++;
			here = here + length;
			// tp_ring_release(), now or with the next one
			if
			:: atomic { head_waits = true; new_head = here }
			:: here != limit
			fi
		:: else ->
			// The bell is silenced before the sleep is announced, never after.
#ifndef BREAK_EMPTY_LATE
			bell = 0;
#endif
			mine = mine + 1;
			atomic { need_waits = true; new_need = mine }
			consumer_fence();
#ifdef BREAK_EMPTY_LATE
			bell = 0;
#endif
			if
			:: tail == here -> (bell > 0)
			:: else
			fi;
			mine = mine + 1;
			atomic { need_waits = true; new_need = mine }
		fi
	od
}

// Lets stores through: which, and when, is anybody's guess.
active proctype memory()
{
end:
	do
	:: atomic { waiting[0] -> data[0] = new_data[0]; span[0] = new_span[0]; waiting[0] = 0 }
	:: atomic { waiting[1] -> data[1] = new_data[1]; span[1] = new_span[1]; waiting[1] = 0 }
	:: atomic { waiting[2] -> data[2] = new_data[2]; span[2] = new_span[2]; waiting[2] = 0 }
	:: atomic { waiting[3] -> data[3] = new_data[3]; span[3] = new_span[3]; waiting[3] = 0 }
	:: atomic { tail_waits && waiting[0] != 2 && waiting[1] != 2 && waiting[2] != 2 && waiting[3] != 2 ->
			tail = new_tail; tail_waits = false }
	:: atomic { head_waits -> head = new_head; head_waits = false }
	:: atomic { need_waits -> need = new_need; need_waits = false }
	od
}
