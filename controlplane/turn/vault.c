// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vault.h"

static int fill_random(void *out, size_t size)
{
	return getrandom(out, size, 0) == (ssize_t)size ? 0 : -EIO;
}

static int make(struct tp_vault_header *h, uint64_t size, uint32_t allocations, uint32_t peers)
{
	h->abi = TP_VAULT_ABI;
	h->allocations = allocations;
	h->peers = peers;
	h->size = size;
	if (fill_random(h->nonce_key, sizeof(h->nonce_key)) ||
		fill_random(h->index_key, sizeof(h->index_key)) ||
		fill_random(h->user_key, sizeof(h->user_key)))
		return -EIO;
	__atomic_store_n(&h->magic, TP_VAULT_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

static bool valid(const struct tp_vault_header *h, uint64_t size)
{
	return h->abi == TP_VAULT_ABI && h->size == size && h->allocations > 0 &&
	       h->allocations <= TP_ALLOCATIONS_MAX && h->peers > 0 &&
	       size == tp_vault_size(h->allocations, h->peers);
}

int vault_open(struct vault *vault, int fd, uint32_t allocations, uint32_t peers)
{
	uint64_t size = tp_vault_size(allocations, peers);
	struct tp_vault_header *h;
	struct stat st;
	int err = 0;

	*vault = (struct vault){.fd = fd};
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size > 0)
		size = (uint64_t)st.st_size;
	else if (ftruncate(fd, (off_t)size) < 0)
		return -errno;
	if (size < sizeof(*h))
		return -EPROTO;
	h = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (h == MAP_FAILED)
		return -errno;
	// A control plane that died before the magic was stored has used none of it yet.
	if (__atomic_load_n(&h->magic, __ATOMIC_ACQUIRE) != TP_VAULT_MAGIC)
		err = size == tp_vault_size(allocations, peers) ? make(h, size, allocations, peers)
								: -EPROTO;
	else if (!valid(h, size))
		err = -EPROTO;
	if (err) {
		munmap(h, size);
		return err;
	}
	vault->header = h;
	vault->size = size;
	vault->allocations = (struct tp_vault_allocation *)(void *)(h + 1);
	vault->peers = (struct tp_vault_peer *)(void *)(vault->allocations + h->allocations);
	return 0;
}

void vault_close(struct vault *vault)
{
	if (vault->header)
		munmap(vault->header, vault->size);
	*vault = (struct vault){.fd = -1};
}
