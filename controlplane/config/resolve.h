// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// From what is written to what it means: texts become values, missing ones get their defaults, wildcards
// become the host's addresses. Complains about each value that can't be, then goes on to the next.
#pragma once

#include "config.h"
#include "host.h"
#include "place.h"
#include "raw.h"

// Longest realm with which a 401 stays within 120 bytes (design section 6, invariant 2).
#define CONFIG_REALM_MAX 28u
#define CONFIG_USER_MAX 508u // bytes of a USERNAME (RFC 8489 section 14.3)

// Fills a zeroed config. Returns 0 (complaints are counted in `place`) or -ENOMEM.
int config_resolve(
	struct config *config, const struct raw *raw, const struct host *host, struct place *place);

// A number within bounds, `otherwise` where there is none, or after a complaint.
uint64_t resolve_number(struct place *place, const char *path, const char *text, uint64_t min,
	uint64_t max, uint64_t otherwise);

// The parts, each in a file of its own; same returns.
int resolve_addresses(
	struct config *config, const struct raw *raw, const struct host *host, struct place *place);
int resolve_redirect(struct config *config, const struct raw *raw, struct place *place);
int resolve_credentials(struct config *config, const struct raw *raw, struct place *place);
int resolve_abuse_log(struct config *config, const struct raw *raw, struct place *place);
int resolve_run_as(struct config *config, const struct raw *raw, struct place *place);
// After all others: needs to know the dataplane and the workers.
int resolve_dpdk(struct config *config, const struct raw *raw, struct place *place);
// After the number of workers is known.
int resolve_steering(struct config *config, const struct raw_dpdk *raw, struct place *place);
int resolve_xdp(struct config *config, const struct raw *raw, struct place *place);

// Shared by the parts. Complains about each name that no network interface can have, and that stands
// twice in the list `path`.
void resolve_interfaces(char *const *names, uint32_t count, const char *path, struct place *place);
// Copies texts into *out; *count says how many there are, also when it fails with -ENOMEM.
int resolve_copy(char ***out, size_t *count, char *const *texts, uint32_t n);

// Checks that need more than one key: complains, returns nothing.
void config_check(const struct config *config, struct place *place);

// The public functions with a host of the caller's.
int config_parse_on(struct config **out, const char *yaml, size_t length, const char *name,
	const struct host *host, FILE *errors);
int config_warn_on(const struct config *config, const struct host *host, FILE *warnings);
// The parts about dpdk and xdp, in files of their own.
int config_warn_dpdk(const struct config *config, const struct host *host, FILE *warnings);
int config_warn_xdp(const struct config *config, const struct host *host, FILE *warnings);
