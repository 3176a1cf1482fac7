// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../auth/secret.h"
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
		fill_random(h->user_key, sizeof(h->user_key)) ||
		fill_random(h->ticket_key, sizeof(h->ticket_key)) ||
		fill_random(&h->generation, sizeof(h->generation)))
		return -EIO;
	// Not 0, which means "nowhere": a dataplane may hold what another vault's control planes put under
	// their generations.
	h->generation |= !h->generation;
	__atomic_store_n(&h->magic, TP_VAULT_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

static bool valid(const struct tp_vault_header *h, uint64_t size)
{
	return h->abi == TP_VAULT_ABI && h->size == size && h->allocations > 0 &&
	       h->allocations <= TP_ALLOCATIONS_MAX && h->peers > 0 &&
	       size == tp_vault_size(h->allocations, h->peers);
}

// Maps what is there; `size` bytes of zeros are made into a vault.
static int map(struct vault *vault, uint64_t size, uint32_t allocations, uint32_t peers)
{
	struct tp_vault_header *h;
	int err = 0;

	if (size < sizeof(*h))
		return -EPROTO;
	h = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, vault->fd, 0);
	if (h == MAP_FAILED)
		return -errno;
	secret_hide(h, size);
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
	vault->reservations = (struct tp_vault_reservation *)(void *)(vault->peers + h->peers);
	return 0;
}

int vault_open(struct vault *vault, int fd, uint32_t allocations, uint32_t peers)
{
	uint64_t size = tp_vault_size(allocations, peers);
	struct stat st;
	int err, anew = 0;

	*vault = (struct vault){.fd = fd};
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size > 0) {
		err = map(vault, (uint64_t)st.st_size, allocations, peers);
		if (err != -EPROTO)
			return err;
		// What it held is lost either way; refusing it would be for ever.
		if (ftruncate(fd, 0) < 0)
			return -errno;
		anew = 1;
	}
	// Taken now: a page that is missing later would be a SIGBUS.
	if (fallocate(fd, 0, 0, (off_t)size) < 0) {
		err = -errno;
		// Half of it must not look like a damaged vault to the next.
		return ftruncate(fd, 0) < 0 ? -errno : err;
	}
	err = map(vault, size, allocations, peers);
	return err ? err : anew;
}

void vault_close(struct vault *vault)
{
	if (vault->header)
		munmap(vault->header, vault->size);
	*vault = (struct vault){.fd = -1};
}
