// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The one list of counter names, for C, BPF, turnpikectl, metrics and docs. Compiles for BPF.
//
// Every packet that arrives is counted once among `packets in`, and once more under where it went:
// relayed, punted to the control plane, or one drop reason. So
//   client_packets = relayed_to_peer + punted + every drop reason of the client side
//   peer_packets   = relayed_to_client + every drop reason of the peer side
// holds for each worker (a hairpinned packet counts on both sides; an ICMP error about a datagram sent
// to a peer counts as a packet of no bytes from that peer).
#pragma once

#include <stdint.h>

// X(name, "what it means")
#define TP_TRAFFIC_COUNTERS(X) \
	X(client_packets, "datagrams from clients") \
	X(client_bytes, "UDP payload bytes from clients") \
	X(peer_packets, "datagrams from peers, hairpinned ones and ICMP errors included") \
	X(peer_bytes, "UDP payload bytes from peers") \
	X(relayed_to_peer, "datagrams relayed to peers") \
	X(relayed_to_peer_bytes, "application bytes relayed to peers") \
	X(relayed_to_client, "datagrams and ICMP errors relayed to clients") \
	X(relayed_to_client_bytes, "application bytes relayed to clients") \
	X(hairpinned, "datagrams of one client delivered to another without leaving the relay") \
	X(icmp_relayed, "ICMP errors sent on to clients (RFC 8656 section 11.5)") \
	X(punted, "STUN messages handed to the control plane") \
	X(icmp_errors_sent, \
		"time exceeded and packet too big, sent for what could not be relayed") \
	X(fragments, "IP fragments of UDP to our addresses (frame dataplanes alone)") \
	X(fragments_joined, "IP fragments that became whole datagrams") \
	X(fragments_sent, "IP fragments sent, of datagrams larger than the next hop's MTU") \
	X(handed_off, "frames handed to the worker that has their allocation") \
	X(kernel_in, "frames left to the kernel: everything that isn't TURN's") \
	X(kernel_out, "frames sent for the kernel") \
	X(replies_sent, "STUN messages sent for the control plane") \
	X(replies_withheld, "success responses withheld because their command failed") \
	X(commands_applied, "commands of the control plane in force") \
	X(commands_failed, "commands answered with an error status")

// Reasons for which a datagram from a client is not relayed.
#define TP_CLIENT_DROPS(X) \
	X(client_reserved_byte, "first byte is neither STUN's nor a channel's") \
	X(client_source_invalid, "source port 0, an IPv6 source address that no host has (:: or " \
				 "IPv4-mapped), or a STUN request from the wire with one of ours") \
	X(client_link_local, "STUN request of a link-local IPv6 client: records carry no scope") \
	X(client_truncated, "datagram longer than the receive buffer") \
	X(client_stun_malformed, "STUN header, length or attribute out of bounds") \
	X(client_stun_unexpected, "STUN response, or an indication that no server takes") \
	X(channel_malformed, "ChannelData shorter than its length field says") \
	X(channel_unbound, "ChannelData on a channel that is not bound (RFC 8656 section 12.6)") \
	X(send_no_allocation, "Send indication without an allocation") \
	X(send_incomplete, "Send indication without XOR-PEER-ADDRESS or DATA") \
	X(send_unknown_attribute, "Send indication with an unknown required attribute") \
	X(send_no_permission, "Send indication to a peer without a permission") \
	X(send_invalid_peer, "Send indication to port 0 or to another address family") \
	X(client_expired, "the allocation or channel has expired") \
	X(hairpin_no_allocation, "to one of the relay's own addresses, but no allocation there") \
	X(client_rate_limited, "over the packets or bits per second of an allocation or user") \
	X(client_ttl_expired, "TTL or hop limit of 1 on arrival from a client") \
	X(client_handoff_full, "the ring to the worker that has the allocation was full") \
	X(client_handoff_over, \
		"of a client that this worker doesn't know, over what it passes on in a round") \
	X(client_no_next_hop, "the peer's next hop has no link-layer address, in time or at all") \
	X(client_tx_unreachable, "no route to the peer (ENETUNREACH, EHOSTUNREACH)") \
	X(client_tx_denied, "the host's packet filter refused it (EPERM, EACCES)") \
	X(client_tx_full, "no room to send to the peer (ENOBUFS, EAGAIN)") \
	X(client_tx_too_big, "larger than the path to the peer allows (EMSGSIZE)") \
	X(client_tx_other, "any other error in sending to the peer") \
	X(punt_unattached, "STUN message while no control plane is attached") \
	X(punt_ring_full, "STUN message while the punt ring was full") \
	X(punt_too_large, "STUN message larger than a punt may be")

// Reasons for which a datagram from a peer is not relayed.
#define TP_PEER_DROPS(X) \
	X(peer_source_invalid, "an IPv6 source address that no host has (:: or IPv4-mapped), or, " \
			       "from the wire, one of ours") \
	X(peer_truncated, "datagram longer than the receive buffer") \
	X(peer_no_allocation, "to a relay port without an allocation") \
	X(peer_expired, "the allocation has expired") \
	X(peer_no_permission, "from a peer without a permission (RFC 8656 section 9)") \
	X(peer_rate_limited, "over the packets or bits per second of an allocation or user") \
	X(peer_too_large, "too large for a Data indication or ChannelData") \
	X(peer_ttl_expired, "TTL or hop limit of 1 on arrival from a peer") \
	X(peer_handoff_full, "the ring to the worker that owns the relay port was full") \
	X(peer_no_next_hop, "the client's next hop has no link-layer address, in time or at all") \
	X(peer_tx_unreachable, "no route to the client (ENETUNREACH, EHOSTUNREACH)") \
	X(peer_tx_denied, "the host's packet filter refused it (EPERM, EACCES)") \
	X(peer_tx_full, "no room to send to the client (ENOBUFS, EAGAIN)") \
	X(peer_tx_too_big, "larger than the path to the client allows (EMSGSIZE)") \
	X(peer_tx_other, "any other error in sending to the client") \
	X(icmp_no_permission, "ICMP error about a peer without a permission") \
	X(icmp_ignored, "ICMP error of a type that is not relayed (RFC 8656 section 11.5)")

// What is lost before a worker sees it, and what an honest control plane would never write.
#define TP_OTHER_DROPS(X) \
	X(rx_overflow, "datagrams the kernel dropped because a receive buffer was full") \
	X(rx_error, "receive calls that failed") \
	X(port_missed, "frames that a port dropped because its receive queue was full") \
	X(port_no_buffer, "frames that a port dropped because there was no buffer") \
	X(port_error, "frames that a port dropped as damaged") \
	X(frame_malformed, "UDP or ICMP in IP with impossible lengths or header checksum") \
	X(frame_no_buffer, "frames dropped because there was no buffer to work in") \
	X(fragment_dropped, "IP fragments whose datagram did not become whole") \
	X(fragment_unsent, "IP fragments that the port did not take") \
	X(fragment_too_large, "datagrams of fragments that are larger than a buffer") \
	X(kernel_in_full, "frames dropped because the kernel's side did not take them") \
	X(kernel_in_over, "frames for the kernel over its share of a worker's time") \
	X(kernel_out_full, "frames of the kernel dropped because the port did not take them") \
	X(icmp_errors_withheld, \
		"time exceeded and packet too big, over their rate or not allowed") \
	X(reply_tx_error, "STUN messages of the control plane that could not be sent") \
	X(record_bad, "ring records out of bounds or of no known kind") \
	X(command_bad, "commands with a field out of bounds") \
	X(send_bad, "datagrams of the control plane with a field out of bounds") \
	X(ring_bad, "ring indices that no honest peer writes") \
	X(results_full, "results that found no room: the control plane broke its bound")

// Packets to our addresses and ports that the XDP program leaves to the sockets, by reason. The sockets count them
// once more, as theirs. What isn't ours, and what is no plain UDP in IP (options, extension headers, fragments, tags,
// ICMP), passes uncounted.
#define TP_PASSES(X) \
	X(passed_request, "by XDP to the sockets: STUN requests") \
	X(passed_expired, "by XDP to the sockets: entries whose promise is over") \
	X(passed_hop, "by XDP to the sockets: next hop unknown") \
	X(passed_ttl, "by XDP to the sockets: TTL or hop limit of 1") \
	X(passed_too_big, "by XDP to the sockets: larger than the egress interface takes") \
	X(passed_checksum, "by XDP to the sockets: IPv4 without a checksum, to IPv6: the payload " \
			   "is to be summed") \
	X(passed_hairpin, "by XDP to the sockets: to a relayed address of ours") \
	X(passed_room, "by XDP to the sockets: no room in front of the frame or behind it") \
	X(passed_unread, "by XDP to the sockets: headers that are not where they are looked for, " \
			 "but maybe well") \
	X(passed_busy, "by XDP to the sockets: entries that were being written") \
	X(passed_partial, "by XDP to the sockets: a checksum that was left to the device")

#define TP_COUNTERS(X) \
	TP_TRAFFIC_COUNTERS(X) \
	TP_CLIENT_DROPS(X) TP_PEER_DROPS(X) TP_OTHER_DROPS(X) TP_PASSES(X)

enum tp_counter {
#define X(name, text) TP_C_##name,
	TP_COUNTERS(X)
#undef X
		TP_COUNTER_COUNT
};

// What the control plane counts, in a page of its own.
#define TP_CONTROL_COUNTERS(X) \
	X(binding_requests, "Binding requests") \
	X(allocate_requests, "Allocate requests") \
	X(refresh_requests, "Refresh requests") \
	X(create_permission_requests, "CreatePermission requests") \
	X(channel_bind_requests, "ChannelBind requests") \
	X(other_requests, "requests of another method") \
	X(success_responses, "success responses") \
	X(error_300, "300 Try Alternate") \
	X(error_400, "400 Bad Request") \
	X(error_401, "401 Unauthenticated") \
	X(error_403, "403 Forbidden") \
	X(error_405, "405 Mobility Forbidden") \
	X(error_420, "420 Unknown Attribute") \
	X(error_437, "437 Allocation Mismatch") \
	X(error_438, "438 Stale Nonce") \
	X(error_440, "440 Address Family not Supported") \
	X(error_441, "441 Wrong Credentials") \
	X(error_442, "442 Unsupported Transport Protocol") \
	X(error_443, "443 Peer Address Family Mismatch") \
	X(error_486, "486 Allocation Quota Reached") \
	X(error_500, "500 Server Error") \
	X(error_508, "508 Insufficient Capacity") \
	X(retransmissions, "Allocate retransmissions answered from the record") \
	X(allocations_created, "allocations made") \
	X(allocations_deleted, "allocations deleted by a Refresh with lifetime 0") \
	X(allocations_expired, "allocations expired") \
	X(allocations_moved, "allocations whose client moved to another address (RFC 8016)") \
	X(moves_settled, "moved clients whose first data came: their former address is forgotten") \
	X(allocations_lost, "allocations given up because no dataplane could hold them") \
	X(ports_taken, "relay ports that another program on the host held") \
	X(commands_failed, "commands that a dataplane refused") \
	X(permissions_limited, "permissions refused: an allocation or user has as many as it may") \
	X(channels_limited, "channels refused: an allocation or user has as many as it may") \
	X(new_peers_limited, "permissions refused: new peers over an allocation's or user's rate") \
	X(drop_malformed, "punts that are no well-formed STUN message") \
	X(drop_fingerprint, "punts with a wrong FINGERPRINT") \
	X(drop_indication, "indications and responses, which get no answer") \
	X(drop_rate_limited, "unauthenticated requests over their address prefix's rate") \
	X(drop_answer_underway, "Allocate retransmissions whose first answer was on its way") \
	X(drop_congested, "answers dropped because a dataplane did not take them") \
	X(punt_bad, "punt records with a field out of bounds") \
	X(result_bad, "result records that answer no command") \
	X(ring_bad, "ring indices or records that no honest peer writes") \
	X(owner_bad, "relay ports that a dataplane says a worker owns that it does not have") \
	X(attach_refused, "dataplanes refused at attach") \
	X(abuse_log_lines, "lines written to the abuse log") \
	X(abuse_log_dropped, "lines of the abuse log over its rate, or that could not be written") \
	X(vault_bad, "vault records refused at start")

enum tp_control_counter {
#define X(name, text) TP_CC_##name,
	TP_CONTROL_COUNTERS(X)
#undef X
		TP_CONTROL_COUNTER_COUNT
};

// One writer (the worker, or the control plane's thread), any number of readers, each counter an
// aligned 64-bit word written with relaxed order: a reader sees a recent value, never a torn one.
#define TP_COUNTER_SLOTS 256
struct tp_counters {
	_Alignas(64) uint64_t value[TP_COUNTER_SLOTS];
};
_Static_assert(sizeof(struct tp_counters) == 2048, "half a page");
_Static_assert((int)TP_COUNTER_COUNT <= TP_COUNTER_SLOTS, "grow TP_COUNTER_SLOTS and the ABI");
_Static_assert((int)TP_CONTROL_COUNTER_COUNT <= TP_COUNTER_SLOTS, "grow TP_COUNTER_SLOTS");

#ifdef __bpf__
// clang 14 can't compile atomic loads for BPF; an aligned volatile word is one instruction there.
#define TP_COUNTER_LOAD(p) (*(const volatile uint64_t *)(p))
#define TP_COUNTER_STORE(p, v) (*(volatile uint64_t *)(p) = (v))
#else
#define TP_COUNTER_LOAD(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define TP_COUNTER_STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#endif

static inline void tp_count(struct tp_counters *c, unsigned int which, uint64_t n)
{
	uint64_t v = TP_COUNTER_LOAD(&c->value[which]);

	TP_COUNTER_STORE(&c->value[which], v + n);
}

static inline uint64_t tp_counter(const struct tp_counters *c, unsigned int which)
{
	return TP_COUNTER_LOAD(&c->value[which]);
}
