// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine.h"

#define CAPABILITIES 64u // bits of a set

// Those in force: nothing here makes another one so.
static uint64_t have(void)
{
	uint64_t set = 0;

	if (capng_get_caps_process() < 0)
		return 0;
	for (unsigned int i = 0; i < CAPABILITIES && i <= (unsigned int)CAP_LAST_CAP; i++)
		if (capng_have_capability(CAPNG_EFFECTIVE, i))
			set |= CONFINE_BIT(i);
	return set;
}

// Fills libcap-ng's state: these capabilities in these sets, and no others.
static void choose(uint64_t capabilities, capng_type_t sets)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned int i = 0; i < CAPABILITIES && i <= (unsigned int)CAP_LAST_CAP; i++)
		if (capabilities & CONFINE_BIT(i))
			capng_update(CAPNG_ADD, sets, i);
}

bool confine_may_become(void)
{
	const uint64_t needed = CONFINE_BIT(CAP_SETUID) | CONFINE_BIT(CAP_SETGID) |
				CONFINE_BIT(CAP_SETPCAP) | CONFINE_BIT(CAP_KILL);

	return geteuid() == 0 && (have() & needed) == needed;
}

static bool is_mapped(const char *path, unsigned long id)
{
	unsigned long first, outside, count;
	FILE *file = fopen(path, "re");
	bool mapped = false;

	if (!file)
		return false;
	while (!mapped && fscanf(file, "%lu %lu %lu", &first, &outside, &count) == 3)
		mapped = id >= first && id - first < count;
	fclose(file);
	return mapped;
}

bool confine_is_mapped(const struct confine_identity *identity)
{
	return is_mapped("/proc/self/uid_map", identity->uid) &&
	       is_mapped("/proc/self/gid_map", identity->gid);
}

int confine_become(const struct confine_identity *identity)
{
	const uint64_t kept = identity->capabilities & have();

	// The bounding set while there is CAP_SETPCAP; libcap-ng's own change of users would keep that.
	choose(kept, CAPNG_BOUNDING_SET);
	if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return -EPERM;
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
		setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
		setresuid(identity->uid, identity->uid, identity->uid) < 0 ||
		prctl(PR_SET_KEEPCAPS, 0) < 0)
		return -errno;
	choose(kept, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE | CAPNG_AMBIENT);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 || capng_apply(CAPNG_SELECT_AMBIENT) < 0)
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int confine_keep(uint64_t capabilities)
{
	const uint64_t all = have(), kept = capabilities & all;

	choose(kept, CAPNG_BOUNDING_SET);
	// Only with CAP_SETPCAP; without it the bounding set is of no use to us either.
	if ((all & CONFINE_BIT(CAP_SETPCAP)) && capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return -EPERM;
	choose(kept, CAPNG_EFFECTIVE | CAPNG_PERMITTED);
	if (capng_apply(CAPNG_SELECT_AMBIENT) < 0 || capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

void confine_hide(void)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)getppid());
	if (stat(path, &st) < 0 || st.st_uid != geteuid())
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
