// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// turnpike-control: the event loop around the TURN server, the link and the control socket.
#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include <confine.h>

#include "../auth/secret.h"
#include "../config/host.h"
#include "calls.h"
#include "inherit.h"
#include "report.h"
#include "setup.h"
#include "socket.h"

#define TICK_MS 100
#define POLL_BUDGET 256u // records of a worker and ring between looks at everything else

// A descriptor of the link's: which one it is changes under way.
struct watch {
	uv_poll_t *poll; // NULL: none
	int fd;
};

struct control {
	uv_loop_t loop;
	uv_prepare_t prepare;
	uv_idle_t idle;
	uv_timer_t tick;
	struct watch bell;
	struct watch socket; // the link's listener or connection
	uv_signal_t terminate;
	uv_signal_t interrupt;
	struct config *config;
	struct auth *auth;
	struct abuse_log *abuse_log; // NULL: none is written
	struct turn_server *server;
	struct shm_link *link;
	struct admin_socket *admin;
	uint64_t started_ms;
};

static uint64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void tell_time(struct control *c)
{
	turn_set_time(c->server, monotonic_ms(), (uint64_t)time(NULL));
}

static void on_poll_closed(uv_handle_t *handle)
{
	free(handle);
}

static void watch_link(struct control *c);

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct control *c = poll->data;

	(void)status;
	(void)events;
	tell_time(c);
	shm_link_on_socket(c->link, monotonic_ms());
	watch_link(c);
}

static void on_bell(uv_poll_t *poll, int status, int events)
{
	struct control *c = poll->data;

	(void)status;
	(void)events;
	shm_link_awake(c->link);
}

static void watch(struct control *c, struct watch *w, int fd, int events, uv_poll_cb react)
{
	if (w->poll && w->fd == fd)
		return;
	if (w->poll)
		uv_close((uv_handle_t *)w->poll, on_poll_closed);
	w->poll = NULL;
	if (fd < 0)
		return;
	w->poll = calloc(1, sizeof(*w->poll));
	if (!w->poll)
		abort();
	w->poll->data = c;
	w->fd = fd;
	uv_poll_init(&c->loop, w->poll, fd);
	uv_poll_start(w->poll, events, react);
}

static void watch_link(struct control *c)
{
	watch(c, &c->socket, shm_link_socket(c->link), UV_READABLE | UV_DISCONNECT, on_socket);
	watch(c, &c->bell, shm_link_bell(c->link), UV_READABLE, on_bell);
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle; // keeps the loop from waiting
}

// Before the loop waits: work, and wait only when the rings are empty with the doorbell asked for.
static void on_prepare(uv_prepare_t *prepare)
{
	struct control *c = prepare->data;

	tell_time(c);
	if (shm_link_poll(c->link, POLL_BUDGET) || !shm_link_sleep(c->link))
		uv_idle_start(&c->idle, on_idle);
	else
		uv_idle_stop(&c->idle);
	abuse_log_flush(c->abuse_log);
	watch_link(c); // it may have hung up
}

static void on_tick(uv_timer_t *timer)
{
	struct control *c = timer->data;

	tell_time(c);
	turn_tick(c->server);
	abuse_log_flush(c->abuse_log);
	shm_link_tick(c->link, monotonic_ms());
	watch_link(c);
}

static void on_signal(uv_signal_t *signal, int number)
{
	(void)number;
	uv_stop(signal->loop);
}

static json_t *on_command(void *context, const json_t *request)
{
	struct control *c = context;
	struct report r = {.server = c->server,
		.link = c->link,
		.config = c->config,
		.started_ms = c->started_ms,
		.now_ms = monotonic_ms()};

	return report_answer(&r, request);
}

static void start_loop(struct control *c)
{
	uv_prepare_init(&c->loop, &c->prepare);
	uv_idle_init(&c->loop, &c->idle);
	uv_timer_init(&c->loop, &c->tick);
	uv_signal_init(&c->loop, &c->terminate);
	uv_signal_init(&c->loop, &c->interrupt);
	c->prepare.data = c->tick.data = c;
	uv_prepare_start(&c->prepare, on_prepare);
	uv_timer_start(&c->tick, on_tick, 0, TICK_MS);
	uv_signal_start(&c->terminate, on_signal, SIGTERM);
	uv_signal_start(&c->interrupt, on_signal, SIGINT);
	watch_link(c);
}

static int complain(const char *what, int err)
{
	fprintf(stderr, "turnpike-control: %s: %s\n", what, strerror(-err));
	return 1;
}

// Loads the configuration; what was handed over is closed: it holds passwords.
static int load(struct control *c, const char *path)
{
	int err = config_load(&c->config, path, stderr), fd = inherit_fd("config");

	if (fd >= 0)
		close(fd);
	return err;
}

static int run(struct control *c, const char *path)
{
	int link_fd = inherit_fd("link"), control_fd = inherit_fd("control");
	int vault_fd = inherit_fd("vault");
	static const struct filter_call *const with_log[] = {
		control_calls, control_log_calls, NULL};
	static const struct filter_call *const without[] = {control_calls, NULL};
	struct link_events events;
	struct vault vault;
	int err;

	if (link_fd < 0 || control_fd < 0) {
		fprintf(stderr, "turnpike-control: no sockets were handed over. It is started by "
				"`turnpike run` "
				"or systemd, which pass `link` and `control` by LISTEN_FDS.\n");
		return 2;
	}
	if (vault_fd < 0) {
		fprintf(stderr, "turnpike-control: no vault was handed over: allocations end with "
				"this process\n");
		vault_fd = memfd_create("turnpike-vault", MFD_CLOEXEC);
	}
	if (load(c, path) != 0)
		return 1;
	err = shm_link_create(&c->link, link_fd);
	if (err)
		return complain("the link can't be made", err);
	err = setup_vault(&vault, c->config, vault_fd);
	if (err)
		return complain("the vault can't be used", err);
	err = setup_auth(&c->auth, c->config, &vault);
	if (err)
		return complain("the credentials can't be prepared", err);
	config_forget_secrets(c->config);
	err = abuse_log_open(&c->abuse_log, &c->config->abuse_log, shm_link_own_counters(c->link));
	if (err) {
		fprintf(stderr,
			"turnpike-control: abuse_log.file: %s can't be opened: %s. User %u must be "
			"able "
			"to make files in that directory.\n",
			c->config->abuse_log.file, strerror(-err), (unsigned int)geteuid());
		return 1;
	}
	err = setup_server(&c->server, c->config, &vault, c->auth, shm_link_link(c->link),
		shm_link_own_counters(c->link), c->abuse_log);
	if (err)
		return complain("the server can't be made", err);
	events = turn_events(c->server);
	shm_link_events(c->link, &events);
	tell_time(c);
	err = admin_socket_open(&c->admin, &c->loop, control_fd, on_command, c);
	if (err)
		return complain("the control socket can't be used", err);
	err = confine_keep(0);
	if (err)
		return complain("capabilities can't be given up", err);
	confine_hide();
	c->started_ms = monotonic_ms();
	start_loop(c);
	json_object_seed(0); // or jansson opens /dev/urandom at its first object
	tzset(); // or the first line of the abuse log opens /etc/localtime
	err = filter_install("turnpike-control", c->abuse_log ? with_log : without, true);
	if (err)
		return 1;
	uv_run(&c->loop, UV_RUN_DEFAULT);
	return 0;
}

static const char help[] =
	"Usage: turnpike-control [--config FILE]\n"
	"\n"
	"Turnpike's control plane: authentication, allocations, permissions, channels.\n"
	"It is started by `turnpike run` or by systemd, which hand it the sockets `link` and\n"
	"`control`, the memfd `vault` and perhaps the file `config` (LISTEN_FDS, LISTEN_FDNAMES).\n"
	"\n"
	"  --config FILE  read this instead of the file that was handed over\n"
	"  --version      print the version\n"
	"  --help         print this\n"
	"\n"
	"Exit codes: 0 ended by SIGTERM or SIGINT, 1 failure, 2 wrong usage.\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"version", no_argument, NULL, 'v'}, {"help", no_argument, NULL, 'h'}, {0}};
	static const struct rlimit no_core = {0, 0}; // keys would be in it
	struct control c = {};
	const char *path = NULL;
	char inherited[32];
	int config_fd, opt, code;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (opt == 'v') {
			puts("turnpike-control " TURNPIKE_VERSION);
			return 0;
		}
		if (opt != 'c')
			return 2;
		path = optarg;
	}
	config_fd = inherit_fd("config");
	if (!path && config_fd >= 0) {
		snprintf(inherited, sizeof(inherited), "/proc/self/fd/%d", config_fd);
		path = inherited;
	}
	if (!path || optind < argc) {
		fputs("turnpike-control: --config FILE is missing. See turnpike-control --help.\n",
			stderr);
		return 2;
	}
	secret_start();
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_CORE, &no_core);
	uv_loop_init(&c.loop);
	code = run(&c, path);
	turn_destroy(c.server);
	abuse_log_close(c.abuse_log);
	auth_destroy(c.auth);
	config_free(c.config);
	shm_link_destroy(c.link);
	return code;
}
