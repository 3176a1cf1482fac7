// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

static const uint8_t usual_l2[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

static uint32_t put(uint8_t *b, uint32_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		b[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	return bytes;
}

static uint32_t put_hex(uint8_t *b, const char *hex)
{
	uint32_t n = 0;

	while (hex && *hex) {
		char digits[3] = {hex[0], hex[1]};

		if (isspace((unsigned char)*hex)) {
			hex++;
			continue;
		}
		b[n++] = (uint8_t)strtoul(digits, NULL, 16);
		hex += 2;
	}
	return n;
}

// RFC 1071, as plainly as it can be said: big-endian words, one after the other.
static uint16_t checksum(uint32_t sum, const uint8_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		sum += (uint32_t)b[i] << (i % 2 ? 0 : 8);
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return (uint16_t)(0xffff - sum);
}

static uint32_t add_words(uint32_t sum, const uint8_t *b, uint32_t n)
{
	return 0xffffu - checksum(sum, b, n);
}

static uint32_t pseudo_header(const uint8_t *source, const uint8_t *destination, uint32_t size,
	uint8_t protocol, uint32_t n)
{
	uint8_t tail[8];
	uint32_t sum = add_words(0, source, size);

	sum = add_words(sum, destination, size);
	put(tail, n, 4);
	put(tail + 4, protocol, 4);
	return add_words(sum, tail, 8);
}

static void address(uint8_t *b, int family, const char *text)
{
	if (inet_pton(family, text, b) == 1)
		return;
	fprintf(stderr, "packet: %s is no address\n", text);
	exit(1);
}

static uint16_t spoil(uint16_t right, enum packet_checksum how)
{
	return how == CHECKSUM_WRONG ? right ^ 0x0100 : how == CHECKSUM_NONE ? 0 : right;
}

static uint32_t put_udp(uint8_t *b, const struct packet_spec *p, const uint8_t *source,
	const uint8_t *destination, uint32_t size)
{
	uint32_t n = 8;
	uint16_t sum;

	n += put_hex(b + n, p->front);
	for (uint32_t i = 0; i < p->fill; i++)
		b[n++] = (uint8_t)(i * 7 + 1);
	n += put_hex(b + n, p->tail);
	put(b, p->source_port, 2);
	put(b + 2, p->destination_port, 2);
	put(b + 4, (uint32_t)((int32_t)n + p->udp_length_more), 2);
	put(b + 6, 0, 2);
	sum = checksum(pseudo_header(source, destination, size, 17, n), b, n);
	if (!sum)
		sum = 0xffff;
	put(b + 6, spoil(sum, p->udp_checksum), 2);
	return n;
}

static uint32_t put_icmp(uint8_t *b, const struct packet_spec *p, const uint8_t *source,
	const uint8_t *destination, uint32_t size, uint8_t protocol)
{
	uint8_t *quoted = malloc(PACKET_MAX);
	uint32_t l2 = p->quote->vlan ? 18 : 14;
	uint32_t n = packet_build(quoted, p->quote) - l2;
	uint32_t sum;

	if (p->quote_length && p->quote_length < n)
		n = p->quote_length;
	b[0] = p->type;
	b[1] = p->code;
	put(b + 2, 0, 2);
	put(b + 4, p->data, 4);
	memcpy(b + 8, quoted + l2, n);
	free(quoted);
	n += 8;
	sum = size == 16 ? pseudo_header(source, destination, size, protocol, n) : 0;
	put(b + 2, spoil(checksum(sum, b, n), p->udp_checksum), 2);
	return n;
}

static uint32_t put_transport(uint8_t *b, const struct packet_spec *p, const uint8_t *source,
	const uint8_t *destination, uint32_t size, uint8_t protocol)
{
	if (p->quote)
		return put_icmp(b, p, source, destination, size, protocol);
	return put_udp(b, p, source, destination, size);
}

static uint32_t put_ip4(uint8_t *b, const struct packet_spec *p)
{
	uint8_t protocol = p->protocol ? p->protocol : p->quote ? 1 : 17;
	uint32_t header = 20 + put_hex(b + 20, p->options);
	uint32_t n;

	address(b + 12, AF_INET, p->source);
	address(b + 16, AF_INET, p->destination);
	n = header + put_transport(b + header, p, b + 12, b + 16, 4, protocol);
	b[0] = (uint8_t)((p->version ? p->version : 4) << 4 | header / 4);
	b[1] = p->tos;
	put(b + 2, (uint32_t)((int32_t)n + p->ip_length_more), 2);
	put(b + 4, p->id, 2);
	put(b + 6, (p->dont_fragment ? 0x4000u : 0) | p->fragment, 2);
	b[8] = p->ttl || p->ttl_zero ? p->ttl : 64;
	b[9] = protocol;
	put(b + 10, 0, 2);
	put(b + 10, spoil(checksum(0, b, header), p->ip_checksum), 2);
	return n;
}

static uint32_t put_ip6(uint8_t *b, const struct packet_spec *p)
{
	uint8_t protocol = p->protocol ? p->protocol : p->quote ? 58 : 17;
	uint32_t extension = put_hex(b + 40, p->extension);
	uint32_t n;

	put(b, (p->version ? p->version : 6u) << 28 | (uint32_t)p->tos << 20 | p->flow_label, 4);
	address(b + 8, AF_INET6, p->source);
	address(b + 24, AF_INET6, p->destination);
	n = extension + put_transport(b + 40 + extension, p, b + 8, b + 24, 16, protocol);
	put(b + 4, (uint32_t)((int32_t)n + p->ip_length_more), 2);
	b[6] = p->extension ? p->next : protocol;
	b[7] = p->ttl || p->ttl_zero ? p->ttl : 64;
	return 40 + n;
}

uint32_t packet_build(uint8_t *out, const struct packet_spec *p)
{
	bool ip6 = strchr(p->source, ':');
	uint32_t n = 12;

	memcpy(out, p->l2 ? p->l2 : usual_l2, 12);
	if (p->vlan) {
		n += put(out + n, 0x8100, 2);
		n += put(out + n, p->vlan, 2);
	}
	n += put(out + n, ip6 ? 0x86dd : 0x0800, 2);
	n += ip6 ? put_ip6(out + n, p) : put_ip4(out + n, p);
	memset(out + n, 0xee, p->trailer);
	return n + p->trailer;
}

static uint32_t get16(const uint8_t *b)
{
	return (uint32_t)b[0] << 8 | b[1];
}

static bool sound_transport(
	const uint8_t *b, uint32_t n, uint8_t protocol, const uint8_t *source, uint32_t size)
{
	uint32_t pseudo = pseudo_header(source, source + size, size, protocol, n);

	if (protocol == 17) {
		if (n < 8 || get16(b + 4) != n)
			return false;
		if (!get16(b + 6))
			return size == 4;
	} else if (size == 4) {
		pseudo = 0;
	}
	return checksum(pseudo, b, n) == 0;
}

bool packet_sound(const uint8_t *frame, uint32_t length)
{
	uint32_t l2 = get16(frame + 12) == 0x8100 ? 18 : 14;
	uint32_t type = get16(frame + l2 - 2);
	const uint8_t *ip = frame + l2;

	length -= l2;
	if (type == 0x0800)
		return ip[0] == 0x45 && get16(ip + 2) == length && checksum(0, ip, 20) == 0 &&
		       sound_transport(ip + 20, length - 20, ip[9], ip + 12, 4);
	return type == 0x86dd && ip[0] >> 4 == 6 && get16(ip + 4) == length - 40 &&
	       sound_transport(ip + 40, length - 40, ip[6], ip + 8, 16);
}

uint8_t *packet_payload(uint8_t *frame, uint32_t length)
{
	uint32_t l2 = get16(frame + 12) == 0x8100 ? 18 : 14;
	bool ip4 = get16(frame + l2 - 2) == 0x0800;
	uint32_t at = l2 + (ip4 ? 20 : 40) + 8;

	if (length < at || frame[l2 + (ip4 ? 9 : 6)] != 17)
		return NULL;
	return frame + at;
}

void packet_refresh(uint8_t *frame, uint32_t length)
{
	uint8_t *udp = packet_payload(frame, length) - 8;
	uint32_t n = get16(udp + 4), size = udp[-20] == 0x45 && get16(udp - 22) == 0x0800 ? 4 : 16;
	uint16_t sum;

	if (!get16(udp + 6))
		return;
	put(udp + 6, 0, 2);
	sum = checksum(pseudo_header(udp - 2 * size, udp - size, size, 17, n), udp, n);
	put(udp + 6, sum ? sum : 0xffff, 2);
}

void packet_refresh_ip4(uint8_t *ip)
{
	put(ip + 10, 0, 2);
	put(ip + 10, checksum(0, ip, 20), 2);
}

// A frame that holds a fragment: where it stands in its datagram, and whether more follow.
struct fragment {
	uint32_t header; // bytes in front of its data
	uint32_t offset;
	bool more;
};

static bool read_fragment(struct fragment *out, const uint8_t *frame, uint32_t length)
{
	bool ip4 = get16(frame + 12) == 0x0800;
	const uint8_t *ip = frame + 14;
	uint32_t word;

	out->header = ip4 ? 34 : 62;
	if (length < out->header)
		return false;
	if (ip4 ? ip[0] != 0x45 || get16(ip + 2) != length - 14 || checksum(0, ip, 20)
		: ip[0] >> 4 != 6 || get16(ip + 4) != length - 54 || ip[6] != 44)
		return false;
	word = get16(ip + (ip4 ? 6 : 42));
	out->offset = ip4 ? (word & 0x1fff) * 8 : word & 0xfff8;
	out->more = word & (ip4 ? 0x2000 : 1);
	return out->more ? (length - out->header) % 8 == 0 : out->offset != 0;
}

// Whether all of its headers but lengths, offset and checksum are those of the fragments before.
static bool goes_on(const uint8_t *whole, const uint8_t *frame, bool ip4)
{
	if (ip4)
		return !memcmp(whole, frame, 16) && !memcmp(whole + 18, frame + 18, 2) &&
		       !memcmp(whole + 22, frame + 22, 2) && !memcmp(whole + 26, frame + 26, 8);
	return !memcmp(whole, frame, 18) && !memcmp(whole + 21, frame + 21, 33) &&
	       whole[20] == frame[54];
}

uint32_t packet_join(uint8_t *whole, uint32_t length, const uint8_t *frame, uint32_t n, bool *more)
{
	struct fragment f;
	bool ip4;

	if (!read_fragment(&f, frame, n))
		return 0;
	ip4 = f.header == 34;
	if (!f.offset) {
		length = ip4 ? 34 : 54;
		memcpy(whole, frame, length);
		if (!ip4)
			whole[20] = frame[54]; // what follows the fragment header
	}
	if (f.offset != length - (ip4 ? 34 : 54) || !goes_on(whole, frame, ip4))
		return 0;
	memcpy(whole + length, frame + f.header, n - f.header);
	length += n - f.header;
	put(whole + (ip4 ? 16 : 18), length - (ip4 ? 14 : 54), 2);
	if (ip4) {
		put(whole + 20, get16(whole + 20) & 0x4000, 2);
		packet_refresh_ip4(whole + 14);
	}
	*more = f.more;
	return length;
}
