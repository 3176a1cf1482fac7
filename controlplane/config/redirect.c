// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// redirect: where new allocations are sent.

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "text.h"

#define DOMAIN_MAX 255u // characters (RFC 8489 section 14.16)
#define LABEL_MAX 63u // characters (RFC 1123)

// A host name of letters, digits and inner hyphens in labels between dots.
static bool is_domain(const char *text)
{
	size_t label = 0;

	if (strlen(text) > DOMAIN_MAX)
		return false;
	for (const char *c = text;; c++) {
		if (*c == '.' || !*c) {
			if (!label || label > LABEL_MAX || c[-1] == '-')
				return false;
			if (!*c)
				return true;
			label = 0;
		} else if (isalnum((unsigned char)*c) || (*c == '-' && label)) {
			label++;
		} else {
			return false;
		}
	}
}

static bool listens(const struct config *config, const struct tp_endpoint *e)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (tp_endpoint_equal(&config->listen[i], e))
			return true;
	return false;
}

int resolve_redirect(struct config *config, const struct raw *raw, struct place *place)
{
	const struct raw_redirect *r = &raw->redirect;
	struct config_redirect *out = &config->redirect;
	struct tp_endpoint e;
	char path[64];

	out->domain = strdup(r->domain ? r->domain : "");
	out->servers = calloc(r->servers_count + 1, sizeof(*out->servers));
	if (!out->domain || !out->servers)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->servers_count; i++) {
		snprintf(path, sizeof(path), "redirect.servers[%u]", i);
		if (!text_to_endpoint(r->servers[i], &e))
			place_complain(place, path,
				"\"%s\" is not ADDRESS:PORT, such as 192.0.2.1:3478 or "
				"[2001:db8::1]:3478.",
				r->servers[i]);
		else if (listens(config, &e))
			place_complain(place, path,
				"%s is an address of `listen`: clients would come back here.",
				r->servers[i]);
		else
			out->servers[out->servers_count++] = e;
	}
	if (*out->domain && !is_domain(out->domain))
		place_complain(
			place, "redirect.domain", "\"%s\" is not a domain name.", out->domain);
	if (*out->domain && !r->servers_count)
		place_complain(place, "redirect.domain",
			"names the certificate of `redirect.servers`, but there are none.");
	return 0;
}
