// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "transmit.h"

#include <errno.h>

#include "icmp.h"
#include "worker.h"

// Sends of one datagram that only brought to light an ICMP error about an earlier one.
#define ATTEMPTS 3

static size_t put_int(uint8_t *at, int level, int type, int value)
{
	struct cmsghdr c = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = level, .cmsg_type = type};

	memcpy(at, &c, sizeof(c));
	memcpy(at + CMSG_LEN(0), &value, sizeof(value));
	return CMSG_SPACE(sizeof(int));
}

static void fill_message(struct transmit *t, unsigned int i, struct mmsghdr *out)
{
	struct transmit_item *item = &t->item[i];
	socklen_t length = sockname_set(&t->name[i], &item->to);
	size_t control = 0;

	if (item->header.ttl) {
		bool is4 = t->name[i].any.sa_family == AF_INET;
		int level = is4 ? IPPROTO_IP : IPPROTO_IPV6;

		control += put_int(
			t->control[i], level, is4 ? IP_TTL : IPV6_HOPLIMIT, item->header.ttl);
		control += put_int(t->control[i] + control, level, is4 ? IP_TOS : IPV6_TCLASS,
			item->header.tos);
	}
	*out = (struct mmsghdr){.msg_hdr = {.msg_name = &t->name[i],
					.msg_namelen = length,
					.msg_iov = item->part,
					.msg_iovlen = item->parts,
					.msg_control = control ? t->control[i] : NULL,
					.msg_controllen = control}};
}

static void count_sent(struct tally *t, const struct transmit_item *item)
{
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
			count_sent(&w->agent.tally, &t->item[t->order[from + (unsigned int)i]]);
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

unsigned int transmit_flush(struct worker *w)
{
	struct transmit *t = &w->transmit;
	uint64_t left = t->count == 64 ? ~0ull : (1ull << t->count) - 1;
	unsigned int sent = 0;

	_Static_assert(RELAY_BURST == 64, "one bit for each item");
	while (left) {
		int fd = t->item[__builtin_ctzll(left)].fd;
		unsigned int n = 0, from = 0;

		for (uint64_t rest = left; rest; rest &= rest - 1) {
			unsigned int i = (unsigned int)__builtin_ctzll(rest);

			if (t->item[i].fd != fd)
				continue;
			fill_message(t, i, &t->message[n]);
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
