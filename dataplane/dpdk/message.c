// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "message.h"

#include "forward.h"
#include "via.h"

static_assert(TP_PUNT_MAX <= RTE_MBUF_DEFAULT_DATAROOM && RELAY_ICMP_MAX <= TP_PUNT_MAX, "fits");

struct rte_mbuf *frame_of_message(
	struct worker *w, const uint8_t *message, uint32_t length, const struct frame_send *s)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->shared->pools.frames);
	uint8_t *payload, *start;

	if (!m)
		return NULL;
	payload = (uint8_t *)m->buf_addr + m->data_off;
	memcpy(payload, message, length);
	start = frame_build(payload, length, s);
	m->data_off = (uint16_t)(start - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)(payload + length - start);
	m->pkt_len = m->data_len;
	return m;
}

void message_send(void *worker, const struct tp_send *send, const uint8_t *bytes)
{
	struct worker *w = worker;
	const struct shared *shared = w->shared;
	struct frame_send s = {.source = w->agent.capabilities->server[send->server],
		.destination = send->client,
		.length = send->length,
		.ip_id = w->ip_id++};
	struct departure d = {.kind = OUT_REPLY};
	int l2 = via_get(&send->via, shared->ports, &d.port, s.l2);
	struct rte_mbuf *m;

	if (l2 < 0) {
		tally_add(&w->agent.tally, TP_C_send_bad, 1);
		return;
	}
	memcpy(s.l2 + RTE_ETHER_ADDR_LEN, shared->port[d.port].mac, RTE_ETHER_ADDR_LEN);
	s.l2_length = (uint8_t)l2;
	s.mtu = d.mtu = shared->port[d.port].mtu;
	m = frame_of_message(w, bytes, send->length, &s);
	if (m)
		forward_frame(w, m, &d);
	else
		tally_add(&w->agent.tally, TP_C_reply_tx_error, 1);
}

void message_flush(void *worker)
{
	struct worker *w = worker;

	for (uint32_t i = 0; i < w->shared->ports; i++)
		out_flush(&w->out[i], &w->agent.tally);
}
