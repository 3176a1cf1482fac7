// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <sys/mman.h>

#include <openssl/crypto.h>

#include "secret.h"

#define HEAP_BYTES (1u << 20) // of OpenSSL: 256 bytes for each secret, and some for all users
#define HEAP_LEAST 32u // bytes of one piece

void secret_start(void)
{
	CRYPTO_secure_malloc_init(HEAP_BYTES, HEAP_LEAST);
}

void *secret_take(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	secret_hide(memory, size);
	// Without the capability or the limit for so much it may be swapped out.
	(void)mlock(memory, size);
	return memory;
}

void secret_give(void *memory, size_t size)
{
	if (!memory)
		return;
	OPENSSL_cleanse(memory, size);
	munmap(memory, size);
}

void secret_hide(void *memory, size_t size)
{
	madvise(memory, size, MADV_DONTDUMP);
}
