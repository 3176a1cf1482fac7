// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include "ticket.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct ticket_seal {
	EVP_CIPHER_CTX *close;
	EVP_CIPHER_CTX *open;
};

static_assert(sizeof(struct ticket) == TICKET_LENGTH, "no padding: it is sealed as bytes");

int ticket_seal_create(struct ticket_seal **out, const uint8_t key[16])
{
	struct ticket_seal *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->close = EVP_CIPHER_CTX_new();
	s->open = EVP_CIPHER_CTX_new();
	// One block, and no two alike: the mode that chains nothing is all that is needed.
	if (!s->close || !s->open ||
		EVP_EncryptInit_ex(s->close, EVP_aes_128_ecb(), NULL, key, NULL) != 1 ||
		EVP_DecryptInit_ex(s->open, EVP_aes_128_ecb(), NULL, key, NULL) != 1) {
		ticket_seal_destroy(s);
		return -ENOMEM;
	}
	EVP_CIPHER_CTX_set_padding(s->close, 0);
	EVP_CIPHER_CTX_set_padding(s->open, 0);
	*out = s;
	return 0;
}

void ticket_seal_destroy(struct ticket_seal *s)
{
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->close);
	EVP_CIPHER_CTX_free(s->open);
	free(s);
}

int ticket_close(struct ticket_seal *s, const struct ticket *ticket, uint8_t out[TICKET_LENGTH])
{
	uint8_t plain[TICKET_LENGTH];
	int n;

	memcpy(plain, ticket, sizeof(plain));
	return EVP_EncryptUpdate(s->close, out, &n, plain, TICKET_LENGTH) == 1 &&
			       n == (int)TICKET_LENGTH
		       ? 0
		       : -EIO;
}

int ticket_open(struct ticket_seal *s, const uint8_t in[TICKET_LENGTH], struct ticket *ticket)
{
	uint8_t plain[TICKET_LENGTH];
	int n;

	if (EVP_DecryptUpdate(s->open, plain, &n, in, TICKET_LENGTH) != 1 ||
		n != (int)TICKET_LENGTH)
		return -EIO;
	memcpy(ticket, plain, sizeof(*ticket));
	return 0;
}
