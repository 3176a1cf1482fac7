// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <glob.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "host.h"

bool host_is_loopback(const struct tp_ip *ip)
{
	static const struct tp_ip six = {.b = {[15] = 1}};

	return tp_ip_is4(ip) ? ip->b[12] == 127 : tp_ip_equal(ip, &six);
}

bool host_is_link_local(const struct tp_ip *ip)
{
	if (tp_ip_is4(ip))
		return ip->b[12] == 169 && ip->b[13] == 254;
	return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

bool host_has(const struct host *host, const struct tp_ip *ip)
{
	for (size_t i = 0; i < host->count; i++)
		if (tp_ip_equal(&host->address[i], ip))
			return true;
	return false;
}

bool host_has_interface(const struct host *host, const char *name)
{
	for (size_t i = 0; i < host->interfaces; i++)
		if (strcmp(host->interface[i], name) == 0)
			return true;
	return !host->interfaces;
}

bool host_reserves(const struct host *host, uint16_t port)
{
	return host->reserved[port / 8] & (1u << port % 8);
}

void host_parse_reserved(const char *text, uint8_t reserved[65536 / 8])
{
	unsigned long low, high;
	char *end;

	while (*text >= '0' && *text <= '9') {
		low = high = strtoul(text, &end, 10);
		if (*end == '-')
			high = strtoul(end + 1, &end, 10);
		for (unsigned long p = low; p <= high && p < 65536; p++)
			reserved[p / 8] |= (uint8_t)(1u << p % 8);
		text = end + (*end == ',');
	}
}

static bool from_sockaddr(const struct sockaddr *sa, struct tp_ip *out)
{
	if (sa && sa->sa_family == AF_INET) {
		struct sockaddr_in four;

		memcpy(&four, sa, sizeof(four));
		*out = tp_ip4(four.sin_addr.s_addr);
		return true;
	}
	if (sa && sa->sa_family == AF_INET6) {
		struct sockaddr_in6 six;

		memcpy(&six, sa, sizeof(six));
		memcpy(out->b, &six.sin6_addr, sizeof(out->b));
		return true;
	}
	return false;
}

static void read_addresses(struct host *host)
{
	struct ifaddrs *list;
	struct tp_ip ip;

	if (getifaddrs(&list) < 0)
		return;
	for (struct ifaddrs *i = list; i && host->count < HOST_ADDRESSES_MAX; i = i->ifa_next)
		if (from_sockaddr(i->ifa_addr, &ip) && !host_is_link_local(&ip) &&
			!host_has(host, &ip))
			host->address[host->count++] = ip;
	freeifaddrs(list);
}

static void read_interfaces(struct host *host)
{
	struct if_nameindex *list = if_nameindex();
	size_t n = 0;

	for (; list && list[n].if_index && n < HOST_INTERFACES_MAX; n++)
		snprintf(host->interface[n], sizeof(host->interface[n]), "%s", list[n].if_name);
	// There are more of them than can be told.
	if (list && list[n].if_index)
		n = 0;
	host->interfaces = n;
	if (list)
		if_freenameindex(list);
}

// Connecting a UDP socket sends nothing: it makes the kernel look up the route and choose a source.
static struct tp_ip source_towards(const struct sockaddr *to, socklen_t length)
{
	struct sockaddr_storage from = {0};
	socklen_t size = sizeof(from);
	struct tp_ip none = {0}, ip;
	int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return none;
	if (connect(fd, to, length) < 0 || getsockname(fd, (struct sockaddr *)&from, &size) < 0 ||
		!from_sockaddr((struct sockaddr *)&from, &ip) || host_is_link_local(&ip) ||
		host_is_loopback(&ip))
		ip = none;
	close(fd);
	return ip;
}

static void read_sources(struct host *host)
{
	// Documentation addresses (RFC 5737, RFC 3849): as far away as the internet, and nobody's.
	struct sockaddr_in four = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0xc0000201)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
		.sin6_port = htons(9),
		.sin6_addr.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};

	host->source4 = source_towards((struct sockaddr *)&four, sizeof(four));
	host->source6 = source_towards((struct sockaddr *)&six, sizeof(six));
}

static bool read_line(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "re");
	bool ok;

	if (!file)
		return false;
	ok = fgets(out, (int)size, file) != NULL;
	fclose(file);
	return ok;
}

static void read_sysctls(struct host *host)
{
	char line[8192];
	unsigned int low, high;

	if (read_line("/proc/sys/net/ipv4/ip_local_port_range", line, sizeof(line)) &&
		sscanf(line, "%u %u", &low, &high) == 2 && low <= 65535 && high <= 65535) {
		host->ephemeral_min = (uint16_t)low;
		host->ephemeral_max = (uint16_t)high;
	}
	if (read_line("/proc/sys/net/ipv4/ip_local_reserved_ports", line, sizeof(line)))
		host_parse_reserved(line, host->reserved);
	host->unprivileged_port = 1024;
	if (read_line("/proc/sys/net/ipv4/ip_unprivileged_port_start", line, sizeof(line)) &&
		sscanf(line, "%u", &low) == 1 && low <= 65535)
		host->unprivileged_port = (uint16_t)low;
}

static bool has_huge_pages(void)
{
	char line[32];
	bool found = false;
	glob_t sizes;

	if (glob("/sys/kernel/mm/hugepages/*/nr_hugepages", 0, NULL, &sizes) != 0)
		return false;
	for (size_t i = 0; i < sizes.gl_pathc; i++)
		found |= read_line(sizes.gl_pathv[i], line, sizeof(line)) && atoi(line) > 0;
	globfree(&sizes);
	return found;
}

void host_read(struct host *host)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct rlimit limit;
	int cores = get_nprocs();

	*host = (struct host){.cores = cores > 0 ? (uint32_t)cores : 1};
	host->privileged = geteuid() == 0;
	read_addresses(host);
	read_interfaces(host);
	read_sources(host);
	read_sysctls(host);
	host->huge_pages = has_huge_pages();
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		host->descriptors = limit.rlim_max;
	if (host->privileged)
		snprintf(host->runtime, sizeof(host->runtime), "/run/turnpike");
	else if (runtime && *runtime == '/' && strlen(runtime) < sizeof(host->runtime) - 10)
		snprintf(host->runtime, sizeof(host->runtime), "%.*s/turnpike",
			(int)sizeof(host->runtime) - 10, runtime);
	else
		snprintf(host->runtime, sizeof(host->runtime), "/tmp/turnpike-%u",
			(unsigned int)geteuid());
}
