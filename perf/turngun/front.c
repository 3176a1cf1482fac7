// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "front.h"

#include <string.h>

#include <turnpike/ip.h>
#include <turnpike/wire.h>

#include "../../controlplane/stun/message.h"
#include "../../controlplane/stun/writer.h"

#define LENGTH_AT 2u // of a STUN message and of ChannelData
#define ID_AT 12u // the last 8 bytes of the transaction ID
#define ADDRESS_END 44u // of XOR-PEER-ADDRESS of IPv6, the first attribute

uint32_t front_make(uint8_t *out, enum form form, uint16_t channel, const struct tp_endpoint *peer)
{
	static const uint8_t tid[TP_STUN_TID] = "turn"; // and 8 bytes of zeros
	struct stun_writer w;

	if (form == FORM_CHANNEL) {
		tp_put16(out, channel);
		return TP_CHANNEL_HEADER;
	}
	stun_begin(&w, out, FRONT_MAX, TP_STUN_SEND, TP_STUN_INDICATION, tid);
	stun_put_xor_address(&w, TP_ATTR_XOR_PEER_ADDRESS, peer);
	stun_put(&w, TP_ATTR_DATA, NULL, 0);
	return (uint32_t)stun_finish(&w);
}

uint32_t front_finish(uint8_t *front, uint32_t front_length, uint32_t length, uint64_t id)
{
	uint64_t address;
	uint32_t padding;

	if (!front_length)
		return 0;
	if (front_length == TP_CHANNEL_HEADER) {
		tp_put16(front + LENGTH_AT, length);
		return 0;
	}
	padding = tp_pad4(length);
	tp_put16(front + LENGTH_AT, front_length - TP_STUN_HEADER + length + padding);
	tp_put16(front + front_length - 2, length);
	memcpy(front + ID_AT, &id, sizeof(id));
	// An address of IPv6 is XORed with the transaction ID (RFC 8489 section 14.2), of which this was 0.
	if (front_length == FRONT_MAX) {
		memcpy(&address, front + ADDRESS_END - sizeof(address), sizeof(address));
		address ^= id;
		memcpy(front + ADDRESS_END - sizeof(address), &address, sizeof(address));
	}
	return padding;
}

bool front_read(struct front *f, const uint8_t *data, uint32_t length)
{
	struct stun_message m;

	*f = (struct front){.data = data, .length = length};
	if (length < TP_CHANNEL_HEADER || data[0] >= 0x80)
		return true;
	if (data[0] >= 0x40) {
		uint32_t said = tp_get16(data + LENGTH_AT);

		f->channel = tp_get16(data);
		f->front = TP_CHANNEL_HEADER;
		f->data = data + TP_CHANNEL_HEADER;
		f->length = said;
		return said <= length - TP_CHANNEL_HEADER;
	}
	if (stun_parse(&m, data, length) || m.class_ != TP_STUN_INDICATION || m.peers_count != 1 ||
		!(m.has & STUN_HAS_DATA))
		return false;
	f->indication = true;
	f->peer = m.peers[0].endpoint;
	f->data = m.data.data;
	f->length = m.data.length;
	f->front = (uint32_t)(m.data.data - data);
	return true;
}
