// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>

#include "rig.h"
#include "sockname.h"

struct tp_ip ip_of(const char *text)
{
	struct tp_ip ip;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return tp_ip4(v4.s_addr);
	cr_assert_eq(inet_pton(AF_INET6, text, ip.b), 1);
	return ip;
}

int socket_at(const struct tp_ip *ip, struct tp_endpoint *out)
{
	struct tp_endpoint any = {.ip = *ip};
	union sockname name;
	socklen_t length = sockname_set(&name, &any);
	int fd = socket(name.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	cr_assert_geq(fd, 0);
	cr_assert_eq(bind(fd, &name.any, length), 0);
	cr_assert_eq(getsockname(fd, &name.any, &length), 0);
	cr_assert(sockname_get(&name, out));
	if (tp_ip_is4(ip)) {
		setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
	}
	return fd;
}

uint16_t free_port(const struct tp_ip *ip)
{
	struct tp_endpoint endpoint;

	close(socket_at(ip, &endpoint));
	return endpoint.port;
}

void send_to(int fd, const struct tp_endpoint *to, const void *bytes, size_t length)
{
	union sockname name;
	socklen_t name_length = sockname_set(&name, to);

	cr_assert_eq(sendto(fd, bytes, length, 0, &name.any, name_length), (ssize_t)length);
}

void rig_leave_home(const struct rig *rig, struct client *c, uint32_t worker)
{
	const int home = c->fd;

	do {
		if (c->fd != home)
			close(c->fd);
		c->fd = socket_at(&rig->server[RIG_SERVER4].ip, &c->endpoint);
	} while (tp_client_worker(&c->endpoint, rig->workers) != worker);
	c->worker = worker;
}

struct client rig_client(
	struct rig *rig, uint32_t worker, uint32_t slot, uint8_t server, uint8_t relay)
{
	struct client c = {.worker = worker, .slot = slot, .relayed.ip = rig->relay[relay]};
	enum tp_status status = TP_STATUS_PORT_TAKEN;

	for (;;) {
		c.fd = socket_at(&rig->server[server].ip, &c.endpoint);
		if (tp_client_worker(&c.endpoint, rig->workers) == worker)
			break;
		close(c.fd);
	}
	// Another test may take the free port first.
	for (int i = 0; i < 8 && status == TP_STATUS_PORT_TAKEN; i++) {
		c.relayed.port = free_port(&rig->relay_local[relay]);
		status = rig_command(rig, worker,
			(struct tp_command){.kind = TP_PUT_ALLOCATION,
				.allocation = slot,
				.client = c.endpoint,
				.server = server,
				.relay = relay,
				.relay_port = c.relayed.port});
	}
	cr_assert_eq(status, TP_STATUS_OK, "status %d", status);
	return c;
}

enum tp_status rig_permit(struct rig *rig, const struct client *c, const struct tp_endpoint *peer)
{
	return rig_command(rig, c->worker,
		(struct tp_command){.kind = TP_PUT_PERMISSION,
			.allocation = c->slot,
			.peer = {.ip = peer->ip}});
}

enum tp_status rig_bind(
	struct rig *rig, const struct client *c, const struct tp_endpoint *peer, uint16_t channel)
{
	enum tp_status status = rig_permit(rig, c, peer);

	if (status != TP_STATUS_OK)
		return status;
	return rig_command(rig, c->worker,
		(struct tp_command){.kind = TP_PUT_CHANNEL,
			.allocation = c->slot,
			.peer = *peer,
			.channel = channel});
}

void client_send(struct rig *rig, const struct client *c, const void *bytes, size_t length)
{
	send_to(c->fd, &rig->server[tp_ip_is4(&c->endpoint.ip) ? RIG_SERVER4 : RIG_SERVER6], bytes,
		length);
}

void receive(int fd, struct packet *out)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	_Alignas(8) uint8_t control[128];
	union sockname name;
	struct iovec part = {out->bytes, sizeof(out->bytes)};
	struct msghdr msg = {.msg_name = &name,
		.msg_namelen = sizeof(name),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t length;

	cr_assert_eq(poll(&p, 1, RIG_WAIT_MS), 1, "no datagram came within the time");
	length = recvmsg(fd, &msg, 0);
	cr_assert_geq(length, 0);
	out->length = (size_t)length;
	cr_assert(sockname_get(&name, &out->from));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		bool is4 = c->cmsg_level == IPPROTO_IP;

		if (c->cmsg_type == (is4 ? IP_TTL : IPV6_HOPLIMIT))
			memcpy(&out->ttl, CMSG_DATA(c), sizeof(int));
		else if (c->cmsg_type == (is4 ? IP_TOS : IPV6_TCLASS))
			out->tos = *CMSG_DATA(c);
	}
}

void expect_bytes(int fd, const void *bytes, size_t length)
{
	static struct packet p;

	receive(fd, &p);
	cr_assert_eq(p.length, length, "%zu bytes, not %zu", p.length, length);
	cr_assert_eq(memcmp(p.bytes, bytes, length), 0);
}

void expect_silence(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	cr_assert_eq(poll(&p, 1, 0), 0);
}

static size_t put16(uint8_t *out, unsigned int value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
	return 2;
}

size_t channel_data(uint8_t *out, uint16_t channel, const void *bytes, size_t length)
{
	put16(out, channel);
	put16(out + 2, (unsigned int)length);
	memcpy(out + 4, bytes, length);
	return length + 4;
}

size_t indication(uint8_t *out, uint16_t type, const uint8_t *tid, const struct tp_endpoint *peer,
	const void *bytes, size_t length, bool dont_fragment)
{
	static const uint8_t cookie[4] = {0x21, 0x12, 0xa4, 0x42};
	bool is4 = tp_ip_is4(&peer->ip);
	unsigned int size = is4 ? 4 : 16;
	size_t n = TP_STUN_HEADER;

	put16(out, type);
	memcpy(out + 4, cookie, 4);
	memcpy(out + 8, tid, TP_STUN_TID);
	n += put16(out + n, TP_ATTR_XOR_PEER_ADDRESS);
	n += put16(out + n, size + 4);
	out[n++] = 0;
	out[n++] = is4 ? 1 : 2;
	n += put16(out + n, peer->port ^ 0x2112u);
	// The address is xored with the cookie and the transaction ID (RFC 8489 section 14.2).
	for (unsigned int i = 0; i < size; i++)
		out[n++] = peer->ip.b[16 - size + i] ^ out[4 + i];
	if (dont_fragment) {
		n += put16(out + n, TP_ATTR_DONT_FRAGMENT);
		n += put16(out + n, 0);
	}
	n += put16(out + n, TP_ATTR_DATA);
	n += put16(out + n, (unsigned int)length);
	memcpy(out + n, bytes, length);
	n += length;
	while (n % 4)
		out[n++] = 0;
	put16(out + 2, (unsigned int)(n - TP_STUN_HEADER));
	return n;
}
