// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resolve.h"

#define FILE_MAX (4u << 20) // bytes; more is no configuration

int config_parse_on(struct config **out, const char *yaml, size_t length, const char *name,
	const struct host *host, FILE *errors)
{
	struct config *config = calloc(1, sizeof(*config));
	struct raw *raw = NULL;
	struct place place;
	int err;

	*out = NULL;
	err = place_open(&place, yaml, length, name, errors);
	if (!err)
		err = config ? raw_load(&raw, yaml, length, &place) : -ENOMEM;
	if (!err)
		err = config_resolve(config, raw, host, &place);
	if (!err && !place.complaints)
		config_check(config, &place);
	if (!err && place.complaints)
		err = -EINVAL;
	if (err == -ENOMEM)
		fprintf(errors, "%s: there is not enough memory to read it.\n", name);
	raw_free(raw);
	place_close(&place);
	if (err)
		config_free(config);
	else
		*out = config;
	return err;
}

int config_parse(
	struct config **out, const char *yaml, size_t length, const char *name, FILE *errors)
{
	struct host *host = malloc(sizeof(*host));
	int err;

	*out = NULL;
	if (!host)
		return -ENOMEM;
	host_read(host);
	err = config_parse_on(out, yaml, length, name, host, errors);
	free(host);
	return err;
}

// Reads a whole file of at most FILE_MAX bytes.
static int read_file(const char *path, char **out, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(FILE_MAX + 1);
	size_t have = 0;
	ssize_t n = 0;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (!text) {
		err = -ENOMEM;
		goto out;
	}
	// pread: the file may be a memfd whose offset is shared with another program.
	while (have <= FILE_MAX &&
		(n = pread(fd, text + have, FILE_MAX + 1 - have, (off_t)have)) > 0)
		have += (size_t)n;
	if (n < 0)
		err = -errno;
	else if (have > FILE_MAX)
		err = -EFBIG;
out:
	close(fd);
	if (err) {
		free(text);
		return err;
	}
	*out = text;
	*length = have;
	return 0;
}

int config_load(struct config **out, const char *path, FILE *errors)
{
	size_t length = 0;
	char *text = NULL;
	int err;

	*out = NULL;
	err = read_file(path, &text, &length);
	if (err) {
		fprintf(errors, "%s: the configuration can't be read: %s.\n", path, strerror(-err));
		return err;
	}
	err = config_parse(out, text, length, path, errors);
	explicit_bzero(text, length);
	free(text);
	return err;
}

const char *config_dataplane_name(enum config_dataplane dataplane)
{
	static const char *const names[] = {"auto", "xdp", "sockets", "dpdk"};

	return names[dataplane];
}

const char *config_exception_name(enum config_exception exception)
{
	static const char *const names[] = {"tap", "virtio-user", "none"};

	return names[exception];
}

const char *config_placement_name(enum config_placement placement)
{
	static const char *const names[] = {"auto", "every", "owner"};

	return names[placement];
}

const char *config_steering_name(enum config_steering steering)
{
	static const char *const names[] = {"auto", "rules", "rss", "bits"};

	return names[steering];
}

const char *config_rss_hash_name(enum config_rss_hash hash)
{
	static const char *const names[] = {"4-tuple", "destination", "destination-port"};

	return names[hash];
}

const char *config_xdp_mode_name(enum config_xdp_mode mode)
{
	static const char *const names[] = {"auto", "native", "generic"};

	return names[mode];
}

bool config_uses_xdp(const struct config *config)
{
	return config->dataplane == CONFIG_DATAPLANE_AUTO ||
	       config->dataplane == CONFIG_DATAPLANE_XDP;
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void config_forget_secrets(struct config *config)
{
	for (size_t i = 0; i < config->users_count; i++) {
		wipe(config->users[i].password);
		wipe(config->users[i].key);
		wipe(config->users[i].key_sha256);
		config->users[i].password = config->users[i].key = NULL;
		config->users[i].key_sha256 = NULL;
	}
	for (size_t i = 0; i < config->secrets_count; i++)
		wipe(config->secrets[i]);
	config->secrets_count = 0;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	config_forget_secrets(config);
	for (size_t i = 0; i < config->users_count; i++)
		free(config->users[i].name);
	free(config->users);
	free(config->secrets);
	free(config->listen);
	free(config->relay);
	free(config->external);
	free(config->allow_peers);
	free(config->deny_peers);
	free_texts(config->dpdk.eal, config->dpdk.eal_count);
	free_texts(config->dpdk.ports, config->dpdk.ports_count);
	free_texts(config->dpdk.interfaces, config->dpdk.interfaces_count);
	free(config->redirect.servers);
	free(config->redirect.domain);
	free(config->dpdk.rss_key);
	free_texts(config->xdp.interfaces, config->xdp.interfaces_count);
	free(config->realm);
	free(config->software);
	free(config->control_socket);
	free(config->abuse_log.file);
	free(config->run_as.control);
	free(config->run_as.dataplane);
	free(config->run_as.operators);
	free(config);
}
