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
	for (uint32_t i = 0; i < WORLD_WORKERS; i++)
		w->worker[i].agent.now = now_ms(w);
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
static bool refusable(const struct world_worker *k, const struct tp_command *c)
{
	if (k != &k->world->worker[k->world->refuser % k->world->workers])
		return false;
	if (c->kind == TP_PUT_ALLOCATION)
		return k->held[c->allocation % MODEL_SLOTS] != c->relay_port;
	return !k->world->replaying && (c->kind == TP_PUT_PERMISSION || c->kind == TP_PUT_CHANNEL);
}

static enum tp_status on_apply(void *context, const struct tp_command *c)
{
	struct world_worker *k = context;
	struct world *w = k->world;
	enum tp_status status;

	if (w->refuse && refusable(k, c)) {
		w->refuse--;
		w->refused++;
		return w->refusal;
	}
	status = relay_apply(k->agent.relay, c, k->agent.now);
	if (status == TP_STATUS_OK && c->kind == TP_PUT_ALLOCATION)
		k->held[c->allocation] = c->relay_port;
	return status;
}

static void on_dropped(void *context, uint32_t allocation, uint8_t, uint16_t)
{
	struct world_worker *k = context;

	k->held[allocation] = 0;
}

static void on_send(void *context, const struct tp_send *send, const uint8_t *bytes)
{
	struct world *w = ((struct world_worker *)context)->world;

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

static void make_relays(struct world *w)
{
	struct relay_config config = {.capabilities = w->capabilities, .secret = {1, 2}};

	for (uint32_t i = 0; i < w->workers; i++) {
		struct world_worker *k = &w->worker[i];

		MUST(relay_create(&k->agent.relay, &config) == 0);
		relay_on_dropped(k->agent.relay, on_dropped, k);
		memset(k->held, 0, sizeof(k->held));
		k->agent.now = now_ms(w);
		k->agent.failed = 0;
	}
}

static void forget_relays(struct world *w)
{
	for (uint32_t i = 0; i < w->workers; i++)
		relay_destroy(w->worker[i].agent.relay);
}

static void make_dataplane(struct world *w, uint32_t workers)
{
	w->workers = workers;
	w->capabilities.placement = workers > 1 ? TP_PLACEMENT_EVERY : TP_PLACEMENT_CLIENT;
	MUST(segment_make(&w->segment, workers, &w->capabilities, NULL) == 0);
	for (uint32_t i = 0; i < workers; i++) {
		w->worker[i].world = w;
		agent_init(&w->worker[i].agent, i, &w->segment,
			&(struct agent_ops){.apply = on_apply,
				.send = on_send,
				.flush = on_flush,
				.context = &w->worker[i]});
	}
	make_relays(w);
}

static void forget_dataplane(struct world *w)
{
	forget_relays(w);
	segment_free(&w->segment);
}

static void offer(struct world *w, struct attachment *attachment)
{
	for (uint32_t i = 0; i < w->workers; i++) {
		agent_offer(&w->worker[i].agent, attachment);
		agent_follow(&w->worker[i].agent);
	}
}

// Says hello as turnpike-kernel does, and takes over what comes back.
static void connect_dataplane(struct world *w)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	int fds[WORLD_WORKERS + 1] = {w->segment.fd}, bell[2];
	uint32_t n;

	for (uint32_t i = 0; i < w->workers; i++) {
		MUST(tp_bell_make(bell) == 0);
		w->attachment.bell[i] = bell[0];
		fds[1 + i] = bell[1];
	}
	w->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	MUST(w->socket >= 0);
	MUST(getsockname(w->listener, (struct sockaddr *)&address, &length) == 0);
	MUST(connect(w->socket, (struct sockaddr *)&address, length) == 0);
	shm_link_on_socket(w->shm, now_ms(w));
	MUST(tp_greeting_send(w->socket, TP_HELLO_MAGIC, w->workers, fds, w->workers + 1) == 0);
	for (uint32_t i = 0; i < w->workers; i++)
		close(fds[1 + i]);
	shm_link_on_socket(w->shm, now_ms(w));
	MUST(tp_greeting_receive(w->socket, TP_WELCOME_MAGIC, fds, 2, &n) == (int)w->workers);
	MUST(tp_segment_map(fds[0], TP_MAGIC_CONTROL, &w->attachment.control) == 0);
	close(fds[0]);
	w->attachment.doorbell = fds[1];
	w->attachment.segment = w->attachment.control.base;
	offer(w, &w->attachment);
}

static void disconnect_dataplane(struct world *w)
{
	offer(w, NULL);
	tp_unmap(&w->attachment.control);
	close(w->attachment.doorbell);
	for (uint32_t i = 0; i < w->workers; i++)
		close(w->attachment.bell[i]);
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
		world_attach(w, 1);
		world_end(w);
	}
	random_state = 1;
	make_empty(w);
	if (w->socket < 0) {
		world_attach(w, 1);
		return;
	}
	// To this server its dataplane is a new one, and empty.
	make_relays(w);
	w->events.attached(w->events.context, &w->capabilities, 1);
	world_settle(w, true);
	MUST(turn_ready(w->server));
}

void world_end(struct world *w)
{
	// A dataplane of the usual kind is for the next one too.
	if (w->workers > 1)
		world_detach(w);
	else
		forget_relays(w);
	forget_server(w);
	close(w->vault_fd);
}

void world_attach(struct world *w, uint32_t workers)
{
	make_dataplane(w, workers);
	connect_dataplane(w);
	w->replaying = true;
	world_settle(w, true);
	w->replaying = false;
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
			for (uint32_t k = 0; k < w->workers; k++) {
				more |= agent_run(&w->worker[k].agent) > 0;
				agent_publish(&w->worker[k].agent);
			}
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
	for (uint32_t i = 0; i < w->workers; i++) {
		relay_usage(w->worker[i].agent.relay, &u);
		MUST(!u.allocations && !u.permissions && !u.channels);
	}
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
