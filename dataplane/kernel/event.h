// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What an epoll event is about: a kind, and an index among that kind.
#pragma once

#include <stdint.h>

enum event_kind {
	EVENT_BELL = 0, // the control plane's
	EVENT_LISTENER = 1, // index: server address
	EVENT_RELAY = 2, // index: tp_owner_index()
	EVENT_WAKE = 3, // the main thread's
};

static inline uint64_t event_tag(enum event_kind kind, uint32_t index)
{
	return (uint64_t)kind << 32 | index;
}

static inline enum event_kind event_kind(uint64_t tag)
{
	return (enum event_kind)(tag >> 32);
}

static inline uint32_t event_index(uint64_t tag)
{
	return (uint32_t)tag;
}
