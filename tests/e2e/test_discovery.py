# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""NAT behaviour discovery (RFC 5780): answers from our other address and port, over every dataplane."""

import ipaddress
import socket
import struct

import pytest

import stun
from server import FAMILIES

PORTS = 3478, 3479
CHANGE_IP, CHANGE_PORT = 4, 2


def bracketed(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@pytest.fixture
def places(relay, make_server):
    """Both addresses of each family with both ports."""
    make_server(nat_discovery="on", listen=[
        bracketed(address, port) for address in relay.v4[:2] + relay.v6[:2] for port in PORTS])
    return {socket.AF_INET: relay.v4[:2], socket.AF_INET6: relay.v6[:2]}


@pytest.fixture
def asker(lab):
    """Sends Binding requests and tells the answer and where it came from."""
    made = []

    class Asker:
        def __init__(self, family):
            self.sock = lab.client.udp(lab.client.address(family))
            self.sock.settimeout(5)
            made.append(self)

        def ask(self, to, *attributes):
            request = stun.encode(stun.BINDING, stun.REQUEST, attributes)
            self.sock.sendto(request, to)
            data, source = self.sock.recvfrom(65535)
            answer = stun.parse(data)
            assert answer.tid == request[8:20]
            return answer, source[:2], len(request), len(data)
    yield Asker
    for it in made:
        it.sock.close()


def plain_address(value):
    """MAPPED-ADDRESS and its like, not XORed (RFC 8489 section 14.1)."""
    zero, family, port = struct.unpack("!BBH", value[:4])
    assert zero == 0 and len(value) == {stun.IPV4: 8, stun.IPV6: 20}[family]
    return str(ipaddress.ip_address(value[4:])), port


def change(flags):
    return stun.CHANGE_REQUEST, struct.pack("!I", flags)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_of_four_places_answers_from_where_it_is_asked_to(places, asker, family):
    addresses, it = places[FAMILIES[family]], asker(FAMILIES[family])
    for at in range(2):
        for port in range(2):
            for flags in (0, CHANGE_PORT, CHANGE_IP, CHANGE_IP | CHANGE_PORT):
                answer, source, _, _ = it.ask((addresses[at], PORTS[port]), change(flags))
                origin = (addresses[at ^ bool(flags & CHANGE_IP)],
                          PORTS[port ^ bool(flags & CHANGE_PORT)])
                assert answer.cls == stun.SUCCESS and source == origin
                assert plain_address(answer[stun.RESPONSE_ORIGIN]) == origin
                assert plain_address(answer[stun.OTHER_ADDRESS]) == \
                    (addresses[not at], PORTS[not port])
                own = it.sock.getsockname()[:2]
                assert answer.address(stun.XOR_MAPPED_ADDRESS) == own
                assert plain_address(answer[stun.MAPPED_ADDRESS]) == own


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_goes_to_the_port_that_is_asked_for(lab, places, asker, family):
    family = FAMILIES[family]
    it = asker(family)
    other = lab.client.udp(lab.client.address(family))
    other.settimeout(5)
    port = other.getsockname()[1]
    request = stun.encode(stun.BINDING, stun.REQUEST,
                          [(stun.RESPONSE_PORT, struct.pack("!HH", port, 0))])
    it.sock.sendto(request, (places[family][0], PORTS[0]))
    answer = stun.parse(other.recv(1000))
    assert answer.tid == request[8:20]
    assert answer.address(stun.XOR_MAPPED_ADDRESS) == it.sock.getsockname()[:2]
    other.close()


def test_padding_is_answered_with_padding_and_no_more_of_it(places, asker):
    it = asker(socket.AF_INET)
    for size in (0, 200, 1000, 1600):
        answer, _, asked, got = it.ask((places[socket.AF_INET][0], PORTS[0]),
                                       (stun.PADDING, bytes(size)))
        assert answer.cls == stun.SUCCESS and stun.PADDING in answer
        assert got <= max(asked, 80)
        assert size < 200 or got == asked


def test_contradictions_get_400(places, asker):
    answer, _, _, _ = asker(socket.AF_INET).ask(
        (places[socket.AF_INET][0], PORTS[0]), (stun.PADDING, bytes(8)),
        (stun.RESPONSE_PORT, struct.pack("!HH", 4000, 0)))
    assert answer.code == 400


@pytest.mark.parametrize("attribute", [
    (stun.CHANGE_REQUEST, struct.pack("!I", 6)), (stun.PADDING, bytes(100)),
    (stun.RESPONSE_PORT, struct.pack("!HH", 4000, 0))], ids=["change", "padding", "port"])
def test_where_it_is_off_it_is_unknown(server, asker, attribute):
    answer, source, asked, got = asker(socket.AF_INET).ask(server.address(socket.AF_INET), attribute)
    assert answer.code == 420 and got <= max(asked, 80)
    assert answer[stun.UNKNOWN_ATTRIBUTES] == struct.pack("!H", attribute[0])
    assert source == server.address(socket.AF_INET)
