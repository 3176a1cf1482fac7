// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A program on an interface, held by a BPF link: whatever becomes of this process, the kernel takes the program
// off with it. The probe comes first and tells what frames are like; then the relay's takes its place, without
// a moment in between.
#pragma once

#include "../settings.h"
#include "interfaces.h"

struct probe_bpf;

struct hook {
	struct interface interface; // what it tells is complete after hook_take_over()
	struct probe_bpf *probe; // NULL: not there any more
	int link; // -1: no program of ours is on it
};

// Puts the probe on the interface as wished, or says in `told.why` why not. `several`: frames may have to go
// from one interface to another. Returns whether it is there.
bool hook_probe(struct hook *h, enum xdp_wish wish, bool several);
// Has the program of this descriptor take the probe's place, unless what the probe saw speaks against it; it
// stays the caller's. Returns whether it is there.
bool hook_take_over(struct hook *h, enum xdp_wish wish, int program);
// Takes off what is there.
void hook_release(struct hook *h);
