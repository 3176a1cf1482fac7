// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "settings.h"

#include <getopt.h>
#include <string.h>

#include <number.h>
#include <relay.h>

#define MTU_MIN 1280u // IPv6's (RFC 8200 section 5)
#define MTU_MAX 9600u
#define IDLE_LATENCY_MAX 100000u // microseconds

enum {
	OPTION_PORT = OPTIONS_MORE,
	OPTION_EAL,
	OPTION_EXCEPTION,
	OPTION_BURST,
	OPTION_RX_RING,
	OPTION_TX_RING,
	OPTION_MBUFS,
	OPTION_MTU,
	OPTION_IDLE_POLLS,
	OPTION_IDLE_LATENCY,
	OPTION_PLACEMENT,
	OPTION_STEERING,
	OPTION_RSS_KEY,
	OPTION_RSS_HASH,
	OPTION_RSS_TABLE,
	OPTION_NO_HUGE,
	OPTION_CHECK,
};

static const struct option more[] = {
	{"port", required_argument, NULL, OPTION_PORT},
	{"eal", required_argument, NULL, OPTION_EAL},
	{"exception", required_argument, NULL, OPTION_EXCEPTION},
	{"burst", required_argument, NULL, OPTION_BURST},
	{"rx-ring", required_argument, NULL, OPTION_RX_RING},
	{"tx-ring", required_argument, NULL, OPTION_TX_RING},
	{"mbufs", required_argument, NULL, OPTION_MBUFS},
	{"mtu", required_argument, NULL, OPTION_MTU},
	{"idle-polls", required_argument, NULL, OPTION_IDLE_POLLS},
	{"idle-latency", required_argument, NULL, OPTION_IDLE_LATENCY},
	{"placement", required_argument, NULL, OPTION_PLACEMENT},
	{"steering", required_argument, NULL, OPTION_STEERING},
	{"rss-key", required_argument, NULL, OPTION_RSS_KEY},
	{"rss-hash", required_argument, NULL, OPTION_RSS_HASH},
	{"rss-table", required_argument, NULL, OPTION_RSS_TABLE},
	{"no-huge", no_argument, NULL, OPTION_NO_HUGE},
	{"check", no_argument, NULL, OPTION_CHECK},
	{0},
};

static const char more_help[] =
	"  --port DEVICE          PCI address, or virtual device with arguments, as in\n"
	"                         0000:3b:00.0 or net_tap0,iface=dtap0; may be repeated\n"
	"  --exception KIND[,IF]  the kernel's side of a port, in the order of --port: tap,\n"
	"                         virtio-user, or none (tap); IF is its interface (tp0, tp1, ...)\n"
	"  --eal ARGUMENT         handed to DPDK's EAL; may be repeated\n"
	"  --burst N              packets taken from a queue at once (32)\n"
	"  --rx-ring N            descriptors of a receive queue (512)\n"
	"  --tx-ring N            descriptors of a transmit queue (512)\n"
	"  --mbufs N              packet buffers in all (as many as can be in use)\n"
	"  --mtu N                largest IP packet on the ports (as they have it)\n"
	"  --idle-polls N         empty rounds before a worker sleeps; 0: it never does (1000)\n"
	"  --idle-latency US      a sleep lasts so long at most, from 10 us on twice as long each\n"
	"                         time (200)\n"
	"  --placement HOW        who knows a relay port: every worker, or its owner, the one the\n"
	"                         port brings it to; auto: its owner where that is known (auto)\n"
	"  --steering HOW         how ports bring relay ports to owners: rules (rte_flow), rss "
	"(by\n"
	"                         the key and table below), bits (by the lowest bits of the port,\n"
	"                         done by whoever feeds its queues); auto: rules, else rss (auto)\n"
	"  --rss-key HEX          key of the hash, 40 to 52 bytes\n"
	"  --rss-hash WHAT        what is hashed: 4-tuple, destination or destination-port "
	"(4-tuple)\n"
	"  --rss-table N,N...     queues by the lowest bits of the hash, a power of two of them\n"
	"                         (queue after queue)\n"
	"  --no-huge              do without huge pages\n"
	"  --check                only say whether the options are good\n";

static bool take_number(uint32_t *out, const struct options *o, const char *name, const char *text,
	unsigned long min, unsigned long max)
{
	unsigned long n;

	if (!number_parse(text, min, max, &n))
		return options_refuse(
			o, "--%s %s: give a number from %lu to %lu.", name, text, min, max);
	*out = (uint32_t)n;
	return true;
}

static bool take_ring(uint32_t *out, const struct options *o, const char *name, const char *text)
{
	if (!take_number(out, o, name, text, 64, 32768))
		return false;
	return (*out & (*out - 1)) == 0 ||
	       options_refuse(o, "--%s %s: give a power of two.", name, text);
}

static bool take_port(struct settings *s, const char *text)
{
	size_t length = strcspn(text, ",");

	if (!length || length > 63)
		return options_refuse(&s->common,
			"--port %s: give a PCI address or a virtual device, as in 0000:3b:00.0 or "
			"net_tap0,iface=dtap0.",
			text);
	for (uint32_t i = 0; i < s->ports; i++)
		if (strcspn(s->port[i], ",") == length && !strncmp(s->port[i], text, length))
			return options_refuse(&s->common, "--port %s is given twice.", text);
	if (s->ports == PORTS_MAX)
		return options_refuse(
			&s->common, "--port may be given at most %u times.", PORTS_MAX);
	s->port[s->ports++] = text;
	return true;
}

static bool take_exception(struct settings *s, const char *text)
{
	static const char *const names[] = {"tap", "virtio-user", "none"};
	struct exception_setting *e = &s->exception[s->exceptions];
	size_t length = strcspn(text, ",");
	const char *iface = text[length] ? text + length + 1 : NULL;

	if (s->exceptions == PORTS_MAX)
		return options_refuse(
			&s->common, "--exception may be given at most %u times.", PORTS_MAX);
	if (iface && (!*iface || strlen(iface) >= sizeof(e->iface) || strpbrk(iface, ",/ ")))
		return options_refuse(
			&s->common, "--exception %s: its interface has no good name.", text);
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) != length || strncmp(names[i], text, length))
			continue;
		e->kind = (enum exception_kind)i;
		if (iface)
			strcpy(e->iface, iface);
		s->exceptions++;
		return true;
	}
	return options_refuse(&s->common, "--exception %s: give tap, virtio-user or none.", text);
}

// Returns which of the names it is; -1: none.
static int word(const char *const *names, const char *text)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(text, names[i]))
			return i;
	return -1;
}

static bool take_placement(struct settings *s, const char *text)
{
	static const char *const names[] = {"auto", "every", "owner", NULL};
	int i = word(names, text);

	s->placement = (enum placement)i;
	return i >= 0 ||
	       options_refuse(&s->common, "--placement %s: give auto, every or owner.", text);
}

static bool take_steering(struct settings *s, const char *text)
{
	static const char *const names[] = {"auto", "rules", "rss", "bits", NULL};
	int i = word(names, text);

	s->steering = (enum steering)i;
	return i >= 0 ||
	       options_refuse(&s->common, "--steering %s: give auto, rules, rss or bits.", text);
}

static bool take_rss(struct settings *s, int option, const char *text)
{
	if (option == OPTION_RSS_KEY)
		return rss_parse_key(&s->rss, text) ||
		       options_refuse(&s->common,
			       "--rss-key %s: give %u to %u bytes in hex digits.", text,
			       RSS_KEY_MIN, RSS_KEY_MAX);
	if (option == OPTION_RSS_HASH)
		return rss_parse_hash(&s->rss, text) ||
		       options_refuse(&s->common,
			       "--rss-hash %s: give 4-tuple, destination or destination-port.",
			       text);
	return rss_parse_table(&s->rss, text) ||
	       options_refuse(&s->common,
		       "--rss-table %s: give queues with commas between them, a power of two of "
		       "them, at most %u.",
		       text, RSS_TABLE_MAX);
}

static bool take_eal(struct settings *s, const char *text)
{
	if (s->eal_args == EAL_ARGS_MAX)
		return options_refuse(
			&s->common, "--eal may be given at most %u times.", EAL_ARGS_MAX);
	s->eal[s->eal_args++] = (char *)text;
	return true;
}

static bool take(void *context, struct options *o, int option, const char *argument)
{
	struct settings *s = context;

	switch (option) {
	case OPTION_PORT:
		return take_port(s, argument);
	case OPTION_EXCEPTION:
		return take_exception(s, argument);
	case OPTION_EAL:
		return take_eal(s, argument);
	case OPTION_BURST:
		return take_number(&s->burst, o, "burst", argument, 1, RELAY_BURST);
	case OPTION_RX_RING:
		return take_ring(&s->rx_ring, o, "rx-ring", argument);
	case OPTION_TX_RING:
		return take_ring(&s->tx_ring, o, "tx-ring", argument);
	case OPTION_MBUFS:
		return take_number(&s->mbufs, o, "mbufs", argument, 1024, 1u << 26);
	case OPTION_IDLE_POLLS:
		return take_number(&s->idle_polls, o, "idle-polls", argument, 0, UINT32_MAX);
	case OPTION_IDLE_LATENCY:
		return take_number(
			&s->idle_latency, o, "idle-latency", argument, 1, IDLE_LATENCY_MAX);
	case OPTION_MTU:
		return take_number(&s->mtu, o, "mtu", argument, MTU_MIN, MTU_MAX);
	case OPTION_PLACEMENT:
		return take_placement(s, argument);
	case OPTION_STEERING:
		return take_steering(s, argument);
	case OPTION_RSS_KEY:
	case OPTION_RSS_HASH:
	case OPTION_RSS_TABLE:
		return take_rss(s, option, argument);
	case OPTION_NO_HUGE:
		s->huge = false;
		return true;
	default:
		s->check = true;
		return true;
	}
}

// What the key, the table and the number of workers say together.
static bool complete_rss(struct settings *s)
{
	if (s->placement == PLACEMENT_EVERY || s->common.workers == 1)
		return true;
	if (s->steering == STEERING_RSS && !s->rss.key_length)
		return options_refuse(&s->common,
			"--steering rss takes --rss-key: without it nobody knows the hash.");
	if (s->steering == STEERING_RSS && s->rss.hash == RSS_4_TUPLE)
		return options_refuse(&s->common,
			"--rss-hash 4-tuple can't tell a relay port's owner, since the peer's "
			"address and port are hashed too: give destination or destination-port.");
	if (!s->rss.table_size)
		rss_spread(&s->rss, s->common.workers);
	for (uint32_t i = 0; i < s->rss.table_size; i++)
		if (s->rss.table[i] >= s->common.workers)
			return options_refuse(&s->common,
				"--rss-table names queue %u, and of %u workers the last has queue "
				"%u.",
				s->rss.table[i], s->common.workers, s->common.workers - 1);
	return true;
}

// Ports without an --exception have a TAP; interfaces without a name are numbered.
static bool complete(struct settings *s)
{
	if (!s->ports)
		return options_refuse(&s->common,
			"--port is missing: give the NIC or virtual device that clients and peers "
			"are reached by.");
	if (s->exceptions > s->ports)
		return options_refuse(&s->common, "there are more --exception than --port.");
	for (uint32_t i = 0; i < s->ports; i++) {
		struct exception_setting *e = &s->exception[i];

		if (e->kind == EXCEPTION_NONE && !e->iface[0])
			return options_refuse(&s->common,
				"--exception none takes the NIC's interface in the kernel too, as "
				"in "
				"none,eth0: routes and neighbours are asked of it.");
		if (!e->iface[0])
			snprintf(e->iface, sizeof(e->iface), "tp%u", i);
	}
	return complete_rss(s);
}

enum options_result settings_parse(struct settings *out, int argc, char **argv)
{
	static struct options_program program = {.name = "turnpike-dpdk",
		.about = "the dataplane of a TURN relay, on NICs that DPDK drives",
		.more_help = more_help,
		.more = more,
		.take = take};
	enum options_result result;

	*out = (struct settings){.burst = 32,
		.rx_ring = 512,
		.tx_ring = 512,
		.idle_polls = 1000,
		.idle_latency = 200,
		.huge = true};
	program.context = out;
	result = options_parse(&out->common, &program, argc, argv);
	if (result != OPTIONS_RUN)
		return result;
	strcpy(out->common.capabilities.name, "dpdk");
	out->common.capabilities.placement = TP_PLACEMENT_EVERY;
	return complete(out) ? OPTIONS_RUN : OPTIONS_BAD;
}
