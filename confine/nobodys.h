// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What no program of ours calls, and what ways to the kernel are made of: for filter_forbid(). Not mount() and
// unshare(), which libxdp tries at the start of a port of net_af_xdp.
#pragma once

#include <stddef.h>

static const char *const filter_nobodys[] = {"acct", "add_key", "adjtimex", "chroot",
	"clock_adjtime", "clock_settime", "create_module", "delete_module", "fanotify_init",
	"finit_module", "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup",
	"kexec_file_load", "kexec_load", "keyctl", "move_pages", "name_to_handle_at", "nfsservctl",
	"open_by_handle_at", "open_tree", "perf_event_open", "pivot_root", "process_vm_readv",
	"process_vm_writev", "ptrace", "quotactl", "reboot", "request_key", "setdomainname",
	"sethostname", "setns", "settimeofday", "swapoff", "swapon", "syslog", "uselib",
	"userfaultfd", "vhangup", NULL};
