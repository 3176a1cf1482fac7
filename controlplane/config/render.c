// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <turnpike/wire.h>

#include "render.h"
#include "text.h"

// One character of UTF-8, which libyaml has checked.
static const unsigned char *decode(const unsigned char *c, uint32_t *out)
{
	int more = *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : *c >= 0xc0 ? 1 : 0;

	*out = more ? *c & (0x3fu >> more) : *c;
	for (c++; more && *c; more--, c++)
		*out = *out << 6 | (*c & 0x3fu);
	return c;
}

// A double-quoted scalar (YAML 1.2 section 7.3.1) of ASCII alone: line ends and control characters that
// Unicode has beyond ASCII would be folded or refused as they are.
static void quote(const char *text, FILE *out)
{
	const unsigned char *c = (const unsigned char *)text;
	uint32_t u;

	fputc('"', out);
	while (*c) {
		c = decode(c, &u);
		if (u == '"' || u == '\\')
			fprintf(out, "\\%c", (int)u);
		else if (u < 0x20 || u > 0x7e)
			fprintf(out, "\\U%08x", u);
		else
			fputc((int)u, out);
	}
	fputc('"', out);
}

static void field(const char *key, const char *text, FILE *out)
{
	fprintf(out, "%s: ", key);
	quote(text, out);
	fputc('\n', out);
}

// A list in a line of its own.
static void render_texts(const char *key, char *const *texts, size_t count, FILE *out)
{
	fprintf(out, "%s: [", key);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		quote(texts[i], out);
	}
	fputs("]\n", out);
}

static void render_addresses(const struct config *config, FILE *out)
{
	char text[TEXT_ENDPOINT];

	fprintf(out, "listen:\n");
	for (size_t i = 0; i < config->listen_count; i++)
		fprintf(out, "- \"%s\"\n", text_endpoint(&config->listen[i], text));
	fprintf(out, "relay:\n");
	for (size_t i = 0; i < config->relay_count; i++)
		fprintf(out, "- \"%s\"\n", text_ip(&config->relay[i], text));
	fprintf(out, "ports: %u-%u\n", config->port_min, config->port_max);
	fprintf(out, "external:%s\n", config->external_count ? "" : " []");
	for (size_t i = 0; i < config->external_count; i++) {
		fprintf(out, "- public: \"%s\"\n", text_ip(&config->external[i].public_, text));
		fprintf(out, "  local: \"%s\"\n", text_ip(&config->external[i].local, text));
	}
}

static void render_credentials(const struct config *config, FILE *out)
{
	field("realm", config->realm, out);
	fprintf(out, "users:%s\n", config->users_count ? "" : " []");
	for (size_t i = 0; i < config->users_count; i++) {
		const struct config_user *u = &config->users[i];

		field("- name", u->name, out);
		if (u->password)
			field("  password", u->password, out);
		if (u->key)
			field("  key", u->key, out);
		if (u->key_sha256)
			field("  key_sha256", u->key_sha256, out);
	}
	render_texts("secrets", config->secrets, config->secrets_count, out);
}

static void render_redirect(const struct config_redirect *r, FILE *out)
{
	char text[TEXT_ENDPOINT];

	fprintf(out, "redirect:\n  servers:%s\n", r->servers_count ? "" : " []");
	for (size_t i = 0; i < r->servers_count; i++)
		fprintf(out, "  - \"%s\"\n", text_endpoint(&r->servers[i], text));
	field("  domain", r->domain, out);
}

static void render_dpdk(const struct config_dpdk *d, FILE *out)
{
	fprintf(out, "dpdk:\n");
	render_texts("  eal", d->eal, d->eal_count, out);
	render_texts("  ports", d->ports, d->ports_count, out);
	render_texts("  interfaces", d->interfaces, d->interfaces_count, out);
	fprintf(out, "  exception: %s\n", config_exception_name(d->exception));
	fprintf(out, "  burst: %u\n  rx_ring: %u\n  tx_ring: %u\n  mbufs: %u\n", d->burst,
		d->rx_ring, d->tx_ring, d->mbufs);
	fprintf(out, "  huge_pages: %s\n  mtu: %u\n  idle_polls: %u\n  idle_latency: %u\n",
		d->huge_pages ? "true" : "false", d->mtu, d->idle_polls, d->idle_latency);
	fprintf(out, "  placement: %s\n  steering: %s\n  rss_hash: %s\n",
		config_placement_name(d->placement), config_steering_name(d->steering),
		config_rss_hash_name(d->rss_hash));
	if (d->rss_key)
		field("  rss_key", d->rss_key, out);
	fprintf(out, "  rss_table: [");
	for (uint32_t i = 0; i < d->rss_table_count; i++)
		fprintf(out, "%s%u", i ? ", " : "", d->rss_table[i]);
	fprintf(out, "]\n");
}

static void render_xdp(const struct config_xdp *x, FILE *out)
{
	fprintf(out, "xdp:\n");
	render_texts("  interfaces", x->interfaces, x->interfaces_count, out);
	fprintf(out, "  mode: %s\n", config_xdp_mode_name(x->mode));
}

static void render_peers(const char *key, const struct config_cidr *list, size_t count, FILE *out)
{
	char text[TEXT_ENDPOINT];

	fprintf(out, "%s:%s\n", key, count ? "" : " []");
	for (size_t i = 0; i < count; i++)
		fprintf(out, "- \"%s\"\n", text_cidr(&list[i], text));
}

static void render_abuse_log(const struct config_abuse_log *a, FILE *out)
{
	fprintf(out, "abuse_log:\n");
	field("  file", a->file, out);
	fprintf(out, "  max_size: %" PRIu64 "\n  files: %u\n  per_second: %u\n", a->max_size,
		a->files, a->per_second);
}

static void render_limits(const struct config_limits *l, FILE *out)
{
	fprintf(out, "limits:\n  allocations: %u\n", l->allocations);
#define LIMIT(key) fprintf(out, "  " #key ": %u\n", l->key)
	LIMIT(allocations_per_user);
	LIMIT(allocations_per_address);
	LIMIT(unauthenticated_per_second);
	LIMIT(network_unauthenticated_per_second);
	LIMIT(permissions_per_allocation);
	LIMIT(channels_per_allocation);
	LIMIT(permissions_per_user);
	LIMIT(channels_per_user);
	LIMIT(new_peers_per_second);
	LIMIT(user_new_peers_per_second);
	if (!l->packets_per_second_spared)
		LIMIT(packets_per_second);
	LIMIT(user_packets_per_second);
#undef LIMIT
	if (!l->bits_per_second_spared)
		fprintf(out, "  bits_per_second: %" PRIu64 "\n", l->bits_per_second);
	fprintf(out, "  user_bits_per_second: %" PRIu64 "\n", l->user_bits_per_second);
}

static void render_run_as(const struct config_run_as *as, FILE *out)
{
	fprintf(out, "run_as:\n");
	if (as->control)
		field("  control", as->control, out);
	if (as->dataplane)
		field("  dataplane", as->dataplane, out);
	if (as->operators)
		field("  operators", as->operators, out);
}

int config_render(const struct config *config, FILE *out)
{
	render_addresses(config, out);
	render_credentials(config, out);
	render_peers("allow_peers", config->allow_peers, config->allow_peers_count, out);
	render_peers("deny_peers", config->deny_peers, config->deny_peers_count, out);
	fprintf(out, "dataplane: %s\n", config_dataplane_name(config->dataplane));
	fprintf(out, "workers: %u\n", config->workers);
	if (config->dataplane == CONFIG_DATAPLANE_DPDK)
		render_dpdk(&config->dpdk, out);
	if (config_uses_xdp(config))
		render_xdp(&config->xdp, out);
	if (config->dataplane != CONFIG_DATAPLANE_DPDK)
		fprintf(out, "sockets:\n  raw: %s\n", config->raw_sending ? "true" : "false");
	render_limits(&config->limits, out);
	render_redirect(&config->redirect, out);
	if (config->abuse_log.file)
		render_abuse_log(&config->abuse_log, out);
	if (config->run_as.control || config->run_as.dataplane || config->run_as.operators)
		render_run_as(&config->run_as, out);
	fprintf(out, "channel_numbers: %s\n",
		config->channel_max == TP_CHANNEL_MAX ? "rfc8656" : "rfc5766");
	fprintf(out, "nat_discovery: %s\n", config->nat_discovery ? "on" : "off");
	fprintf(out, "mobility: %s\n", config->mobility_forbidden ? "forbidden" : "allowed");
	field("control_socket", config->control_socket, out);
	field("software", config->software, out);
	return fflush(out) ? -errno : 0;
}
