// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The page on which an operator tries a relay with a browser: one file, served on loopback alone.
#pragma once

#include <stdint.h>

// Serves the page at 127.0.0.1, `port` (0: any that is free), until SIGINT or SIGTERM. Says where on
// standard output. Returns the process's exit status.
int page_serve(uint16_t port);
