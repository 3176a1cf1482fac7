// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <world.h>

#include "alternative.h"

static const struct alternative_case in_fragments[] = {
	{"IPv4 to IPv4, with DF: one byte too long", OUTCOME_TO_FRAGMENT,
		.out = {TO_PEER_44, .fill = 1253, .ttl = 63}},
	{"IPv4 to an IPv4 client, with DF: a peer is told 48 less", OUTCOME_TO_FRAGMENT,
		.out = {TO_CLIENT_44, .front = "4001 04e1", .fill = 1249, .ttl = 63}},
	{"IPv4 to IPv6, with DF: the client is told 20 less", OUTCOME_TO_FRAGMENT,
		.out = {TO_PEER_46, .fill = 1233, .ttl = 63}},
	{"IPv6 to an IPv4 client: the peer is told 20 more and 48 less", OUTCOME_TO_FRAGMENT,
		.out = {TO_CLIENT_46, .front = "4001 0559", .fill = 1369, .ttl = 63}},
	{"IPv6 to an IPv4 client: no peer is told less than 1280", OUTCOME_TO_FRAGMENT,
		.out = {TO_CLIENT_46, .front = "4001 04cd", .fill = 1229, .ttl = 63}},
	{"IPv6 to IPv4: the client is told 20 more", OUTCOME_TO_FRAGMENT,
		.out = {TO_PEER_64, .fill = 1373, .ttl = 63}},
	{"IPv4 to an IPv6 client, with DF: the peer is told 20 and 48 less", OUTCOME_TO_FRAGMENT,
		.out = {TO_CLIENT_64, .front = "4001 0545", .fill = 1349, .ttl = 63}},
	{"IPv6 to IPv6: the client is told the MTU", OUTCOME_TO_FRAGMENT,
		.out = {TO_PEER_66, .fill = 1353, .ttl = 63}},
	{"IPv6 to an IPv6 client: the peer is told 48 less", OUTCOME_TO_FRAGMENT,
		.out = {TO_CLIENT_66, .front = "4001 0545", .fill = 1349, .ttl = 63}},
	{"IPv6 to an IPv6 client: no peer is told less than 1280", OUTCOME_TO_FRAGMENT,
		.out = {TO_CLIENT_66, .front = "4001 04e1", .fill = 1249, .ttl = 63}},
};

static const struct alternative_case waiting[] = {
	{"a first fragment of IPv4 is to be reassembled", OUTCOME_KERNEL,
		.counter = "Ip.ReasmReqds"},
	{"a last fragment of IPv4 is to be reassembled", OUTCOME_KERNEL,
		.counter = "Ip.ReasmReqds"},
	{"a first fragment of IPv6 is to be reassembled", OUTCOME_KERNEL,
		.counter = "Ip6ReasmReqds"},
	{"a last fragment of IPv6 is to be reassembled", OUTCOME_KERNEL,
		.counter = "Ip6ReasmReqds"},
};

static const struct alternative_case refused[] = {
	{"no checksum over IPv6 is malformed", OUTCOME_KERNEL, .counter = "Udp6InCsumErrors"},
	{"no checksum over IPv6 behind an extension header is malformed", OUTCOME_KERNEL,
		.counter = "Udp6InCsumErrors"},
	{"a wrong IPv4 header checksum is malformed", OUTCOME_KERNEL,
		.counter = "IpExt.InCsumErrors"},
	{"a wrong IPv4 header checksum behind options is malformed", OUTCOME_KERNEL,
		.counter = "IpExt.InCsumErrors"},
	{"an error with a wrong checksum is malformed", OUTCOME_KERNEL,
		.counter = "Icmp.InCsumErrors"},
	{"an error over IPv6 with a wrong checksum is malformed", OUTCOME_KERNEL,
		.counter = "Icmp6InCsumErrors"},
	// Martians are counted for all networks of the host together.
	{"a source that is loopback is malformed", OUTCOME_KERNEL},
	{"a source that is a group is malformed", OUTCOME_KERNEL},
	{"a source that is a scoped group is malformed", OUTCOME_KERNEL},
	{"a source that is everyone is malformed", OUTCOME_KERNEL},
	{"a STUN request from the wire with our server address as source is dropped",
		OUTCOME_KERNEL},
	{"an IPv6 source that is loopback is malformed", OUTCOME_KERNEL,
		.counter = "Ip6InHdrErrors"},
	{"an IPv6 source that is a group is malformed", OUTCOME_KERNEL,
		.counter = "Ip6InHdrErrors"},
	{"an IPv6 destination that is an IPv4-mapped address is malformed", OUTCOME_KERNEL,
		.counter = "Ip6InAddrErrors"},
	{"IPv4 of another version is malformed", OUTCOME_KERNEL, .counter = "Ip.InHdrErrors"},
	{"IPv6 of another version is malformed", OUTCOME_KERNEL, .counter = "Ip6InHdrErrors"},
	{"an IP length that says more than there is is malformed, 44", OUTCOME_KERNEL,
		.counter = "IpExt.InTruncatedPkts"},
	{"an IP length that says less than UDP does is malformed, 44", OUTCOME_KERNEL,
		.counter = "Udp.InErrors"},
	{"a UDP length that says more than there is is malformed, 44", OUTCOME_KERNEL,
		.counter = "Udp.InErrors"},
	{"a UDP length below its header is malformed, 44", OUTCOME_KERNEL,
		.counter = "Udp.InErrors"},
	{"an IP packet too short for UDP is malformed, 44", OUTCOME_KERNEL,
		.counter = "Udp.InErrors"},
	{"an IP length that says more than there is is malformed, 66", OUTCOME_KERNEL,
		.counter = "Ip6InTruncatedPkts"},
	{"an IP length that says less than UDP does is malformed, 66", OUTCOME_KERNEL,
		.counter = "Udp6InErrors"},
	{"a UDP length that says more than there is is malformed, 66", OUTCOME_KERNEL,
		.counter = "Udp6InErrors"},
	{"a UDP length below its header is malformed, 66", OUTCOME_KERNEL,
		.counter = "Udp6InErrors"},
	{"an IP packet too short for UDP is malformed, 66", OUTCOME_KERNEL,
		.counter = "Udp6InErrors"},
	{"an IPv4 length below its header is malformed", OUTCOME_KERNEL,
		.counter = "Ip.InHdrErrors"},
	{"an extension header longer than the packet is malformed", OUTCOME_KERNEL,
		.counter = "Ip6InHdrErrors"},
	// Linux takes at most 7 bytes of padding between options (RFC 4942 section 2.1.9.5).
	{"destination options are not copied", OUTCOME_KERNEL, .counter = "Ip6InHdrErrors"},
};

static const struct alternative_case of_the_host[] = {
	{"a relay port without an allocation takes nothing", OUTCOME_KERNEL,
		.counter = "Udp.NoPorts", .answer = {3, 3}},
	{"another port of the server address is the kernel's", OUTCOME_KERNEL,
		.counter = "Udp.NoPorts", .answer = {3, 3}},
	{"a port outside the relay range is the kernel's", OUTCOME_KERNEL, .counter = "Udp.NoPorts",
		.answer = {3, 3}},
	{"another address is the kernel's", OUTCOME_KERNEL, .counter = "Ip.InAddrErrors"},
	{"DHCP from a host without an address is the kernel's", OUTCOME_KERNEL,
		.counter = "Udp.IgnoredMulti"},
	{"TCP is the kernel's", OUTCOME_KERNEL, .counter = "Tcp.InErrs"},
	{"TCP over IPv6 is the kernel's", OUTCOME_KERNEL, .counter = "Tcp.InErrs"},
	{"TCP with a wrong checksum is the kernel's", OUTCOME_KERNEL,
		.counter = "IpExt.InCsumErrors"},
	// It goes no further: this host is no router. Nothing of its network's own counts that.
	{"a source route with hops left is the kernel's", OUTCOME_KERNEL},
	{"an option without a length is the kernel's", OUTCOME_KERNEL, .counter = "Ip.InHdrErrors",
		.answer = {12, 0, 23u << 24}},
	{"an option longer than the options is the kernel's", OUTCOME_KERNEL,
		.counter = "Ip.InHdrErrors", .answer = {12, 0, 20u << 24}},
	{"a routing header with segments left is the kernel's", OUTCOME_KERNEL,
		.counter = "Ip6InHdrErrors", .answer = {4, 0, 42}},
	{"what no next header follows is the kernel's", OUTCOME_KERNEL, .counter = "Ip6InDelivers"},
	{"an echo request is the kernel's", OUTCOME_KERNEL, .counter = "Icmp.InErrors"},
	{"an error about TCP is the kernel's", OUTCOME_KERNEL, .counter = "Icmp.InErrors"},
	{"an error whose ports are cut off is the kernel's", OUTCOME_KERNEL,
		.counter = "Icmp.InErrors"},
	{"an error over IPv6 whose ports are cut off is the kernel's", OUTCOME_KERNEL,
		.counter = "Icmp6InErrors"},
	{"an error about another program's datagram is the kernel's", OUTCOME_KERNEL,
		.counter = "Icmp.InErrors"},
	{"a redirect is the kernel's", OUTCOME_KERNEL, .counter = "Icmp.InRedirects"},
	{"an error about IPv4 in ICMPv6 is the kernel's", OUTCOME_KERNEL,
		.counter = "Icmp6InErrors"},
	{"an error about a relay port without an allocation is dropped", OUTCOME_KERNEL,
		.counter = "Icmp6InErrors"},
};

static const struct alternative_case of_nobody[] = {
	{"an IPv6 source that is unspecified is malformed", OUTCOME_DROPPED,
		TP_C_client_source_invalid},
	{"an IPv6 source that is an IPv4-mapped address is malformed", OUTCOME_DROPPED,
		TP_C_client_source_invalid},
};

static const struct alternative_case of_this_host[] = {
	{"a STUN request from the wire with our relay address as source is dropped",
		OUTCOME_PUNTED},
};

static const struct alternative_case taken_for_first[] = {
	{"an error about a later fragment is the kernel's", OUTCOME_SENT,
		.out = {TO_CLIENT_44,
			.front = "0017 0018 2112a442 000000000000000000000000 0012 0008 0001 3662 "
				 "ea12d54b 8004 0008 0000 0603 00000000"}},
};

const struct alternative_cases alternative_cases[ALTERNATIVE_GROUPS] = {
	ALTERNATIVES("too big: an incoming DF can't be read and counts as 0 (RFC 8656 section 14), "
		     "and IPv6 is fragmented by its sender (section 13), so the kernel fragments, "
		     "and nobody is told",
		in_fragments),
	ALTERNATIVES("fragments wait in the kernel for the others", waiting),
	ALTERNATIVES("the kernel drops it before any socket", refused),
	ALTERNATIVES("the dataplane has no socket for it: it is the host's, which may answer",
		of_the_host),
	ALTERNATIVES("the kernel lets such a source through, the dataplane doesn't", of_nobody),
	ALTERNATIVES("over IPv6 the kernel takes its own addresses as sources from anywhere, and a "
		     "client "
		     "on this host has one too",
		of_this_host),
	ALTERNATIVES("the kernel takes what is quoted for the ports, at whatever offset it was",
		taken_for_first),
};
