// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <filter.h>

#include "admit.h"
#include "command.h"
#include "defaults.h"
#include "greeting.h"
#include "launcher.h"
#include "orphans.h"
#include "run.h"

// Loads the file; without one, the embedded default, whose credentials need the runtime directory first.
static int load(const struct run_options *options, struct config **config, struct runtime *runtime)
{
	char *socket;
	int err;

	if (options->config) {
		err = config_load(config, options->config, stderr);
		return err ? err : runtime_open(runtime, (*config)->control_socket);
	}
	socket = defaults_control_socket();
	if (!socket)
		return -ENOMEM;
	err = runtime_open(runtime, socket);
	free(socket);
	return err ? err : defaults_load(config, runtime->directory);
}

static void tell(const struct process *process)
{
	if (process->pid)
		fprintf(stderr, "turnpike: adopted %s (pid %d) of a launcher that died.\n",
			process->name, (int)process->pid);
}

// Deals with what a dead launcher left, so that the runtime has its descriptors afterwards and `orphans`
// what is to be watched.
static int settle(struct orphans *orphans, struct runtime *runtime, bool end)
{
	int err = 0;

	orphans_find(orphans, runtime);
	if (!orphans->control.pid && !orphans->dataplane.pid)
		return runtime_create(runtime);
	if (end) {
		fprintf(stderr, "turnpike: ending the programs of a launcher that died.\n");
		orphans_end(orphans);
		return runtime_create(runtime);
	}
	if (orphans->control.pid)
		err = orphans_take(orphans, runtime);
	if (err) {
		fprintf(stderr,
			"turnpike: the vault of the running control plane can't be taken over "
			"(%s), "
			"so its programs are ended and started afresh.\n",
			strerror(-err));
		orphans_end(orphans);
		return runtime_create(runtime);
	}
	tell(&orphans->control);
	tell(&orphans->dataplane);
	fprintf(stderr, "turnpike: what runs keeps the configuration it was started with; what is "
			"started again gets this one.\n");
	if (orphans->control.pid)
		return 0;
	fprintf(stderr, "turnpike: the control plane had died too, and the vault with it: clients "
			"must allocate again.\n");
	return runtime_create(runtime);
}

// What only the start takes is given up: from here on nothing is opened, owned or bound but by our programs.
static int give_up_privileges(const struct config *config, const struct users *users)
{
	int err = users->separate ? confine_keep(users_launcher_capabilities(config)) : 0;

	if (users->separate)
		confine_hide();
	if (!err && filter_forbid("turnpike") < 0)
		return -EPERM;
	if (err)
		fprintf(stderr, "turnpike: capabilities can't be given up: %s.\n", strerror(-err));
	return err;
}

int run(const struct run_options *options)
{
	static const struct rlimit no_core = {0, 0};
	struct process adopted[PROGRAMS];
	struct config *config = NULL;
	struct runtime runtime = {
		.lock_fd = -1, .link_fd = -1, .control_fd = -1, .vault_fd = -1, .config_fd = -1};
	struct launcher launcher;
	struct orphans orphans;
	struct users users;
	bool ours = false;
	int code = 1, err;

	// Whoever reads our output may leave, and passwords are not for core files.
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_CORE, &no_core);
	setvbuf(stdout, NULL, _IOLBF, 0);
	err = load(options, &config, &runtime);
	if (!err)
		err = command_check(config, "turnpike", stderr);
	if (!err)
		err = users_find(&users, config, "turnpike", stderr);
	if (!err)
		err = settle(&orphans, &runtime, options->end_orphans);
	if (!err)
		err = runtime_set_config(&runtime, config);
	if (!err)
		err = admit(&runtime, &users, config);
	if (!err)
		err = give_up_privileges(config, &users);
	if (err) {
		fprintf(stderr, "turnpike: nothing was started (%s).\n", strerror(-err));
		goto out;
	}
	ours = true;
	greeting_print(config, !options->config, stdout);
	users_tell(&users, stdout);
	config_warn(config, stdout);
	fflush(stdout);
	config_forget_secrets(config); // what starts turnpike-control anew is the memfd
	adopted[CONTROL] = orphans.control;
	adopted[DATAPLANE] = orphans.dataplane;
	code = launcher_run(&launcher, config, &runtime, &users, adopted);
out:
	runtime_close(&runtime, ours);
	config_free(config);
	return code;
}

int check(const char *path)
{
	struct config *config;
	struct users users;
	int warnings;

	if (config_load(&config, path, stderr))
		return 1;
	warnings = config_warn(config, stdout);
	warnings += command_check(config, "warning", stdout) != 0;
	warnings += users_find(&users, config, "warning", stdout) != 0;
	printf("%s: no errors, %d warning%s\n", path, warnings, warnings == 1 ? "" : "s");
	config_free(config);
	return 0;
}
