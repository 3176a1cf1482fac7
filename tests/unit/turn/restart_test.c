// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A control plane dies and the next one opens the vault: all that was granted holds.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

TestSuite(turn_restart, .init = suite_init, .fini = suite_fini);

#define COUNT 6u

static void populate(void)
{
	for (uint16_t i = 0; i < COUNT; i++) {
		const struct tp_endpoint client = client_number(i);

		cr_assert_eq(ask_allocate(&rig, &client, 1), 0);
		cr_assert_eq(ask_bind(&rig, &client, &peer_a, 0x4000), 0);
		cr_assert_eq(ask_permission(&rig, &client, &peer_b), 0);
		rig_pass(&rig, 1000);
	}
}

Test(turn_restart, keeps_every_allocation_permission_and_channel)
{
	populate();
	cr_assert_eq(ask_allocate(&rig, &rig_client6, 2), 0);
	rig_restart(&rig);
	cr_expect_eq(counted(TP_CC_vault_bad), 0u);
	cr_expect_eq(rig.table->live, COUNT + 1);
	cr_expect_eq(rig.table->live_peers, 3 * COUNT);
	cr_expect_eq(free_ports(), 3 * 64u - COUNT - 1);
	for (uint16_t i = 0; i < COUNT; i++) {
		const struct tp_endpoint client = client_number(i);
		uint32_t slot = rig_slot(&rig, &client);
		uint64_t granted = RIG_MS + 1000u * i;

		cr_assert_neq(slot, TABLE_NONE);
		cr_expect_eq(table_record(rig.table, slot)->expires_ms, granted + 600000);
		cr_expect_eq(mirror_find(&rig.mirror, slot, &peer_a.ip, 0)->expires_ms,
			granted + 300000);
		cr_expect_eq(mirror_find(&rig.mirror, slot, &peer_b.ip, 0)->expires_ms,
			granted + 300000);
		cr_expect_eq(mirror_find(&rig.mirror, slot, &peer_a.ip, 0x4000)->expires_ms,
			granted + 600000);
	}
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_restart, requests_of_earlier_allocations_are_answered)
{
	const struct tp_endpoint client = client_number(2);
	struct ask q;

	populate();
	rig_restart(&rig);
	cr_expect_eq(ask_bind(&rig, &client, &peer_a, 0x4000), 0);
	cr_expect_eq(ask_bind(&rig, &client, &peer_b, 0x4000), 400);
	cr_expect_eq(ask_permission(&rig, &client, &peer_b), 0);
	cr_expect_eq(ask_allocate(&rig, &client, 1), 437);
	ask(&rig, &q, TP_STUN_REFRESH);
	q.client = client;
	q.user = 1;
	cr_expect_eq(answer_code(ask_send(&q)), 441);
	cr_expect_eq(ask_refresh(&rig, &client, 700), 0);
	cr_expect_eq(ask_refresh(&rig, &client, 0), 0);
	cr_expect_eq(rig.table->live, COUNT - 1);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_restart, nonces_still_hold)
{
	char nonce[AUTH_NONCE_MAX];
	struct ask q;

	auth_nonce(rig.auth, &rig_client, rig.wall_s, nonce);
	rig_restart(&rig);
	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	q.nonce = nonce;
	cr_expect_eq(answer_code(ask_send(&q)), 0);
}

Test(turn_restart, retransmission_gets_the_same_bytes)
{
	struct answer first;
	struct ask q;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_u32(&q, TP_ATTR_LIFETIME, 777);
	q.fingerprint = true;
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	first = rig.answer;
	rig_restart(&rig);
	rig_pass(&rig, 39000);
	cr_assert_not_null(ask_again(&q));
	cr_assert_eq(rig.answer.length, first.length);
	cr_expect_arr_eq(rig.answer.bytes, first.bytes, first.length);
	cr_expect_eq(rig.table->live, 1u);
}

Test(turn_restart, counts_quotas_again_even_over_a_smaller_limit)
{
	const struct tp_endpoint client = client_number(0);

	populate();
	rig_kill(&rig);
	rig.table_config->limits.allocations_per_user = 2;
	rig.table_config->allocations_per_address = COUNT + 1;
	rig_revive(&rig);
	rig_attach(&rig);
	cr_expect_eq(rig.table->live, COUNT);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 1), 486);
	cr_expect_eq(ask_refresh(&rig, &client, 0), 0);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 1), 486);
	rig_pass(&rig, 600000);
	rig_tick(&rig, 2200);
	cr_expect_eq(ask_allocate(&rig, &rig_client, 1), 0);
}

Test(turn_restart, what_expired_meanwhile_is_gone)
{
	populate();
	rig_kill(&rig);
	rig.now_ms = RIG_MS + 600000 + 2000; // three have expired
	rig_revive(&rig);
	rig_attach(&rig);
	rig_tick(&rig, 100);
	cr_expect_eq(mirror_count(&rig.mirror), 3u);
	rig_tick(&rig, 800);
	cr_expect_eq(rig.table->live, 3u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_restart, without_a_relay_address_frees_what_was_there)
{
	uint32_t v6;

	cr_assert_eq(ask_allocate(&rig, &rig_client6, 2), 0);
	cr_assert_eq(ask_allocate(&rig, &rig_client, 1), 0);
	rig_kill(&rig);
	rig.table_config->relays_count = 2;
	rig_revive(&rig);
	rig_attach(&rig);
	v6 = rig_slot(&rig, &rig_client6);
	cr_expect_eq(v6, TABLE_NONE);
	cr_expect_eq(counted(TP_CC_vault_bad), 1u);
	cr_expect_eq(rig.table->live, 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_restart, public_addresses_may_change)
{
	struct ask q;
	struct tp_endpoint relayed;

	ask(&rig, &q, TP_STUN_ALLOCATE);
	ask_transport(&q);
	ask_family(&q, 2);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	rig.relays[2].public_ = rig_ip("2001:db8:3::5");
	rig_restart(&rig);
	cr_assert_not_null(ask_again(&q));
	relayed = answer_address(&rig.answer, TP_ATTR_XOR_RELAYED_ADDRESS);
	cr_expect(tp_ip_equal(&relayed.ip, &rig.relays[2].public_));
}

// Damage to the record of allocation 2 or of one of its peers, and to how many records that is.

typedef void damage(struct vault *v, struct tp_vault_allocation *a, struct tp_vault_peer *p,
	struct tp_vault_allocation *other);

#define DAMAGE(name, what) \
	static void name(struct vault *v, struct tp_vault_allocation *a, struct tp_vault_peer *p, \
		struct tp_vault_allocation *other) \
	{ \
		(void)v, (void)a, (void)p, (void)other; \
		what; \
	}

DAMAGE(foreign_relay, a->relay = TP_RELAYS_MAX - 1)
DAMAGE(relay_beyond, a->relay = TP_RELAYS_MAX)
DAMAGE(port_below, a->relay_port = RIG_PORT_MIN - 1)
DAMAGE(port_above, a->relay_port = RIG_PORT_MAX + 1)
DAMAGE(port_zero, a->relay_port = 0)
DAMAGE(port_of_another, a->relay_port = other->relay_port; a->relay = other->relay)
DAMAGE(tuple_of_another, a->client_ip = other->client_ip; a->client_port = other->client_port)
DAMAGE(client_port_zero, a->client_port = 0)
DAMAGE(server_unknown, a->server = TP_VAULT_SERVERS - 1)
DAMAGE(transport_unknown, a->transport = 9)
DAMAGE(serial_zero, a->serial = 0)
DAMAGE(serial_ahead, a->serial = v->header->serial + 1)
DAMAGE(expiry_zero, a->expires_ms = 0)
DAMAGE(peer_slot_beyond, p->allocation = 1u << 30)
DAMAGE(peer_slot_empty, p->allocation = 63)
DAMAGE(peer_slot_other, p->allocation = (uint32_t)(other - v->allocations))
DAMAGE(peer_serial, p->serial++)
DAMAGE(peer_channel_low, p->channel = 0x3fff)
DAMAGE(peer_channel_high, p->channel = 0x8000)
DAMAGE(peer_family, p->ip = peer6.ip)
DAMAGE(peer_expiry_zero, p->expires_ms = 0)
DAMAGE(peer_port, p->port = p->channel ? 0 : 7)
DAMAGE(peer_twice, p->ip = p->channel ? p->ip : peer_a.ip; p->port = 0; p->channel = 0)

static void damaged(const char *name, damage *d, uint16_t channel, uint64_t allocations,
	uint64_t peers, uint64_t bad)
{
	const struct tp_endpoint client = client_number(2), another = client_number(4);
	struct tp_vault_peer *p = NULL;
	uint32_t slot, other;
	struct vault v;

	SUITE_CONFIGURED((void)0);
	populate();
	slot = rig_slot(&rig, &client);
	other = rig_slot(&rig, &another);
	rig_kill(&rig);
	cr_assert_eq(vault_open(&v, rig.vault_fd, 64, 6144), 0);
	for (uint32_t i = 0; i < v.header->peers; i++) {
		if (v.peers[i].expires_ms && v.peers[i].allocation == slot &&
			v.peers[i].channel == channel &&
			(channel || tp_ip_equal(&v.peers[i].ip, &peer_b.ip)))
			p = &v.peers[i];
	}
	cr_assert_not_null(p);
	d(&v, &v.allocations[slot], p, &v.allocations[other]);
	vault_close(&v);
	rig_revive(&rig);
	cr_expect_eq(counted(TP_CC_vault_bad), bad, "%s: %lu bad", name, counted(TP_CC_vault_bad));
	cr_expect_eq(rig.table->live, allocations, "%s: %u left", name, rig.table->live);
	cr_expect_eq(rig.table->live_peers, peers, "%s: %u peers", name, rig.table->live_peers);
	cr_expect_eq(free_ports(), 3 * 64u - allocations);
	rig_attach(&rig);
	cr_expect_eq(rig_check(&rig, true), 0, "%s", name);
	// What was freed is free.
	for (uint16_t i = 0; i < 10; i++) {
		const struct tp_endpoint fresh = client_number((uint16_t)(100 + i));

		cr_expect_eq(ask_allocate(&rig, &fresh, 1), 0);
		cr_expect_eq(ask_bind(&rig, &fresh, &peer_b, 0x4001), 0);
	}
	cr_expect_eq(rig_check(&rig, true), 0, "%s", name);
}

Test(turn_restart, frees_damaged_allocations_with_their_peers_and_nothing_else)
{
	static const struct {
		const char *name;
		damage *d;
	} table[] = {{"foreign_relay", foreign_relay}, {"relay_beyond", relay_beyond},
		{"port_below", port_below}, {"port_above", port_above}, {"port_zero", port_zero},
		{"port_of_another", port_of_another}, {"client_port_zero", client_port_zero},
		{"server_unknown", server_unknown}, {"transport_unknown", transport_unknown},
		{"serial_zero", serial_zero}, {"serial_ahead", serial_ahead},
		{"tuple_of_another", tuple_of_another}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		damaged(table[i].name, table[i].d, 0x4000, COUNT - 1, 3 * (COUNT - 1), 1 + 3);
	// It is free; its peers are nobody's.
	damaged("expiry_zero", expiry_zero, 0x4000, COUNT - 1, 3 * (COUNT - 1), 3);
}

Test(turn_restart, frees_damaged_peers_and_nothing_else)
{
	static const struct {
		const char *name;
		damage *d;
	} table[] = {{"slot_beyond", peer_slot_beyond}, {"slot_empty", peer_slot_empty},
		{"slot_other", peer_slot_other}, {"serial", peer_serial},
		{"channel_low", peer_channel_low}, {"channel_high", peer_channel_high},
		{"family", peer_family}, {"port", peer_port}, {"twice", peer_twice}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		damaged(table[i].name, table[i].d, 0x4000, COUNT, 3 * COUNT - 1, 1);
		damaged(table[i].name, table[i].d, 0, COUNT, 3 * COUNT - 1, 1);
	}
	damaged("expiry_zero", peer_expiry_zero, 0x4000, COUNT, 3 * COUNT - 1, 0);
}

Test(turn_restart, what_is_no_vault_gives_way_to_an_empty_one)
{
	struct tp_vault_header *h;
	struct vault v;
	int fd = memfd_create("no vault", MFD_CLOEXEC);
	const struct {
		uint64_t size;
		uint64_t magic;
	} table[] = {{10, 0}, {4096, 0}, {4096, TP_VAULT_MAGIC}, {1 << 20, ~TP_VAULT_MAGIC}};

	cr_assert_geq(fd, 0);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		cr_assert_eq(ftruncate(fd, 0), 0);
		cr_assert_eq(ftruncate(fd, (off_t)table[i].size), 0);
		if (table[i].magic)
			cr_assert_eq(pwrite(fd, &table[i].magic, 8, 0), 8);
		cr_expect_eq(vault_open(&v, fd, 64, 6144), 1, "case %zu", i);
		cr_expect_eq(v.size, tp_vault_size(64, 6144));
		cr_expect_eq(v.header->serial, 0u);
		vault_close(&v);
	}
	cr_assert_eq(vault_open(&v, fd, 64, 6144), 0);
	h = v.header;
	h->allocations = 65;
	v.allocations[3].expires_ms = 1;
	vault_close(&v);
	cr_expect_eq(vault_open(&v, fd, 64, 6144), 1);
	cr_expect_eq(v.allocations[3].expires_ms, 0u);
	vault_close(&v);
	close(fd);
}

Test(turn_restart, a_vault_without_memory_is_refused_and_leaves_the_file_empty)
{
	struct vault v;
	struct stat st;
	int fd = memfd_create("vault", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	cr_expect_eq(vault_open(&v, fd, 64, 6144), -EPERM);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect_eq(st.st_size, 0);
	close(fd);
}

Test(turn_restart, every_vault_begins_at_a_generation_of_its_own)
{
	uint32_t generations[4];
	struct vault v;

	for (int i = 0; i < 4; i++) {
		int fd = memfd_create("vault", MFD_CLOEXEC);

		cr_assert_eq(vault_open(&v, fd, 1, 2), 0);
		generations[i] = v.header->generation;
		vault_close(&v);
		cr_assert_eq(vault_open(&v, fd, 1, 2), 0);
		cr_expect_eq(v.header->generation, generations[i]);
		vault_close(&v);
		close(fd);
		cr_expect_neq(generations[i], 0u);
		for (int k = 0; k < i; k++)
			cr_expect_neq(generations[i], generations[k]);
	}
}
