// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "../config/config.h"

// What `turnpike run` tells at its start: the dataplane and why, the addresses, a snippet for
// RTCPeerConnection. Credentials only where they are `generated`: nobody else could know them.
void greeting_print(const struct config *config, bool generated, FILE *out);
