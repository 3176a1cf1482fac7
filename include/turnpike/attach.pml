// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// attach.h for the model checker spin: a control plane and a dataplane that meet, work, are killed at any
// instant, and meet again. Checked for every interleaving: positions are never further apart than a ring is
// long (ring.h would say -EPROTO), and what one side reads is what the other wrote in this attachment, from
// its first record on and in order. tests/models runs it, and each BREAK_ below, which must fail.
//
// One ring each way with one-unit records; ring.pml looks into a ring.

#define SIZE 2
#define RECORDS 2 /* that each side writes in one attachment, at most */
#define ENDS 2 /* kills of either side, and welcomes that came too late */
#define LIVES (ENDS + 1)
#define SEGMENTS (ENDS + 2) /* of control planes: one for each attachment */

// A dataplane's segment, one for each of its lives.
byte commands_head[LIVES], results_tail[LIVES];
byte results[LIVES * SIZE]; // the attachment that wrote it
// A control plane's segment, one for each attachment.
byte commands_tail[SEGMENTS], results_head[SEGMENTS];
byte commands[SEGMENTS * SIZE]; // its number in the attachment, from 1

// The connection, and what lies in its sockets.
mtype = { NONE, OPEN, CLOSED };
mtype connection = NONE;
bool control_knows, dataplane_knows; // that it is closed
bool hello, welcome;
byte hello_life, welcome_segment;

byte ends;

// A control plane.
mtype = { AWAY, GREETED, TOOK_COMMANDS, TOOK_RESULTS, SERVES };
mtype control = AWAY;
byte segment, its_life, sent, heard;

// A dataplane: its main thread and a worker.
mtype = { DETACHED, SAID_HELLO, ATTACHED, LETTING_GO };
mtype dataplane = DETACHED;
byte life, with;
bool working, reading;
byte done, told;

active proctype control_plane()
{
end:
	do
	:: atomic { control == AWAY && connection == OPEN && hello && segment + 1 < SEGMENTS ->
			hello = false; its_life = hello_life; segment++; control = GREETED }
	// tp_producer_init() and tp_consumer_init(): at the other side's positions.
	:: atomic { control == GREETED ->
			commands_tail[segment] = commands_head[its_life]; control = TOOK_COMMANDS }
	:: atomic { control == TOOK_COMMANDS ->
#ifndef BREAK_STALE_RESULTS
			results_head[segment] = results_tail[its_life];
#endif
			sent = 0; heard = 0; control = TOOK_RESULTS }
	:: atomic { control == TOOK_RESULTS ->
			welcome = true; welcome_segment = segment; control = SERVES }
	// It may write before the dataplane has read the welcome.
	:: atomic { control == SERVES && sent < RECORDS ->
			assert(commands_tail[segment] - commands_head[its_life] >= 0);
			assert(commands_tail[segment] - commands_head[its_life] <= SIZE);
			if
			:: commands_tail[segment] - commands_head[its_life] < SIZE ->
				sent++;
				commands[segment * SIZE + commands_tail[segment] % SIZE] = sent;
				commands_tail[segment] = commands_tail[segment] + 1
			:: else
			fi }
	:: atomic { control == SERVES && results_tail[its_life] != results_head[segment] ->
			assert(results_tail[its_life] - results_head[segment] <= SIZE);
			heard++;
			assert(results[its_life * SIZE + results_head[segment] % SIZE] == segment * 8 + heard);
			results_head[segment] = results_head[segment] + 1 }
	:: atomic { connection == CLOSED && !control_knows -> control_knows = true; control = AWAY }
	od
}

active proctype main_thread()
{
end:
	do
	:: atomic { dataplane == DETACHED && connection == NONE ->
			connection = OPEN; hello = true; hello_life = life; dataplane = SAID_HELLO }
	// Patience ends: the welcome may be under way.
	:: atomic { dataplane == SAID_HELLO && ends < ENDS ->
			ends++; connection = CLOSED; dataplane_knows = true; dataplane = DETACHED }
	:: atomic { dataplane == SAID_HELLO && welcome ->
			welcome = false; with = welcome_segment; done = 0; told = 0;
#ifdef BREAK_SKIP_AHEAD
			commands_head[life] = commands_tail[with];
#endif
			reading = false; working = true; dataplane = ATTACHED }
	:: atomic { connection == CLOSED && !dataplane_knows && dataplane == ATTACHED ->
#ifdef BREAK_EAGER_HELLO
			dataplane_knows = true; dataplane = DETACHED
#else
			dataplane = LETTING_GO
#endif
			}
	:: atomic { dataplane == LETTING_GO && !working -> dataplane_knows = true; dataplane = DETACHED }
	od
}

active proctype worker()
{
end:
	do
	// A burst: what it saw of the ring, and then what it makes of it.
	:: atomic { working && !reading && commands_tail[with] != commands_head[life] -> reading = true }
	:: atomic { working && reading ->
			assert(commands_tail[with] - commands_head[life] <= SIZE);
			done++;
			assert(commands[with * SIZE + commands_head[life] % SIZE] == done);
			commands_head[life] = commands_head[life] + 1;
			reading = false }
	:: atomic { working && told < RECORDS && results_tail[life] - results_head[with] < SIZE ->
			assert(results_tail[life] - results_head[with] >= 0);
			told++;
			results[life * SIZE + results_tail[life] % SIZE] = with * 8 + told;
			results_tail[life] = results_tail[life] + 1 }
	// Between bursts it lets go, when it is asked to.
	:: atomic { working && !reading && dataplane != ATTACHED -> working = false }
	od
}

// kill -9 of either, and what the kernel does then.
active proctype fate()
{
end:
	do
	:: atomic { ends < ENDS && control != AWAY ->
			ends++; control = AWAY; connection = CLOSED; control_knows = true }
	:: atomic { ends < ENDS ->
			ends++; life++; dataplane = DETACHED; working = false; reading = false;
			if
			:: connection == NONE
			:: else -> connection = CLOSED; dataplane_knows = true
			fi }
	:: atomic { connection == CLOSED && (control_knows || control == AWAY) && dataplane_knows ->
			connection = NONE; control_knows = false; dataplane_knows = false;
			hello = false; welcome = false }
	od
}
