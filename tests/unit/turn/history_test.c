// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Random histories against a model: whatever happens, table, dataplane and clients agree.
#include "../../race/watch.h"
#include "suite.h"

#define CLIENTS 48u
#define STEPS 120000u
#define PER_USER 20u
#define PER_ADDRESS 12u
#define PERMISSIONS 6u // of an allocation
#define CHANNELS 3u
#define PERMISSIONS_PER_USER 24u
#define CHANNELS_PER_USER 12u
#define KEPT 8u

// What a client knows: when its relayed address of each family ends, 0: it has none. And what it can't know:
// `unsure`, its last request got no answer, so that the server may or may not have acted.
struct model {
	struct tp_endpoint client;
	unsigned int user;
	uint64_t expires_ms[2];
	bool unsure;
	struct ask last; // Allocate
};

// A reservation that somebody was told of.
struct kept {
	struct tp_endpoint port;
	uint64_t token;
	uint64_t until_ms;
	unsigned int user;
};

struct history {
	struct model clients[CLIENTS];
	struct kept kept[KEPT];
	uint32_t kept_next;
	uint64_t seed;
	uint32_t
		lost; // allocations that a dataplane could not hold: the model learns of them by 437
	uint32_t successes[10], failures;
};

static uint64_t any(struct history *h, uint64_t n)
{
	return (random64(&h->seed) >> 16) % n;
}

static struct tp_endpoint any_peer(struct history *h)
{
	const uint8_t n = (uint8_t)any(h, 12);
	struct tp_endpoint e = {.ip = rig_ip4(93, 184, 1, n), .port = (uint16_t)(1 + any(h, 3))};

	if (n % 4 == 3) {
		e.ip = peer6.ip;
		e.ip.b[15] = n;
	}
	return e;
}

static void begin(struct history *h, struct model *m, struct ask *q, uint16_t method)
{
	(void)h;
	ask(&rig, q, method);
	q->client = m->client;
	q->user = m->user;
	q->server = tp_ip_is4(&m->client.ip) ? 0 : 1;
}

static bool live(const struct model *m)
{
	return m->expires_ms[0] > rig.now_ms || m->expires_ms[1] > rig.now_ms;
}

static void forget(struct model *m)
{
	memset(m->expires_ms, 0, sizeof(m->expires_ms));
	m->unsure = false;
}

// What an Allocate asks for besides, and which reservation it uses.
static struct kept *adorn(struct history *h, struct ask *q)
{
	switch (any(h, 8)) {
	case 0:
		ask_even(q, false);
		return NULL;
	case 1:
		ask_even(q, true);
		return NULL;
	case 2:
	case 3:
		ask_additional(q);
		if (any(h, 4) == 0)
			ask_even(q, false);
		return NULL;
	case 4:
		ask_family(q, TP_IPV6);
		return NULL;
	case 5:
	case 6: {
		struct kept *k = &h->kept[any(h, KEPT)];

		ask_token(q, k->token);
		return k;
	}
	default:
		return NULL;
	}
}

static void allocated(struct history *h, struct model *m, struct kept *k)
{
	const struct answer *a = &rig.answer;
	uint64_t expires = rig.now_ms + 1000ull * answer_u32(a, TP_ATTR_LIFETIME);
	unsigned int error = answer_address_error(a);
	struct tp_endpoint first = answer_address(a, TP_ATTR_XOR_RELAYED_ADDRESS);

	forget(m);
	for (uint8_t family = TP_IPV4; family <= TP_IPV6; family++) {
		if (answer_relayed(a, family).port)
			m->expires_ms[family - 1] = expires;
		cr_assert(error / 1000 != family || !m->expires_ms[family - 1]);
	}
	h->successes[5] += m->expires_ms[0] && m->expires_ms[1];
	if (k) {
		cr_assert(k->until_ms > rig.now_ms && k->user == m->user, "a token is no good");
		cr_assert(tp_endpoint_equal(&k->port, &first), "not the port that was reserved");
		*k = (struct kept){.token = 1};
		h->successes[6]++;
	}
	if (answer_token(a)) {
		cr_assert_eq(first.port & 1, 0);
		k = &h->kept[h->kept_next++ % KEPT];
		*k = (struct kept){
			first, answer_token(a), rig.now_ms + TURN_RESERVATION_MS, m->user};
		k->port.port++;
		h->successes[7]++;
	}
}

static void allocate(struct history *h, struct model *m)
{
	const bool had = live(m);
	struct kept *k;
	int code;

	begin(h, m, &m->last, TP_STUN_ALLOCATE);
	ask_transport(&m->last);
	k = adorn(h, &m->last);
	if (any(h, 2))
		ask_u32(&m->last, TP_ATTR_LIFETIME, (uint32_t)any(h, 2000));
	code = answer_code(ask_send(&m->last));
	if (code == 0) {
		cr_assert(!had || m->unsure, "two allocations on a 5-tuple");
		allocated(h, m, k);
		h->successes[0]++;
		return;
	}
	cr_assert(code == 437 || code == 486 || code == 508 || code == -1, "Allocate: %d", code);
	if (code == 437) {
		cr_assert(had || m->unsure, "437 without an allocation");
	} else if (code == -1) {
		m->unsure = true;
	} else if (had) {
		cr_assert(m->unsure, "an allocation was lost: %d", code);
		forget(m);
	}
	h->failures++;
}

static void again(struct history *h, struct model *m)
{
	if (!m->last.rig || !live(m) || m->unsure)
		return;
	switch (answer_code(ask_again(&m->last))) {
	case 0:
		h->successes[1]++;
		break;
	case 508: // the dataplane would not have it any more
		forget(m);
		break;
	default:
		m->unsure = true;
	}
}

// For what needs an allocation: whether the answer fits.
static void fits(struct history *h, struct model *m, int code, int kind)
{
	if (code == 437) {
		cr_assert(
			!live(m) || m->unsure, "437 though there is an allocation, kind %d", kind);
		forget(m);
	} else if (code == 0) {
		cr_assert(live(m) || m->unsure, "success without an allocation, kind %d", kind);
		h->successes[kind]++;
	} else {
		cr_assert(code == -1 || code == 508 || code == 400 || code == 443, "%d", code);
		h->failures++;
	}
}

static void refresh(struct history *h, struct model *m)
{
	uint32_t lifetime = any(h, 3) ? (uint32_t)any(h, 4000) : 0;
	uint8_t family = any(h, 3) ? 0 : (uint8_t)(1 + any(h, 2));
	struct ask q;
	int code;

	begin(h, m, &q, TP_STUN_REFRESH);
	ask_u32(&q, TP_ATTR_LIFETIME, lifetime);
	if (family)
		ask_family(&q, family);
	code = answer_code(ask_send(&q));
	fits(h, m, code, 2);
	if (code == 0) {
		uint32_t granted = answer_u32(&rig.answer, TP_ATTR_LIFETIME);

		cr_assert_eq(granted, !lifetime         ? 0
				      : lifetime < 600  ? 600
				      : lifetime > 3600 ? 3600
							: lifetime);
		for (uint8_t i = 0; i < 2; i++) {
			if ((family && family != i + 1) || m->unsure)
				continue;
			// It names one that is there.
			cr_assert(!family || m->expires_ms[i] > rig.now_ms);
			if (m->expires_ms[i] > rig.now_ms)
				m->expires_ms[i] = granted ? rig.now_ms + 1000ull * granted : 0;
		}
	} else if (code == 443) {
		cr_assert(m->unsure || (family && m->expires_ms[family - 1] <= rig.now_ms));
	} else if (code != 437) {
		m->unsure = true;
	}
	if (m->unsure && code == 0 && !family && !lifetime)
		forget(m);
}

static void permit(struct history *h, struct model *m)
{
	uint32_t n = 1 + (uint32_t)any(h, 5);
	struct ask q;

	begin(h, m, &q, TP_STUN_CREATE_PERMISSION);
	for (uint32_t i = 0; i < n; i++) {
		const struct tp_endpoint p = any_peer(h);

		ask_peer(&q, &p);
	}
	fits(h, m, answer_code(ask_send(&q)), 3);
}

static void bind_channel(struct history *h, struct model *m)
{
	const struct tp_endpoint p = any_peer(h);
	struct ask q;

	begin(h, m, &q, TP_STUN_CHANNEL_BIND);
	ask_channel(&q, (uint16_t)(0x4000 + any(h, 6)));
	ask_peer(&q, &p);
	fits(h, m, answer_code(ask_send(&q)), 4);
}

static uint32_t slot_of(const struct model *m, enum tp_family family)
{
	uint32_t slot = rig_slot(&rig, &m->client);

	return slot == TABLE_NONE ? slot : table_of_family(rig.table, slot, family);
}

// The dataplane changes: what it can't hold is lost, which a client finds out later.
static void replug(struct history *h, bool restart)
{
	uint64_t before = counted(TP_CC_allocations_lost);

	if (restart) {
		rig_restart(&rig);
	} else {
		rig_detach(&rig);
		if (any(h, 3) == 0)
			rig_verdict(&rig, any(h, 2) ? TP_STATUS_PORT_TAKEN : -EAGAIN, 0);
		rig_attach(&rig);
	}
	rig_room(&rig);
	rig_tick(&rig, 1200);
	h->lost += (uint32_t)(counted(TP_CC_allocations_lost) - before);
	if (counted(TP_CC_allocations_lost) != before) {
		for (uint32_t i = 0; i < CLIENTS; i++) {
			for (uint8_t f = 0; f < 2; f++) {
				if (slot_of(&h->clients[i], f + 1) == TABLE_NONE)
					h->clients[i].expires_ms[f] = 0;
			}
		}
	}
}

// The next commands fail in some way.
static void sabotage(struct history *h)
{
	static const int results[] = {-EAGAIN, TP_STATUS_PORT_TAKEN, TP_STATUS_NO_SPACE,
		TP_STATUS_NO_DESCRIPTORS, TP_STATUS_OK};

	for (uint64_t n = 1 + any(h, 4); n; n--)
		rig_verdict(&rig, results[any(h, 5)], (uint32_t)any(h, 3));
}

static void step(struct history *h)
{
	struct model *m = &h->clients[any(h, CLIENTS)];
	uint64_t dice = any(h, 1000);

	if (dice < 250)
		allocate(h, m);
	else if (dice < 300)
		again(h, m);
	else if (dice < 450)
		refresh(h, m);
	else if (dice < 650)
		permit(h, m);
	else if (dice < 850)
		bind_channel(h, m);
	else if (dice < 900)
		rig_pass(&rig, any(h, 20000));
	else if (dice < 960)
		rig_tick(&rig, any(h, 1500));
	else if (dice < 990)
		sabotage(h);
	else if (dice < 992)
		rig_pass(&rig, any(h, 700000));
	else if (dice < 996)
		replug(h, false);
	else
		replug(h, true);
}

static void compare_half(const struct model *m, enum tp_family family)
{
	uint64_t expires_ms = m->expires_ms[family - 1];
	uint32_t slot = slot_of(m, family);

	if (expires_ms > rig.now_ms) {
		cr_assert_neq(slot, TABLE_NONE, "an allocation is lost");
		cr_assert_eq(table_record(rig.table, slot)->expires_ms, expires_ms);
	} else if (slot != TABLE_NONE) {
		cr_assert_leq(table_record(rig.table, slot)->expires_ms, rig.now_ms);
	}
}

// Nobody has more than the limits allow; that the counts are right is table_check()'s.
static void compare_limits(void)
{
	for (uint32_t i = 0; i < 64; i++) {
		const struct slot *s = &rig.table->slots[i];
		const struct holder *u = &rig.table->holders.entries[s->holder];

		if (s->state != SLOT_LIVE)
			continue;
		cr_assert_leq(s->peers_count - s->channels_count, PERMISSIONS);
		cr_assert_leq(s->channels_count, CHANNELS);
		cr_assert_leq(u->permissions, PERMISSIONS_PER_USER);
		cr_assert_leq(u->channels, CHANNELS_PER_USER);
		cr_assert_leq(u->allocations, PER_USER);
	}
}

static void compare(struct history *h, bool strict)
{
	uint32_t slots = 0, ports = free_ports(), dropping = 0;

	cr_assert_eq(rig_check(&rig, strict), 0);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		if (h->clients[i].unsure)
			continue;
		compare_half(&h->clients[i], TP_IPV4);
		compare_half(&h->clients[i], TP_IPV6);
	}
	for (uint32_t i = 0; i < 64; i++) {
		slots += rig.table->slots[i].state != SLOT_FREE;
		dropping += rig.table->slots[i].state == SLOT_DROPPING;
	}
	cr_assert_eq(ports + slots + rig.table->reservations.used, 3 * 64u,
		"free and used ports are not the range");
	cr_assert_eq(dropping, rig.table->dropping);
	compare_limits();
}

static void run(uint64_t seed, uint32_t steps)
{
	struct history *h = calloc(1, sizeof(*h));

	cr_assert(h);
	h->seed = seed;
	SUITE_CONFIGURED(rig.late_peers = true,
		rig.table_config->limits.allocations_per_user = PER_USER,
		rig.table_config->allocations_per_address = PER_ADDRESS,
		rig.table_config->limits.permissions = PERMISSIONS,
		rig.table_config->limits.channels = CHANNELS,
		rig.table_config->limits.permissions_per_user = PERMISSIONS_PER_USER,
		rig.table_config->limits.channels_per_user = CHANNELS_PER_USER,
		rig.config.new_peers_per_second = 1, rig.config.user_new_peers_per_second = 5,
		rig.config.user_packets_per_second = 1000);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct model *m = &h->clients[i];

		m->client = i % 4 == 3 ? rig_client6 : rig_client;
		m->client.ip.b[15] = (uint8_t)(i % 6);
		m->client.port = (uint16_t)(1000 + i);
		m->user = i % 3;
	}
	for (uint32_t i = 0; i < steps; i++) {
		step(h);
		if (i % 16 == 0)
			compare(h, false);
		if (i % 500 == 499) {
			// Nothing in the way any more: both sides are the same then.
			rig.script_at = rig.script_count;
			rig_room(&rig);
			rig_tick(&rig, 3000);
			compare(h, true);
		}
	}
	for (int i = 0; i < 8; i++)
		cr_expect_gt(h->successes[i], steps / (i == 6 ? 5000 : 500),
			"kind %d was hardly ever right: %u", i, h->successes[i]);
	cr_expect_gt(h->failures, steps / 100);
	cr_expect_gt(counted(TP_CC_permissions_limited), steps / 1000);
	cr_expect_gt(counted(TP_CC_channels_limited), steps / 1000);
	rig_pass(&rig, 3600000);
	rig_tick(&rig, 3000);
	expect_nothing();
	rig_stop(&rig);
	free(h);
}

Test(turn_history, leaves_table_dataplane_and_clients_of_one_mind)
{
	suite_init();
	run(88172645463325252, STEPS);
}

Test(turn_history, of_another_seed_does_too)
{
	suite_init();
	run(1234567890123456789, STEPS / 2);
}
