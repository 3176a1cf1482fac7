// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// One attribute's value (RFC 8489 section 14, RFC 8656 section 18), for stun_parse() only.
#pragma once

#include "message.h"

struct stun_attribute {
	uint16_t type;
	uint16_t length;
	uint16_t offset; // of its header, from the message's first byte
	const uint8_t *value;
};

// Takes the attribute into the message. Its value is already known to lie within the message.
void stun_attribute_read(struct stun_message *m, const struct stun_attribute *a);
