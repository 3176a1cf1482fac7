// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "icmp.h"

#include <errno.h>
// Before linux/errqueue.h, which wants struct timespec and leaves it to others.
#include <time.h>

#include <linux/errqueue.h>

#include "public.h"
#include "worker.h"

// A socket's queue is bounded by its receive buffer; a flood of errors must not keep us here
// longer.
#define DRAIN_MAX 256u

// Returns whether the message is an ICMP error, and not one that this host made up.
static bool find_error(struct msghdr *msg, struct sock_extended_err *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
			!(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		if (c->cmsg_len < CMSG_LEN(sizeof(*out)))
			return false;
		memcpy(out, CMSG_DATA(c), sizeof(*out));
		return out->ee_origin == SO_EE_ORIGIN_ICMP || out->ee_origin == SO_EE_ORIGIN_ICMP6;
	}
	return false;
}

static void relay_error(struct worker *w, const struct relay_socket *socket,
	const struct tp_endpoint *peer, const struct sock_extended_err *error)
{
	struct relay_icmp in = {.relay = socket->relay,
		.port = socket->port,
		.peer = *peer,
		.type = error->ee_type,
		.code = error->ee_code,
		.data = error->ee_info};
	struct relay_decision decision;
	uint8_t message[RELAY_ICMP_MAX];
	uint32_t length;
	int err;

	public_address(w, &in.peer.ip);
	length = relay_decide_icmp(w->agent.relay, &in, &decision, message, w->agent.now);
	tally_add(&w->agent.tally, TP_C_peer_packets, 1);
	if (decision.verdict != RELAY_CLIENT) {
		tally_add(&w->agent.tally, decision.drop, 1);
		return;
	}
	err = transmit_now(&(struct transmit_item){.fd = w->listener[decision.server].fd,
		.usual = &w->listener[decision.server].usual,
		.header = TRANSMIT_OWN,
		.parts = 1,
		.part = {{message, length}},
		.to = decision.to});
	if (err) {
		tally_add(&w->agent.tally, transmit_drop(TRANSMIT_CLIENT, -err), 1);
		return;
	}
	tally_add(&w->agent.tally, TP_C_relayed_to_client, 1);
	tally_add(&w->agent.tally, TP_C_icmp_relayed, 1);
}

unsigned int icmp_drain(struct worker *w, struct relay_socket *socket)
{
	unsigned int n;

	for (n = 0; n < DRAIN_MAX; n++) {
		union sockname name;
		struct tp_endpoint peer;
		struct sock_extended_err error;
		_Alignas(8) uint8_t control[256];
		uint8_t data; // of the datagram that the error is about: not needed
		struct iovec part = {&data, sizeof(data)};
		struct msghdr msg = {.msg_name = &name,
			.msg_namelen = sizeof(name),
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)};

		if (recvmsg(socket->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		if (find_error(&msg, &error) && sockname_get(&name, &peer))
			relay_error(w, socket, &peer, &error);
	}
	return n;
}
