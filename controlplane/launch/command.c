// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <turnpike/segment.h>

#include "../config/text.h"
#include "command.h"
#include "launcher.h"

#define ARGUMENTS_MAX \
	(2u * (TP_SERVERS_MAX + TP_RELAYS_MAX + CONFIG_EAL_MAX + 2u * CONFIG_DPDK_PORTS_MAX + \
		      CONFIG_XDP_INTERFACES_MAX) + \
		64u)

// The program of this name beside our own executable.
static char *beside(const char *name)
{
	char self[4096], *path = NULL, *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return NULL;
	self[n] = 0;
	slash = strrchr(self, '/');
	if (!slash || asprintf(&path, "%.*s/%s", (int)(slash - self), self, name) < 0)
		return NULL;
	return path;
}

struct arguments {
	char **list;
	size_t count;
	bool failed;
};

[[gnu::format(printf, 2, 3)]] static void add(struct arguments *a, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (a->count + 1 >= ARGUMENTS_MAX || vasprintf(&a->list[a->count], format, list) < 0)
		a->failed = true;
	else
		a->count++;
	va_end(list);
}

static int begin(struct arguments *a, struct spawn *spawn, const char *name)
{
	*a = (struct arguments){.list = calloc(ARGUMENTS_MAX, sizeof(char *))};
	*spawn = (struct spawn){.path = beside(name), .argv = a->list};
	if (!a->list || !spawn->path)
		return -ENOMEM;
	add(a, "%s", name);
	return 0;
}

int command_control(struct spawn *spawn, const struct runtime *runtime, const struct users *users)
{
	struct arguments a;

	if (begin(&a, spawn, CONTROL_NAME) < 0)
		return -ENOMEM;
	spawn->as = users->separate ? &users->control : NULL;
	spawn->fds[0] = runtime->link_fd;
	spawn->fds[1] = runtime->control_fd;
	spawn->fds[2] = runtime->vault_fd;
	spawn->fds[3] = runtime->config_fd;
	spawn->fds_count = 4;
	spawn->fd_names = "link:control:vault:config";
	add(&a, "--config");
	add(&a, "/proc/self/fd/%d", SPAWN_FD_FIRST + 3);
	return a.failed ? -ENOMEM : 0;
}

static void add_relay(struct arguments *a, const struct config *config, const struct tp_ip *local)
{
	char text[TEXT_IP], public[TEXT_IP];

	add(a, "--relay");
	for (size_t i = 0; i < config->external_count; i++)
		if (tp_ip_equal(&config->external[i].local, local)) {
			add(a, "%s=%s", text_ip(local, text),
				text_ip(&config->external[i].public_, public));
			return;
		}
	add(a, "%s", text_ip(local, text));
}

static void add_number(struct arguments *a, const char *option, uint32_t n)
{
	add(a, "%s", option);
	add(a, "%u", n);
}

static void add_word(struct arguments *a, const char *option, const char *word)
{
	add(a, "%s", option);
	add(a, "%s", word);
}

static void add_steering(struct arguments *a, const struct config_dpdk *d)
{
	char table[4 * CONFIG_RSS_TABLE_MAX] = "";
	size_t used = 0;

	add_word(a, "--placement", config_placement_name(d->placement));
	add_word(a, "--steering", config_steering_name(d->steering));
	if (!d->rss_key)
		return;
	add_word(a, "--rss-key", d->rss_key);
	add_word(a, "--rss-hash", config_rss_hash_name(d->rss_hash));
	for (uint32_t i = 0; i < d->rss_table_count; i++)
		used += (size_t)snprintf(
			table + used, sizeof(table) - used, "%s%u", i ? "," : "", d->rss_table[i]);
	if (used)
		add_word(a, "--rss-table", table);
}

static void add_dpdk(struct arguments *a, const struct config_dpdk *d)
{
	for (size_t i = 0; i < d->ports_count; i++) {
		bool named = i < d->interfaces_count;

		add(a, "--port");
		add(a, "%s", d->ports[i]);
		add(a, "--exception");
		add(a, "%s%s%s", config_exception_name(d->exception), named ? "," : "",
			named ? d->interfaces[i] : "");
	}
	for (size_t i = 0; i < d->eal_count; i++) {
		add(a, "--eal");
		add(a, "%s", d->eal[i]);
	}
	add_number(a, "--burst", d->burst);
	add_number(a, "--rx-ring", d->rx_ring);
	add_number(a, "--tx-ring", d->tx_ring);
	if (d->mbufs)
		add_number(a, "--mbufs", d->mbufs);
	if (d->mtu)
		add_number(a, "--mtu", d->mtu);
	add_number(a, "--idle-polls", d->idle_polls);
	add_number(a, "--idle-latency", d->idle_latency);
	add_steering(a, d);
	if (!d->huge_pages)
		add(a, "--no-huge");
}

static void add_xdp(struct arguments *a, const struct config_xdp *x)
{
	add(a, "--xdp");
	add(a, "%s", config_xdp_mode_name(x->mode));
	for (size_t i = 0; i < x->interfaces_count; i++) {
		add(a, "--interface");
		add(a, "%s", x->interfaces[i]);
	}
}

const char *command_dataplane_name(const struct config *config)
{
	return config->dataplane == CONFIG_DATAPLANE_DPDK ? DPDK_NAME : KERNEL_NAME;
}

int command_check(const struct config *config, const char *who, FILE *out)
{
	char *path = beside(command_dataplane_name(config));
	int err = path ? 0 : -ENOMEM;

	// What can't be run for another reason says so itself when it is started.
	if (path && config->dataplane == CONFIG_DATAPLANE_DPDK && access(path, F_OK) < 0) {
		fprintf(out,
			"%s: dataplane: dpdk needs %s, which was not built: install "
			"libdpdk-dev and libmnl-dev and build again, or set dataplane: auto.\n",
			who, path);
		err = -ENOENT;
	}
	free(path);
	return err;
}

int command_dataplane(struct spawn *spawn, const struct config *config,
	const struct runtime *runtime, const struct users *users)
{
	char text[TEXT_ENDPOINT];
	struct arguments a;

	if (begin(&a, spawn, command_dataplane_name(config)) < 0)
		return -ENOMEM;
	spawn->as = users->separate ? &users->dataplane : NULL;
	spawn->many_descriptors = config->dataplane != CONFIG_DATAPLANE_DPDK;
	add(&a, "--link");
	add(&a, "%s", runtime->link);
	for (size_t i = 0; i < config->listen_count; i++) {
		add(&a, "--listen");
		add(&a, "%s", text_endpoint(&config->listen[i], text));
	}
	for (size_t i = 0; i < config->relay_count; i++)
		add_relay(&a, config, &config->relay[i]);
	add(&a, "--ports");
	add(&a, "%u-%u", config->port_min, config->port_max);
	add_number(&a, "--workers", config->workers);
	add_number(&a, "--allocations", config->limits.allocations);
	add_number(&a, "--peers", tp_peers_for(config->limits.allocations));
	add(&a, "--channel-max");
	add(&a, "0x%x", config->channel_max);
	if (config->dataplane == CONFIG_DATAPLANE_DPDK)
		add_dpdk(&a, &config->dpdk);
	if (config_uses_xdp(config))
		add_xdp(&a, &config->xdp);
	if (config->raw_sending && config->dataplane != CONFIG_DATAPLANE_DPDK)
		add(&a, "--raw");
	return a.failed ? -ENOMEM : 0;
}

void command_free(struct spawn *spawn)
{
	for (char *const *a = spawn->argv; a && *a; a++)
		free(*a);
	free((void *)spawn->argv);
	free((void *)spawn->path);
	*spawn = (struct spawn){0};
}
