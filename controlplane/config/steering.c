// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// dpdk.placement and what belongs to it: who knows a relay port, and how its packets get there.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "text.h"

#define KEY_MIN 40u // bytes of an RSS key
#define KEY_MAX 52u

// Which of the names it is; complains with `sentence` where it is none. NULL is the first.
static int one_of(struct place *place, const char *path, const char *text, const char *const *names,
	const char *sentence)
{
	for (int i = 0; text && names[i]; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	if (text)
		place_complain(place, path, "\"%s\" is none of %s.", text, sentence);
	return 0;
}

static int key(char **out, const char *text, struct place *place)
{
	size_t digits = text ? strlen(text) : 0;

	if (!digits)
		return 0;
	if (strspn(text, "0123456789abcdefABCDEF") != digits || digits % 2 ||
		digits < 2 * KEY_MIN || digits > 2 * KEY_MAX)
		place_complain(place, "dpdk.rss_key",
			"%zu characters; a key is %u to %u bytes in hex digits, as many as the "
			"NIC's has.",
			digits, KEY_MIN, KEY_MAX);
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

static void table(struct config *config, const struct raw_dpdk *raw, struct place *place)
{
	struct config_dpdk *d = &config->dpdk;
	char path[64];
	uint64_t queue;

	if (raw->rss_table_count > CONFIG_RSS_TABLE_MAX ||
		raw->rss_table_count & (raw->rss_table_count - 1)) {
		place_complain(place, "dpdk.rss_table",
			"%u queues; a table has a power of two of them, at most %u.",
			raw->rss_table_count, CONFIG_RSS_TABLE_MAX);
		return;
	}
	for (uint32_t i = 0; i < raw->rss_table_count; i++) {
		if (text_to_number(raw->rss_table[i], config->workers - 1, &queue)) {
			d->rss_table[d->rss_table_count++] = (uint8_t)queue;
			continue;
		}
		snprintf(path, sizeof(path), "dpdk.rss_table[%u]", i);
		place_complain(place, path, "\"%s\" is no queue of %u workers, which are 0 to %u.",
			raw->rss_table[i], config->workers, config->workers - 1);
	}
}

// What can't be true together. Which of the rest a port can do, it says itself when it starts.
static void check(const struct config_dpdk *d, struct place *place)
{
	bool rss = d->steering == CONFIG_STEERING_RSS;

	if (rss && !d->rss_key)
		place_complain(place, "dpdk.steering",
			"rss takes `rss_key`: without it nobody knows the hash.");
	if (d->rss_key && d->rss_hash == CONFIG_RSS_4_TUPLE &&
		(rss || d->placement == CONFIG_PLACEMENT_OWNER))
		place_complain(place, "dpdk.rss_hash",
			"4-tuple can't tell a relay port's owner, since the peer's address and "
			"port are hashed too: write destination or destination-port.");
	if (d->steering != CONFIG_STEERING_AUTO && d->placement == CONFIG_PLACEMENT_EVERY)
		place_complain(place, "dpdk.steering",
			"does nothing with placement: every; one of them must go.");
	if (!rss && d->steering != CONFIG_STEERING_AUTO && d->rss_key)
		place_complain(place, "dpdk.rss_key",
			"does nothing with steering: %s; one of them must go.",
			config_steering_name(d->steering));
}

int resolve_steering(struct config *config, const struct raw_dpdk *raw, struct place *place)
{
	static const char *const placements[] = {"auto", "every", "owner", NULL};
	static const char *const steerings[] = {"auto", "rules", "rss", "bits", NULL};
	static const char *const hashes[] = {"4-tuple", "destination", "destination-port", NULL};
	struct config_dpdk *d = &config->dpdk;

	d->placement = (enum config_placement)one_of(
		place, "dpdk.placement", raw->placement, placements, "auto, every, owner");
	d->steering = (enum config_steering)one_of(
		place, "dpdk.steering", raw->steering, steerings, "auto, rules, rss, bits");
	d->rss_hash = (enum config_rss_hash)one_of(place, "dpdk.rss_hash", raw->rss_hash, hashes,
		"4-tuple, destination, destination-port");
	if (key(&d->rss_key, raw->rss_key, place) < 0)
		return -ENOMEM;
	table(config, raw, place);
	check(d, place);
	return 0;
}
