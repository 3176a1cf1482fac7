// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
#include <stddef.h>
#include <string.h>

#include "turn_model.h"

// RFC 8656 sections 3.2, 7.2, 9, 12 and 18.8.
#define DEFAULT_S 600u
#define MOST_S 3600u
#define PERMISSION_S 300u
#define CHANNEL_S 600u
#define TOKEN_S 30u // a client may count on it for so long,
#define TOKEN_KEPT_S 35u // and the server keeps it a little longer

static const struct {
	uint8_t ip[4];
	uint16_t port;
} four[] = {
	{{93, 184, 216, 34}, 5000},
	{{93, 184, 216, 34}, 5001},
	{{93, 184, 216, 35}, 5000},
	{{93, 184, 216, 36}, 5000},
	{{93, 184, 216, 37}, 5000},
	{{10, 0, 0, 1}, 5000},
};

#define FOURS (sizeof(four) / sizeof(four[0]))

struct tp_endpoint model_peer_at(unsigned int peer)
{
	struct tp_endpoint e = {.port = 5000};

	if (peer < FOURS) {
		e.ip = tp_ip4(TP_BE32((uint32_t)four[peer].ip[0] << 24 | four[peer].ip[1] << 16 |
				      four[peer].ip[2] << 8 | four[peer].ip[3]));
		e.port = four[peer].port;
	} else {
		e.ip = (struct tp_ip){.b = {0x26, 0, 0x12, 0x34, [15] = (uint8_t)peer}};
	}
	return e;
}

unsigned int model_peer_ip(unsigned int peer)
{
	return peer ? peer - 1 : 0;
}

unsigned int model_peer_family(unsigned int peer)
{
	return peer >= FOURS;
}

bool model_peer_denied(unsigned int peer)
{
	return peer == FOURS - 1;
}

// Two behind one address, and one in an IPv6 network with another.
struct tp_endpoint model_client_at(unsigned int client)
{
	struct tp_endpoint e = {.port = (uint16_t)(40000 + client)};

	if (client < 4)
		e.ip = tp_ip4(TP_BE32(0xc6336401 + client / 2));
	else
		e.ip = (struct tp_ip){.b = {0x26, 0, 0x12, 0x35, [15] = (uint8_t)client}};
	return e;
}

// Who shares an address for the quota: of IPv6 its /64.
static unsigned int party(unsigned int client)
{
	return client / 2;
}

uint16_t model_number(unsigned int which)
{
	static const uint16_t numbers[MODEL_NUMBERS] = {0x4000, 0x4001, 0x4abc, 0x4fff};

	return numbers[which];
}

static bool live(const struct model *m, uint64_t until_s)
{
	return until_s > m->now_s;
}

static bool has_allocation(const struct model *m, unsigned int client)
{
	return live(m, m->clients[client].relayed[0].until_s) ||
	       live(m, m->clients[client].relayed[1].until_s);
}

// What counts.

static unsigned int total(const struct model *m)
{
	unsigned int n = 0;

	for (unsigned int c = 0; c < MODEL_CLIENTS; c++)
		for (unsigned int f = 0; f < 2; f++)
			n += live(m, m->clients[c].relayed[f].until_s);
	return n;
}

static unsigned int of_user(const struct model *m, unsigned int user)
{
	unsigned int n = 0;

	for (unsigned int c = 0; c < MODEL_CLIENTS; c++)
		for (unsigned int f = 0; f < 2; f++)
			n += m->clients[c].user == user &&
			     live(m, m->clients[c].relayed[f].until_s);
	for (unsigned int i = 0; i < MODEL_RESERVATIONS; i++)
		n += m->reservations[i].user == user && live(m, m->reservations[i].until_s);
	return n;
}

static unsigned int of_address(const struct model *m, unsigned int client)
{
	unsigned int n = 0;

	for (unsigned int c = 0; c < MODEL_CLIENTS; c++)
		for (unsigned int f = 0; f < 2; f++)
			n += party(c) == party(client) && live(m, m->clients[c].relayed[f].until_s);
	for (unsigned int i = 0; i < MODEL_RESERVATIONS; i++)
		n += party(m->reservations[i].client) == party(client) &&
		     live(m, m->reservations[i].until_s);
	return n;
}

unsigned int model_owner(const struct model *m, unsigned int family, uint16_t port)
{
	unsigned int c;

	for (c = 0; c < MODEL_CLIENTS; c++)
		if (live(m, m->clients[c].relayed[family].until_s) &&
			m->clients[c].relayed[family].port == port)
			break;
	return c;
}

static bool port_free(const struct model *m, unsigned int family, uint16_t port)
{
	if (port < MODEL_PORT_MIN || port >= MODEL_PORT_MIN + MODEL_PORTS)
		return false;
	for (unsigned int i = 0; i < MODEL_RESERVATIONS; i++) {
		const struct model_reservation *r = &m->reservations[i];

		if (live(m, r->until_s) && r->family == family && r->port == port)
			return false;
	}
	return model_owner(m, family, port) == MODEL_CLIENTS;
}

static bool port_fits(
	const struct model *m, const struct model_request *q, unsigned int family, uint16_t port)
{
	if (!port_free(m, family, port) || (q->even && port % 2))
		return false;
	return !q->reserve || port_free(m, family, (uint16_t)(port + 1));
}

static bool has_port(const struct model *m, const struct model_request *q, unsigned int family)
{
	for (unsigned int i = 0; i < MODEL_PORTS; i++)
		if (port_fits(m, q, family, (uint16_t)(MODEL_PORT_MIN + i)))
			return true;
	return false;
}

static struct model_reservation *find_token(struct model *m, uint64_t token)
{
	for (unsigned int i = 0; i < MODEL_RESERVATIONS; i++)
		if (live(m, m->reservations[i].until_s) && m->reservations[i].token == token)
			return &m->reservations[i];
	return NULL;
}

// Relaying.

static bool permitted(const struct model *m, const struct model_relayed *r, unsigned int peer)
{
	return live(m, r->until_s) && live(m, r->permission_s[model_peer_ip(peer)]);
}

bool model_relays_channel(
	const struct model *m, unsigned int client, unsigned int which, unsigned int *peer)
{
	for (unsigned int f = 0; f < 2; f++) {
		const struct model_relayed *r = &m->clients[client].relayed[f];

		*peer = r->channel[which].peer;
		if (live(m, r->until_s) && live(m, r->channel[which].until_s))
			return true;
	}
	return false;
}

bool model_relays_send(const struct model *m, unsigned int client, unsigned int peer)
{
	return permitted(m, &m->clients[client].relayed[model_peer_family(peer)], peer);
}

bool model_relays_peer(
	const struct model *m, unsigned int client, unsigned int peer, uint16_t *number)
{
	const struct model_relayed *r = &m->clients[client].relayed[model_peer_family(peer)];

	*number = 0;
	for (unsigned int i = 0; i < MODEL_NUMBERS; i++)
		if (live(m, r->channel[i].until_s) && r->channel[i].peer == peer)
			*number = model_number(i);
	return permitted(m, r, peer);
}

uint64_t model_next(const struct model *m)
{
	uint64_t next = 0;

#define LOOK(time) \
	do { \
		if ((time) > m->now_s && (!next || (time) < next)) \
			next = (time); \
	} while (0)
	for (unsigned int c = 0; c < MODEL_CLIENTS; c++)
		for (unsigned int f = 0; f < 2; f++) {
			const struct model_relayed *r = &m->clients[c].relayed[f];

			LOOK(r->until_s);
			for (unsigned int i = 0; i < MODEL_IPS; i++)
				LOOK(r->permission_s[i]);
			for (unsigned int i = 0; i < MODEL_NUMBERS; i++)
				LOOK(r->channel[i].until_s);
		}
	for (unsigned int i = 0; i < MODEL_RESERVATIONS; i++)
		LOOK(m->reservations[i].until_s);
#undef LOOK
	return next;
}

// What may be answered. A set of codes, of which several may be right: a server may refuse by its quota at
// any point (RFC 8656 section 7.2).
struct verdict {
	bool success;
	unsigned int codes[4];
	unsigned int count;
};

static struct verdict only(unsigned int code)
{
	return (struct verdict){.codes = {code}, .count = 1};
}

static void also(struct verdict *v, unsigned int code)
{
	v->codes[v->count++] = code;
}

static const struct verdict success = {.success = true};

// RFC 8489 section 9.2.4. A nonce that never was this client's is as good as an old one.
static unsigned int authenticate(const struct model *m, const struct model_request *q)
{
	if (q->credentials == MODEL_UNSIGNED)
		return 401;
	if (!q->nonce[0])
		return 438;
	if (q->credentials != MODEL_GOOD)
		return 401;
	return m->now_s - q->nonce_s > MODEL_NONCE_S ? 438 : 0;
}

// Whether the requests that make something new find room for `n` of it.
static struct verdict allocate_one(
	struct model *m, const struct model_request *q, unsigned int family)
{
	unsigned int n = 1 + q->reserve;
	struct verdict v = {0};

	if (of_user(m, q->user) + n > MODEL_PER_USER ||
		of_address(m, q->client) + n > MODEL_PER_ADDRESS || total(m) + 1 > MODEL_SLOTS)
		also(&v, 486);
	if (!has_port(m, q, family))
		also(&v, 508);
	v.success = !v.count;
	return v;
}

// Whoever shows the token gets what was kept, whose place in the quotas it was already.
static struct verdict allocate_reserved(struct model *m, const struct model_request *q)
{
	struct model_reservation *r = find_token(m, q->token);
	uint64_t until_s;
	struct verdict v;

	if (!r)
		return only(508);
	until_s = r->until_s;
	r->until_s = 0;
	v = (struct verdict){0};
	if (of_user(m, q->user) + 1 > MODEL_PER_USER ||
		of_address(m, q->client) + 1 > MODEL_PER_ADDRESS || total(m) + 1 > MODEL_SLOTS)
		also(&v, 486);
	r->until_s = until_s;
	v.success = !v.count;
	// A token is as good as its time; whether it is another user's to show, the RFC leaves open.
	if (m->now_s >= r->made_s + TOKEN_S || r->user != q->user)
		also(&v, 508);
	return v;
}

// One of both families is enough (section 7.2, step 9).
static struct verdict allocate_dual(struct model *m, const struct model_request *q)
{
	unsigned int user = of_user(m, q->user), address = of_address(m, q->client);
	struct verdict v = {0};

	if (user + 2 > MODEL_PER_USER || address + 2 > MODEL_PER_ADDRESS ||
		total(m) + 2 > MODEL_SLOTS)
		also(&v, 486);
	if (!has_port(m, q, 0) && !has_port(m, q, 1))
		also(&v, 508);
	// Where there is room for one, one may be given.
	v.success = (has_port(m, q, 0) || has_port(m, q, 1)) && user < MODEL_PER_USER &&
		    address < MODEL_PER_ADDRESS && total(m) < MODEL_SLOTS;
	return v;
}

// Section 7.2, in its order.
static struct verdict judge_allocate(struct model *m, const struct model_request *q)
{
	const struct model_client *c = &m->clients[q->client];

	if (has_allocation(m, q->client))
		return c->id == q->id && c->user == q->user ? success : only(437);
	if (!q->transport)
		return only(400);
	if (q->transport != 17)
		return only(442);
	if (q->has_token && (q->even || q->family || q->additional))
		return only(400);
	if (q->family && q->additional)
		return only(400);
	if (q->family > 2)
		return only(440);
	if (q->reserve && q->additional)
		return only(400);
	if (q->additional && q->additional != 2)
		return only(400);
	if (q->has_token)
		return allocate_reserved(m, q);
	if (q->additional)
		return allocate_dual(m, q);
	return allocate_one(m, q, q->family == 2);
}

// Section 5: a request about an allocation is its owner's.
static unsigned int judge_owner(const struct model *m, const struct model_request *q)
{
	if (!has_allocation(m, q->client))
		return 437;
	return m->clients[q->client].user != q->user ? 441 : 0;
}

// Section 8.2.
static struct verdict judge_refresh(const struct model *m, const struct model_request *q)
{
	if (!q->family)
		return success;
	if (q->family > 2 || !live(m, m->clients[q->client].relayed[q->family - 1].until_s))
		return only(443);
	return success;
}

// Sections 10.2 and 12.2: whom a relayed address may reach at all. Several may be wrong at once.
static struct verdict judge_peers(const struct model *m, const struct model_request *q)
{
	struct verdict v = {0};
	bool family = false, denied = false;

	for (unsigned int i = 0; i < q->peers; i++) {
		unsigned int f = model_peer_family(q->peer[i]);

		family |= !live(m, m->clients[q->client].relayed[f].until_s);
		denied |= model_peer_denied(q->peer[i]);
	}
	if (family)
		also(&v, 443);
	if (denied)
		also(&v, 403);
	v.success = !v.count;
	return v;
}

// Whether the permissions of a request, some of which may be there, go over what an address may have.
static bool too_many_permissions(const struct model *m, const struct model_request *q)
{
	for (unsigned int f = 0; f < 2; f++) {
		const struct model_relayed *r = &m->clients[q->client].relayed[f];
		bool wanted[MODEL_IPS];
		unsigned int n = 0;

		for (unsigned int i = 0; i < MODEL_IPS; i++)
			wanted[i] = live(m, r->permission_s[i]);
		for (unsigned int i = 0; i < q->peers; i++)
			if (model_peer_family(q->peer[i]) == f)
				wanted[model_peer_ip(q->peer[i])] = true;
		for (unsigned int i = 0; i < MODEL_IPS; i++)
			n += wanted[i];
		if (n > MODEL_PERMISSIONS)
			return true;
	}
	return false;
}

static struct verdict judge_permit(const struct model *m, const struct model_request *q)
{
	struct verdict v;

	if (!q->peers)
		return only(400);
	v = judge_peers(m, q);
	return v.success && too_many_permissions(m, q) ? only(508) : v;
}

static struct verdict judge_bind(const struct model *m, const struct model_request *q)
{
	struct verdict v;
	unsigned int bound = 0;
	bool again = false;

	if (!q->peers || q->channel < 0x4000 || q->channel > 0x4fff)
		return only(400);
	v = judge_peers(m, q);
	for (unsigned int f = 0; f < 2; f++) {
		const struct model_relayed *r = &m->clients[q->client].relayed[f];

		for (unsigned int i = 0; i < MODEL_NUMBERS; i++) {
			bool number = model_number(i) == q->channel;
			bool peer = r->channel[i].peer == q->peer[0];

			if (!live(m, r->until_s) || !live(m, r->channel[i].until_s))
				continue;
			bound += f == model_peer_family(q->peer[0]);
			again |= number && peer;
			if (number != peer) {
				also(&v, 400);
				v.success = false;
				return v;
			}
		}
	}
	if (v.success && (too_many_permissions(m, q) || (!again && bound == MODEL_CHANNELS)))
		return only(508);
	return v;
}

static struct verdict judge_code(struct model *m, const struct model_request *q)
{
	unsigned int code = authenticate(m, q);

	if (code)
		return only(code);
	if (q->unknown)
		return only(420);
	if (q->method == MODEL_ALLOCATE)
		return judge_allocate(m, q);
	code = judge_owner(m, q);
	if (code)
		return only(code);
	if (q->method == MODEL_REFRESH)
		return judge_refresh(m, q);
	return q->method == MODEL_PERMIT ? judge_permit(m, q) : judge_bind(m, q);
}

static bool may_answer(const struct model *m, const struct model_request *q,
	const struct verdict *v, unsigned int code)
{
	// What a dataplane refused is not in force: only an Allocate may come through, with another port.
	if (v->success && q->failed && (code == 508 || q->method != MODEL_ALLOCATE))
		return code == 508;
	if (v->success && m->slack && (code == 508 || (code == 486 && q->method == MODEL_ALLOCATE)))
		return true;
	for (unsigned int i = 0; i < v->count; i++)
		if (v->codes[i] == code)
			return true;
	return !code && v->success;
}

// What becomes of it.

static uint32_t granted(const struct model_request *q)
{
	if (!q->has_lifetime || q->lifetime_s < DEFAULT_S)
		return DEFAULT_S;
	return q->lifetime_s > MOST_S ? MOST_S : q->lifetime_s;
}

static const char *keep_token(struct model *m, const struct model_request *q,
	const struct model_answer *a, unsigned int family)
{
	struct model_reservation *r = m->reservations;

	while (live(m, r->until_s))
		if (++r == m->reservations + MODEL_RESERVATIONS)
			return "more reservations than there are ports";
	*r = (struct model_reservation){.made_s = m->now_s,
		.until_s = m->now_s + TOKEN_KEPT_S,
		.token = a->token,
		.user = q->user,
		.client = q->client,
		.family = family,
		.port = (uint16_t)(a->port[family] + 1)};
	return NULL;
}

// The relayed addresses of an answer are free ones of the right families.
static const char *check_relayed(struct model *m, const struct model_request *q,
	const struct model_answer *a, const struct model_reservation *kept)
{
	for (unsigned int f = 0; f < 2; f++) {
		bool may = q->additional || f == (kept ? kept->family : q->family == 2u);

		if (a->port[f] && !may)
			return "a relayed address of a family that was not asked for";
		if (!q->additional && a->address_error[f])
			return "ADDRESS-ERROR-CODE in the answer to who wants one family";
		if (a->port[f] && a->address_error[f])
			return "a family that is given and refused";
		if (may && !a->port[f] && !a->address_error[f])
			return "a family that is neither given nor refused";
		if (may && !a->port[f] && a->address_error[f] != 440 && a->address_error[f] != 508)
			return "an ADDRESS-ERROR-CODE other than 440 and 508";
		if (a->port[f] && kept && a->port[f] != kept->port)
			return "not the port that was reserved";
		if (a->port[f] && !kept && !port_fits(m, q, f, a->port[f]))
			return "a port that is taken, outside, or not even";
	}
	return a->port[0] || a->port[1] ? NULL : "no relayed address";
}

static const char *check_dual(
	const struct model *m, const struct model_request *q, const struct model_answer *a)
{
	bool both = of_user(m, q->user) + 2 <= MODEL_PER_USER &&
		    of_address(m, q->client) + 2 <= MODEL_PER_ADDRESS &&
		    total(m) + 2 <= MODEL_SLOTS;

	for (unsigned int f = 0; f < 2 && both && !m->slack && !q->failed; f++)
		if (a->address_error[f] && has_port(m, q, f))
			return "a family is refused that could be given";
	return NULL;
}

static const char *allocated(
	struct model *m, const struct model_request *q, const struct model_answer *a)
{
	struct model_client *c = &m->clients[q->client];
	struct model_reservation *kept = q->has_token ? find_token(m, q->token) : NULL;
	const char *wrong = check_relayed(m, q, a, kept);

	if (!wrong && q->additional)
		wrong = check_dual(m, q, a);
	if (wrong)
		return wrong;
	if (a->lifetime_s != granted(q))
		return "not the lifetime that is due";
	if (a->has_token != q->reserve)
		return "a token that was not asked for, or none that was";
	if (kept)
		kept->until_s = 0;
	if (q->reserve)
		wrong = keep_token(m, q, a, q->family == 2);
	*c = (struct model_client){.user = q->user, .id = q->id, .lifetime_s = a->lifetime_s};
	for (unsigned int f = 0; f < 2; f++)
		if (a->port[f])
			c->relayed[f] = (struct model_relayed){
				.until_s = m->now_s + a->lifetime_s, .port = a->port[f]};
	return wrong;
}

// A retransmission gets what was told before, of what is still there.
static const char *allocated_again(
	const struct model *m, const struct model_request *q, const struct model_answer *a)
{
	const struct model_client *c = &m->clients[q->client];

	for (unsigned int f = 0; f < 2; f++) {
		uint16_t port = live(m, c->relayed[f].until_s) ? c->relayed[f].port : 0;

		if (a->port[f] != port)
			return "a retransmission is told another relayed address";
	}
	return a->lifetime_s == c->lifetime_s ? NULL : "a retransmission is told another lifetime";
}

static const char *refreshed(
	struct model *m, const struct model_request *q, const struct model_answer *a)
{
	uint32_t lifetime_s = q->has_lifetime && !q->lifetime_s ? 0 : granted(q);

	if (a->lifetime_s != lifetime_s)
		return "not the lifetime that is due";
	for (unsigned int f = 0; f < 2; f++) {
		struct model_relayed *r = &m->clients[q->client].relayed[f];

		if (live(m, r->until_s) && (!q->family || f == q->family - 1u))
			r->until_s = m->now_s + lifetime_s;
	}
	return NULL;
}

static void permit(struct model *m, const struct model_request *q)
{
	for (unsigned int i = 0; i < q->peers; i++) {
		unsigned int peer = q->peer[i];

		m->clients[q->client]
			.relayed[model_peer_family(peer)]
			.permission_s[model_peer_ip(peer)] = m->now_s + PERMISSION_S;
	}
}

static void bind(struct model *m, const struct model_request *q)
{
	struct model_relayed *r = &m->clients[q->client].relayed[model_peer_family(q->peer[0])];

	permit(m, q);
	for (unsigned int i = 0; i < MODEL_NUMBERS; i++)
		if (model_number(i) == q->channel) {
			r->channel[i].until_s = m->now_s + CHANNEL_S;
			r->channel[i].peer = q->peer[0];
		}
}

const char *model_judge(
	struct model *m, const struct model_request *q, const struct model_answer *a)
{
	struct verdict v = judge_code(m, q);

	if (!may_answer(m, q, &v, a->code))
		return v.success ? "this should succeed" : "not an answer that is due";
	if (a->code)
		return NULL;
	if (q->method == MODEL_ALLOCATE && has_allocation(m, q->client))
		return allocated_again(m, q, a);
	if (q->method == MODEL_ALLOCATE)
		return allocated(m, q, a);
	if (q->method == MODEL_REFRESH)
		return refreshed(m, q, a);
	if (q->method == MODEL_PERMIT)
		permit(m, q);
	else
		bind(m, q);
	return NULL;
}
