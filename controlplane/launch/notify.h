// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

// Tells who started us that we are ready, as sd_notify(3) does: by the socket that NOTIFY_SOCKET names, if it is set.
// Returns 0 or a negative errno.
int notify_ready(void);
