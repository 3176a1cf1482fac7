// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The control plane's answers: back the way that the request came, or counted.

#include <criterion/criterion.h>
#include <message.h>
#include <via.h>

#include "lab.h"

static struct lab lab;

static void start(void)
{
	lab_start(&lab, 1, "every");
}

TestSuite(dpdk_message, .init = start);

static const uint8_t request[18] = {
	1, 2, 3, 4, 5, 6, 0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0x81, 0x00, 0x20, 0x64, 0x08, 0x00};

static void answer(const struct tp_via *via)
{
	const struct tp_send send = {.client = lab_client(), .length = 6, .via = *via};

	message_send(lab.w, &send, (const uint8_t *)"answer");
	message_flush(lab.w);
}

Test(dpdk_message, an_answer_goes_back_the_way_of_its_request)
{
	struct tp_endpoint client = lab_client(), server = lab_server();
	struct tp_via via;
	struct rte_mbuf *m;

	via_set(&via, 0, request, 14);
	answer(&via);
	m = lab_leaves(&lab, 0);
	lab_expect(m, request + 6, &server, &client, "answer", 6);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *) + 6, lab.plane.shared.port[0].mac, 6);
	cr_assert_eq(lab_count(&lab, TP_C_replies_sent), 1);
}

Test(dpdk_message, an_answer_has_the_tag_of_its_request)
{
	struct tp_endpoint client = lab_client(), server = lab_server();
	struct tp_via via;
	struct rte_mbuf *m;

	via_set(&via, 0, request, 18);
	answer(&via);
	m = lab_leaves(&lab, 0);
	lab_expect(m, request + 6, &server, &client, "answer", 6);
	cr_assert_arr_eq(rte_pktmbuf_mtod(m, uint8_t *) + 12, request + 12, 6);
}

Test(dpdk_message, an_answer_to_nowhere_is_counted)
{
	const struct tp_via nowhere = {{2, 2}};

	answer(&nowhere);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_send_bad), 1);
	cr_assert_eq(lab_count(&lab, TP_C_replies_sent), 0);
}

Test(dpdk_message, an_answer_without_a_buffer_is_counted)
{
	struct rte_mempool *pool = lab.plane.shared.pools.frames;
	struct tp_via via;

	for (unsigned int n = rte_mempool_avail_count(pool); n; n--)
		cr_assert(rte_pktmbuf_alloc(pool));
	via_set(&via, 0, request, 14);
	answer(&via);
	cr_assert_null(lab_leaves(&lab, 0));
	cr_assert_eq(lab_count(&lab, TP_C_reply_tx_error), 1);
}
