// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The vault: what must outlive a control plane. A memfd that the launcher (or systemd) holds, that one
// control plane at a time maps, and that no dataplane ever sees.
//
// Roles      The running control plane is the only writer and the only reader.
// Records    Fixed arrays of allocations, of peers (permissions and channels) and of reservations, by slot.
//            `expires_ms`, which is never 0 in one that lives, is written last when a record is made (release)
//            and made 0 first when it is freed; every field that changes while a record lives is one aligned
//            word. So a control plane that dies between any two instructions leaves records that are whole,
//            live or free, and nothing else.
// Addresses  Our own stand in the header, and records name them by their place there. A place that no live
//            record names may be written; it is written before a record that names it lives.
// Recovery   Counts, free lists, indices and the lists of an allocation's peers are rebuilt from the
//            records at start; a record that fails its checks is freed and counted (vault_bad). A peer
//            names its allocation's slot and serial: one whose serial is not that slot's is an orphan.
// Moving     A client that moves (RFC 8016) is in a record twice, until its first data has come from where it
//            moves to: `client_ip`, `client_port` and `server` are where data goes to, `next_*` where it will
//            go. `mobility` is the word that says so; `next_*` are written before it, and read only where it
//            says so.
// Families   Two records with one 5-tuple are the two relayed addresses of a dual allocation.
// Reserving  A reservation is written before the allocation whose answer tells its token, and freed after
//            the allocation that its token bought was written: so a port is never nobody's between.
#pragma once

#include <turnpike/record.h>
#include <turnpike/segment.h>
#include <turnpike/wire.h>

#define TP_VAULT_MAGIC 0x31746c7561566e54ull
#define TP_VAULT_ABI 4u
#define TP_VAULT_SERVERS \
	256u // those of a dataplane, and of former ones as long as a record names them
#define TP_USER_MAX 64u // bytes of a user's name kept for people to read; the hash decides

struct tp_vault_header {
	uint64_t magic; // stored last, release
	uint32_t abi;
	uint32_t allocations; // slots
	uint32_t peers; // slots
	uint32_t generation; // of the last attachment; each attach takes the next
	uint64_t size; // bytes of the whole vault
	uint64_t serial; // last serial given to an allocation
	uint8_t nonce_key[16]; // random, made with the vault
	uint8_t index_key[16]; // random: keys hashes of what strangers choose
	uint8_t user_key[16]; // random: keys the hash of user names
	uint8_t ticket_key[16]; // random: seals mobility tickets
	uint8_t zero[24];
	struct tp_ip relay[TP_RELAYS_MAX]; // local addresses
	struct tp_endpoint server[TP_VAULT_SERVERS]; // port 0: not used yet
};
_Static_assert(sizeof(struct tp_vault_header) == 128 + 16 * 64 + 24 * 256, "whole lines");

enum tp_vault_moving {
	TP_VAULT_STILL = 0, // `next_*` mean nothing
	TP_VAULT_MOVING = 1, // `next_*` are the client's too
	TP_VAULT_SETTLING =
		2, // `next_*` are being copied over the client's: whoever finds it does it again
};

// Of an allocation's `mobility`: the number of the ticket given last (0: the client wants none), and enum
// tp_vault_moving.
#define TP_VAULT_TICKET_MAX 0x3fffffffu

static inline uint32_t tp_mobility(uint32_t ticket, enum tp_vault_moving moving)
{
	return ticket | (uint32_t)moving << 30;
}

static inline uint32_t tp_mobility_ticket(uint32_t mobility)
{
	return mobility & TP_VAULT_TICKET_MAX;
}

static inline enum tp_vault_moving tp_mobility_moving(uint32_t mobility)
{
	return (enum tp_vault_moving)(mobility >> 30);
}

// An allocation (RFC 8656 section 3). 168 bytes.
struct tp_vault_allocation {
	uint64_t expires_ms; // CLOCK_MONOTONIC; 0: free
	uint64_t serial;
	uint64_t created_ms;
	struct tp_ip client_ip; // where data goes to
	struct tp_ip next_ip; // where the client moves to
	uint8_t user_hash[16]; // keyed hash of the username
	uint8_t tid[TP_STUN_TID]; // of the Allocate, for its retransmissions
	uint32_t mobility; // tp_mobility()
	uint16_t client_port;
	uint16_t next_port;
	uint16_t relay_port;
	uint16_t lifetime_s; // as the Allocate's answer announced it
	uint16_t address_error; // told of the other family in ADDRESS-ERROR-CODE; 0: nothing
	uint8_t server; // place of the address where the client reached us
	uint8_t next_server; // likewise, where it moves to
	uint8_t relay; // place of the relay address
	uint8_t transport; // enum tp_transport
	uint8_t worker;
	uint8_t user_length; // of the whole name, at most 255 told
	char user[TP_USER_MAX]; // beginning of the name
};
_Static_assert(sizeof(struct tp_vault_allocation) == 168, "no hidden padding");
_Static_assert(TP_WORKERS_MAX <= 256 && TP_RELAYS_MAX <= 256 && TP_VAULT_SERVERS <= 256, "a byte");

// A permission (channel 0, port 0) or a channel of an allocation. 40 bytes.
struct tp_vault_peer {
	uint64_t expires_ms; // CLOCK_MONOTONIC; 0: free
	uint64_t serial; // the allocation's
	struct tp_ip ip;
	uint32_t allocation; // slot
	uint16_t port;
	uint16_t channel; // 0: permission
};
_Static_assert(sizeof(struct tp_vault_peer) == 40, "no hidden padding");

// A relay port kept for whoever shows the token (RFC 8656 section 18.8). 64 bytes.
struct tp_vault_reservation {
	uint64_t expires_ms; // CLOCK_MONOTONIC; 0: free
	uint64_t serial; // of the allocation that reserved it, and
	uint64_t token; // as on the wire, read as a big-endian number
	struct tp_ip party; // of the client, for the quota
	uint8_t user_hash[16];
	uint32_t allocation; // its slot, which may be another's by now
	uint16_t relay_port;
	uint8_t relay; // place of the relay address
	uint8_t zero;
};
_Static_assert(sizeof(struct tp_vault_reservation) == 64, "no hidden padding");

// Reservations that are provided for with so many allocations.
static inline uint32_t tp_reservations_for(uint32_t allocations)
{
	return tp_users_for(allocations) - allocations;
}

static inline uint64_t tp_vault_size(uint32_t allocations, uint32_t peers)
{
	return sizeof(struct tp_vault_header) +
	       (uint64_t)allocations * sizeof(struct tp_vault_allocation) +
	       (uint64_t)peers * sizeof(struct tp_vault_peer) +
	       (uint64_t)tp_reservations_for(allocations) * sizeof(struct tp_vault_reservation);
}
