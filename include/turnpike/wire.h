// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The wire formats that both planes read: the STUN header (RFC 8489 section 5), ChannelData
// (RFC 8656 section 12.4), methods and attribute types. Compiles for BPF.
#pragma once

#include <stdbool.h>
#include <stdint.h>

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |0 0|     STUN Message Type     |         Message Length        |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                         Magic Cookie                          |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                     Transaction ID (96 bits)                  |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#define TP_STUN_COOKIE 0x2112a442u
#define TP_STUN_HEADER 20u // bytes
#define TP_STUN_TID 12u // bytes of transaction ID

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |         Channel Number        |            Length             |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#define TP_CHANNEL_HEADER 4u // bytes
#define TP_CHANNEL_MIN 0x4000u // RFC 8656 section 12
#define TP_CHANNEL_MAX 0x4fffu // RFC 8656 section 12
#define TP_CHANNEL_MAX_5766 0x7fffu // RFC 5766 section 11, for older clients

enum tp_stun_method {
	TP_STUN_BINDING = 0x001,
	TP_STUN_ALLOCATE = 0x003,
	TP_STUN_REFRESH = 0x004,
	TP_STUN_SEND = 0x006,
	TP_STUN_DATA = 0x007,
	TP_STUN_CREATE_PERMISSION = 0x008,
	TP_STUN_CHANNEL_BIND = 0x009,
};

enum tp_stun_class {
	TP_STUN_REQUEST = 0,
	TP_STUN_INDICATION = 1,
	TP_STUN_SUCCESS = 2,
	TP_STUN_ERROR = 3,
};

// The 16-bit message type: the class bits sit between the method bits (RFC 8489 section 5).
#define TP_STUN_TYPE(method, class) \
	((uint16_t)(((method)&0x00fu) | (((method)&0x070u) << 1) | (((method)&0xf80u) << 2) | \
		    (((class) & 1u) << 4) | (((class) & 2u) << 7)))
#define TP_STUN_TYPE_CLASS(type) ((((type) >> 4) & 1u) | (((type) >> 7) & 2u))
#define TP_STUN_TYPE_METHOD(type) \
	(((type)&0x000fu) | (((type) >> 1) & 0x0070u) | (((type) >> 2) & 0x0f80u))

#define TP_STUN_TYPE_SEND 0x0016u // Send indication
#define TP_STUN_TYPE_DATA 0x0017u // Data indication
_Static_assert(TP_STUN_TYPE(TP_STUN_SEND, TP_STUN_INDICATION) == TP_STUN_TYPE_SEND, "");
_Static_assert(TP_STUN_TYPE(TP_STUN_DATA, TP_STUN_INDICATION) == TP_STUN_TYPE_DATA, "");

// Attribute types. Below 0x8000: comprehension required (RFC 8489 section 14).
enum tp_stun_attr {
	TP_ATTR_MAPPED_ADDRESS = 0x0001,
	TP_ATTR_CHANGE_REQUEST = 0x0003,
	TP_ATTR_USERNAME = 0x0006,
	TP_ATTR_MESSAGE_INTEGRITY = 0x0008,
	TP_ATTR_ERROR_CODE = 0x0009,
	TP_ATTR_UNKNOWN_ATTRIBUTES = 0x000a,
	TP_ATTR_CHANNEL_NUMBER = 0x000c,
	TP_ATTR_LIFETIME = 0x000d,
	TP_ATTR_XOR_PEER_ADDRESS = 0x0012,
	TP_ATTR_DATA = 0x0013,
	TP_ATTR_REALM = 0x0014,
	TP_ATTR_NONCE = 0x0015,
	TP_ATTR_XOR_RELAYED_ADDRESS = 0x0016,
	TP_ATTR_REQUESTED_ADDRESS_FAMILY = 0x0017,
	TP_ATTR_EVEN_PORT = 0x0018,
	TP_ATTR_REQUESTED_TRANSPORT = 0x0019,
	TP_ATTR_DONT_FRAGMENT = 0x001a,
	TP_ATTR_MESSAGE_INTEGRITY_SHA256 = 0x001c,
	TP_ATTR_PASSWORD_ALGORITHM = 0x001d,
	TP_ATTR_USERHASH = 0x001e,
	TP_ATTR_XOR_MAPPED_ADDRESS = 0x0020,
	TP_ATTR_RESERVATION_TOKEN = 0x0022,
	TP_ATTR_PADDING = 0x0026,
	TP_ATTR_RESPONSE_PORT = 0x0027,
	TP_ATTR_ADDITIONAL_ADDRESS_FAMILY = 0x8000,
	TP_ATTR_ADDRESS_ERROR_CODE = 0x8001,
	TP_ATTR_PASSWORD_ALGORITHMS = 0x8002,
	TP_ATTR_ALTERNATE_DOMAIN = 0x8003,
	TP_ATTR_ICMP = 0x8004,
	TP_ATTR_SOFTWARE = 0x8022,
	TP_ATTR_ALTERNATE_SERVER = 0x8023,
	TP_ATTR_FINGERPRINT = 0x8028,
	TP_ATTR_RESPONSE_ORIGIN = 0x802b,
	TP_ATTR_OTHER_ADDRESS = 0x802c,
	TP_ATTR_MOBILITY_TICKET = 0x8030,
};

#define TP_STUN_FINGERPRINT_XOR 0x5354554eu // RFC 8489 section 14.7
#define TP_PROTO_UDP 17u // REQUESTED-TRANSPORT (RFC 8656 section 18.7)

// Bytes to add so that `n` ends on a multiple of 4 (RFC 8489 section 14).
static inline uint32_t tp_pad4(uint32_t n)
{
	return (4u - (n & 3u)) & 3u;
}

// Attributes that RFC 8489 and RFC 8656 define: in a Send indication they mean nothing, and are no
// reason to discard it.
static inline bool tp_attr_known(uint32_t type)
{
	switch (type) {
	case TP_ATTR_MAPPED_ADDRESS:
	case TP_ATTR_USERNAME:
	case TP_ATTR_MESSAGE_INTEGRITY:
	case TP_ATTR_ERROR_CODE:
	case TP_ATTR_UNKNOWN_ATTRIBUTES:
	case TP_ATTR_CHANNEL_NUMBER:
	case TP_ATTR_LIFETIME:
	case TP_ATTR_REALM:
	case TP_ATTR_NONCE:
	case TP_ATTR_XOR_RELAYED_ADDRESS:
	case TP_ATTR_REQUESTED_ADDRESS_FAMILY:
	case TP_ATTR_EVEN_PORT:
	case TP_ATTR_REQUESTED_TRANSPORT:
	case TP_ATTR_MESSAGE_INTEGRITY_SHA256:
	case TP_ATTR_PASSWORD_ALGORITHM:
	case TP_ATTR_USERHASH:
	case TP_ATTR_XOR_MAPPED_ADDRESS:
	case TP_ATTR_RESERVATION_TOKEN:
		return true;
	}
	return type >= 0x8000; // comprehension optional (RFC 8489 section 14)
}
