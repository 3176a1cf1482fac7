// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "attribute.h"

#include <string.h>

#include "cursor.h"
#include "integrity.h"

#define TEXT_MAX 763u // bytes of a text when read, RFC 8489 sections 14.3, 14.9, 14.10, 14.14
#define USERHASH_LENGTH 32u

// Marks an attribute as present. False for a duplicate, of which the first counts, and for one that
// is not sound: its value must not be used then.
static bool accept(struct stun_message *m, uint32_t bit, bool sound)
{
	if (m->has & bit)
		return false;
	m->has |= bit;
	if (!sound)
		m->malformed |= bit;
	return sound;
}

static void accept_bytes(struct stun_message *m, uint32_t bit, struct stun_bytes *out,
	const struct stun_attribute *a, bool sound)
{
	if (accept(m, bit, sound))
		*out = (struct stun_bytes){a->value, a->length};
}

// RFC 8489 section 14.2: port and address are XORed with the cookie, IPv6 also with the
// transaction.
static void read_peer(struct stun_message *m, struct stun_cursor v)
{
	struct stun_peer peer = {0};
	const uint8_t *reserved = stun_take(&v, 1);
	uint8_t family = stun_take_u8(&v);
	uint16_t port = stun_take_u16(&v);
	bool sound = false;

	if (reserved && family == TP_IPV4 && v.left == 4) {
		uint32_t ip = stun_take_u32(&v) ^ TP_STUN_COOKIE;

		peer.endpoint.ip = tp_ip4(TP_BE32(ip));
		sound = true;
	} else if (reserved && family == TP_IPV6 && v.left == 16) {
		const uint32_t cookie = TP_BE32(TP_STUN_COOKIE);
		uint8_t pad[16];

		memcpy(pad, &cookie, sizeof(cookie));
		memcpy(pad + sizeof(cookie), m->tid, TP_STUN_TID);
		memcpy(peer.endpoint.ip.b, stun_take(&v, 16), 16);
		for (size_t i = 0; i < sizeof(pad); i++)
			peer.endpoint.ip.b[i] ^= pad[i];
		sound = true;
	}
	m->has |= STUN_HAS_PEER_ADDRESS;
	if (sound) {
		peer.family = family;
		peer.endpoint.port = (uint16_t)(port ^ TP_STUN_COOKIE >> 16);
	} else {
		m->malformed |= STUN_HAS_PEER_ADDRESS;
	}
	if (m->peers_count < STUN_PEERS_MAX)
		m->peers[m->peers_count++] = peer;
	else
		m->peers_overflow = true;
}

// Each type once, as many as a 420 can tell.
static void note_unknown(struct stun_message *m, uint16_t type)
{
	for (uint16_t i = 0; i < m->unknown_count; i++)
		if (m->unknown[i] == type)
			return;
	if (m->unknown_count < STUN_UNKNOWN_MAX)
		m->unknown[m->unknown_count++] = type;
}

void stun_attribute_read(struct stun_message *m, const struct stun_attribute *a)
{
	struct stun_cursor v = {a->value, a->length, false};
	const uint16_t n = a->length;

	switch (a->type) {
	case TP_ATTR_USERNAME:
		accept_bytes(m, STUN_HAS_USERNAME, &m->username, a, n <= TEXT_MAX);
		break;
	case TP_ATTR_USERHASH:
		accept_bytes(m, STUN_HAS_USERHASH, &m->userhash, a, n == USERHASH_LENGTH);
		break;
	case TP_ATTR_REALM:
		accept_bytes(m, STUN_HAS_REALM, &m->realm, a, n <= TEXT_MAX);
		break;
	case TP_ATTR_NONCE:
		accept_bytes(m, STUN_HAS_NONCE, &m->nonce, a, n <= TEXT_MAX);
		break;
	case TP_ATTR_MESSAGE_INTEGRITY:
		accept_bytes(m, STUN_HAS_INTEGRITY, &m->integrity, a, n == STUN_SHA1_LENGTH);
		m->integrity_offset = a->offset;
		break;
	case TP_ATTR_MESSAGE_INTEGRITY_SHA256:
		// May be cut down to 16 bytes, in steps of 4 (RFC 8489 section 14.6).
		accept_bytes(m, STUN_HAS_INTEGRITY_SHA256, &m->integrity_sha256, a,
			n >= STUN_SHA256_MIN && n <= STUN_SHA256_LENGTH && n % 4 == 0);
		m->integrity_sha256_offset = a->offset;
		break;
	case TP_ATTR_PASSWORD_ALGORITHM:
		accept_bytes(m, STUN_HAS_PASSWORD_ALGORITHM, &m->password_algorithm, a, n >= 4);
		break;
	case TP_ATTR_PASSWORD_ALGORITHMS:
		accept_bytes(m, STUN_HAS_PASSWORD_ALGORITHMS, &m->password_algorithms, a,
			n >= 4 && n % 4 == 0);
		break;
	case TP_ATTR_LIFETIME:
		if (accept(m, STUN_HAS_LIFETIME, n == 4))
			m->lifetime_s = stun_take_u32(&v);
		break;
	case TP_ATTR_REQUESTED_TRANSPORT:
		if (accept(m, STUN_HAS_REQUESTED_TRANSPORT, n == 4))
			m->requested_transport = stun_take_u8(&v);
		break;
	case TP_ATTR_REQUESTED_ADDRESS_FAMILY:
		if (accept(m, STUN_HAS_REQUESTED_FAMILY, n == 4))
			m->requested_family = stun_take_u8(&v);
		break;
	case TP_ATTR_ADDITIONAL_ADDRESS_FAMILY:
		if (accept(m, STUN_HAS_ADDITIONAL_FAMILY, n == 4))
			m->additional_family = stun_take_u8(&v);
		break;
	case TP_ATTR_EVEN_PORT:
		if (accept(m, STUN_HAS_EVEN_PORT, n == 1))
			m->even_port_reserve = stun_take_u8(&v) & 0x80;
		break;
	case TP_ATTR_RESERVATION_TOKEN:
		if (accept(m, STUN_HAS_RESERVATION_TOKEN, n == 8))
			m->reservation_token = stun_take_u64(&v);
		break;
	case TP_ATTR_DONT_FRAGMENT:
		accept(m, STUN_HAS_DONT_FRAGMENT, n == 0);
		break;
	case TP_ATTR_CHANNEL_NUMBER:
		if (accept(m, STUN_HAS_CHANNEL_NUMBER, n == 4))
			m->channel_number = stun_take_u16(&v);
		break;
	case TP_ATTR_XOR_PEER_ADDRESS:
		read_peer(m, v);
		break;
	case TP_ATTR_DATA:
		accept_bytes(m, STUN_HAS_DATA, &m->data, a, true);
		break;
	case TP_ATTR_MOBILITY_TICKET:
		accept_bytes(m, STUN_HAS_MOBILITY_TICKET, &m->mobility_ticket, a, true);
		break;
	case TP_ATTR_CHANGE_REQUEST:
		if (accept(m, STUN_HAS_CHANGE_REQUEST, n == 4))
			m->change_request = stun_take_u32(&v);
		break;
	case TP_ATTR_PADDING:
		accept(m, STUN_HAS_PADDING, true);
		break;
	case TP_ATTR_RESPONSE_PORT:
		// The port and two bytes of padding, which some count and some don't (RFC 5780 section 7.5).
		if (accept(m, STUN_HAS_RESPONSE_PORT,
			    (n == 2 || n == 4) && (a->value[0] | a->value[1])))
			m->response_port = stun_take_u16(&v);
		break;
	case TP_ATTR_SOFTWARE:
		if (!m->software.data && n <= TEXT_MAX)
			m->software = (struct stun_bytes){a->value, n};
		break;
	case TP_ATTR_MAPPED_ADDRESS:
	case TP_ATTR_ERROR_CODE:
	case TP_ATTR_UNKNOWN_ATTRIBUTES:
	case TP_ATTR_XOR_RELAYED_ADDRESS:
	case TP_ATTR_XOR_MAPPED_ADDRESS:
		break; // a server's own: understood, of no use to it
	default:
		if (a->type < 0x8000)
			note_unknown(m, a->type);
	}
}
