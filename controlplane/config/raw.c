// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "backtrace.h"
#include "raw.h"

#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, structure, member) \
	CYAML_FIELD_STRING_PTR(key, OPTIONAL, structure, member, 0, CYAML_UNLIMITED)
#define LIST_OF(structure, member, entry) \
	CYAML_FIELD_SEQUENCE(#member, OPTIONAL, structure, member, entry, 0, CYAML_UNLIMITED)
#define LIST(member, entry) LIST_OF(struct raw, member, entry)

static const cyaml_schema_field_t external_fields[] = {
	TEXT("public", struct raw_external, public_),
	TEXT("local", struct raw_external, local),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t user_fields[] = {
	TEXT("name", struct raw_user, name),
	TEXT("password", struct raw_user, password),
	TEXT("key", struct raw_user, key),
	TEXT("key_sha256", struct raw_user, key_sha256),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t limit_fields[] = {
	TEXT("allocations", struct raw_limits, allocations),
	TEXT("allocations_per_user", struct raw_limits, allocations_per_user),
	TEXT("allocations_per_address", struct raw_limits, allocations_per_address),
	TEXT("unauthenticated_per_second", struct raw_limits, unauthenticated_per_second),
	TEXT("network_unauthenticated_per_second", struct raw_limits,
		network_unauthenticated_per_second),
	TEXT("permissions_per_allocation", struct raw_limits, permissions_per_allocation),
	TEXT("channels_per_allocation", struct raw_limits, channels_per_allocation),
	TEXT("permissions_per_user", struct raw_limits, permissions_per_user),
	TEXT("channels_per_user", struct raw_limits, channels_per_user),
	TEXT("new_peers_per_second", struct raw_limits, new_peers_per_second),
	TEXT("user_new_peers_per_second", struct raw_limits, user_new_peers_per_second),
	TEXT("packets_per_second", struct raw_limits, packets_per_second),
	TEXT("bits_per_second", struct raw_limits, bits_per_second),
	TEXT("user_packets_per_second", struct raw_limits, user_packets_per_second),
	TEXT("user_bits_per_second", struct raw_limits, user_bits_per_second),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t abuse_log_fields[] = {
	TEXT("file", struct raw_abuse_log, file),
	TEXT("max_size", struct raw_abuse_log, max_size),
	TEXT("files", struct raw_abuse_log, files),
	TEXT("per_second", struct raw_abuse_log, per_second),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t run_as_fields[] = {
	TEXT("control", struct raw_run_as, control),
	TEXT("dataplane", struct raw_run_as, dataplane),
	TEXT("operators", struct raw_run_as, operators),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t text = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};
static const cyaml_schema_field_t redirect_fields[] = {
	LIST_OF(struct raw_redirect, servers, &text),
	TEXT("domain", struct raw_redirect, domain),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t dpdk_fields[] = {
	LIST_OF(struct raw_dpdk, eal, &text),
	LIST_OF(struct raw_dpdk, ports, &text),
	LIST_OF(struct raw_dpdk, interfaces, &text),
	TEXT("exception", struct raw_dpdk, exception),
	TEXT("workers", struct raw_dpdk, workers),
	TEXT("burst", struct raw_dpdk, burst),
	TEXT("rx_ring", struct raw_dpdk, rx_ring),
	TEXT("tx_ring", struct raw_dpdk, tx_ring),
	TEXT("mbufs", struct raw_dpdk, mbufs),
	TEXT("huge_pages", struct raw_dpdk, huge_pages),
	TEXT("mtu", struct raw_dpdk, mtu),
	TEXT("idle_polls", struct raw_dpdk, idle_polls),
	TEXT("idle_latency", struct raw_dpdk, idle_latency),
	TEXT("placement", struct raw_dpdk, placement),
	TEXT("steering", struct raw_dpdk, steering),
	TEXT("rss_key", struct raw_dpdk, rss_key),
	TEXT("rss_hash", struct raw_dpdk, rss_hash),
	LIST_OF(struct raw_dpdk, rss_table, &text),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t xdp_fields[] = {
	LIST_OF(struct raw_xdp, interfaces, &text),
	TEXT("mode", struct raw_xdp, mode),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t sockets_fields[] = {
	TEXT("raw", struct raw_sockets, raw),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t external = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_external, external_fields)};
static const cyaml_schema_value_t user = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_user, user_fields)};

static const cyaml_schema_field_t fields[] = {
	LIST(listen, &text),
	LIST(relay, &text),
	TEXT("ports", struct raw, ports),
	LIST(external, &external),
	TEXT("realm", struct raw, realm),
	LIST(users, &user),
	LIST(secrets, &text),
	LIST(allow_peers, &text),
	LIST(deny_peers, &text),
	TEXT("dataplane", struct raw, dataplane),
	TEXT("workers", struct raw, workers),
	CYAML_FIELD_MAPPING("dpdk", CYAML_FLAG_OPTIONAL, struct raw, dpdk, dpdk_fields),
	CYAML_FIELD_MAPPING("redirect", CYAML_FLAG_OPTIONAL, struct raw, redirect, redirect_fields),
	CYAML_FIELD_MAPPING("xdp", CYAML_FLAG_OPTIONAL, struct raw, xdp, xdp_fields),
	CYAML_FIELD_MAPPING("sockets", CYAML_FLAG_OPTIONAL, struct raw, sockets, sockets_fields),
	CYAML_FIELD_MAPPING("limits", CYAML_FLAG_OPTIONAL, struct raw, limits, limit_fields),
	CYAML_FIELD_MAPPING(
		"abuse_log", CYAML_FLAG_OPTIONAL, struct raw, abuse_log, abuse_log_fields),
	CYAML_FIELD_MAPPING("run_as", CYAML_FLAG_OPTIONAL, struct raw, run_as, run_as_fields),
	TEXT("channel_numbers", struct raw, channel_numbers),
	TEXT("mobility", struct raw, mobility),
	TEXT("nat_discovery", struct raw, nat_discovery),
	TEXT("control_socket", struct raw, control_socket),
	TEXT("software", struct raw, software),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t top = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, fields)};

// libcyaml's allocator: what it frees or moves may have been a password.
static void *wiping(void *, void *old, size_t size)
{
	size_t had = old ? malloc_usable_size(old) : 0;
	void *new;

	if (!size) {
		if (old)
			explicit_bzero(old, had);
		free(old);
		return NULL;
	}
	if (size <= had)
		return old;
	new = malloc(size);
	if (!new)
		return NULL;
	if (old) {
		memcpy(new, old, had);
		explicit_bzero(old, had);
		free(old);
	}
	return new;
}

static const cyaml_config_t quiet = {.mem_fn = wiping, .log_level = CYAML_LOG_ERROR};

int raw_load(struct raw **out, const char *yaml, size_t length, struct place *place)
{
	struct backtrace backtrace = {0};
	cyaml_config_t config = quiet;
	cyaml_err_t err;

	*out = NULL;
	config.log_fn = backtrace_log;
	config.log_ctx = &backtrace;
	config.flags = CYAML_CFG_NO_ALIAS;
	err = cyaml_load_data((const uint8_t *)yaml, length, &config, &top, (void **)out, NULL);
	if (err == CYAML_ERR_OOM)
		return -ENOMEM;
	if (err != CYAML_OK) {
		backtrace_complain(&backtrace, place, cyaml_strerror(err));
		return -EINVAL;
	}
	if (!*out)
		*out = wiping(NULL, NULL, sizeof(**out));
	else
		return 0;
	if (!*out)
		return -ENOMEM;
	memset(*out, 0, sizeof(**out));
	return 0;
}

void raw_free(struct raw *raw)
{
	if (raw)
		cyaml_free(&quiet, &top, raw, 0);
}
