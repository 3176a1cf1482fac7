// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include <turnpike/ip.h>

#include "link.h"

#define OURS "\x02\0\0\0\0\x0a"
#define THEIRS "\x02\0\0\0\0\x0b"
#define ARP_LENGTH 42u

static struct range clients = {{.ip.b = {[10] = 0xff, 0xff, 192, 0, 2, 10}}, 4};
static struct range peers = {{.ip.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x10}}, 4};
static struct link l;

static void setup(void)
{
	link_init(&l, (const uint8_t *)OURS, &clients, &peers);
}

// Ethernet, ARP over Ethernet and IPv4.
#define ARP(to, operation, sender, target_mac, target) \
	(const uint8_t *)(to THEIRS \
		"\x08\x06\0\1\x08\0\6\4\0" operation THEIRS sender target_mac target)

Test(turngun_link, arp_requests_are_answered_for_every_address_of_ours, .init = setup)
{
	const uint8_t *request = ARP(
		"\xff\xff\xff\xff\xff\xff", "\1", "\xc0\0\2\1", "\0\0\0\0\0\0", "\xc0\0\2\x0d");
	static const uint8_t expected[] = THEIRS OURS "\x08\x06\0\1\x08\0\6\4\0\2" OURS
						      "\xc0\0\2\x0d" THEIRS "\xc0\0\2\1";
	uint8_t out[LINK_FRAME_MAX];

	cr_assert_eq(link_input(&l, request, ARP_LENGTH, out), ARP_LENGTH);
	cr_assert_arr_eq(out, expected, ARP_LENGTH);
	cr_assert_eq(link_input(&l, request, ARP_LENGTH - 1, out), 0);
}

Test(turngun_link, nobody_elses_address_is_answered_for, .init = setup)
{
	const uint8_t *request = ARP(
		"\xff\xff\xff\xff\xff\xff", "\1", "\xc0\0\2\1", "\0\0\0\0\0\0", "\xc0\0\2\x0e");
	uint8_t out[LINK_FRAME_MAX];

	cr_assert_eq(link_input(&l, request, ARP_LENGTH, out), 0);
}

Test(turngun_link, a_neighbour_is_asked_for_now_and_then_until_it_answers, .init = setup)
{
	struct tp_ip server = {.b = {[10] = 0xff, 0xff, 192, 0, 2, 1}};
	static const uint8_t expected[] = "\xff\xff\xff\xff\xff\xff" OURS
					  "\x08\x06\0\1\x08\0\6\4\0\1" OURS
					  "\xc0\0\2\x0a\0\0\0\0\0\0\xc0\0\2\1";
	const uint8_t *reply = ARP(OURS, "\2", "\xc0\0\2\1", OURS, "\xc0\0\2\x0a");
	uint8_t out[LINK_FRAME_MAX], mac[6];
	uint64_t now = 1000;
	uint32_t asking;

	cr_assert_eq(link_find(&l, &server, &clients.first.ip, now, mac, out, &asking), -EAGAIN);
	cr_assert_eq(asking, ARP_LENGTH);
	cr_assert_arr_eq(out, expected, ARP_LENGTH);
	now += LINK_AGAIN_NS - 1;
	cr_assert_eq(link_find(&l, &server, &clients.first.ip, now, mac, out, &asking), -EAGAIN);
	cr_assert_eq(asking, 0);
	cr_assert_eq(
		link_find(&l, &server, &clients.first.ip, now + 1, mac, out, &asking), -EAGAIN);
	cr_assert_eq(asking, ARP_LENGTH);
	cr_assert_eq(link_input(&l, reply, ARP_LENGTH, out), 0);
	cr_assert_eq(link_find(&l, &server, &clients.first.ip, now, mac, out, &asking), 0);
	cr_assert_arr_eq(mac, THEIRS, 6);
}

// Two links that ask each other: what one sends, the other understands.
Test(turngun_link, neighbour_discovery_finds_the_other, .init = setup)
{
	static struct range none = {{.ip.b = {0x20, 0x02}}, 1};
	static struct range others = {{.ip.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}, 1};
	static struct link other;
	uint8_t solicitation[LINK_FRAME_MAX], advertisement[LINK_FRAME_MAX], mac[6];
	uint32_t asking;

	link_init(&other, (const uint8_t *)THEIRS, &others, &none);
	cr_assert_eq(
		link_find(&l, &others.first.ip, &peers.first.ip, 1000, mac, solicitation, &asking),
		-EAGAIN);
	cr_assert_eq(asking, LINK_FRAME_MAX);
	cr_assert_arr_eq(solicitation, "\x33\x33\xff\0\0\1", 6);
	cr_assert_eq(link_input(&other, solicitation, asking, advertisement), LINK_FRAME_MAX);
	cr_assert_arr_eq(advertisement, OURS THEIRS "\x86\xdd", 14);
	cr_assert_eq(advertisement[14 + TP_IP6_HOP_LIMIT], 255);
	cr_assert_eq(advertisement[54], 136);
	cr_assert_eq(link_input(&l, advertisement, LINK_FRAME_MAX, solicitation), 0);
	cr_assert_eq(
		link_find(&l, &others.first.ip, &peers.first.ip, 1000, mac, solicitation, &asking),
		0);
	cr_assert_arr_eq(mac, THEIRS, 6);
}

Test(turngun_link, a_damaged_advertisement_teaches_nothing, .init = setup)
{
	static struct range others = {{.ip.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}, 1};
	static struct link other;
	uint8_t solicitation[LINK_FRAME_MAX], good[LINK_FRAME_MAX], bad[LINK_FRAME_MAX], mac[6];
	uint32_t asking;

	link_init(&other, (const uint8_t *)THEIRS, &others, &others);
	link_find(&l, &others.first.ip, &peers.first.ip, 1000, mac, solicitation, &asking);
	cr_assert_eq(link_input(&other, solicitation, asking, good), LINK_FRAME_MAX);
	// From the addresses on, which the checksum covers.
	for (uint32_t i = 14 + TP_IP6_SOURCE; i < LINK_FRAME_MAX; i++) {
		memcpy(bad, good, sizeof(bad));
		bad[i] ^= 0x40;
		link_input(&l, bad, LINK_FRAME_MAX, solicitation);
		cr_assert_eq(link_find(&l, &others.first.ip, &peers.first.ip, 1000, mac,
				     solicitation, &asking),
			-EAGAIN, "byte %u", i);
	}
}
