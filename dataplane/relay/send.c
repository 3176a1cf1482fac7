// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <string.h>

#include <turnpike/wire.h>

#include "send.h"

static uint32_t get16(const uint8_t *b)
{
	uint16_t v;

	memcpy(&v, b, sizeof(v));
	return TP_BE16(v);
}

static uint32_t get32(const uint8_t *b)
{
	uint32_t v;

	memcpy(&v, b, sizeof(v));
	return TP_BE32(v);
}

// In memory order.
static uint64_t get64(const uint8_t *b)
{
	uint64_t v;

	memcpy(&v, b, sizeof(v));
	return v;
}

// XOR-PEER-ADDRESS (RFC 8489 section 14.2). False: not an address. `message` begins with the header.
static bool read_address(
	const uint8_t *message, const uint8_t *value, uint32_t length, struct tp_endpoint *out)
{
	uint32_t ip4;

	if (length < 4)
		return false;
	*out = (struct tp_endpoint){.port = (uint16_t)(get16(value + 2) ^ TP_STUN_COOKIE >> 16)};
	if (value[1] == TP_IPV4 && length == 8) {
		memcpy(&ip4, value + 4, 4);
		out->ip = tp_ip4(ip4 ^ TP_BE32(TP_STUN_COOKIE));
		return true;
	}
	if (value[1] == TP_IPV6 && length == 20) {
		// XORed with cookie and transaction ID, as they stand behind the length.
		for (unsigned int i = 0; i < 2; i++)
			out->ip.q[i] = get64(value + 4 + 8 * i) ^ get64(message + 4 + 8 * i);
		// A mapped address would pass for IPv4: port 0 makes it an invalid peer.
		if (tp_ip_is4(&out->ip))
			out->port = 0;
		return true;
	}
	return false;
}

static enum stun_kind refuse(enum tp_counter reason, enum tp_counter *drop)
{
	*drop = reason;
	return STUN_DROP;
}

// XOR-PEER-ADDRESS and DATA, in this order and nothing else, is what clients send. False: read_send() has to
// look at one attribute after the other.
static bool read_usual_send(const uint8_t *data, uint32_t length, struct send *send)
{
	const uint8_t *address = data + TP_STUN_HEADER;
	uint32_t address_size, data_at;

	if (length < TP_STUN_HEADER + 8 + 4 || get16(address) != TP_ATTR_XOR_PEER_ADDRESS)
		return false;
	address_size = get16(address + 2);
	data_at = TP_STUN_HEADER + 4 + address_size;
	if ((address_size != 8 && address_size != 20) || length < data_at + 4 ||
		get16(data + data_at) != TP_ATTR_DATA)
		return false;
	send->offset = data_at + 4;
	send->length = get16(data + data_at + 2);
	send->dont_fragment = false;
	return length - send->offset == send->length + tp_pad4(send->length) &&
	       read_address(data, address + 4, address_size, &send->peer);
}

static enum stun_kind read_send(
	const uint8_t *data, uint32_t length, struct send *send, enum tp_counter *drop)
{
	bool address = false, payload = false, ended = false, unknown = false;

	if (read_usual_send(data, length, send))
		return STUN_SEND;
	send->dont_fragment = false;
	for (uint32_t at = TP_STUN_HEADER; at < length;) {
		const uint8_t *value = data + at + 4;
		uint32_t type, size;

		if (length - at < 4)
			return refuse(TP_C_client_stun_malformed, drop);
		type = get16(data + at);
		size = get16(data + at + 2);
		if (length - at - 4 < size + tp_pad4(size))
			return refuse(TP_C_client_stun_malformed, drop);
		at += 4 + size + tp_pad4(size);
		// Nothing counts behind MESSAGE-INTEGRITY (RFC 8489 section 14.5).
		if (ended)
			continue;
		if (type == TP_ATTR_XOR_PEER_ADDRESS && !address) {
			if (!read_address(data, value, size, &send->peer))
				return refuse(TP_C_client_stun_malformed, drop);
			address = true;
		} else if (type == TP_ATTR_DATA && !payload) {
			send->offset = (uint32_t)(value - data);
			send->length = size;
			payload = true;
		} else if (type == TP_ATTR_DONT_FRAGMENT) {
			send->dont_fragment = true;
		} else if (type != TP_ATTR_XOR_PEER_ADDRESS && type != TP_ATTR_DATA &&
			   !tp_attr_known(type)) {
			unknown = true;
		}
		ended = type == TP_ATTR_MESSAGE_INTEGRITY ||
			type == TP_ATTR_MESSAGE_INTEGRITY_SHA256;
	}
	if (unknown)
		return refuse(TP_C_send_unknown_attribute, drop);
	if (!address || !payload)
		return refuse(TP_C_send_incomplete, drop);
	return STUN_SEND;
}

enum stun_kind stun_read(
	const uint8_t *data, uint32_t length, struct send *send, enum tp_counter *drop)
{
	uint32_t type, size;

	if (length < TP_STUN_HEADER)
		return refuse(TP_C_client_stun_malformed, drop);
	type = get16(data);
	size = get16(data + 2);
	if (get32(data + 4) != TP_STUN_COOKIE || size != length - TP_STUN_HEADER || size % 4)
		return refuse(TP_C_client_stun_malformed, drop);
	if (TP_STUN_TYPE_CLASS(type) == TP_STUN_REQUEST)
		return STUN_PUNT;
	if (type == TP_STUN_TYPE_SEND)
		return read_send(data, length, send, drop);
	return refuse(TP_C_client_stun_unexpected, drop);
}
