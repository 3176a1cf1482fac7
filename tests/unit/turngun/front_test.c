// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>

#include <string.h>

#include <turnpike/ip.h>
#include <turnpike/wire.h>

#include "../../../controlplane/stun/message.h"
#include "front.h"

static const struct tp_endpoint peers[] = {
	{.ip.b = {[10] = 0xff, 0xff, 192, 0, 2, 1}, .port = 4321},
	{.ip.b = {0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, .port = 1234},
};

Test(turngun_front, a_send_indication_is_what_a_server_reads_whatever_its_transaction_id)
{
	for (size_t k = 0; k < 2; k++)
		for (uint64_t id = 1; id; id *= 0xf00e) {
			uint8_t data[128] = {0}, made[FRONT_MAX] = {0};
			uint32_t front = front_make(made, FORM_INDICATION, 0, &peers[k]);
			struct stun_message m;

			memcpy(data, made, front);
			uint32_t padding = front_finish(data, front, 29, id);

			cr_assert_eq(padding, 3);
			memset(data + front, 'x', 29);
			cr_assert_eq(stun_parse(&m, data, front + 29 + padding), 0);
			cr_assert_eq(m.method, TP_STUN_SEND);
			cr_assert_eq(m.class_, TP_STUN_INDICATION);
			cr_assert_eq(m.malformed, 0);
			cr_assert(tp_endpoint_equal(&m.peers[0].endpoint, &peers[k]));
			cr_assert_eq(m.data.length, 29);
			cr_assert_eq(m.data.data, data + front);
		}
}

Test(turngun_front, what_is_made_is_read)
{
	uint8_t data[128] = {0};
	struct front f;
	uint32_t front = front_make(data, FORM_CHANNEL, 0x4abc, &peers[0]);

	cr_assert_eq(front_finish(data, front, 30, 7), 0);
	// Padding that is not announced may follow over UDP (RFC 8656 section 12.5).
	cr_assert(front_read(&f, data, front + 32));
	cr_assert_eq(f.channel, 0x4abc);
	cr_assert_eq(f.length, 30);
	cr_assert_eq(f.data, data + 4);
	front = front_make(data, FORM_INDICATION, 0, &peers[1]);
	front_finish(data, front, 28, 0x1122334455667788);
	cr_assert(front_read(&f, data, front + 28));
	cr_assert(f.indication && tp_endpoint_equal(&f.peer, &peers[1]));
	cr_assert_eq(f.length, 28);
	cr_assert_eq(f.front, 48);
}

Test(turngun_front, what_is_cut_off_is_not_read)
{
	uint8_t data[128] = {0};
	struct front f;
	uint32_t front = front_make(data, FORM_CHANNEL, 0x4000, &peers[0]);

	front_finish(data, front, 30, 0);
	cr_assert(!front_read(&f, data, front + 29));
	front = front_make(data, FORM_INDICATION, 0, &peers[0]);
	front_finish(data, front, 28, 0);
	cr_assert(!front_read(&f, data, front + 27));
}

Test(turngun_front, what_begins_like_neither_is_data)
{
	static const uint8_t data[] = {0x80, 1, 2, 3, 4, 5};
	struct front f;

	cr_assert(front_read(&f, data, sizeof(data)));
	cr_assert_eq(f.front, 0);
	cr_assert_eq(f.data, data);
	cr_assert_eq(f.length, sizeof(data));
}
