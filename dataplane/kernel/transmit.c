// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "transmit.h"

#include <errno.h>

#include "icmp.h"
#include "worker.h"

// Sends of one datagram that only brought to light an ICMP error about an earlier one.
#define ATTEMPTS 3

static void fill_message(const struct transmit_item *item, union sockname *name, uint8_t *control,
	struct mmsghdr *out)
{
	socklen_t name_length = sockname_set(name, &item->to);
	size_t length = usual_control(
		item->usual, item->header, name->any.sa_family == AF_INET, control);

	*out = (struct mmsghdr){.msg_hdr = {.msg_name = name,
					.msg_namelen = name_length,
					.msg_iov = (struct iovec *)item->part,
					.msg_iovlen = item->parts,
					.msg_control = length ? control : NULL,
					.msg_controllen = length}};
}

int transmit_now(const struct transmit_item *item)
{
	_Alignas(8) uint8_t control[USUAL_CONTROL];
	struct mmsghdr message;
	union sockname name;

	fill_message(item, &name, control, &message);
	return sendmsg(item->fd, &message.msg_hdr, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void transmit_count(struct worker *w, const struct transmit_item *item)
{
	struct tally *t = &w->agent.tally;

	switch (item->kind) {
	case TRANSMIT_HAIRPIN:
		tally_add(t, TP_C_hairpinned, 1);
		// fallthrough
	case TRANSMIT_PEER:
		tally_add(t, TP_C_relayed_to_peer, 1);
		tally_add(t, TP_C_relayed_to_peer_bytes, item->counted);
		break;
	case TRANSMIT_CLIENT:
		tally_add(t, TP_C_relayed_to_client, 1);
		tally_add(t, TP_C_relayed_to_client_bytes, item->counted);
		break;
	default:
		tally_add(t, TP_C_replies_sent, 1);
	}
}

unsigned int transmit_drop(enum transmit_kind kind, int err)
{
	bool client = kind == TRANSMIT_CLIENT;

	if (kind == TRANSMIT_REPLY)
		return TP_C_reply_tx_error;
	switch (err) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
		return client ? TP_C_peer_tx_unreachable : TP_C_client_tx_unreachable;
	case EPERM:
	case EACCES:
		return client ? TP_C_peer_tx_denied : TP_C_client_tx_denied;
	case ENOBUFS:
	case EAGAIN:
	case ENOMEM:
		return client ? TP_C_peer_tx_full : TP_C_client_tx_full;
	case EMSGSIZE:
		return client ? TP_C_peer_tx_too_big : TP_C_client_tx_too_big;
	default:
		return client ? TP_C_peer_tx_other : TP_C_client_tx_other;
	}
}

// RFC 8656 section 14: a Send indication's DONT-FRAGMENT. IP_MTU_DISCOVER is a socket's, not a
// datagram's, so it is set around the datagrams that want it.
static void set_dont_fragment(int fd, bool on)
{
	const int value = on ? IP_PMTUDISC_DO : IP_PMTUDISC_OMIT;

	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof(value));
}

// Sends t->message[from, to), all of one socket.
static unsigned int send_run(struct worker *w, unsigned int from, unsigned int to)
{
	struct transmit *t = &w->transmit;
	unsigned int sent = 0, attempts = 0;

	while (from < to) {
		struct transmit_item *item = &t->item[t->order[from]];
		int n = sendmmsg(item->fd, &t->message[from], to - from, MSG_NOSIGNAL);
		int err = n < 0 ? errno : 0;

		for (int i = 0; i < n; i++)
			transmit_count(w, &t->item[t->order[from + (unsigned int)i]]);
		if (n > 0) {
			sent += (unsigned int)n;
			from += (unsigned int)n;
			attempts = 0;
			continue;
		}
		// The error may be about an earlier datagram: an ICMP error that waits on the
		// socket.
		if (item->socket && ++attempts < ATTEMPTS && err != EAGAIN &&
			(icmp_drain(w, item->socket) || attempts == 1))
			continue;
		tally_add(&w->agent.tally, transmit_drop(item->kind, err), 1);
		from++;
		attempts = 0;
	}
	return sent;
}

// Nothing of the item's socket waits to be sent but what comes from the item on. Another worker that
// sends by a relay socket does not know what that one was set to, and has its datagrams say all.
static void adapt(struct worker *w, const struct transmit_item *item)
{
	const struct relay_socket *s = item->socket;

	if (!s || owners_alone(w->owners, (uint32_t)(s - w->sockets.at), w->agent.index))
		usual_set(item->usual, item->fd, item->header, tp_ip_is4(&item->to.ip));
	else
		item->usual->differed = 0;
}

unsigned int transmit_flush(struct worker *w)
{
	struct transmit *t = &w->transmit;
	uint64_t left = t->count == 64 ? ~0ull : (1ull << t->count) - 1;
	unsigned int sent = 0;

	_Static_assert(RELAY_BURST == 64, "one bit for each item");
	if (w->raw.fd >= 0)
		left = raw_send(w, left, &sent);
	while (left) {
		const struct transmit_item *first = &t->item[__builtin_ctzll(left)];
		const int fd = first->fd;
		unsigned int n = 0, from = 0;

		if (usual_is_due(first->usual))
			adapt(w, first);
		for (uint64_t rest = left; rest; rest &= rest - 1) {
			unsigned int i = (unsigned int)__builtin_ctzll(rest);

			if (t->item[i].fd != fd)
				continue;
			fill_message(&t->item[i], &t->name[i], t->control[i], &t->message[n]);
			t->order[n++] = (uint8_t)i;
			left &= ~(1ull << i);
		}
		while (from < n) {
			bool df = t->item[t->order[from]].dont_fragment;
			unsigned int to = from + 1;

			while (to < n && t->item[t->order[to]].dont_fragment == df)
				to++;
			if (df)
				set_dont_fragment(fd, true);
			sent += send_run(w, from, to);
			if (df)
				set_dont_fragment(fd, false);
			from = to;
		}
	}
	t->count = 0;
	return sent;
}
