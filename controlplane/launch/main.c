// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// turnpike: what a user types.

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <page.h>

#include "run.h"

enum { EXIT_USAGE = 2, PAGE_PORT = 8478 };

static const char help[] = "turnpike: a TURN/STUN relay\n"
			   "\n"
			   "  turnpike run [--config FILE] [--orphans adopt|end]\n"
			   "  turnpike check --config FILE\n"
			   "  turnpike page [--port N]\n"
			   "  turnpike COMMAND --help\n"
			   "  turnpike --help, --version\n"
			   "\n"
			   "turnpikectl shows what a running relay does.\n";

static const char help_run[] =
	"turnpike run: start the relay, watch its programs and restart them; Ctrl-C ends all\n"
	"\n"
	"  --config FILE         the configuration; without it: port 3478 on this host's "
	"addresses,\n"
	"                        and credentials that are made and printed\n"
	"  --orphans adopt|end   what becomes of programs that a killed launcher left running:\n"
	"                        adopt takes them over (the default), end starts afresh\n"
	"\n"
	"Exit codes: 0 ended as asked, 1 failed, 2 wrong use.\n";

static const char help_check[] =
	"turnpike check: look for errors in a configuration, and for what will hurt on this host\n"
	"\n"
	"  --config FILE   the configuration\n"
	"\n"
	"Exit codes: 0 no errors (there may be warnings), 1 errors, 2 wrong use.\n";

static const char help_page[] =
	"turnpike page: serve a page on which a browser of this host tries a relay\n"
	"\n"
	"  --port N   the port of 127.0.0.1, where it is served until Ctrl-C (8478); 0: any\n"
	"\n"
	"From elsewhere: ssh -L 8478:127.0.0.1:8478 HOST, and open http://127.0.0.1:8478/.\n"
	"Exit codes: 0 ended as asked, 1 failed, 2 wrong use.\n";

static const struct option run_known[] = {
	{"config", required_argument, NULL, 'c'},
	{"orphans", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const struct option check_known[] = {
	{"config", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const struct option page_known[] = {
	{"port", required_argument, NULL, 'p'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int misused(const char *command)
{
	fprintf(stderr, "turnpike: see turnpike %s%s--help.\n", command, *command ? " " : "");
	return EXIT_USAGE;
}

static int command_run(int argc, char **argv)
{
	struct run_options options = {0};
	int option;

	while ((option = getopt_long(argc, argv, "", run_known, NULL)) != -1) {
		if (option == 'h') {
			fputs(help_run, stdout);
			return 0;
		}
		if (option == 'c')
			options.config = optarg;
		else if (option == 'o' && strcmp(optarg, "end") == 0)
			options.end_orphans = true;
		else if (option != 'o' || strcmp(optarg, "adopt") != 0)
			return misused("run");
	}
	return optind < argc ? misused("run") : run(&options);
}

static int command_check(int argc, char **argv)
{
	const char *config = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", check_known, NULL)) != -1) {
		if (option == 'h') {
			fputs(help_check, stdout);
			return 0;
		}
		if (option != 'c')
			return misused("check");
		config = optarg;
	}
	return optind < argc || !config ? misused("check") : check(config);
}

static int command_page(int argc, char **argv)
{
	unsigned long port = PAGE_PORT;
	char *end;
	int option;

	while ((option = getopt_long(argc, argv, "", page_known, NULL)) != -1) {
		if (option == 'h') {
			fputs(help_page, stdout);
			return 0;
		}
		if (option != 'p')
			return misused("page");
		port = strtoul(optarg, &end, 10);
		if (end == optarg || *end || optarg[0] == '-' || port > UINT16_MAX) {
			fprintf(stderr, "turnpike: --port %s is not a port: 0 to 65535.\n", optarg);
			return misused("page");
		}
	}
	return optind < argc ? misused("page") : page_serve((uint16_t)port);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (strcmp(command, "run") == 0)
		return command_run(argc - 1, argv + 1);
	if (strcmp(command, "check") == 0)
		return command_check(argc - 1, argv + 1);
	if (strcmp(command, "page") == 0)
		return command_page(argc - 1, argv + 1);
	if (strcmp(command, "--help") == 0 || strcmp(command, "help") == 0) {
		fputs(help, stdout);
		return 0;
	}
	if (strcmp(command, "--version") == 0) {
		puts("turnpike " TURNPIKE_VERSION);
		return 0;
	}
	return misused("");
}
