// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#pragma once

#include "runtime.h"
#include "users.h"

// Lets the users in where they have to get, and nobody else: the dataplane's to the link, operators to the
// control socket; the directory of the abuse log is made for turnpike-control's, if there is none, and one in the
// runtime directory for the dataplane's. Returns 0, or a negative errno after a sentence.
int admit(const struct runtime *runtime, const struct users *users, const struct config *config);
