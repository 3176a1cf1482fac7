// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a program may do on its host: as whom it runs, and with which capabilities(7). The launcher gives both; the
// programs give up what they need no more.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// A set of capabilities, bit by bit as the kernel numbers them.
#define CONFINE_BIT(capability) (1ull << (capability))

// As whom a process is to run, and what it keeps of root's capabilities.
struct confine_identity {
	uid_t uid;
	gid_t gid;
	uint64_t capabilities;
};

// Whether this process may start others as other users, and reach them afterwards: it is root, with
// CAP_SETUID, CAP_SETGID, CAP_SETPCAP and CAP_KILL.
bool confine_may_become(void);
// Whether user and group exist in this user namespace.
bool confine_is_mapped(const struct confine_identity *identity);

// In a process that is about to execute a program: the program gets this identity, no supplementary group,
// those of the capabilities that we have (ambient ones, so that they survive execve()), a bounding set of the
// same, and no_new_privs. Returns 0 or a negative errno, and then the process must end.
int confine_become(const struct confine_identity *identity);

// Gives up all capabilities but these, in this thread and those that it starts from now on, and whatever a
// program that is executed might gain. Returns 0 or a negative errno.
int confine_keep(uint64_t capabilities);

// Hides memory and descriptors from other programs of the same user, and from core files. Not where the same
// user started us: that launcher, or the next, looks into us to adopt us (launch/orphans.c), and only root can
// look into who hides. Afterwards our own /proc/self/fd is root's, too.
void confine_hide(void);
