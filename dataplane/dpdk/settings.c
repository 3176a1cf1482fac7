// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "settings.h"

#include <getopt.h>
#include <string.h>

#include <number.h>
#include <relay.h>

enum {
	OPTION_PORT = OPTIONS_MORE,
	OPTION_EAL,
	OPTION_EXCEPTION,
	OPTION_BURST,
	OPTION_RX_RING,
	OPTION_TX_RING,
	OPTION_MBUFS,
	OPTION_IDLE_POLLS,
	OPTION_PLACEMENT,
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
	{"idle-polls", required_argument, NULL, OPTION_IDLE_POLLS},
	{"placement", required_argument, NULL, OPTION_PLACEMENT},
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
	"  --idle-polls N         empty rounds before a worker sleeps for 50 us; 0: never (1000)\n"
	"  --placement HOW        who knows a relay port: every worker, or its owner, which is "
	"the\n"
	"                         one the port brings it to by its lowest bits; auto: owner where\n"
	"                         rte_flow rules do that (auto)\n"
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

static bool take_placement(struct settings *s, const char *text)
{
	static const char *const names[] = {"auto", "every", "owner"};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i])) {
			s->placement = (enum placement)i;
			return true;
		}
	return options_refuse(&s->common, "--placement %s: give auto, every or owner.", text);
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
	case OPTION_PLACEMENT:
		return take_placement(s, argument);
	case OPTION_NO_HUGE:
		s->huge = false;
		return true;
	default:
		s->check = true;
		return true;
	}
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
	return true;
}

enum options_result settings_parse(struct settings *out, int argc, char **argv)
{
	static struct options_program program = {.name = "turnpike-dpdk",
		.about = "the dataplane of a TURN relay, on NICs that DPDK drives",
		.more_help = more_help,
		.more = more,
		.take = take};
	enum options_result result;

	*out = (struct settings){
		.burst = 32, .rx_ring = 512, .tx_ring = 512, .idle_polls = 1000, .huge = true};
	program.context = out;
	result = options_parse(&out->common, &program, argc, argv);
	if (result != OPTIONS_RUN)
		return result;
	strcpy(out->common.capabilities.name, "dpdk");
	out->common.capabilities.placement = TP_PLACEMENT_EVERY;
	return complete(out) ? OPTIONS_RUN : OPTIONS_BAD;
}
