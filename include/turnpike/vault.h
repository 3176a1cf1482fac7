// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The vault: what must outlive a control plane. A memfd that the launcher (or systemd) holds, that one
// control plane at a time maps, and that no dataplane ever sees.
//
// Roles      The running control plane is the only writer and the only reader.
// Records    Fixed arrays of allocations, of peers (permissions and channels) and of reservations, by slot. `state` is
//            written last when a record is made (release) and first when it is freed; every field that
//            changes while a record lives is one aligned word. So a control plane that dies between
//            any two instructions leaves records that are whole, live or free, and nothing else.
// Recovery   Counts, free lists, indices and the lists of an allocation's peers are rebuilt from the
//            records at start; a record that fails its checks is freed and counted (vault_bad). A peer
//            names its allocation's slot and serial: one whose serial is not that slot's is an orphan.
// Moving     A client that moves (RFC 8016) is in a record twice, until its first data has come from where it
//            moves to: `client` is where data goes to, `next` where it will go. `mobility` is the word that
//            says so; `next` is written before it, and read only where it says so.
// Families   Two records with one 5-tuple are the two relayed addresses of a dual allocation.
// Reserving  A reservation is written before the allocation whose answer tells its token, and freed after
//            the allocation that its token bought was written: so a port is never nobody's between.
#pragma once

#include <turnpike/record.h>
#include <turnpike/wire.h>

#define TP_VAULT_MAGIC 0x31746c7561566e54ull
#define TP_VAULT_ABI 3u
#define TP_USER_MAX 64u // bytes of a user's name kept for people to read; the hash decides

enum tp_vault_state {
	TP_VAULT_FREE = 0,
	TP_VAULT_LIVE = 1,
};

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
};
_Static_assert(sizeof(struct tp_vault_header) == 128, "two lines");

enum tp_vault_moving {
	TP_VAULT_STILL = 0, // `next` means nothing
	TP_VAULT_MOVING = 1, // `next` is the client's too
	TP_VAULT_SETTLING =
		2, // `next` is being copied to `client` and `server`: whoever finds it does it again
};

// Of an allocation's `mobility`: the number of the ticket given last (0: the client wants none), and enum
// tp_vault_moving.
static inline uint64_t tp_mobility(uint32_t ticket, enum tp_vault_moving moving)
{
	return ticket | (uint64_t)moving << 32;
}

static inline uint32_t tp_mobility_ticket(uint64_t mobility)
{
	return (uint32_t)mobility;
}

static inline enum tp_vault_moving tp_mobility_moving(uint64_t mobility)
{
	return (enum tp_vault_moving)(mobility >> 32);
}

// An allocation (RFC 8656 section 3). 256 bytes.
struct tp_vault_allocation {
	uint32_t state; // enum tp_vault_state
	uint32_t worker;
	uint64_t serial;
	uint64_t expires_ms; // CLOCK_MONOTONIC
	uint64_t created_ms;
	struct tp_endpoint client;
	struct tp_ip server; // where the client reached us; the port follows
	struct tp_ip relay; // local address
	uint8_t user_hash[16]; // keyed hash of the username
	uint8_t tid[TP_STUN_TID]; // of the Allocate, for its retransmissions
	uint32_t lifetime_s; // as the Allocate's answer announced it
	uint16_t server_port;
	uint16_t relay_port;
	uint8_t transport; // enum tp_transport
	uint8_t user_length; // of the whole name, at most 255 told
	uint16_t address_error; // told of the other family in ADDRESS-ERROR-CODE; 0: nothing
	char user[TP_USER_MAX]; // beginning of the name
	uint64_t mobility; // tp_mobility()
	struct tp_endpoint next; // client that it moves to
	struct tp_ip next_server; // where that one reaches us; the port follows
	uint16_t next_server_port;
	uint8_t zero[14];
};
_Static_assert(sizeof(struct tp_vault_allocation) == 256, "four lines");

// A permission (channel 0, port 0) or a channel of an allocation. 64 bytes.
struct tp_vault_peer {
	uint32_t state; // enum tp_vault_state
	uint32_t allocation; // slot
	uint64_t serial; // the allocation's
	uint64_t expires_ms; // CLOCK_MONOTONIC
	struct tp_endpoint peer;
	uint16_t channel; // 0: permission
	uint8_t zero[14];
};
_Static_assert(sizeof(struct tp_vault_peer) == 64, "one line");

// A relay port kept for whoever shows the token (RFC 8656 section 18.8). 96 bytes.
struct tp_vault_reservation {
	uint32_t state; // enum tp_vault_state
	uint32_t allocation; // slot of the one that reserved it, which may be gone
	uint64_t serial; // and its serial
	uint64_t expires_ms; // CLOCK_MONOTONIC
	uint64_t token; // as on the wire, read as a big-endian number
	struct tp_ip relay; // local address
	struct tp_ip party; // of the client, for the quota
	uint8_t user_hash[16];
	uint16_t relay_port;
	uint8_t zero[14];
};
_Static_assert(sizeof(struct tp_vault_reservation) == 96, "no hidden padding");

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
