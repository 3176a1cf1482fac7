// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Memory for keys and what they are derived from: in no core file (madvise(2), MADV_DONTDUMP), wiped when it is given
// back, and not on a swap device as far as RLIMIT_MEMLOCK goes. OpenSSL keeps its keys in memory of its own like that.
#pragma once

#include <stddef.h>

// Before the first key: has OpenSSL keep the keys of HMACs so. Failing that they are in its ordinary memory, which
// is wiped as well.
void secret_start(void);

// Whole pages of zeros, or NULL.
void *secret_take(size_t size);
// Wipes them first. `size` as they were taken with; NULL is fine.
void secret_give(void *memory, size_t size);
// Keeps what is mapped already out of core files: from the start of a page.
void secret_hide(void *memory, size_t size);
