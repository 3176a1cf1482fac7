// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/un.h>

#include <openssl/evp.h>

#include "turn_world.h"

#define START_MS 5000000u // the monotonic clock at the start, and
#define START_WALL_S 1700000000u // the other one
#define TICKS 16 // of the housekeeping, in which it sees everything
#define TURNS 64 // of both sides, in which everything is done that can be

static const struct auth_user users[MODEL_USERS] = {
	{.name = "alice", .password = "wonderland"},
	{.name = "bob", .password = "builder"},
	{.name = "carol", .password = "christmas"},
};

// The same numbers for the same input, so that what was found is found again.
static uint64_t random_state;

ssize_t getrandom(void *out, size_t n, unsigned int)
{
	for (size_t i = 0; i < n; i++) {
		random_state = random_state * 6364136223846793005u + 1442695040888963407u;
		((uint8_t *)out)[i] = (uint8_t)(random_state >> 33);
	}
	return (ssize_t)n;
}

static uint64_t now_ms(const struct world *w)
{
	return START_MS + w->now_s * 1000;
}

static void tell_time(struct world *w)
{
	w->agent.now = now_ms(w);
	turn_set_time(w->server, now_ms(w), START_WALL_S + w->now_s);
}

// The link, with a stopper in it.

static struct world *world_of(struct link *link)
{
	return (struct world *)((char *)link - offsetof(struct world, link));
}

static int on_submit(struct link *link, const struct link_transaction *t)
{
	struct world *w = world_of(link);
	struct link *below = shm_link_link(w->shm);

	return w->congested ? -EAGAIN : below->ops->submit(below, t);
}

static uint32_t on_worker(struct link *link, const struct tp_endpoint *client, uint32_t punter)
{
	struct link *below = shm_link_link(world_of(link)->shm);

	return below->ops->worker(below, client, punter);
}

static void on_flush_link(struct link *link)
{
	struct link *below = shm_link_link(world_of(link)->shm);

	below->ops->flush(below);
}

static const struct link_ops link_ops = {
	.submit = on_submit, .worker = on_worker, .flush = on_flush_link};

// The dataplane.

// Real ones refuse to make an allocation, a permission or a channel, but never to keep an allocation.
static bool refusable(const struct world *w, const struct tp_command *c)
{
	if (c->kind == TP_PUT_ALLOCATION)
		return w->held[c->allocation % MODEL_SLOTS] != c->relay_port;
	return c->kind == TP_PUT_PERMISSION || c->kind == TP_PUT_CHANNEL;
}

static enum tp_status on_apply(void *context, const struct tp_command *c)
{
	struct world *w = context;
	enum tp_status status;

	if (w->refuse && refusable(w, c)) {
		w->refuse--;
		w->refused++;
		return w->refusal;
	}
	status = relay_apply(w->agent.relay, c, w->agent.now);
	if (status == TP_STATUS_OK && c->kind == TP_PUT_ALLOCATION)
		w->held[c->allocation] = c->relay_port;
	return status;
}

static void on_dropped(void *context, uint32_t allocation, uint8_t, uint16_t)
{
	struct world *w = context;

	w->held[allocation] = 0;
}

static void on_send(void *context, const struct tp_send *send, const uint8_t *bytes)
{
	struct world *w = context;

	w->answers++;
	w->head = *send;
	memcpy(w->bytes, bytes, send->length);
}

static void on_flush(void *)
{
}

static struct tp_capabilities capabilities(void)
{
	struct tp_capabilities c = {.name = "world",
		.servers = 2,
		.relays = 2,
		.allocations = MODEL_SLOTS,
		.peers = tp_peers_for(MODEL_SLOTS),
		.port_min = MODEL_PORT_MIN,
		.port_max = MODEL_PORT_MIN + MODEL_PORTS - 1,
		.channel_max = TP_CHANNEL_MAX};

	c.server[0] = (struct tp_endpoint){.ip = tp_ip4(TP_BE32(0xcb007101)), .port = 3478};
	c.server[1] = (struct tp_endpoint){
		.ip = {.b = {0x20, 1, 0xd, 0xb8, [15] = 1}}, .port = 3478};
	c.relay[0].local = c.relay[0].public_ = tp_ip4(TP_BE32(0xcb007105));
	c.relay[1].local = c.relay[1].public_ = (struct tp_ip){.b = {0x20, 1, 0xd, 0xb8, [15] = 5}};
	return c;
}

static void make_relay(struct world *w)
{
	struct relay_config config = {.capabilities = w->capabilities, .secret = {1, 2}};

	MUST(relay_create(&w->agent.relay, &config) == 0);
	relay_on_dropped(w->agent.relay, on_dropped, w);
	memset(w->held, 0, sizeof(w->held));
	w->agent.now = now_ms(w);
}

static void make_dataplane(struct world *w)
{
	MUST(segment_make(&w->segment, 1, &w->capabilities, NULL) == 0);
	agent_init(&w->agent, 0, &w->segment,
		&(struct agent_ops){
			.apply = on_apply, .send = on_send, .flush = on_flush, .context = w});
	make_relay(w);
}

static void forget_dataplane(struct world *w)
{
	relay_destroy(w->agent.relay);
	segment_free(&w->segment);
}

// Says hello as turnpike-kernel does, and takes over what comes back.
static void connect_dataplane(struct world *w)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	int fds[2] = {w->segment.fd}, bell[2];
	uint32_t n;

	MUST(tp_bell_make(bell) == 0);
	w->attachment.bell[0] = bell[0];
	fds[1] = bell[1];
	w->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	MUST(w->socket >= 0);
	MUST(getsockname(w->listener, (struct sockaddr *)&address, &length) == 0);
	MUST(connect(w->socket, (struct sockaddr *)&address, length) == 0);
	shm_link_on_socket(w->shm, now_ms(w));
	MUST(tp_greeting_send(w->socket, TP_HELLO_MAGIC, 1, fds, 2) == 0);
	close(bell[1]);
	shm_link_on_socket(w->shm, now_ms(w));
	MUST(tp_greeting_receive(w->socket, TP_WELCOME_MAGIC, fds, 2, &n) == 1);
	MUST(tp_segment_map(fds[0], TP_MAGIC_CONTROL, &w->attachment.control) == 0);
	close(fds[0]);
	w->attachment.doorbell = fds[1];
	w->attachment.segment = w->attachment.control.base;
	agent_offer(&w->agent, &w->attachment);
	agent_follow(&w->agent);
}

static void disconnect_dataplane(struct world *w)
{
	agent_offer(&w->agent, NULL);
	agent_follow(&w->agent);
	tp_unmap(&w->attachment.control);
	close(w->attachment.doorbell);
	close(w->attachment.bell[0]);
	close(w->socket);
	w->socket = -1;
}

// The control plane.

static void make_server(struct world *w)
{
	struct auth_config auth = {.realm = WORLD_REALM,
		.users = users,
		.users_count = MODEL_USERS,
		.nonce_lifetime_s = MODEL_NONCE_S};
	struct tp_relay_address relays[] = {w->capabilities.relay[0], w->capabilities.relay[1]};
	struct turn_config turn = {.table = {.allocations = MODEL_SLOTS,
					   .allocations_per_address = MODEL_PER_ADDRESS,
					   .limits = {.allocations_per_user = MODEL_PER_USER,
						   .permissions = MODEL_PERMISSIONS,
						   .channels = MODEL_CHANNELS},
					   .port_min = w->capabilities.port_min,
					   .port_max = w->capabilities.port_max,
					   .relays = relays,
					   .relays_count = 2},
		.channel_max = TP_CHANNEL_MAX,
		.transactions = 64};
	struct vault vault;

	MUST(vault_open(&vault, w->vault_fd, MODEL_SLOTS, tp_peers_for(MODEL_SLOTS)) == 0);
	memcpy(auth.nonce_key, vault.header->nonce_key, sizeof(auth.nonce_key));
	memcpy(auth.user_key, vault.header->user_key, sizeof(auth.user_key));
	MUST(auth_create(&w->auth, &auth) == 0);
	if (!w->shm)
		MUST(shm_link_create(&w->shm, w->listener) == 0);
	MUST(turn_create(&w->server, &turn, &vault, w->auth, &w->link,
		     shm_link_own_counters(w->shm)) == 0);
	w->events = turn_events(w->server);
	shm_link_events(w->shm, &w->events);
	tell_time(w);
}

static void forget_server(struct world *w)
{
	turn_destroy(w->server);
	auth_destroy(w->auth);
}

struct stun_hmac *world_key(const char *user, const char *password)
{
	struct stun_hmac *key;
	uint8_t digest[16];
	char text[64];
	int n = snprintf(text, sizeof(text), "%s:" WORLD_REALM ":%s", user, password);

	MUST(EVP_Digest(text, (size_t)n, digest, NULL, EVP_md5(), NULL) == 1);
	MUST(stun_hmac_new(&key, digest, sizeof(digest)) == 0);
	return key;
}

// What costs system calls without end is made once.
static void make_lasting(struct world *w)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*w = (struct world){.socket = -1, .capabilities = capabilities(), .link.ops = &link_ops};
	w->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	MUST(w->listener >= 0);
	// An abstract name of the kernel's choice.
	MUST(bind(w->listener, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0);
	MUST(listen(w->listener, 4) == 0);
	for (size_t i = 0; i < MODEL_USERS; i++)
		w->users[i] = (struct world_user){users[i].name, users[i].password,
			world_key(users[i].name, users[i].password)};
}

static void make_empty(struct world *w)
{
	w->now_s = 0;
	w->refuse = 0;
	w->vault_fd = memfd_create("vault", MFD_CLOEXEC);
	MUST(w->vault_fd >= 0);
	make_server(w);
}

void world_begin(struct world *w)
{
	if (!w->link.ops) {
		make_lasting(w);
		make_empty(w);
		world_attach(w);
		world_end(w);
	}
	random_state = 1;
	make_empty(w);
	// To this server its dataplane is a new one, and empty.
	make_relay(w);
	w->agent.failed = 0;
	w->events.attached(w->events.context, &w->capabilities, 1);
	world_settle(w, true);
	MUST(turn_ready(w->server));
}

void world_end(struct world *w)
{
	relay_destroy(w->agent.relay);
	forget_server(w);
	close(w->vault_fd);
}

void world_attach(struct world *w)
{
	make_dataplane(w);
	connect_dataplane(w);
	world_settle(w, true);
	MUST(turn_ready(w->server));
}

void world_detach(struct world *w)
{
	disconnect_dataplane(w);
	w->congested = false;
	shm_link_on_socket(w->shm, now_ms(w));
	forget_dataplane(w);
}

void world_restart(struct world *w)
{
	bool attached = w->socket >= 0;

	if (attached)
		disconnect_dataplane(w);
	forget_server(w);
	shm_link_destroy(w->shm);
	w->shm = NULL;
	make_server(w);
	if (attached)
		connect_dataplane(w);
	world_settle(w, true);
}

void world_congest(struct world *w, bool congested)
{
	w->congested = congested;
	if (!congested)
		w->events.room(w->events.context);
	world_settle(w, true);
}

void world_pass(struct world *w, uint64_t seconds)
{
	w->now_s += seconds;
	tell_time(w);
}

void world_settle(struct world *w, bool tick)
{
	for (int i = 0; i < TURNS; i++) {
		bool more = tick && turn_tick(w->server);

		w->link.ops->flush(&w->link);
		if (w->socket >= 0) {
			more |= agent_run(&w->agent) > 0;
			agent_publish(&w->agent);
			more |= shm_link_poll(w->shm, 256);
		}
		// The housekeeping looks at a part of everything each time.
		if (!more && i > (tick ? TICKS : 2))
			return;
	}
	MUST(!"it comes to rest");
}

static void check_empty(struct world *w)
{
	const struct table *t = turn_table(w->server);
	struct relay_usage u;

	MUST(!t->live && !t->dropping && !t->live_peers);
	MUST(!t->reservations.used && !t->holders.used && !t->by_address.used);
	for (uint32_t i = 0; i < t->relays_count; i++)
		MUST(t->relays[i].ports.free == t->relays[i].ports.total);
	relay_usage(w->agent.relay, &u);
	MUST(!u.allocations && !u.permissions && !u.channels);
}

void world_check(struct world *w, bool empty)
{
	char why[256] = "";

	if (table_check(turn_table(w->server), why, sizeof(why))) {
		fprintf(stderr, "table_check: %s\n", why);
		abort();
	}
	if (empty)
		check_empty(w);
}
