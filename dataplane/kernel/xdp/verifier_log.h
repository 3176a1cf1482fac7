// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

// Keeps what the kernel's verifier said to a program that it refused: all of it in the file, if that can be written,
// and its end, where the reason is, on stderr. Empty text: nothing.
void verifier_log_keep(const char *path, const char *text);
