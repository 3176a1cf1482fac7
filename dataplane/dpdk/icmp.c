// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "icmp.h"

#include "forward.h"
#include "handoff.h"
#include "receive.h"

#define ERRORS_A_SECOND 1000u // of one worker
#define ERRORS_BURST 100u

void icmp_receive(struct worker *w, struct packet *p, const uint8_t *data)
{
	struct tally *t = &w->agent.tally;
	struct relay_decision d;
	uint8_t message[RELAY_ICMP_MAX];
	struct frame_icmp about;
	struct relay_icmp in;
	uint32_t length, owner;
	bool anothers;

	if (frame_parse_icmp(&about, &p->frame, data, p->mbuf->data_len)) {
		tally_add(t, TP_C_frame_malformed, 1);
		rte_pktmbuf_free(p->mbuf);
		return;
	}
	if (addresses_find(&w->shared->addresses, &about.source, &in.relay) != ADDRESS_RELAY) {
		leave_to_kernel(w, p->mbuf, p->port);
		return;
	}
	in.port = about.source.port;
	owner = handoff_owner(w, in.relay, in.port);
	anothers = owner != w->index && !p->passed;
	if (anothers && handoff_frame(w, p, owner))
		return;
	in.peer = about.destination;
	in.type = about.type;
	in.code = about.code;
	in.data = about.data;
	rte_pktmbuf_free(p->mbuf);
	tally_add(t, TP_C_peer_packets, 1);
	if (anothers) {
		tally_add(t, TP_C_peer_handoff_full, 1);
		return;
	}
	length = relay_decide_icmp(w->agent.relay, &in, &d, message, w->agent.now);
	if (d.verdict != RELAY_CLIENT) {
		tally_add(t, d.drop, 1);
		return;
	}
	struct frame_send s = {.source = w->agent.capabilities->server[d.server],
		.destination = d.to,
		.length = length};

	tally_add(t, TP_C_icmp_relayed, 1);
	forward_message(w, message, length, &s, d.destination, OUT_CLIENT);
}

static bool within_budget(struct worker *w)
{
	struct budget *b = &w->errors;
	uint64_t passed = w->agent.now - b->refilled;

	if (passed) {
		uint64_t more = passed > 1000 ? ERRORS_BURST : passed * ERRORS_A_SECOND / 1000;

		b->left = (uint32_t)RTE_MIN((uint64_t)ERRORS_BURST, b->left + more);
		b->refilled = w->agent.now;
	}
	if (!b->left)
		return false;
	b->left--;
	return true;
}

void icmp_tell(struct worker *w, const struct packet *p, enum frame_error what, uint16_t mtu)
{
	struct rte_mbuf *m = within_budget(w) ? rte_pktmbuf_alloc(w->shared->pools.frames) : NULL;
	uint8_t *out = m ? rte_pktmbuf_mtod(m, uint8_t *) : NULL;
	uint32_t length = 0;

	if (out)
		length = frame_make_error(out, what, rte_pktmbuf_mtod(p->mbuf, const uint8_t *),
			p->mbuf->data_len, &p->frame, &p->frame.destination.ip, mtu);
	if (!length) {
		rte_pktmbuf_free(m);
		tally_add(&w->agent.tally, TP_C_icmp_errors_withheld, 1);
		return;
	}
	m->data_len = (uint16_t)length;
	m->pkt_len = length;
	out_push(&w->out[p->port], &w->agent.tally, m, OUT_ERROR, 0);
}
