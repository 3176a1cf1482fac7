// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Addresses as people write them.
#pragma once

#include <turnpike/addr.h>

#define ENDPOINT_TEXT 56u

// Writes "192.0.2.1:3478" or "[2001:db8::1]:3478", without port and brackets where the port is 0.
// Returns `out`.
const char *endpoint_text(const struct tp_endpoint *endpoint, char out[ENDPOINT_TEXT]);

// Reads an address of a host: neither the wildcard nor a multicast group, neither IPv4-mapped nor
// with a scope, which a record could not carry. Returns whether all of `text` is one.
bool endpoint_parse_ip(const char *text, struct tp_ip *out);

// Reads ADDRESS:PORT or [IPV6]:PORT, the port from 1 on. Returns whether all of `text` is that.
bool endpoint_parse(const char *text, struct tp_endpoint *out);
