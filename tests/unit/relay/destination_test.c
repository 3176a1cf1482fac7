// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Destinations: decisions carry what the owner gave for the address, and each is given back once.

#include "holder.h"
#include "tables.h"

static struct relay *r;
static struct holder holder;
static struct tp_endpoint client, peer, hairpin;

static void set_up(void)
{
	r = small_relay();
	holder = (struct holder){.room = HOLDER_ADDRESSES};
	relay_on_destinations(r, holder_take, holder_give_back, &holder);
	client = ep("192.0.2.77", 5000);
	peer = ep("198.18.1.2", 6000);
	hairpin = ep("203.0.113.5", PORT_MIN);
}

static void tear_down(void)
{
	relay_destroy(r);
}

TestSuite(destination, .init = set_up, .fini = tear_down);

static void put_all(void)
{
	cr_assert(eq(int, apply(r, allocation(0, client, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, permission(0, peer)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, channel(0, peer, CHANNEL)), TP_STATUS_OK));
}

Test(destination, decisions_carry_that_of_the_address_they_go_to)
{
	uint8_t message[RELAY_ICMP_MAX];
	struct relay_icmp icmp = {.port = PORT_MIN, .peer = peer, .type = 3};
	struct relay_decision d;

	put_all();
	cr_assert(
		eq(u32, on_channel(r, client, CHANNEL, T0).destination, holder_of(&holder, &peer)));
	cr_assert(eq(u32, by_send(r, client, peer, T0).destination, holder_of(&holder, &peer)));
	cr_assert(eq(u32, from_peer(r, PLAIN, PORT_MIN, peer, 9, T0).destination,
		holder_of(&holder, &client)));
	relay_decide_icmp(r, &icmp, &d, message, T0);
	cr_assert(eq(u32, d.destination, holder_of(&holder, &client)));
	// 24 bits, and all of them.
	cr_assert(gt(u32, holder_of(&holder, &client), 0xfffff0));
	cr_assert(eq(u32, holder_held(&holder), 3)); // client, permission, channel
}

Test(destination, our_own_addresses_are_nobodys_destination)
{
	cr_assert(eq(int, apply(r, allocation(0, client, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, permission(0, hairpin)), TP_STATUS_OK));
	cr_assert(eq(u32, holder_held(&holder), 1));
	cr_assert(eq(int, by_send(r, client, hairpin, T0).verdict, RELAY_HAIRPIN));
	apply(r, (struct tp_command){.kind = TP_DROP_ALLOCATION});
	cr_assert(eq(u32, holder_held(&holder), 0));
}

Test(destination, without_an_owner_of_any_decisions_carry_none)
{
	relay_on_destinations(r, NULL, NULL, NULL);
	put_all();
	cr_assert(eq(u32, on_channel(r, client, CHANNEL, T0).destination, 0));
	cr_assert(eq(u32, from_peer(r, PLAIN, PORT_MIN, peer, 9, T0).destination, 0));
	apply(r, (struct tp_command){.kind = TP_DROP_ALLOCATION});
}

Test(destination, a_refresh_takes_none_and_another_client_swaps)
{
	struct tp_endpoint other = ep("192.0.2.99", 5000);

	put_all();
	put_all();
	cr_assert(eq(u32, holder_held(&holder), 3));
	cr_assert(eq(int, apply(r, allocation(0, other, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(u32, holder_held(&holder), 1));
	cr_assert(eq(u32, apply(r, permission(0, peer)), TP_STATUS_OK));
	cr_assert(eq(u32, from_peer(r, PLAIN, PORT_MIN, peer, 9, T0).destination,
		holder_of(&holder, &other)));
}

Test(destination, where_there_is_no_more_room_the_command_fails_and_changes_nothing)
{
	holder.room = 0;
	cr_assert(eq(int, apply(r, allocation(0, client, PLAIN, PORT_MIN)), TP_STATUS_NO_SPACE));
	cr_assert(eq(u32, usage(r).allocations, 0));
	holder.room = 1; // for one address
	cr_assert(eq(int, apply(r, allocation(0, client, PLAIN, PORT_MIN)), TP_STATUS_OK));
	cr_assert(eq(int, apply(r, permission(0, peer)), TP_STATUS_NO_SPACE));
	cr_assert(eq(int, apply(r, channel(0, peer, CHANNEL)), TP_STATUS_NO_SPACE));
	cr_assert(eq(u32, usage(r).permissions + usage(r).channels, 0));
	cr_assert(eq(u32, holder_held(&holder), 1));
	holder.room = HOLDER_ADDRESSES;
	for (uint16_t i = 0; i < PEERS; i++)
		cr_assert(eq(int, apply(r, channel(0, ep("198.18.1.2", 6000 + i), CHANNEL + i)),
			TP_STATUS_OK)); // no record was lost
}

Test(destination, outlives_leases_and_counts_are_exact_over_their_ends)
{
	struct relay_traffic traffic;
	struct client_line *line;
	struct port_line *port;

	put_all();
	on_channel(r, client, CHANNEL, T0);
	from_peer(r, PLAIN, PORT_MIN, peer, 9, T0);
	line = &r->clients[relay_channel_line(r, r->allocations[0].peers)];
	port = relay_port_line(r, PLAIN, PORT_MIN);
	line->lease = port->lease = 1207ull << LEASE_SHIFT | 1;
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(u32, on_channel(r, client, CHANNEL, T0).destination,
			holder_of(&holder, &peer)));
		cr_assert(eq(u32, from_peer(r, PLAIN, PORT_MIN, peer, 1200, T0).destination,
			holder_of(&holder, &client)));
	}
	cr_assert(eq(u32, lease_packets(line->lease), LEASE_PACKETS - 1));
	cr_assert(eq(u32, lease_packets(port->lease), LEASE_PACKETS - 1));
	relay_traffic(r, 0, &traffic);
	cr_assert(eq(u64, traffic.to_peer_packets, LEASE_PACKETS + 1ull));
	cr_assert(eq(u64, traffic.to_peer_bytes, LEASE_BYTES - 1207 + 6));
	cr_assert(eq(u64, traffic.to_client_packets, LEASE_PACKETS + 1ull));
	cr_assert(eq(u64, traffic.to_client_bytes, LEASE_BYTES - 1207 + 2400));
}
