# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Frames as they are on the wire between the router and a relay."""

import ipaddress
import socket
import struct
import time

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
SOL_SOCKET_RCVBUFFORCE = 33


def ones_sum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class Capture:
    """What passes a device from now on."""

    def __init__(self, namespace, device):
        self.sock = namespace.run_inside(socket.socket, socket.AF_PACKET, socket.SOCK_RAW,
                                         socket.htons(ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, SOL_SOCKET_RCVBUFFORCE, 4 << 20)
        self.sock.bind((device, ETH_P_ALL))

    def take(self, wanted, count, seconds=5):
        """The next `count` frames that are `wanted`."""
        found, deadline = [], time.monotonic() + seconds
        while len(found) < count:
            left = deadline - time.monotonic()
            assert left > 0, f"{len(found)} of {count} frames: {[f.hex() for f in found]}"
            self.sock.settimeout(left)
            try:
                frame = self.sock.recv(65535)
            except TimeoutError:
                continue
            if wanted(frame):
                found.append(frame)
        return found

    def skip(self):
        """What has passed so far is of no interest."""
        self.sock.setblocking(False)
        try:
            while True:
                self.sock.recv(65535)
        except BlockingIOError:
            pass

    def close(self):
        self.sock.close()


def addresses(frame):
    """(source, destination) of an IP packet in a frame; None: it is none."""
    kind, = struct.unpack("!H", frame[12:14])
    if kind == ETH_P_IP:
        return str(ipaddress.ip_address(frame[26:30])), str(ipaddress.ip_address(frame[30:34]))
    if kind == ETH_P_IPV6:
        return str(ipaddress.ip_address(frame[22:38])), str(ipaddress.ip_address(frame[38:54]))
    return None


def between(source, destination):
    return lambda frame: addresses(frame) == (source, destination)


def udp(source, destination, payload):
    """A whole UDP datagram between two endpoints, without its IP header."""
    packed = [ipaddress.ip_address(e[0]).packed for e in (source, destination)]
    length = 8 + len(payload)
    head = struct.pack("!HHHH", source[1], destination[1], length, 0)
    pseudo = packed[0] + packed[1] + struct.pack("!IHH", length, 0, 17)
    total = ~ones_sum(pseudo + head + payload) & 0xFFFF or 0xFFFF
    return head[:6] + struct.pack("!H", total) + payload


def ip4(source, destination, *, ident, flags, offset, ttl, protocol, data, tos=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(data), ident, flags << 13 | offset // 8,
                       ttl, protocol, 0, *(ipaddress.ip_address(a).packed
                                           for a in (source, destination)))
    return head[:10] + struct.pack("!H", ~ones_sum(head) & 0xFFFF) + head[12:] + data


def ip6(source, destination, *, hops, following, data, label=0, traffic_class=0):
    return struct.pack("!IHBB", 6 << 28 | traffic_class << 20 | label, len(data), following,
                       hops) + b"".join(ipaddress.ip_address(a).packed
                                        for a in (source, destination)) + data
