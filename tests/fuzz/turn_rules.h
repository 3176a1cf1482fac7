// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What the parts of the model (turn_model.h) tell each other.
#pragma once

#include "turn_model.h"

// RFC 8656 sections 3.2, 7.2, 9, 12 and 18.8.
#define DEFAULT_S 600u
#define MOST_S 3600u
#define PERMISSION_S 300u
#define CHANNEL_S 600u
#define TOKEN_S 30u // a client may count on it for so long,
#define TOKEN_KEPT_S 35u // and the server keeps it a little longer

// Whether a time is not over.
static inline bool model_live(const struct model *m, uint64_t until_s)
{
	return until_s > m->now_s;
}

bool model_has_allocation(const struct model *m, unsigned int client);
// Relayed addresses there are, and what counts for a user or a client's address: reservations too.
unsigned int model_total(const struct model *m);
unsigned int model_of_user(const struct model *m, unsigned int user);
unsigned int model_of_address(const struct model *m, unsigned int client);
// Whether this port, or any, is what a request wants.
bool model_port_fits(
	const struct model *m, const struct model_request *q, unsigned int family, uint16_t port);
bool model_has_port(const struct model *m, const struct model_request *q, unsigned int family);
struct model_reservation *model_find_token(struct model *m, uint64_t token);

// What may be answered. A set of codes, of which several may be right: a server may refuse by its quota at
// any point (RFC 8656 section 7.2).
struct model_verdict {
	bool success;
	unsigned int codes[4];
	unsigned int count;
};

struct model_verdict model_due(struct model *m, const struct model_request *q);
