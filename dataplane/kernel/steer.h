// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Which worker's socket gets a client's datagrams: a classic BPF program on a reuseport group,
// which computes tp_client_worker() (segment.h) in the kernel. It needs no privileges.
#pragma once

#include <linux/filter.h>

#include <turnpike/segment.h>

#define STEER_MAX 32u // instructions

// Writes the program for one family's sockets and `workers` of them. Returns its length.
unsigned int steer_program(
	struct sock_filter out[STEER_MAX], enum tp_family family, uint32_t workers);

// Attaches it to the reuseport group of `fd`, whose sockets have been bound in the order of their
// workers. Returns 0 or a negative errno.
int steer_attach(int fd, enum tp_family family, uint32_t workers);
