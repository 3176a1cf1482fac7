// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Dual allocations: a relayed address of each family on one 5-tuple (RFC 8656 sections 7.2, 8.2, 10.2, 12.2).
#include <errno.h>

#include "suite.h"

TestSuite(turn_dual, .init = suite_init, .fini = suite_fini);

static void compose(struct ask *q)
{
	ask(&rig, q, TP_STUN_ALLOCATE);
	ask_transport(q);
	ask_additional(q);
}

static int allocate(void)
{
	struct ask q;

	compose(&q);
	return answer_code(ask_send(&q));
}

static uint32_t slot_of(enum tp_family family)
{
	uint32_t slot = rig_slot(&rig, &rig_client);

	return slot == TABLE_NONE ? slot : table_of_family(rig.table, slot, family);
}

// A Refresh that names a family, or 0 for none.
static int refresh(uint8_t family, uint32_t lifetime_s)
{
	struct ask q;

	ask(&rig, &q, TP_STUN_REFRESH);
	ask_u32(&q, TP_ATTR_LIFETIME, lifetime_s);
	if (family)
		ask_family(&q, family);
	return answer_code(ask_send(&q));
}

Test(turn_dual, answers_with_an_address_of_each_family_once_both_are_in_force)
{
	struct tp_endpoint v4, v6;
	uint16_t length;

	cr_assert_eq(allocate(), 0);
	v4 = answer_relayed(&rig.answer, TP_IPV4);
	v6 = answer_relayed(&rig.answer, TP_IPV6);
	cr_expect_neq(v4.port, 0);
	cr_expect(tp_ip_equal(&v6.ip, &rig.relays[2].public_));
	cr_expect_eq(answer_u32(&rig.answer, TP_ATTR_LIFETIME), 600u);
	cr_expect_eq(answer_address_error(&rig.answer), 0u);
	cr_expect_null(answer_attribute(&rig.answer, TP_ATTR_RESERVATION_TOKEN, &length));
	cr_expect(answer_signed(&rig.answer, &rig.users[0]));
	cr_assert_eq(last()->count, 2u);
	cr_expect(last()->reply);
	cr_expect_eq(last()->commands[0].relay_port, v4.port);
	cr_expect_eq(last()->commands[1].relay_port, v6.port);
	cr_expect_neq(last()->commands[0].allocation, last()->commands[1].allocation);
	cr_expect(tp_endpoint_equal(&last()->commands[1].client, &rig_client));
	cr_expect_eq(rig.table->live, 2u);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(refresh(0, 0), 0);
	expect_nothing();
}

Test(turn_dual, with_even_port_gets_two_even_ports)
{
	for (uint16_t i = 0; i < 10; i++) {
		struct ask q;

		compose(&q);
		q.client = client_number(i);
		ask_even(&q, false);
		cr_assert_eq(answer_code(ask_send(&q)), 0);
		cr_expect_eq(answer_relayed(&rig.answer, TP_IPV4).port & 1, 0);
		cr_expect_eq(answer_relayed(&rig.answer, TP_IPV6).port & 1, 0);
	}
}

Test(turn_dual, of_a_family_that_is_not_relayed_is_the_other_with_440)
{
	SUITE_CONFIGURED(rig.table_config->relays_count = 2);
	cr_assert_eq(allocate(), 0);
	cr_expect_eq(answer_address_error(&rig.answer), 2440u);
	cr_expect_neq(answer_relayed(&rig.answer, TP_IPV4).port, 0);
	cr_expect_eq(answer_relayed(&rig.answer, TP_IPV6).port, 0);
	cr_expect_eq(last()->count, 1u);
	SUITE_CONFIGURED(
		rig.table_config->relays = rig.relays + 2, rig.table_config->relays_count = 1);
	cr_assert_eq(allocate(), 0);
	cr_expect_eq(answer_address_error(&rig.answer), 1440u);
	cr_expect_neq(answer_relayed(&rig.answer, TP_IPV6).port, 0);
	cr_expect_eq(answer_relayed(&rig.answer, TP_IPV4).port, 0);
	SUITE_CONFIGURED(rig.capabilities.relays = 1,
		rig.capabilities.relay[0].local = rig_ip("203.0.113.99"),
		rig.capabilities.relay[0].public_ = rig_ip("203.0.113.99"));
	cr_expect_eq(allocate(), 508);
}

Test(turn_dual, without_a_port_of_one_family_is_the_other_with_508)
{
	for (uint16_t i = 0; i < 64; i++) {
		const struct tp_endpoint client = client_number(i);

		cr_assert_eq(ask_allocate(&rig, &client, 2), i < 63 ? 0 : 0);
		if (i == 62)
			break;
	}
	// 63 slots are used, one is left: the second half finds none.
	cr_assert_eq(allocate(), 0);
	cr_expect_eq(answer_address_error(&rig.answer), 2508u);
	cr_expect_eq(refresh(0, 0), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
	SUITE_CONFIGURED(rig.table_config->port_max = rig.capabilities.port_max = RIG_PORT_MIN);
	cr_assert_eq(ask_allocate(&rig, (const struct tp_endpoint[]){client_number(1)}, 2), 0);
	cr_assert_eq(allocate(), 0);
	cr_expect_eq(answer_address_error(&rig.answer), 2508u);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_dual, counts_for_each_family_in_the_quotas)
{
	const struct tp_endpoint another = client_number(1);

	SUITE_CONFIGURED(rig.table_config->limits.allocations_per_user = 2);
	cr_assert_eq(allocate(), 0);
	cr_expect_eq(answer_address_error(&rig.answer), 0u);
	cr_expect_eq(ask_allocate(&rig, &another, 1), 486);
	cr_expect_eq(refresh(TP_IPV6, 0), 0);
	cr_expect_eq(ask_allocate(&rig, &another, 1), 0);
	cr_expect_eq(refresh(0, 0), 0);
	cr_expect_eq(allocate(), 0);
	cr_expect_eq(answer_address_error(&rig.answer), 2508u);
	cr_expect_eq(refresh(0, 0), 0);
	cr_expect_eq(ask_refresh(&rig, &another, 0), 0);
	expect_nothing();
}

Test(turn_dual, a_taken_port_is_changed_in_the_family_that_it_concerns)
{
	for (uint32_t at = 0; at < 2; at++) {
		const struct told *first, *second;

		rig_verdict(&rig, TP_STATUS_PORT_TAKEN, at);
		cr_assert_eq(allocate(), 0);
		first = rig_told(&rig, 1);
		second = last();
		cr_assert_eq(second->count, 2u);
		cr_expect_neq(second->commands[at].relay_port, first->commands[at].relay_port);
		cr_expect_eq(second->commands[!at].relay_port, first->commands[!at].relay_port);
		cr_expect_eq(answer_relayed(&rig.answer, at ? TP_IPV6 : TP_IPV4).port,
			second->commands[at].relay_port);
		cr_expect_eq(rig_check(&rig, true), 0);
		cr_assert_eq(refresh(0, 0), 0);
		expect_nothing();
	}
}

Test(turn_dual, what_the_dataplane_refuses_of_one_family_leaves_the_other_with_508)
{
	static const int statuses[] = {
		TP_STATUS_NO_SPACE, TP_STATUS_NO_DESCRIPTORS, TP_STATUS_ADDRESS};

	for (uint32_t at = 0; at < 2; at++) {
		for (size_t i = 0; i < 3; i++) {
			struct answer first;
			struct ask q;

			// Of IPv4 there are two addresses.
			for (int n = 0; n < (statuses[i] == TP_STATUS_ADDRESS && !at ? 2 : 1); n++)
				rig_verdict(&rig, statuses[i], at);
			compose(&q);
			cr_assert_eq(answer_code(ask_send(&q)), 0);
			first = rig.answer;
			cr_expect_eq(answer_address_error(&first), at ? 2508u : 1508u);
			cr_expect_neq(answer_relayed(&first, at ? TP_IPV4 : TP_IPV6).port, 0);
			cr_expect_eq(answer_relayed(&first, at ? TP_IPV6 : TP_IPV4).port, 0);
			cr_expect_eq(rig.table->live, 1u);
			cr_expect_eq(mirror_count(&rig.mirror), 1u);
			cr_expect_eq(rig_check(&rig, true), 0);
			cr_assert_eq(answer_code(ask_again(&q)), 0);
			cr_expect_arr_eq(rig.answer.bytes, first.bytes, first.length);
			cr_assert_eq(refresh(0, 0), 0);
			expect_nothing();
		}
	}
}

Test(turn_dual, refused_in_both_families_is_508_and_leaves_nothing)
{
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 0);
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 0);
	// The drop of the first half comes between, and always succeeds.
	rig_verdict(&rig, TP_STATUS_NO_SPACE, 0);
	cr_expect_eq(allocate(), 508);
	rig_tick(&rig, 1200);
	expect_nothing();
}

Test(turn_dual, that_found_no_room_to_be_told_leaves_nothing_and_can_be_sent_again)
{
	struct ask q;

	compose(&q);
	rig.refuse = -EAGAIN;
	cr_expect_null(ask_send(&q));
	rig.refuse = 0;
	expect_nothing();
	cr_expect_eq(answer_code(ask_again(&q)), 0);
}

Test(turn_dual, retransmitted_gets_the_same_bytes_also_after_a_restart)
{
	struct answer first;
	struct ask q;

	compose(&q);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	first = rig.answer;
	for (int i = 0; i < 3; i++) {
		cr_assert_not_null(ask_again(&q));
		cr_assert_eq(rig.answer.length, first.length);
		cr_expect_arr_eq(rig.answer.bytes, first.bytes, first.length);
		cr_expect_eq(rig_check(&rig, true), 0);
		rig_restart(&rig);
	}
	cr_expect_eq(counted(TP_CC_vault_bad), 0u);
	cr_expect_eq(allocate(), 437);
}

Test(turn_dual, refreshes_both_families_or_the_one_that_is_named)
{
	cr_assert_eq(allocate(), 0);
	rig_pass(&rig, 1000);
	cr_assert_eq(refresh(0, 1000), 0);
	cr_expect_eq(last()->count, 2u);
	cr_expect_eq(table_record(rig.table, slot_of(TP_IPV4))->expires_ms, RIG_MS + 1001000u);
	cr_expect_eq(table_record(rig.table, slot_of(TP_IPV6))->expires_ms, RIG_MS + 1001000u);
	cr_assert_eq(refresh(TP_IPV6, 2000), 0);
	cr_expect_eq(last()->count, 1u);
	cr_expect_eq(table_record(rig.table, slot_of(TP_IPV4))->expires_ms, RIG_MS + 1001000u);
	cr_expect_eq(table_record(rig.table, slot_of(TP_IPV6))->expires_ms, RIG_MS + 2001000u);
	cr_expect_eq(refresh(3, 2000), 443);
	cr_expect_eq(refresh(255, 0), 443);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_dual, deletes_the_family_that_is_named_and_keeps_the_other)
{
	for (uint8_t gone = TP_IPV4; gone <= TP_IPV6; gone++) {
		const struct tp_endpoint *left_peer = gone == TP_IPV4 ? &peer6 : &peer_a;
		const struct tp_endpoint *gone_peer = gone == TP_IPV4 ? &peer_a : &peer6;

		cr_assert_eq(allocate(), 0);
		cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
		cr_assert_eq(ask_bind(&rig, &rig_client, &peer6, 0x4001), 0);
		cr_assert_eq(refresh(gone, 0), 0);
		cr_expect_eq(answer_u32(&rig.answer, TP_ATTR_LIFETIME), 0u);
		cr_expect_eq(rig.table->live, 1u);
		cr_expect_eq(rig.table->live_peers, 2u);
		cr_expect_eq(rig_check(&rig, true), 0);
		cr_expect_eq(refresh(gone, 600), 443);
		cr_expect_eq(refresh(gone, 0), 443);
		cr_expect_eq(ask_permission(&rig, &rig_client, gone_peer), 443);
		cr_expect_eq(ask_permission(&rig, &rig_client, left_peer), 0);
		cr_expect_eq(allocate(), 437);
		cr_expect_eq(refresh(0, 0), 0);
		expect_nothing();
	}
}

Test(turn_dual, deleting_frees_the_5_tuple_at_once)
{
	rig.hold = true;
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(allocate(), 0);
		cr_assert_eq(refresh(0, 0), 0);
	}
	rig_flush(&rig);
	expect_nothing();
}

Test(turn_dual, peers_go_to_the_address_of_their_family)
{
	struct ask q;

	cr_assert_eq(allocate(), 0);
	ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
	ask_peer(&q, &peer_a);
	ask_peer(&q, &peer6);
	ask_peer(&q, &peer_b);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	cr_assert_eq(last()->count, 3u);
	cr_expect_eq(last()->commands[0].allocation, slot_of(TP_IPV4));
	cr_expect_eq(last()->commands[1].allocation, slot_of(TP_IPV6));
	cr_expect_eq(last()->commands[2].allocation, slot_of(TP_IPV4));
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer6, 0x4000), 0);
	cr_expect_not_null(mirror_find(&rig.mirror, slot_of(TP_IPV6), &peer6.ip, 0x4000));
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_dual, a_channel_number_is_bound_once_in_both_families)
{
	cr_assert_eq(allocate(), 0);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer6, 0x4000), 400);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer6, 0x4001), 0);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4001), 400);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer6, 0x4001), 0);
	// Over is over, whatever the scan has got to.
	rig_pass(&rig, 599000);
	cr_assert_eq(refresh(0, 600), 0);
	rig_pass(&rig, 1000);
	cr_expect_eq(ask_bind(&rig, &rig_client, &peer6, 0x4000), 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_dual, a_permission_refused_for_one_family_takes_back_those_of_the_other)
{
	struct ask q;

	cr_assert_eq(allocate(), 0);
	for (uint32_t at = 0; at < 3; at++) {
		ask(&rig, &q, TP_STUN_CREATE_PERMISSION);
		ask_peer(&q, &peer_a);
		ask_peer(&q, &peer6);
		ask_peer(&q, &peer_b);
		rig_verdict(&rig, TP_STATUS_NO_SPACE, at);
		cr_expect_eq(answer_code(ask_send(&q)), 508);
		cr_expect_eq(rig.table->live_peers, 0u);
		cr_expect_eq(mirror_peers(&rig.mirror), 0u);
	}
	cr_expect_eq(rig_check(&rig, true), 0);
}

Test(turn_dual, each_family_expires_by_itself)
{
	cr_assert_eq(allocate(), 0);
	cr_assert_eq(refresh(TP_IPV6, 1200), 0);
	rig_pass(&rig, 600000);
	cr_expect_eq(ask_permission(&rig, &rig_client, &peer_a), 443);
	cr_expect_eq(ask_permission(&rig, &rig_client, &peer6), 0);
	cr_expect_eq(refresh(TP_IPV4, 600), 443);
	rig_pass(&rig, 600000);
	cr_expect_eq(refresh(0, 600), 437);
	rig_tick(&rig, 1200);
	expect_nothing();
}

Test(turn_dual, of_another_user_is_441)
{
	struct ask q;

	cr_assert_eq(allocate(), 0);
	ask(&rig, &q, TP_STUN_REFRESH);
	ask_family(&q, TP_IPV6);
	q.user = 1;
	cr_expect_eq(answer_code(ask_send(&q)), 441);
}

Test(turn_dual, is_put_again_for_every_dataplane_and_loses_only_what_that_refuses)
{
	cr_assert_eq(allocate(), 0);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer_a, 0x4000), 0);
	cr_assert_eq(ask_bind(&rig, &rig_client, &peer6, 0x4001), 0);
	rig_detach(&rig);
	rig_attach(&rig);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(mirror_count(&rig.mirror), 2u);
	rig_detach(&rig);
	rig_verdict(&rig, TP_STATUS_PORT_TAKEN, 0);
	rig_attach(&rig);
	rig_tick(&rig, 1200);
	cr_expect_eq(rig.table->live, 1u);
	cr_expect_eq(counted(TP_CC_allocations_lost), 1u);
	cr_expect_eq(rig_check(&rig, true), 0);
	cr_expect_eq(refresh(0, 600), 0);
}

// The control plane died after the first of both records: the client's retransmission gets what there is.
Test(turn_dual, of_which_only_one_record_was_written_is_that_one_with_508)
{
	struct vault v;
	struct ask q;
	uint32_t slot;

	compose(&q);
	cr_assert_eq(answer_code(ask_send(&q)), 0);
	slot = slot_of(TP_IPV6);
	rig_kill(&rig);
	cr_assert_eq(vault_open(&v, rig.vault_fd, 64, 6144), 0);
	vault_free(&v.allocations[slot].expires_ms);
	vault_close(&v);
	rig_revive(&rig);
	rig_attach(&rig);
	cr_expect_eq(counted(TP_CC_vault_bad), 0u);
	cr_assert_eq(answer_code(ask_again(&q)), 0);
	cr_expect_eq(answer_address_error(&rig.answer), 2508u);
	cr_expect_neq(answer_relayed(&rig.answer, TP_IPV4).port, 0);
	cr_expect_eq(rig_check(&rig, true), 0);
}
