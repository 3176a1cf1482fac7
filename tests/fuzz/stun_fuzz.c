// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Whatever the bytes, what the parser says must be true: pieces lie within the message, counts
// within their limits, and what is written from a parsed message reads back the same.
#include <stdlib.h>
#include <string.h>

#include "../../controlplane/stun/integrity.h"
#include "../../controlplane/stun/message.h"
#include "../../controlplane/stun/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool same(const struct stun_bytes *a, const struct stun_bytes *b)
{
	return a->length == b->length && !a->data == !b->data &&
	       (!a->length || memcmp(a->data, b->data, a->length) == 0);
}

// Reads every byte, so that a sanitizer sees a piece that isn't the caller's.
static void check_piece(const struct stun_message *m, const struct stun_bytes *piece)
{
	static volatile uint8_t sink;

	check(piece->data || !piece->length);
	if (!piece->data)
		return;
	check(piece->data >= m->bytes + TP_STUN_HEADER + 4);
	check(piece->data + piece->length <= m->bytes + m->length);
	for (size_t i = 0; i < piece->length; i++)
		sink = piece->data[i];
	(void)sink;
}

static void check_message(const struct stun_message *m)
{
	const struct stun_bytes *const pieces[] = {&m->username, &m->userhash, &m->realm, &m->nonce,
		&m->software, &m->data, &m->integrity, &m->integrity_sha256, &m->password_algorithm,
		&m->password_algorithms};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		check_piece(m, pieces[i]);
	check(m->method <= 0xfff && m->class_ <= TP_STUN_ERROR);
	check((m->malformed & ~m->has) == 0);
	check(!m->fingerprint_valid || (m->has & STUN_HAS_FINGERPRINT));
	check(m->peers_count <= STUN_PEERS_MAX && m->unknown_count <= STUN_UNKNOWN_MAX);
	check(!m->peers_overflow || m->peers_count == STUN_PEERS_MAX);
	for (size_t i = 0; i < m->peers_count; i++)
		check(m->peers[i].family <= TP_IPV6);
	for (size_t i = 0; i < m->unknown_count; i++)
		check(m->unknown[i] < 0x8000);
	if (m->has & STUN_HAS_INTEGRITY)
		check(m->integrity_offset >= TP_STUN_HEADER &&
			m->integrity_offset + 4u <= m->length);
	if (m->has & STUN_HAS_INTEGRITY_SHA256)
		check(m->integrity_sha256_offset >= TP_STUN_HEADER &&
			m->integrity_sha256_offset + 4u <= m->length);
}

// Peers that a writer can tell as they were read: an IPv4-mapped one would come out as IPv4.
static bool writable(const struct stun_peer *p)
{
	return p->family == TP_IPV4 || (p->family == TP_IPV6 && !tp_ip_is4(&p->endpoint.ip));
}

static void check_rewritten(const struct stun_message *m, struct stun_hmac *key)
{
	static uint8_t bytes[UINT16_MAX];
	struct stun_message again;
	struct stun_writer w;
	size_t peers = 0;
	int length;

	stun_begin(&w, bytes, sizeof(bytes), m->method, m->class_, m->tid);
	if (m->username.data)
		stun_put(&w, TP_ATTR_USERNAME, m->username.data, m->username.length);
	if (m->nonce.data)
		stun_put(&w, TP_ATTR_NONCE, m->nonce.data, m->nonce.length);
	stun_put_u32(&w, TP_ATTR_LIFETIME, m->lifetime_s);
	for (size_t i = 0; i < m->peers_count; i++)
		if (writable(&m->peers[i]))
			stun_put_xor_address(&w, TP_ATTR_XOR_PEER_ADDRESS, &m->peers[i].endpoint);
	stun_put_integrity(&w, key);
	stun_put_integrity_sha256(&w, key);
	stun_put_fingerprint(&w);
	length = stun_finish(&w);
	check(length > 0 && stun_parse(&again, bytes, (size_t)length) == 0);
	check_message(&again);
	check(again.method == m->method && again.class_ == m->class_);
	check(same(&again.username, &m->username) && same(&again.nonce, &m->nonce));
	check(again.lifetime_s == m->lifetime_s && !again.malformed);
	for (size_t i = 0; i < m->peers_count; i++)
		if (writable(&m->peers[i]))
			check(tp_endpoint_equal(
				&again.peers[peers++].endpoint, &m->peers[i].endpoint));
	check(again.peers_count == peers);
	check(again.fingerprint_valid && stun_integrity_valid(&again, key));
	check(stun_integrity_sha256_valid(&again, key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stun_hmac *key;
	struct stun_message m;

	if (!key)
		check(stun_hmac_new(&key, (const uint8_t *)"VOkJxbRl1RmTxUk/WvJxBt", 22) == 0);
	if (stun_parse(&m, data, size) < 0)
		return 0;
	check(m.bytes == data && m.length == size);
	check_message(&m);
	stun_integrity_valid(&m, key);
	stun_integrity_sha256_valid(&m, key);
	check_rewritten(&m, key);
	return 0;
}
