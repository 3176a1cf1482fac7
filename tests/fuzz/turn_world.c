// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/un.h>

#include <openssl/evp.h>

#include "turn_world.h"

#define REALM "example.org"
#define START_MS 5000000u // the monotonic clock at the start, and
#define START_WALL_S 1700000000u // the other one
#define TICKS 16 // of the housekeeping, in which it sees everything
#define TURNS 64 // of both sides, in which everything is done that can be

#define MUST(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			abort(); \
		} \
	} while (0)

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
	int fds[2] = {w->segment.fd, w->segment.bell[0]};
	uint32_t n;

	w->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	MUST(w->socket >= 0);
	MUST(getsockname(w->listener, (struct sockaddr *)&address, &length) == 0);
	MUST(connect(w->socket, (struct sockaddr *)&address, length) == 0);
	shm_link_on_socket(w->shm, now_ms(w));
	MUST(tp_greeting_send(w->socket, TP_HELLO_MAGIC, 1, fds, 2) == 0);
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
	close(w->socket);
	w->socket = -1;
}

// The control plane.

static void make_server(struct world *w)
{
	struct auth_config auth = {.realm = REALM,
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

static struct stun_hmac *make_key(const struct auth_user *user, const char *password)
{
	struct stun_hmac *key;
	uint8_t digest[16];
	char text[64];
	int n = snprintf(text, sizeof(text), "%s:" REALM ":%s", user->name, password);

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
		w->users[i] = (struct world_user){
			users[i].name, users[i].password, make_key(&users[i], users[i].password)};
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

// Requests.

static void put_credentials(struct world *w, const struct model_request *q, struct stun_writer *s)
{
	static const struct auth_user stranger = {.name = "mallory"};
	const struct auth_user *user = q->credentials == MODEL_STRANGER ? &stranger
									: &users[q->user];
	struct stun_hmac *bad;

	if (q->credentials == MODEL_UNSIGNED)
		return;
	stun_put(s, TP_ATTR_USERNAME, user->name, strlen(user->name));
	stun_put(s, TP_ATTR_REALM, REALM, strlen(REALM));
	stun_put(s, TP_ATTR_NONCE, q->nonce[0] ? q->nonce : "nobody's",
		strlen(q->nonce[0] ? q->nonce : "nobody's"));
	if (q->credentials == MODEL_GOOD) {
		stun_put_integrity(s, w->users[q->user].key);
		return;
	}
	bad = make_key(user, "guess");
	stun_put_integrity(s, bad);
	stun_hmac_free(bad);
}

static uint16_t method(const struct model_request *q)
{
	static const uint16_t methods[] = {[MODEL_ALLOCATE] = TP_STUN_ALLOCATE,
		[MODEL_REFRESH] = TP_STUN_REFRESH,
		[MODEL_PERMIT] = TP_STUN_CREATE_PERMISSION,
		[MODEL_BIND] = TP_STUN_CHANNEL_BIND};

	return methods[q->method];
}

static int build(struct world *w, const struct model_request *q, uint8_t *bytes, size_t room)
{
	uint8_t tid[TP_STUN_TID] = {0};
	struct stun_writer s;

	memcpy(tid, &q->id, sizeof(q->id));
	stun_begin(&s, bytes, room, method(q), TP_STUN_REQUEST, tid);
	if (q->transport)
		stun_put_u32(&s, TP_ATTR_REQUESTED_TRANSPORT, (uint32_t)q->transport << 24);
	if (q->family)
		stun_put_u32(&s, TP_ATTR_REQUESTED_ADDRESS_FAMILY, (uint32_t)q->family << 24);
	if (q->additional)
		stun_put_u32(&s, TP_ATTR_ADDITIONAL_ADDRESS_FAMILY, (uint32_t)q->additional << 24);
	if (q->even)
		stun_put(&s, TP_ATTR_EVEN_PORT, q->reserve ? "\x80" : "", 1);
	if (q->dont_fragment)
		stun_put(&s, TP_ATTR_DONT_FRAGMENT, NULL, 0);
	if (q->has_token)
		stun_put_u64(&s, TP_ATTR_RESERVATION_TOKEN, q->token);
	if (q->has_lifetime)
		stun_put_u32(&s, TP_ATTR_LIFETIME, q->lifetime_s);
	if (q->channel)
		stun_put_u32(&s, TP_ATTR_CHANNEL_NUMBER, (uint32_t)q->channel << 16);
	for (unsigned int i = 0; i < q->peers; i++) {
		struct tp_endpoint peer = model_peer_at(q->peer[i]);

		stun_put_xor_address(&s, TP_ATTR_XOR_PEER_ADDRESS, &peer);
	}
	if (q->unknown)
		stun_put_u32(&s, 0x7f00, 1);
	put_credentials(w, q, &s);
	return stun_finish(&s);
}

static uint8_t server_of(unsigned int client)
{
	struct tp_endpoint e = model_client_at(client);

	return tp_ip_is4(&e.ip) ? 0 : 1;
}

static struct relay_decision from_client(
	struct world *w, unsigned int client, const uint8_t *bytes, uint32_t length)
{
	struct relay_from_client in = {.data = bytes,
		.length = length,
		.server = server_of(client),
		.client = model_client_at(client)};
	struct relay_decision d;

	relay_decide_clients(w->agent.relay, &in, &d, 1, w->agent.now);
	if (d.verdict == RELAY_PUNT)
		agent_punt(&w->agent, &in, d.known, NULL);
	return d;
}

static uint64_t big_endian(const uint8_t *at, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *at++;
	return v;
}

// Reads the attributes that the model looks at.
static void read_answer(struct world *w, struct model_answer *a, char nonce[64], bool *renewed)
{
	const uint8_t *at = w->bytes + TP_STUN_HEADER, *end = w->bytes + w->head.length;

	*a = (struct model_answer){0};
	while (end - at >= 4) {
		unsigned int type = (unsigned int)big_endian(at, 2);
		size_t length = big_endian(at + 2, 2);

		at += 4;
		MUST(length <= (size_t)(end - at));
		if (type == TP_ATTR_ERROR_CODE)
			a->code = at[2] * 100u + at[3];
		else if (type == TP_ATTR_LIFETIME)
			a->lifetime_s = (uint32_t)big_endian(at, 4);
		else if (type == TP_ATTR_ADDRESS_ERROR_CODE)
			a->address_error[at[0] - 1] = at[2] * 100u + at[3];
		else if (type == TP_ATTR_XOR_RELAYED_ADDRESS)
			a->port[at[1] - 1] = (uint16_t)(big_endian(at + 2, 2) ^
							TP_STUN_COOKIE >> 16);
		else if (type == TP_ATTR_RESERVATION_TOKEN)
			a->has_token = true, a->token = big_endian(at, 8);
		else if (type == TP_ATTR_NONCE && length < 64) {
			memcpy(nonce, at, length);
			nonce[length] = 0;
			*renewed = true;
		}
		at += length + tp_pad4((uint32_t)length);
	}
}

// What every answer is, whatever it says.
static void check_answer(
	struct world *w, const struct model_request *q, const struct model_answer *a)
{
	struct tp_endpoint client = model_client_at(q->client);
	struct stun_message m;

	MUST(w->answers == 1);
	MUST(tp_endpoint_equal(&w->head.client, &client) && w->head.server == server_of(q->client));
	MUST(stun_parse(&m, w->bytes, w->head.length) == 0);
	MUST(m.method == method(q) && memcmp(m.tid, &q->id, sizeof(q->id)) == 0);
	MUST(m.class_ == (a->code ? TP_STUN_ERROR : TP_STUN_SUCCESS));
	MUST(a->code != 401 || (m.nonce.data && m.realm.data && w->head.length <= 120));
	MUST(a->code != 438 || (m.nonce.data && m.realm.data));
	if (a->code != 401 && a->code != 438)
		MUST(stun_integrity_valid(&m, w->users[q->user].key));
}

bool world_ask(struct world *w, const struct model_request *q, struct model_answer *a,
	char nonce[64], bool *renewed)
{
	uint8_t bytes[1024];
	int n = build(w, q, bytes, sizeof(bytes));

	MUST(n > 0);
	*renewed = false;
	w->answers = 0;
	if (w->socket >= 0)
		MUST(from_client(w, q->client, bytes, (uint32_t)n).verdict == RELAY_PUNT);
	world_settle(w, false);
	if (!w->answers)
		return false;
	read_answer(w, a, nonce, renewed);
	check_answer(w, q, a);
	return true;
}

// Data.

struct relay_decision world_channel(struct world *w, unsigned int client, uint16_t number)
{
	const uint8_t bytes[] = {(uint8_t)(number >> 8), (uint8_t)number, 0, 4, 'd', 'a', 't', 'a'};

	return from_client(w, client, bytes, sizeof(bytes));
}

struct relay_decision world_send(struct world *w, unsigned int client, unsigned int peer)
{
	struct tp_endpoint to = model_peer_at(peer);
	uint8_t bytes[128], tid[TP_STUN_TID] = {0};
	struct stun_writer s;
	int n;

	stun_begin(&s, bytes, sizeof(bytes), TP_STUN_SEND, TP_STUN_INDICATION, tid);
	stun_put_xor_address(&s, TP_ATTR_XOR_PEER_ADDRESS, &to);
	stun_put(&s, TP_ATTR_DATA, "data", 4);
	n = stun_finish(&s);
	MUST(n > 0);
	return from_client(w, client, bytes, (uint32_t)n);
}

struct relay_decision world_peer(
	struct world *w, unsigned int family, uint16_t port, unsigned int peer)
{
	struct relay_from_peer in = {.data = (const uint8_t *)"data",
		.length = 4,
		.relay = (uint8_t)family,
		.port = port,
		.peer = model_peer_at(peer)};
	struct relay_decision d;

	relay_decide_peers(w->agent.relay, &in, &d, 1, w->agent.now);
	return d;
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
