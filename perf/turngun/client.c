// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <turnpike/ip.h>
#include <turnpike/wire.h>

#include "../../controlplane/auth/key.h"
#include "../../controlplane/stun/cursor.h"
#include "../../controlplane/stun/integrity.h"
#include "../../controlplane/stun/message.h"
#include "../../controlplane/stun/writer.h"

static int password(char *out, size_t size, const struct options *o)
{
	const char *from = getenv("TURNGUN_PASSWORD");
	FILE *file;
	bool read;

	if (!o->password_file) {
		if (from && strlen(from) < size) {
			strcpy(out, from);
			return 0;
		}
		fprintf(stderr, "turngun: set TURNGUN_PASSWORD, or name a --password-file.\n");
		return -EINVAL;
	}
	file = fopen(o->password_file, "re");
	read = file && fgets(out, (int)size, file);
	if (!read)
		fprintf(stderr, "turngun: %s can't be read.\n", o->password_file);
	else
		out[strcspn(out, "\n")] = '\0';
	if (file)
		fclose(file);
	return read ? 0 : -EINVAL;
}

int credentials_read(struct credentials *c, const struct options *o)
{
	*c = (struct credentials){.user = o->user};
	return password(c->password, sizeof(c->password), o);
}

void credentials_free(struct credentials *c)
{
	stun_hmac_free(c->key);
	explicit_bzero(c, sizeof(*c));
}

static void put_allocate(struct stun_writer *w, const struct options *o)
{
	stun_put_u32(w, TP_ATTR_REQUESTED_TRANSPORT, (uint32_t)TP_PROTO_UDP << 24);
	// Without the attribute IPv4 is meant, and older servers don't know it.
	if (!tp_ip_is4(&o->peers_from.first.ip))
		stun_put_u32(w, TP_ATTR_REQUESTED_ADDRESS_FAMILY, (uint32_t)TP_IPV6 << 24);
}

static void put_bind(struct stun_writer *w, const struct population *p, const struct flow *f)
{
	struct tp_endpoint peer = flow_peer(p, f);

	if (f->form == FORM_CHANNEL)
		stun_put_u32(w, TP_ATTR_CHANNEL_NUMBER, (uint32_t)f->channel << 16);
	stun_put_xor_address(w, TP_ATTR_XOR_PEER_ADDRESS, &peer);
}

static uint16_t method_of(enum task task, enum form form)
{
	if (task == TASK_ALLOCATE)
		return TP_STUN_ALLOCATE;
	if (task == TASK_REFRESH || task == TASK_RELEASE)
		return TP_STUN_REFRESH;
	return form == FORM_CHANNEL ? TP_STUN_CHANNEL_BIND : TP_STUN_CREATE_PERMISSION;
}

uint32_t client_ask(uint8_t out[REQUEST_MAX], const struct population *p,
	const struct credentials *credentials, enum task task, uint32_t n,
	const uint8_t tid[TP_STUN_TID])
{
	const struct flow *f = &p->flow[task == TASK_BIND ? n : 0];
	const struct client *c = &p->client[task == TASK_BIND ? f->client : n];
	struct stun_writer w;
	int length;

	stun_begin(&w, out, REQUEST_MAX, method_of(task, (enum form)f->form), TP_STUN_REQUEST, tid);
	if (task == TASK_ALLOCATE)
		put_allocate(&w, p->options);
	else if (task == TASK_RELEASE)
		stun_put_u32(&w, TP_ATTR_LIFETIME, 0);
	else if (task == TASK_BIND)
		put_bind(&w, p, f);
	if (c->nonce_length && credentials->key) {
		stun_put(&w, TP_ATTR_USERNAME, credentials->user, strlen(credentials->user));
		stun_put(&w, TP_ATTR_REALM, credentials->realm, credentials->realm_length);
		stun_put(&w, TP_ATTR_NONCE, c->nonce, c->nonce_length);
		stun_put_integrity(&w, credentials->key);
	}
	length = stun_finish(&w);
	return length < 0 ? 0 : (uint32_t)length;
}

bool client_answers(uint8_t tid[TP_STUN_TID], const uint8_t *data, uint32_t length)
{
	uint32_t class;

	if (length < TP_STUN_HEADER || data[0] >= 0x40 || tp_get32(data + 4) != TP_STUN_COOKIE)
		return false;
	class = TP_STUN_TYPE_CLASS((uint32_t)tp_get16(data));
	memcpy(tid, data + 8, TP_STUN_TID);
	return class == TP_STUN_SUCCESS || class == TP_STUN_ERROR;
}

// XOR-RELAYED-ADDRESS (RFC 8489 section 14.2).
static void read_relayed(
	struct answer *a, const uint8_t *data, const uint8_t *value, uint32_t length)
{
	struct stun_cursor c = {value, length, false};
	uint32_t family = stun_take_u16(&c) & 0xff;
	uint16_t port = (uint16_t)(stun_take_u16(&c) ^ TP_STUN_COOKIE >> 16);
	struct tp_ip ip = {0};

	if (family == TP_IPV4) {
		ip = tp_ip4(TP_BE32(stun_take_u32(&c) ^ TP_STUN_COOKIE));
	} else {
		const uint8_t *from = stun_take(&c, 16);

		for (uint32_t i = 0; from && i < 16; i++)
			ip.b[i] = from[i] ^ data[4 + i];
	}
	if (!c.overrun && !c.left && (family == TP_IPV4 || family == TP_IPV6))
		a->relayed = (struct tp_endpoint){.ip = ip, .port = port};
}

static void read_error(struct answer *a, const uint8_t *value, uint32_t length)
{
	struct stun_cursor c = {value, length, false};
	uint32_t word = stun_take_u32(&c);

	if (!c.overrun)
		a->error = (word >> 8 & 7) * 100 + (word & 0xff);
}

// What stun_parse() has no use for, being a server's: it has checked the attributes' bounds.
static void read_answers_own(struct answer *a, const struct stun_message *m)
{
	struct stun_cursor c = {m->bytes + TP_STUN_HEADER, m->length - TP_STUN_HEADER, false};

	while (c.left && !c.overrun) {
		uint16_t type = stun_take_u16(&c), length = stun_take_u16(&c);
		const uint8_t *value = stun_take(&c, length + tp_pad4(length));

		if (value && type == TP_ATTR_XOR_RELAYED_ADDRESS)
			read_relayed(a, m->bytes, value, length);
		if (value && type == TP_ATTR_ERROR_CODE)
			read_error(a, value, length);
		// What follows is not covered by it (RFC 8489 section 14.5).
		if (type == TP_ATTR_MESSAGE_INTEGRITY)
			return;
	}
}

bool client_read(struct answer *a, const struct credentials *credentials, const uint8_t *data,
	uint32_t length)
{
	struct stun_message m;

	*a = (struct answer){0};
	if (stun_parse(&m, data, length))
		return false;
	a->success = m.class_ == TP_STUN_SUCCESS;
	a->authentic = credentials->key && stun_integrity_valid(&m, credentials->key);
	a->nonce = m.nonce.data;
	a->nonce_length = m.nonce.length;
	a->realm = m.realm.data;
	a->realm_length = m.realm.length;
	read_answers_own(a, &m);
	return true;
}

static bool derive(struct credentials *c)
{
	uint8_t key[AUTH_KEY_MAX];
	struct auth_keys *keys = NULL;
	bool done;

	done = auth_keys_new(&keys, c->realm) == 0 &&
	       auth_keys_derive(keys, AUTH_MD5, c->user, strlen(c->user), c->password,
		       strlen(c->password), key) == 0 &&
	       stun_hmac_new(&c->key, key, auth_key_length(AUTH_MD5)) == 0;
	auth_keys_free(keys);
	explicit_bzero(key, sizeof(key));
	return done;
}

bool client_challenged(struct client *c, struct credentials *credentials, const struct answer *a)
{
	if (!a->nonce_length || a->nonce_length > NONCE_MAX)
		return false;
	memcpy(c->nonce, a->nonce, a->nonce_length);
	c->nonce_length = (uint8_t)a->nonce_length;
	if (credentials->key)
		return true;
	if (!a->realm_length || a->realm_length >= REALM_MAX)
		return false;
	memcpy(credentials->realm, a->realm, a->realm_length);
	credentials->realm[a->realm_length] = '\0';
	credentials->realm_length = a->realm_length;
	return derive(credentials);
}
