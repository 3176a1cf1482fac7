// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Capabilities are a thread's: each of the program's threads keeps what it needs itself.
#pragma once

// Once the ports run, in the main thread: it keeps CAP_NET_ADMIN, for the neighbours that the thread of next
// hops has managed, and for taking its interfaces down at the end. EAL's thread for interrupts keeps nothing.
// Returns 0, or -1 after a sentence.
int capabilities_give_up(void);

// In a worker: nothing but binding to ports below 1024, to see who has them.
void capabilities_of_worker(void);
