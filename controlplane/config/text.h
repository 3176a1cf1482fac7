// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Addresses, prefixes, ranges and numbers as people write them. The parsers take the whole text or
// nothing: no spaces, signs, leading "0x" or rest. They return true, or false and leave *out alone.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

#define TEXT_IP 46u // bytes for an address and its NUL
#define TEXT_ENDPOINT 56u // bytes for "[address]:port" and its NUL

// "192.0.2.1" or "2001:db8::1". An IPv4-mapped IPv6 address is refused: write the IPv4 address.
bool text_to_ip(const char *text, struct tp_ip *out);
// "192.0.2.1:3478" or "[2001:db8::1]:3478"; the port is 1 to 65535.
bool text_to_endpoint(const char *text, struct tp_endpoint *out);
// "MIN-MAX", each 1 to 65535; the order is the caller's to check.
bool text_to_ports(const char *text, uint16_t *min, uint16_t *max);
// Decimal digits, at most `max`.
bool text_to_number(const char *text, uint64_t max, uint64_t *out);

enum text_cidr {
	TEXT_CIDR_OK,
	TEXT_CIDR_BAD, // no prefix at all
	TEXT_CIDR_HOST_BITS, // bits are set behind the prefix: *out holds it with them cleared
};
// "192.0.2.0/24" or "2001:db8::/32"; an address alone is a prefix of all its bits.
enum text_cidr text_to_cidr(const char *text, struct config_cidr *out);

// Return `out`, for use in an argument list.
const char *text_ip(const struct tp_ip *ip, char out[TEXT_IP]);
const char *text_endpoint(const struct tp_endpoint *endpoint, char out[TEXT_ENDPOINT]);
const char *text_cidr(const struct config_cidr *cidr, char out[TEXT_ENDPOINT]);
