// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Requests as a client makes them, and answers as it reads them.
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

const struct tp_endpoint rig_client = {
	.ip = {.w = {0, 0, TP_IP_MAPPED_PREFIX, TP_BE32(0xc6336407)}}, .port = 40000};
const struct tp_endpoint rig_client6 = {
	.ip = {.w = {TP_BE32(0x26001234), 0, 0, TP_BE32(7)}}, .port = 40006};

void ask(struct rig *r, struct ask *a, uint16_t method)
{
	*a = (struct ask){.rig = r, .client = rig_client, .method = method};
	r->tids++;
	memcpy(a->tid, &r->tids, sizeof(r->tids));
	stun_begin(&a->w, a->bytes, sizeof(a->bytes), method, TP_STUN_REQUEST, a->tid);
}

void ask_u32(struct ask *a, uint16_t type, uint32_t value)
{
	stun_put_u32(&a->w, type, value);
}

void ask_bytes(struct ask *a, uint16_t type, const void *value, size_t length)
{
	stun_put(&a->w, type, value, length);
}

void ask_peer(struct ask *a, const struct tp_endpoint *peer)
{
	stun_put_xor_address(&a->w, TP_ATTR_XOR_PEER_ADDRESS, peer);
}

void ask_transport(struct ask *a)
{
	ask_u32(a, TP_ATTR_REQUESTED_TRANSPORT, TP_PROTO_UDP << 24);
}

void ask_family(struct ask *a, uint8_t family)
{
	ask_u32(a, TP_ATTR_REQUESTED_ADDRESS_FAMILY, (uint32_t)family << 24);
}

void ask_channel(struct ask *a, uint16_t number)
{
	ask_u32(a, TP_ATTR_CHANNEL_NUMBER, (uint32_t)number << 16);
}

const struct answer *ask_again(struct ask *a)
{
	struct rig *r = a->rig;
	struct tp_punt punt = {.client = a->client,
		.via = {.b = {1, 2, 3}},
		.server = a->server,
		.length = (uint16_t)a->w.length,
		.received_ms = r->now_ms};
	uint32_t before = r->answers;

	r->link.events.punt(r->link.events.context, a->worker, &punt, a->bytes);
	if (!r->hold)
		rig_flush(r);
	if (r->answers == before)
		return NULL;
	if ((!a->elsewhere && !tp_endpoint_equal(&r->answer.head.client, &a->client)) ||
		(!a->elsewhere && r->answer.head.server != a->server) ||
		memcmp(&r->answer.head.via, &punt.via, sizeof(punt.via)) != 0 ||
		memcmp(r->answer.bytes + 8, a->tid, TP_STUN_TID) != 0)
		abort(); // an answer that goes elsewhere
	return &r->answer;
}

static void put_userhash(struct ask *a, const struct rig_user *u)
{
	char text[64];
	uint8_t hash[32];
	int n = snprintf(text, sizeof(text), "%s:%s", u->name, RIG_REALM);

	if (EVP_Digest(text, (size_t)n, hash, NULL, EVP_sha256(), NULL) != 1)
		abort();
	stun_put(&a->w, TP_ATTR_USERHASH, hash, sizeof(hash));
}

static void put_algorithms(struct ask *a)
{
	const uint8_t *offer;
	size_t n = auth_algorithms(a->rig->auth, &offer);

	stun_put(&a->w, TP_ATTR_PASSWORD_ALGORITHMS, offer, n);
	stun_put_u32(&a->w, TP_ATTR_PASSWORD_ALGORITHM, 2u << 16);
}

const struct answer *ask_send(struct ask *a)
{
	const struct rig_user *u = &a->rig->users[a->user];

	if (!a->unsigned_) {
		char nonce[AUTH_NONCE_MAX];

		if (!a->nonce)
			auth_nonce(a->rig->auth, &a->client, a->rig->wall_s, nonce);
		if (a->userhash)
			put_userhash(a, u);
		else
			stun_put(&a->w, TP_ATTR_USERNAME, u->name, strlen(u->name));
		stun_put(&a->w, TP_ATTR_REALM, RIG_REALM, strlen(RIG_REALM));
		stun_put(&a->w, TP_ATTR_NONCE, a->nonce ? a->nonce : nonce,
			strlen(a->nonce ? a->nonce : nonce));
		if (a->modern)
			put_algorithms(a);
		if (a->modern)
			stun_put_integrity_sha256(&a->w, u->key_sha256);
		else
			stun_put_integrity(&a->w, u->key);
	}
	if (a->fingerprint)
		stun_put_fingerprint(&a->w);
	if (stun_finish(&a->w) < 0)
		abort();
	return ask_again(a);
}

static void from(struct ask *a, const struct tp_endpoint *client)
{
	a->client = *client;
	a->server = tp_ip_is4(&client->ip) ? 0 : 1;
}

void ask_additional(struct ask *a)
{
	ask_u32(a, TP_ATTR_ADDITIONAL_ADDRESS_FAMILY, (uint32_t)TP_IPV6 << 24);
}

void ask_even(struct ask *a, bool reserve)
{
	ask_bytes(a, TP_ATTR_EVEN_PORT, reserve ? "\x80" : "", 1);
}

void ask_token(struct ask *a, uint64_t token)
{
	const uint64_t be = TP_BE64(token);

	ask_bytes(a, TP_ATTR_RESERVATION_TOKEN, &be, sizeof(be));
}

int ask_allocate(struct rig *r, const struct tp_endpoint *client, uint8_t family)
{
	struct ask a;

	ask(r, &a, TP_STUN_ALLOCATE);
	from(&a, client);
	ask_transport(&a);
	if (family)
		ask_family(&a, family);
	return answer_code(ask_send(&a));
}

int ask_refresh(struct rig *r, const struct tp_endpoint *client, uint32_t lifetime_s)
{
	struct ask a;

	ask(r, &a, TP_STUN_REFRESH);
	from(&a, client);
	ask_u32(&a, TP_ATTR_LIFETIME, lifetime_s);
	return answer_code(ask_send(&a));
}

int ask_permission(struct rig *r, const struct tp_endpoint *client, const struct tp_endpoint *peer)
{
	struct ask a;

	ask(r, &a, TP_STUN_CREATE_PERMISSION);
	from(&a, client);
	ask_peer(&a, peer);
	return answer_code(ask_send(&a));
}

int ask_bind(struct rig *r, const struct tp_endpoint *client, const struct tp_endpoint *peer,
	uint16_t number)
{
	struct ask a;

	ask(r, &a, TP_STUN_CHANNEL_BIND);
	from(&a, client);
	ask_channel(&a, number);
	ask_peer(&a, peer);
	return answer_code(ask_send(&a));
}

uint32_t rig_slot(const struct rig *r, const struct tp_endpoint *client)
{
	return table_find(
		r->table, client, &r->capabilities.server[tp_ip_is4(&client->ip) ? 0 : 1], TP_UDP);
}

const uint8_t *answer_attribute(const struct answer *a, uint16_t type, uint16_t *length)
{
	for (size_t at = TP_STUN_HEADER; at + 4 <= a->length;) {
		const uint8_t *p = a->bytes + at;
		uint16_t n = (uint16_t)(p[2] << 8 | p[3]);

		if (at + 4 + n > a->length)
			abort();
		if ((p[0] << 8 | p[1]) == type) {
			*length = n;
			return p + 4;
		}
		at += 4u + n + tp_pad4(n);
	}
	return NULL;
}

int answer_code(const struct answer *a)
{
	uint16_t length, type;
	const uint8_t *p;

	if (!a)
		return -1;
	type = (uint16_t)(a->bytes[0] << 8 | a->bytes[1]);
	if (TP_STUN_TYPE_CLASS(type) == TP_STUN_SUCCESS)
		return 0;
	p = answer_attribute(a, TP_ATTR_ERROR_CODE, &length);
	if (TP_STUN_TYPE_CLASS(type) != TP_STUN_ERROR || !p || length < 4)
		return -1;
	return p[2] * 100 + p[3];
}

uint32_t answer_u32(const struct answer *a, uint16_t type)
{
	uint16_t length;
	const uint8_t *p = answer_attribute(a, type, &length);

	if (!p || length != 4)
		return UINT32_MAX;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static struct tp_endpoint unmask(const struct answer *a, const uint8_t *p, uint16_t length)
{
	struct tp_endpoint e = {0};
	uint8_t ip[16];

	if (!p || length < 8 || length != (p[1] == TP_IPV4 ? 8 : 20))
		return e;
	e.port = (uint16_t)((p[2] << 8 | p[3]) ^ TP_STUN_COOKIE >> 16);
	for (uint16_t i = 0; i < length - 4; i++)
		ip[i] = p[4 + i] ^ a->bytes[4 + i];
	if (p[1] == TP_IPV4)
		e.ip = rig_ip4(ip[0], ip[1], ip[2], ip[3]);
	else
		memcpy(e.ip.b, ip, 16);
	return e;
}

struct tp_endpoint answer_address(const struct answer *a, uint16_t type)
{
	uint16_t length = 0;
	const uint8_t *p = answer_attribute(a, type, &length);

	return unmask(a, p, length);
}

struct tp_endpoint answer_relayed(const struct answer *a, enum tp_family family)
{
	for (size_t at = TP_STUN_HEADER; at + 4 <= a->length;) {
		const uint8_t *p = a->bytes + at;
		uint16_t n = (uint16_t)(p[2] << 8 | p[3]);

		if ((p[0] << 8 | p[1]) == TP_ATTR_XOR_RELAYED_ADDRESS && p[5] == family)
			return unmask(a, p + 4, n);
		at += 4u + n + tp_pad4(n);
	}
	return (struct tp_endpoint){0};
}

uint64_t answer_token(const struct answer *a)
{
	uint16_t length;
	const uint8_t *p = answer_attribute(a, TP_ATTR_RESERVATION_TOKEN, &length);
	uint64_t token;

	if (!p || length != 8)
		return 0;
	memcpy(&token, p, 8);
	return TP_BE64(token);
}

unsigned int answer_address_error(const struct answer *a)
{
	uint16_t length;
	const uint8_t *p = answer_attribute(a, TP_ATTR_ADDRESS_ERROR_CODE, &length);

	if (!p || length < 4 || p[1])
		return 0;
	return p[0] * 1000u + p[2] * 100u + p[3];
}

bool answer_signed(const struct answer *a, const struct rig_user *user)
{
	struct stun_message m;

	return stun_parse(&m, a->bytes, a->length) == 0 && stun_integrity_valid(&m, user->key);
}

bool answer_signed_sha256(const struct answer *a, const struct rig_user *user)
{
	struct stun_message m;

	return stun_parse(&m, a->bytes, a->length) == 0 && !(m.has & STUN_HAS_INTEGRITY) &&
	       m.integrity_sha256.length == STUN_SHA256_LENGTH &&
	       stun_integrity_sha256_valid(&m, user->key_sha256);
}
