// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A control plane is killed at random instants of a storm of allocations; each time the next one finds in
// the vault all that was answered, and nothing that can't be. Argument: kills.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../unit/turn/rig.h"
#include "watch.h"

#define KILLS 1000u
#define SLOTS 192u
#define CLIENTS 240u // more than there are slots: 486 happens too
#define PEERS 4u
#define LATEST_US 3000u // of a kill

// What a client was told, written after the answer left. While `asking`, it may or may not be so.
struct client_log {
	uint32_t asking; // 0, or one more than the method
	uint16_t relay_port[2]; // by family
	uint16_t token_port;
	uint64_t token; // of a reservation that nobody has used
	uint64_t token_ms; // until when it holds
	uint64_t expires_ms; // 0: no allocation
	uint64_t permission_ms[PEERS];
	uint64_t channel_ms[PEERS];
};

struct storm_log {
	uint64_t now_ms; // of the control plane, or a little later
	uint64_t requests; // answered
	struct client_log clients[CLIENTS];
};

struct storm {
	struct rig rig;
	struct storm_log *log; // shared
	uint64_t seed;
	uint64_t checked; // allocations found again
	uint64_t peers_checked;
	uint64_t tokens_checked;
};

static struct tp_endpoint client_of(uint32_t i)
{
	struct tp_endpoint e = i % 3 ? rig_client : rig_client6;

	e.port = (uint16_t)(1000 + i);
	return e;
}

static struct tp_endpoint peer_of(uint32_t k)
{
	return (struct tp_endpoint){
		.ip = rig_ip4(93, 184, 216, (uint8_t)k), .port = (uint16_t)(7000 + k)};
}

static void set64(uint64_t *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

static void forget(struct client_log *c)
{
	c->expires_ms = 0;
	memset(c->relay_port, 0, sizeof(c->relay_port));
	memset(c->permission_ms, 0, sizeof(c->permission_ms));
	memset(c->channel_ms, 0, sizeof(c->channel_ms));
}

// Some allocate in both families, some reserve a port, and the next one uses it.
enum {
	DUAL = 1,
	RESERVE = 2,
	USE = 3,
};

static uint64_t token_for(const struct storm *s, uint32_t i)
{
	return i % 8 == USE ? s->log->clients[i - 1].token : 0;
}

static int allocate(struct storm *s, uint32_t i)
{
	struct client_log *c = &s->log->clients[i];
	struct rig *r = &s->rig;
	struct ask q;
	int code;

	ask(r, &q, TP_STUN_ALLOCATE);
	q.client = client_of(i);
	q.server = tp_ip_is4(&q.client.ip) ? 0 : 1;
	ask_transport(&q);
	if (i % 8 == DUAL)
		ask_additional(&q);
	else if (i % 8 == RESERVE)
		ask_even(&q, true);
	else if (token_for(s, i))
		ask_token(&q, token_for(s, i));
	code = answer_code(ask_send(&q));
	if (code != 0)
		return code;
	forget(c);
	c->expires_ms = r->now_ms + 600000;
	c->relay_port[0] = answer_relayed(&r->answer, TP_IPV4).port;
	c->relay_port[1] = answer_relayed(&r->answer, TP_IPV6).port;
	if (i % 8 == RESERVE) {
		c->token = answer_token(&r->answer);
		c->token_ms = r->now_ms + TURN_RESERVATION_MS;
		c->token_port = (uint16_t)(c->relay_port[0] + 1);
	}
	if (i % 8 == USE)
		s->log->clients[i - 1].token = 0;
	return 0;
}

static void request(struct storm *s, uint32_t i, uint64_t dice)
{
	struct client_log *c = &s->log->clients[i];
	const struct tp_endpoint client = client_of(i), peer = peer_of(dice % PEERS);
	const uint32_t k = dice % PEERS;
	struct rig *r = &s->rig;
	uint16_t method;
	int code;

	dice = dice / PEERS % 100;
	method = dice < 35   ? TP_STUN_ALLOCATE
		 : dice < 60 ? TP_STUN_REFRESH
		 : dice < 80 ? TP_STUN_CREATE_PERMISSION
			     : TP_STUN_CHANNEL_BIND;
	__atomic_store_n(&c->asking, method + 1u, __ATOMIC_SEQ_CST);
	switch (method) {
	case TP_STUN_ALLOCATE:
		allocate(s, i);
		break;
	case TP_STUN_REFRESH:
		code = ask_refresh(r, &client, dice < 50 ? 0 : 700);
		if (code == 437 || (code == 0 && dice < 50))
			forget(c);
		else if (code == 0)
			c->expires_ms = r->now_ms + 700000;
		break;
	case TP_STUN_CREATE_PERMISSION:
		code = ask_permission(r, &client, &peer);
		if (code == 0)
			c->permission_ms[k] = r->now_ms + TURN_PERMISSION_MS;
		break;
	default:
		code = ask_bind(r, &client, &peer, (uint16_t)(TP_CHANNEL_MIN + k));
		if (code == 0) {
			c->permission_ms[k] = r->now_ms + TURN_PERMISSION_MS;
			c->channel_ms[k] = r->now_ms + TURN_CHANNEL_MS;
		}
	}
	__atomic_store_n(&c->asking, 0u, __ATOMIC_SEQ_CST);
	set64(&s->log->requests, s->log->requests + 1);
}

// The control plane that is going to be killed. Never returns.
static void storm(struct storm *s, int begun)
{
	struct rig *r = &s->rig;
	bool early = random64(&s->seed) % 4 == 0; // it may die while it recovers

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (early && write(begun, "", 1) != 1)
		_exit(1);
	rig_revive(r);
	rig_attach(r);
	if (!early && write(begun, "", 1) != 1)
		_exit(1);
	for (uint32_t n = 0;; n++) {
		uint64_t dice = random64(&s->seed) >> 8;

		request(s, (uint32_t)(dice % CLIENTS), dice / CLIENTS);
		if (dice >> 32 & 7)
			continue;
		// Time flies, so that things expire under way.
		dice = random64(&s->seed) >> 8;
		set64(&s->log->now_ms, r->now_ms + dice % 2000);
		rig_pass(r, dice % 2000);
		turn_tick(r->server);
		rig_flush(r);
	}
}

#define FAIL(...) \
	do { \
		printf("kill_storm: " __VA_ARGS__); \
		printf("\n"); \
		return -1; \
	} while (0)

static int check_peers(struct storm *s, uint32_t i, uint32_t slot)
{
	const struct client_log *c = &s->log->clients[i];
	const struct table *t = s->rig.table;

	for (uint32_t k = 0; k < PEERS; k++) {
		const struct tp_endpoint peer = peer_of(k);
		uint32_t p = table_find_permission(t, slot, &peer.ip, s->rig.now_ms);
		uint32_t b = table_find_channel(
			t, slot, (uint16_t)(TP_CHANNEL_MIN + k), s->rig.now_ms);
		const struct tp_endpoint bound = b == TABLE_NONE ? peer
								 : vault_peer(table_peer(t, b));

		if (c->permission_ms[k] > s->rig.now_ms &&
			(p == TABLE_NONE || table_peer(t, p)->expires_ms != c->permission_ms[k]))
			FAIL("client %u lost a permission for peer %u", i, k);
		if (c->channel_ms[k] > s->rig.now_ms &&
			(b == TABLE_NONE || table_peer(t, b)->expires_ms != c->channel_ms[k] ||
				!tp_endpoint_equal(&bound, &peer)))
			FAIL("client %u lost channel %u", i, k);
		s->peers_checked += (p != TABLE_NONE) + (b != TABLE_NONE);
	}
	return 0;
}

// What a client was told of each family, the vault has.
static int check_addresses(const struct storm *s, uint32_t i, uint32_t slot)
{
	const struct client_log *c = &s->log->clients[i];

	for (uint8_t f = 0; f < 2; f++) {
		uint32_t half = table_of_family(s->rig.table, slot, f + 1);
		const struct tp_vault_allocation *a;

		if ((half != TABLE_NONE) != (c->relay_port[f] != 0))
			FAIL("client %u has other families than it was told", i);
		if (half == TABLE_NONE)
			continue;
		a = table_record(s->rig.table, half);
		if (a->relay_port != c->relay_port[f])
			FAIL("client %u has another port than it was told", i);
		if (a->expires_ms != c->expires_ms)
			FAIL("client %u has another expiry than it was told", i);
	}
	return 0;
}

// A token that was told and not used yet is good.
static int check_token(struct storm *s, uint32_t i)
{
	const struct client_log *c = &s->log->clients[i];
	const struct table *t = s->rig.table;
	uint32_t k;

	if (!c->token || c->asking || s->log->clients[i + 1].asking || c->token_ms <= s->rig.now_ms)
		return 0;
	k = reservations_find(&t->reservations, c->token);
	if (k == RESERVATION_NONE)
		FAIL("client %u lost its reservation", i);
	if (table_reservation(t, k)->relay_port != c->token_port ||
		table_reservation(t, k)->expires_ms != c->token_ms)
		FAIL("client %u has another reservation than it was told", i);
	s->tokens_checked++;
	return 0;
}

static int check_client(struct storm *s, uint32_t i)
{
	struct client_log *c = &s->log->clients[i];
	const struct table *t = s->rig.table;
	const struct tp_endpoint client = client_of(i);
	uint32_t slot = rig_slot(&s->rig, &client);
	bool told = c->expires_ms > s->rig.now_ms;
	bool maybe_gone = c->asking == TP_STUN_REFRESH + 1u;
	const struct tp_vault_allocation *a;

	if (slot == TABLE_NONE) {
		if (told && !maybe_gone)
			FAIL("client %u lost its allocation, asking %u", i, c->asking);
		return 0;
	}
	a = table_record(t, slot);
	if (!told && !c->asking && a->expires_ms > s->rig.now_ms)
		FAIL("client %u has an allocation that it wasn't told of", i);
	// While it asks, the log itself may be half written.
	if (!told || c->asking)
		return 0;
	s->checked++;
	if (check_addresses(s, i, slot) != 0)
		return -1;
	return check_peers(s, i, slot);
}

// What is uncertain becomes what the vault says.
static void settle(struct storm *s, uint32_t i)
{
	struct client_log *c = &s->log->clients[i];
	const struct table *t = s->rig.table;
	const struct tp_endpoint client = client_of(i);
	uint32_t slot = rig_slot(&s->rig, &client);

	if (!c->asking)
		return;
	forget(c);
	c->asking = 0;
	c->token = 0;
	if (i % 8 == USE)
		s->log->clients[i - 1].token = 0;
	if (slot == TABLE_NONE)
		return;
	c->expires_ms = table_record(t, slot)->expires_ms;
	for (uint8_t f = 0; f < 2; f++) {
		uint32_t half = table_of_family(t, slot, f + 1);

		if (half == TABLE_NONE)
			continue;
		c->relay_port[f] = table_record(t, half)->relay_port;
		// Killed between the halves of a Refresh: its retransmission would do both.
		table_set_expiry(s->rig.table, half, c->expires_ms);
	}
}

static int check(struct storm *s)
{
	struct rig *r = &s->rig;
	uint32_t used = 0;

	r->now_ms = s->log->now_ms;
	r->counters = (struct tp_counters){0};
	rig_revive(r);
	if (rig_check(r, false) != 0)
		FAIL("vault and tables disagree");
	if (tp_counter(&r->counters, TP_CC_vault_bad))
		FAIL("%lu records of the vault are bad", tp_counter(&r->counters, TP_CC_vault_bad));
	for (uint32_t i = 0; i < r->table->relays_count; i++)
		used += r->table->relays[i].ports.total - r->table->relays[i].ports.free;
	if (used != r->table->live + r->table->reservations.used || r->table->dropping)
		FAIL("%u ports used for %u allocations", used, r->table->live);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		if (check_client(s, i) != 0 || check_token(s, i) != 0)
			return -1;
	}
	for (uint32_t i = 0; i < CLIENTS; i++) {
		settle(s, i);
	}
	// All of it can be given to a dataplane.
	rig_attach(r);
	if (rig_check(r, true) != 0)
		FAIL("vault and dataplane disagree");
	rig_kill(r);
	mirror_clear(&r->mirror);
	return 0;
}

static int kill_one(struct storm *s, uint32_t round)
{
	uint64_t delay_us = random64(&s->seed) % (LATEST_US + 1);
	const struct timespec delay = {.tv_nsec = (long)delay_us * 1000};
	int begun[2], status;
	char byte;
	pid_t pid;

	if (pipe2(begun, O_CLOEXEC) != 0)
		FAIL("pipe: %s", strerror(errno));
	s->rig.tids = (uint64_t)(round + 1) << 32; // no child repeats another's
	s->seed ^= (uint64_t)round << 20;
	pid = fork();
	if (pid < 0)
		FAIL("fork: %s", strerror(errno));
	if (pid == 0)
		storm(s, begun[1]);
	close(begun[1]);
	if (read(begun[0], &byte, 1) == 1)
		nanosleep(&delay, NULL);
	close(begun[0]);
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		FAIL("the control plane ended by itself, status 0x%x", status);
	return check(s);
}

int main(int argc, char **argv)
{
	uint32_t kills = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : KILLS;
	struct storm *s = calloc(1, sizeof(*s));
	uint64_t start = watch_ms(), told = start;

	if (!s)
		return 1;
	s->seed = 88172645463325252;
	s->log = mmap(
		NULL, sizeof(*s->log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->log == MAP_FAILED)
		return 1;
	rig_defaults(&s->rig);
	s->rig.table_config->allocations = s->rig.capabilities.allocations = SLOTS;
	s->rig.table_config->port_max = s->rig.capabilities.port_max = RIG_PORT_MIN + SLOTS;
	rig_start(&s->rig);
	rig_kill(&s->rig);
	s->log->now_ms = s->rig.now_ms;
	for (uint32_t n = 1; n <= kills; n++) {
		if (kill_one(s, n) != 0) {
			printf("kill_storm: at kill %u\n", n);
			return 1;
		}
		if (n == kills || watch_ms() - told >= 1000) {
			told = watch_ms();
			printf("kill_storm: %u of %u kills after %lu ms, %lu requests, "
			       "%lu allocations, %lu peers and %lu reservations found again\n",
				n, kills, told - start, s->log->requests, s->checked,
				s->peers_checked, s->tokens_checked);
			fflush(stdout);
		}
	}
	rig_revive(&s->rig);
	rig_stop(&s->rig);
	free(s);
	return 0;
}
