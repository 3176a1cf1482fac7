// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What clients send and must not: each is dropped under its name. And Send indications that are odd and right.

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <linux/bpf.h>
#include <string.h>

#include "scene.h"

TestSuite(xdp_message, .timeout = 120);

#define COOKIE "\x21\x12\xa4\x42"
#define ID "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"
#define SEND(size) "\x00\x16\x00" size COOKIE ID
// XOR-PEER-ADDRESS 203.0.113.9:6000, and :7000.
#define PEER "\x00\x12\x00\x08\x00\x01\x36\x62\xea\x12\xd5\x4b"
#define OTHER_PORT "\x00\x12\x00\x08\x00\x01\x3a\x4a\xea\x12\xd5\x4b"
#define DATA \
	"\x00\x13\x00\x04" \
	"data"
#define IP6 "\x01\x13\xa9\xfa\x01\x0b\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x06"

struct message {
	const char *what;
	const char *bytes;
	uint32_t length;
	enum tp_counter name;
};
#define MESSAGE(what, bytes, name) \
	{ \
		what, bytes, sizeof(bytes) - 1, TP_C_##name \
	}

static const struct message wrong[] = {
	MESSAGE("4", "\x04\x00\x00\x00", client_reserved_byte),
	MESSAGE("63", "\x3f\x00\x00\x00", client_reserved_byte),
	MESSAGE("beyond the last channel", "\x50\x00\x00\x00", client_reserved_byte),
	MESSAGE("255", "\xff\x00\x00\x00", client_reserved_byte),
	MESSAGE("a channel cut short", "\x40\x00\x00", channel_malformed),
	MESSAGE("a channel longer than its datagram", "\x40\x00\x00\x01", channel_malformed),
	MESSAGE("a STUN header cut short", "\x00\x16\x00\x00" COOKIE "\x01\x02\x03",
		client_stun_malformed),
	MESSAGE("another cookie", "\x00\x16\x00\x00\x21\x12\xa4\x43" ID, client_stun_malformed),
	MESSAGE("a length too small", SEND("\x10") PEER DATA, client_stun_malformed),
	MESSAGE("a length too large", SEND("\x18") PEER DATA, client_stun_malformed),
	MESSAGE("a length that is no multiple of 4", SEND("\x15") PEER DATA "\x00",
		client_stun_malformed),
	MESSAGE("a request of such a length", "\x00\x01\x00\x01" COOKIE ID "\x00",
		client_stun_malformed),
	MESSAGE("a Data indication", "\x00\x17\x00\x14" COOKIE ID PEER DATA,
		client_stun_unexpected),
	MESSAGE("an Allocate success response", "\x01\x03\x00\x00" COOKIE ID,
		client_stun_unexpected),
	MESSAGE("an attribute longer than the message",
		SEND("\x14") PEER "\x00\x13\x00\x05"
				  "data",
		client_stun_malformed),
	MESSAGE("an address without bytes", SEND("\x0c") "\x00\x12\x00\x00" DATA,
		client_stun_malformed),
	MESSAGE("an address of 4 bytes", SEND("\x10") "\x00\x12\x00\x04\x00\x01\x36\x62" DATA,
		client_stun_malformed),
	MESSAGE("an IPv4 address of 12 bytes",
		SEND("\x18") "\x00\x12\x00\x0c\x00\x01\x36\x62\xea\x12\xd5\x4b\0\0\0\0" DATA,
		client_stun_malformed),
	MESSAGE("an IPv4 address of 20 bytes",
		SEND("\x20") "\x00\x12\x00\x14\x00\x01\x36\x62" IP6 DATA, client_stun_malformed),
	MESSAGE("an IPv6 address of 8 bytes",
		SEND("\x14") "\x00\x12\x00\x08\x00\x02\x36\x62\xea\x12\xd5\x4b" DATA,
		client_stun_malformed),
	MESSAGE("an IPv6 address of 24 bytes",
		SEND("\x24") "\x00\x12\x00\x18\x00\x02\x36\x62" IP6 "\0\0\0\0" DATA,
		client_stun_malformed),
	MESSAGE("an address of a family that there isn't, of 8 bytes",
		SEND("\x14") "\x00\x12\x00\x08\x00\x03\x36\x62\xea\x12\xd5\x4b" DATA,
		client_stun_malformed),
	MESSAGE("one of 20 bytes", SEND("\x20") "\x00\x12\x00\x14\x00\x03\x36\x62" IP6 DATA,
		client_stun_malformed),
	MESSAGE("a peer with port 0",
		SEND("\x14") "\x00\x12\x00\x08\x00\x01\x21\x12\xea\x12\xd5\x4b" DATA,
		send_invalid_peer),
	// ::ffff:203.0.113.9
	MESSAGE("a mapped peer",
		SEND("\x20") "\x00\x12\x00\x14\x00\x02\x36\x62\x21\x12\xa4\x42\x01\x02\x03\x04\x05"
			     "\x06\xf8\xf7\xc2\x0a\x7a\x05" DATA,
		send_invalid_peer),
	MESSAGE("a peer of the other family",
		SEND("\x20") "\x00\x12\x00\x14\x00\x02\x36\x62" IP6 DATA, send_invalid_peer),
	MESSAGE("a peer without a permission",
		SEND("\x14") "\x00\x12\x00\x08\x00\x01\x36\x62\xea\x12\xd5\x4c" DATA,
		send_no_permission),
	MESSAGE("no peer", SEND("\x08") DATA, send_incomplete),
	MESSAGE("no data", SEND("\x0c") PEER, send_incomplete),
	MESSAGE("nothing", SEND("\x00"), send_incomplete),
	MESSAGE("data behind MESSAGE-INTEGRITY",
		SEND("\x2c") PEER "\x00\x08\x00\x14" ID "\0\0\0\0\0\0\0\0" DATA, send_incomplete),
	MESSAGE("data behind MESSAGE-INTEGRITY-SHA256",
		SEND("\x38") PEER "\x00\x1c\x00\x20" ID ID "\0\0\0\0\0\0\0\0" DATA,
		send_incomplete),
	MESSAGE("an attribute that has to be understood", SEND("\x18") "\x7f\xff\x00\x00" PEER DATA,
		send_unknown_attribute),
};

static uint32_t from_client(uint8_t *b, const void *payload, uint32_t length)
{
	struct tp_endpoint c = client(0), to = server();

	return frame(b, &c, &to, payload, length);
}

// Each also with what a wire puts behind short frames, which is nobody's.
Test(xdp_message, what_clients_send_and_must_not_is_dropped_under_its_name)
{
	uint8_t b[LAB_FRAME_MAX];

	open_lab(UINT32_MAX);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint32_t length = from_client(b, wrong[i].bytes, wrong[i].length);

		cr_log_info("%s", wrong[i].what);
		drops(b, length, wrong[i].length, wrong[i].name);
		memset(b + length, 0, 64);
		drops(b, length + 64, wrong[i].length, wrong[i].name);
	}
}

Test(xdp_message, an_empty_datagram_and_one_from_port_0_are_dropped)
{
	uint8_t b[LAB_FRAME_MAX];
	struct tp_endpoint from = client(0), to;
	uint32_t length;

	open_lab(UINT32_MAX);
	to = server();
	length = from_client(b, "", 0);
	drops(b, length, 0, TP_C_client_reserved_byte);
	memset(b + length, CHANNEL >> 8, 20);
	drops(b, length + 20, 0, TP_C_client_reserved_byte);
	from.port = 0;
	length = frame(b, &from, &to, "\x40\x00\x00\x00", 4);
	drops(b, length, 4, TP_C_client_source_invalid);
}

// Sent to the port that is named first, with the data that are there first.
static void goes(const char *bytes, uint32_t length, const char *data, uint16_t port)
{
	uint8_t b[LAB_FRAME_MAX];
	uint32_t n = from_client(b, bytes, length), expected = (uint32_t)strlen(data);

	cr_assert_eq(lab_run(&lab, b, &n), XDP_TX);
	cr_assert_eq(n, FRONT + expected);
	cr_assert_eq(tp_get16(b + TP_ETHERNET_HEADER + TP_IP4_HEADER + TP_UDP_DESTINATION), port);
	cr_assert_arr_eq(b + FRONT, data, expected);
}
#define GOES(bytes, data, port) goes(bytes, sizeof(bytes) - 1, data, port)

Test(xdp_message, of_an_attribute_that_is_there_twice_the_first_counts_and_others_are_passed_over)
{
	open_lab(UINT32_MAX);
	GOES(SEND("\x14") PEER DATA, "data", 6000);
	GOES(SEND("\x14") DATA PEER, "data", 6000);
	GOES(SEND("\x20") PEER OTHER_PORT DATA, "data", 6000);
	GOES(SEND("\x20") OTHER_PORT PEER DATA, "data", 7000);
	GOES(SEND("\x1c") PEER DATA "\x00\x13\x00\x01zero", "data", 6000);
	// SOFTWARE, which need not be understood, and what is behind MESSAGE-INTEGRITY.
	GOES(SEND("\x1c") "\x80\x22\x00\x03me \x00" PEER DATA, "data", 6000);
	GOES(SEND("\x30") PEER DATA "\x00\x08\x00\x14" ID "\0\0\0\0\0\0\0\0"
				    "\x7f\xff\x00\x00",
		"data", 6000);
}

Test(xdp_message, more_than_is_read_passes_up)
{
	static const uint8_t attribute[4] = {0x80, 0x22, 0, 0};
	uint8_t b[LAB_FRAME_MAX], message[300] = SEND("\x14") PEER DATA;

	open_lab(UINT32_MAX);
	// Eight attributes are read, nine not.
	for (uint32_t i = 0; i < 7; i++) {
		memcpy(message + 40 + 4 * i, attribute, 4);
		tp_put16(message + 2, 24 + 4 * i);
		if (i == 6)
			passes(b, from_client(b, message, 44 + 4 * i), TP_C_passed_unread);
		else
			cr_assert_eq(verdict(b, from_client(b, message, 44 + 4 * i), b), XDP_TX);
	}
	// 128 bytes before the data are read, 132 not.
	for (uint32_t more = 88; more <= 92; more += 4) {
		uint32_t at = TP_STUN_HEADER + 4 + more;

		memset(message, 0, sizeof(message));
		memcpy(message, SEND("\x00") "\x80\x22", 22);
		memcpy(message + at, PEER DATA, 20);
		tp_put16(message + 2, 24 + more);
		tp_put16(message + 22, more);
		if (more == 92)
			passes(b, from_client(b, message, at + 20), TP_C_passed_unread);
		else
			cr_assert_eq(verdict(b, from_client(b, message, at + 20), b), XDP_TX);
	}
}
