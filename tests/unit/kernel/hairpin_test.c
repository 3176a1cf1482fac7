// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <netinet/in.h>

#include "rig.h"

static const uint8_t tid[TP_STUN_TID] = "abcdefghijkl";

// Two clients, each with a channel to the other's relayed address, on workers `first` and `second`.
static void check_hairpin(uint32_t first, uint32_t second, uint8_t relay, const char *public4)
{
	struct rig rig;
	struct client a, b;
	struct packet p;
	uint8_t message[32], expected[32];
	const int ttl = 50;
	size_t length = channel_data(message, 0x4000, "across", 6);

	rig_start(&rig, 2, public4);
	a = rig_client(&rig, first, 1, RIG_SERVER4, relay);
	b = rig_client(&rig, second, 2, RIG_SERVER6, relay);
	cr_assert_eq(rig_bind(&rig, &a, &b.relayed, 0x4000), TP_STATUS_OK);
	cr_assert_eq(rig_bind(&rig, &b, &a.relayed, 0x4007), TP_STATUS_OK);
	cr_assert_eq(setsockopt(a.fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
	client_send(&rig, &a, message, length);
	receive(b.fd, &p);
	length = channel_data(expected, 0x4007, "across", 6);
	cr_assert_eq(p.length, length);
	cr_assert_eq(memcmp(p.bytes, expected, length), 0);
	cr_assert_eq(p.ttl, 48, "one for each relay, not %d", p.ttl);
	rig_expect(&rig, TP_C_relayed_to_peer, 1);
	rig_expect(&rig, TP_C_hairpinned, 1);
	rig_expect(&rig, TP_C_peer_packets, 1);
	rig_expect(&rig, TP_C_relayed_to_client, 1);
	rig_stop(&rig);
}

Test(hairpin, two_clients_of_one_worker_reach_each_other)
{
	check_hairpin(0, 0, RIG_RELAY4, NULL);
	check_hairpin(1, 1, RIG_RELAY6, NULL);
}

Test(hairpin, two_clients_of_two_workers_reach_each_other)
{
	check_hairpin(0, 1, RIG_RELAY4, NULL);
	check_hairpin(1, 0, RIG_RELAY6, NULL);
}

Test(hairpin, behind_a_nat_the_peer_is_the_public_address_on_one_worker_and_on_two)
{
	check_hairpin(0, 0, RIG_RELAY4, "192.0.2.77");
	check_hairpin(0, 1, RIG_RELAY4, "192.0.2.77");
}

Test(hairpin, a_client_without_a_channel_is_told_the_public_address_of_the_other)
{
	struct rig rig;
	struct client a, b;
	struct packet p;
	uint8_t message[128];
	size_t length;

	for (uint32_t second = 0; second < 2; second++) {
		rig_start(&rig, 2, "192.0.2.77");
		a = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
		b = rig_client(&rig, second, 2, RIG_SERVER4, RIG_RELAY4);
		cr_assert_eq(rig_permit(&rig, &a, &b.relayed), TP_STATUS_OK);
		cr_assert_eq(rig_permit(&rig, &b, &a.relayed), TP_STATUS_OK);
		length = indication(message, TP_STUN_TYPE_SEND, tid, &b.relayed, "x", 1, false);
		client_send(&rig, &a, message, length);
		receive(b.fd, &p);
		length = indication(
			message, TP_STUN_TYPE_DATA, p.bytes + 8, &a.relayed, "x", 1, false);
		cr_assert_eq(p.length, length);
		cr_assert_eq(memcmp(p.bytes, message, length), 0);
		rig_stop(&rig);
	}
}

Test(hairpin, a_service_of_the_host_on_a_relay_address_is_never_reached)
{
	struct rig rig;
	struct tp_endpoint service;
	struct client c;
	uint8_t message[32];
	int fd;

	rig_start(&rig, 1, NULL);
	fd = socket_at(&rig.relay_local[RIG_RELAY4], &service);
	c = rig_client(&rig, 0, 1, RIG_SERVER6, RIG_RELAY4);
	cr_assert_eq(rig_bind(&rig, &c, &service, 0x4000), TP_STATUS_OK);
	client_send(&rig, &c, message, channel_data(message, 0x4000, "attack", 6));
	rig_expect(&rig, TP_C_hairpin_no_allocation, 1);
	expect_silence(fd);
	rig_stop(&rig);
}

Test(hairpin, a_ttl_of_2_ends_at_the_second_relay)
{
	struct rig rig;
	struct client a, b;
	uint8_t message[32];
	const int ttl = 2;

	rig_start(&rig, 2, NULL);
	a = rig_client(&rig, 0, 1, RIG_SERVER4, RIG_RELAY4);
	cr_assert_eq(setsockopt(a.fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
	for (uint32_t worker = 0; worker < 2; worker++) {
		b = rig_client(&rig, worker, 2 + worker, RIG_SERVER4, RIG_RELAY4);
		cr_assert_eq(
			rig_bind(&rig, &a, &b.relayed, (uint16_t)(0x4000 + worker)), TP_STATUS_OK);
		cr_assert_eq(rig_permit(&rig, &b, &a.relayed), TP_STATUS_OK);
		client_send(&rig, &a, message,
			channel_data(message, (uint16_t)(0x4000 + worker), "x", 1));
		rig_expect(&rig, TP_C_peer_ttl_expired, worker + 1);
		expect_silence(b.fd);
	}
	rig_stop(&rig);
}
