// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../config/host.h"
#include "../config/text.h"
#include "users.h"

#define CONTROL_USER "turnpike-control"
#define DATAPLANE_USER "turnpike-dataplane"
#define OPERATORS_GROUP "turnpike"
// Where this host has no users for us: numbers of systemd's range of dynamic users, which are nobody's for long.
#define NUMBER_FIRST 65430u
#define NUMBER_LAST 65519u

// A name, or a number as chown(1) takes it.
static bool find_user(const char *name, struct confine_identity *out)
{
	const struct passwd *user = getpwnam(name);
	uint64_t number;

	if (user) {
		out->uid = user->pw_uid;
		out->gid = user->pw_gid;
		return true;
	}
	if (!text_to_number(name, UINT32_MAX - 1, &number))
		return false;
	user = getpwuid((uid_t)number);
	out->uid = (uid_t)number;
	out->gid = user ? user->pw_gid : (gid_t)number;
	return true;
}

static bool find_group(const char *name, gid_t *out)
{
	const struct group *group = getgrnam(name);
	uint64_t number;

	if (!group && !text_to_number(name, UINT32_MAX - 1, &number))
		return false;
	*out = group ? group->gr_gid : (gid_t)number;
	return true;
}

// A number that nobody has, but this one.
static void take_number(struct confine_identity *out, uid_t but)
{
	uid_t n = NUMBER_FIRST;

	while (n < NUMBER_LAST && (n == but || getpwuid(n) || getgrgid(n)))
		n++;
	out->uid = n;
	out->gid = n;
}

static int choose_user(const char *key, const char *name, const char *usual,
	struct confine_identity *out, uid_t but, const char *who, FILE *errors)
{
	if (!find_user(name ? name : usual, out)) {
		if (name) {
			fprintf(errors,
				"%s: run_as.%s: this host has no user \"%s\": make it (adduser "
				"--system), or name another.\n",
				who, key, name);
			return -ENOENT;
		}
		take_number(out, but);
	}
	if (out->uid != 0 && out->uid != but)
		return 0;
	fprintf(errors, "%s: run_as.%s: \"%s\" is %s.\n", who, key, name ? name : usual,
		out->uid ? "another program's user" : "root");
	return -ENOENT;
}

int users_find(struct users *users, const struct config *config, const char *who, FILE *out)
{
	const struct config_run_as *as = &config->run_as;
	int err;

	*users = (struct users){.dataplane.capabilities = users_dataplane_capabilities(config)};
	err = choose_user("control", as->control, CONTROL_USER, &users->control, 0, who, out);
	if (!err)
		err = choose_user("dataplane", as->dataplane, DATAPLANE_USER, &users->dataplane,
			users->control.uid, who, out);
	if (err)
		return err;
	if (!find_group(as->operators ? as->operators : OPERATORS_GROUP, &users->operators)) {
		if (as->operators) {
			fprintf(out,
				"%s: run_as.operators: this host has no group \"%s\": make it "
				"(addgroup --system), or name another.\n",
				who, as->operators);
			return -ENOENT;
		}
		users->operators = 0;
	}
	users->separate = confine_may_become() && confine_is_mapped(&users->control) &&
			  confine_is_mapped(&users->dataplane);
	return 0;
}

#define NAME 64u

// A name, or the number of who has none.
static const char *named(const char *name, unsigned int number, char out[NAME])
{
	if (name)
		snprintf(out, NAME, "%s", name);
	else
		snprintf(out, NAME, "%u", number);
	return out;
}

static const char *user_name(uid_t uid, char out[NAME])
{
	const struct passwd *user = getpwuid(uid);

	return named(user ? user->pw_name : NULL, uid, out);
}

static const char *group_name(gid_t gid, char out[NAME])
{
	const struct group *group = getgrgid(gid);

	return named(group ? group->gr_name : NULL, gid, out);
}

void users_tell(const struct users *users, FILE *out)
{
	char control[NAME], dataplane[NAME], operators[NAME];

	if (!users->separate) {
		fprintf(out,
			"users: all programs run as %s, for only root can start them as "
			"others\n",
			user_name(geteuid(), control));
		return;
	}
	fprintf(out, "users: turnpike-control is %s, the dataplane is %s; turnpikectl is for root",
		user_name(users->control.uid, control), user_name(users->dataplane.uid, dataplane));
	if (users->operators)
		fprintf(out, " and group %s", group_name(users->operators, operators));
	fputc('\n', out);
}

static bool has_low_ports(const struct config *config)
{
	struct host *host = malloc(sizeof(*host));
	bool low = true;

	if (!host)
		return low;
	host_read(host);
	low = config->port_min < host->unprivileged_port;
	for (size_t i = 0; i < config->listen_count; i++)
		low |= config->listen[i].port < host->unprivileged_port;
	free(host);
	return low;
}

// A PCI address, "0000:03:00.0": anything else is a virtual device.
static bool is_pci(const char *port)
{
	return port[strspn(port, "0123456789abcdefABCDEF")] == ':';
}

// README.md of dataplane/dpdk lists what takes which.
static uint64_t dpdk_capabilities(const struct config_dpdk *d)
{
	uint64_t set = CONFINE_BIT(CAP_NET_ADMIN);

	for (size_t i = 0; i < d->ports_count; i++) {
		if (strncmp(d->ports[i], "net_af_xdp", 10) == 0)
			set |= CONFINE_BIT(CAP_NET_RAW) | CONFINE_BIT(CAP_BPF) |
			       CONFINE_BIT(CAP_PERFMON) | CONFINE_BIT(CAP_IPC_LOCK) |
			       CONFINE_BIT(CAP_SYS_ADMIN); // libxdp asks for programs by number
		else if (strncmp(d->ports[i], "net_af_packet", 13) == 0)
			set |= CONFINE_BIT(CAP_NET_RAW);
		else if (is_pci(d->ports[i]))
			set |= CONFINE_BIT(CAP_NET_RAW) | CONFINE_BIT(CAP_IPC_LOCK) |
			       CONFINE_BIT(CAP_SYS_RAWIO) | CONFINE_BIT(CAP_DAC_OVERRIDE);
	}
	if (d->exception == CONFIG_EXCEPTION_VIRTIO_USER)
		set |= CONFINE_BIT(CAP_DAC_OVERRIDE); // /dev/vhost-net
	return set;
}

uint64_t users_dataplane_capabilities(const struct config *config)
{
	uint64_t set = has_low_ports(config) ? CONFINE_BIT(CAP_NET_BIND_SERVICE) : 0;

	if (config->dataplane == CONFIG_DATAPLANE_DPDK)
		return set | dpdk_capabilities(&config->dpdk);
	if (config_uses_xdp(config))
		set |= CONFINE_BIT(CAP_BPF) | CONFINE_BIT(CAP_PERFMON);
	if (config->raw_sending)
		set |= CONFINE_BIT(CAP_NET_RAW);
	// Buffers of listening sockets beyond net.core.rmem_max; with XDP also programs and
	// neighbours, with raw sending these.
	return set | CONFINE_BIT(CAP_NET_ADMIN);
}

uint64_t users_launcher_capabilities(const struct config *config)
{
	// CAP_SYS_PTRACE: pidfd_getfd() at adoption. CAP_DAC_READ_SEARCH: programs may lie in a user's home.
	return CONFINE_BIT(CAP_SETUID) | CONFINE_BIT(CAP_SETGID) | CONFINE_BIT(CAP_SETPCAP) |
	       CONFINE_BIT(CAP_KILL) | CONFINE_BIT(CAP_SYS_PTRACE) |
	       CONFINE_BIT(CAP_DAC_READ_SEARCH) | users_dataplane_capabilities(config);
}
