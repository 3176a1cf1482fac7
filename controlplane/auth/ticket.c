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

#define BLOCK 16u

static_assert(sizeof(struct ticket) == BLOCK, "no padding: it is sealed as bytes");
static_assert(TICKET_LENGTH == 2 * BLOCK, "two digits for each byte");

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

static const char digits[] = "0123456789abcdef";

int ticket_close(struct ticket_seal *s, const struct ticket *ticket, uint8_t out[TICKET_LENGTH])
{
	uint8_t plain[BLOCK], sealed[BLOCK];
	int n;

	memcpy(plain, ticket, sizeof(plain));
	if (EVP_EncryptUpdate(s->close, sealed, &n, plain, BLOCK) != 1 || n != (int)BLOCK)
		return -EIO;
	for (size_t i = 0; i < BLOCK; i++) {
		out[2 * i] = (uint8_t)digits[sealed[i] >> 4];
		out[2 * i + 1] = (uint8_t)digits[sealed[i] & 15];
	}
	return 0;
}

// Returns the digit's value, or -1: it is none.
static int value(uint8_t digit)
{
	const char *found = digit ? strchr(digits, digit) : NULL;

	return found ? (int)(found - digits) : -1;
}

int ticket_open(struct ticket_seal *s, const uint8_t in[TICKET_LENGTH], struct ticket *ticket)
{
	uint8_t plain[BLOCK], sealed[BLOCK];
	int n;

	for (size_t i = 0; i < BLOCK; i++) {
		int high = value(in[2 * i]), low = value(in[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		sealed[i] = (uint8_t)(high << 4 | low);
	}
	if (EVP_DecryptUpdate(s->open, plain, &n, sealed, BLOCK) != 1 || n != (int)BLOCK)
		return -EIO;
	memcpy(ticket, plain, sizeof(*ticket));
	return 0;
}
