// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// turnpikectl: what a running relay does, as text or JSON.

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <filter.h>

#include "../config/host.h"
#include "ask.h"
#include "present.h"
#include "programs.h"

enum { EXIT_UNREACHABLE = 1, EXIT_USAGE = 2 };

static const char help[] =
	"turnpikectl: what a running Turnpike does\n"
	"\n"
	"  turnpikectl [--socket PATH] [--json] status | allocations | counters [--all]\n"
	"\n"
	"  status        the dataplane, addresses, ports, allocations, and how programs are "
	"confined\n"
	"  allocations   each allocation with its permissions and channels\n"
	"  counters      packets and messages, and why some were dropped\n"
	"\n"
	"  --socket PATH   the control socket (/run/turnpike/control, or your own run's)\n"
	"  --json          the answer as it is\n"
	"  --all           also the counters that are 0\n"
	"  --help, --version\n"
	"\n"
	"Exit codes: 0 done, 1 not reached or refused, 2 wrong use.\n";

static const struct option known[] = {
	{"socket", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"all", no_argument, NULL, 'a'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{0},
};

static int misused(const char *why)
{
	fprintf(stderr, "turnpikectl: %s; see turnpikectl --help.\n", why);
	return EXIT_USAGE;
}

// Asks one who might be anybody, perhaps as root. What others tell is looked up before.
static json_t *ask_warily(const char *path, const char *command)
{
	static const struct filter_call calls[] = {
		{"socket", {FILTER_SOCKET(AF_UNIX, SOCK_STREAM)}},
		{"connect"},
		{"setsockopt", {FILTER_INT(1, SOL_SOCKET)}},
		{"sendto"},
		{"ioctl", {FILTER_INT(1, TCGETS)}}, // stdio, of what it writes to
		{NULL},
	};
	static const struct filter_call *const lists[] = {calls, NULL};

	json_t *programs = strcmp(command, "status") == 0 ? programs_read(path) : NULL;
	json_t *answer;

	json_object_seed(0); // or jansson opens /dev/urandom at its first object
	answer = filter_install("turnpikectl", lists, false) < 0 ? NULL : ask(path, command);
	if (answer && programs)
		json_object_set(answer, "programs", programs);
	else
		json_object_del(answer, "programs"); // that would be hearsay
	json_decref(programs);
	return answer;
}

static json_t *ask_default(const char *path, const char *command)
{
	struct host *host;
	char standard[128];

	if (path)
		return ask_warily(path, command);
	host = malloc(sizeof(*host));
	if (!host)
		return NULL;
	host_read(host);
	snprintf(standard, sizeof(standard), "%s/control", host->runtime);
	free(host);
	return ask_warily(standard, command);
}

static int show(const char *path, const char *command, bool json, bool all)
{
	json_t *answer = ask_default(path, command);
	const char *error = json_string_value(json_object_get(answer, "error"));
	int code = 0;

	if (!answer)
		return EXIT_UNREACHABLE;
	if (error) {
		fprintf(stderr, "turnpikectl: the control plane answered: %s\n", error);
		code = EXIT_UNREACHABLE;
	} else if (json) {
		json_dumpf(answer, stdout, JSON_INDENT(1));
		putchar('\n');
	} else if (strcmp(command, "status") == 0) {
		present_status(answer, stdout);
	} else if (strcmp(command, "allocations") == 0) {
		present_allocations(answer, stdout);
	} else {
		present_counters(answer, all, stdout);
	}
	json_decref(answer);
	return code;
}

int main(int argc, char **argv)
{
	bool json = false, all = false;
	const char *path = NULL, *command;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's':
			path = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'a':
			all = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'v':
			puts("turnpikectl " TURNPIKE_VERSION);
			return 0;
		default:
			return misused("this is not how it is used");
		}
	}
	if (optind + 1 != argc)
		return misused("one command is needed");
	command = argv[optind];
	if (strcmp(command, "status") != 0 && strcmp(command, "allocations") != 0 &&
		strcmp(command, "counters") != 0)
		return misused("there is no such command");
	return show(path, command, json, all);
}
