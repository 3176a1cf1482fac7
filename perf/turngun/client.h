// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What a TURN client asks and is answered (RFC 8656 sections 6, 7, 9, 12), with long-term credentials (RFC 8489
// section 9.2, MD5 and SHA-1, which every server has).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/wire.h>

#include "population.h"

#define REQUEST_MAX 640u // bytes
#define REALM_MAX 128u

struct stun_hmac;

// One user's. The key is known once a server has told its realm.
struct credentials {
	const char *user;
	char password[256];
	char realm[REALM_MAX];
	uint32_t realm_length;
	struct stun_hmac *key; // NULL: not known yet
};

// Reads the password. Returns 0, or -EINVAL: stderr says what is missing.
int credentials_read(struct credentials *c, const struct options *o);
void credentials_free(struct credentials *c);

enum task {
	TASK_ALLOCATE, // of a client
	TASK_BIND, // a channel, or a permission: of a flow
	TASK_REFRESH, // of a client
	TASK_RELEASE, // of a client
};

// Writes the request of the n-th client, or flow. Without a nonce it is one that a 401 answers. Returns its
// length.
uint32_t client_ask(uint8_t out[REQUEST_MAX], const struct population *p,
	const struct credentials *credentials, enum task task, uint32_t n,
	const uint8_t tid[TP_STUN_TID]);

struct answer {
	bool success;
	bool authentic; // its integrity is right
	uint32_t error; // code; 0: none
	struct tp_endpoint relayed; // port 0: none
	const uint8_t *nonce, *realm;
	uint32_t nonce_length, realm_length;
};

// The transaction ID of a response. Returns false when it is none.
bool client_answers(uint8_t tid[TP_STUN_TID], const uint8_t *data, uint32_t length);
// Reads a response to any of the requests. Returns false when it is not whole.
bool client_read(struct answer *a, const struct credentials *credentials, const uint8_t *data,
	uint32_t length);
// A 401 or 438: takes nonce and, the first time, realm. Returns false when they can't be used.
bool client_challenged(struct client *c, struct credentials *credentials, const struct answer *a);
