# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""How a host is wired when turnpike-kernel relays with XDP.

`native`: in the veth's driver, whose far end takes frames of XDP only with a program of its own.
`generic`: before the network stack. `two`: in native mode on two interfaces: everything comes by the
first, and what leaves for clients and peers goes by the second.
"""

import os
import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TURNPIKE_BUILD", REPOSITORY / "build")).resolve()
MODE = os.environ.get("TURNPIKE_XDP", "native")
PASS = BUILD / "dataplane/kernel/xdp/probe.bpf.o"
SECOND = "eth1"


def pass_program(namespace, device):
    namespace.run("ip", "link", "set", "dev", device, "xdpdrv", "obj", PASS, "sec", "xdp")


def add_second(host):
    """Another way to the router, which takes what goes to clients and peers."""
    router, far = host.router, f"{host.name}b"
    net4, net6 = f"198.18.{host.number}", f"2001:db8:4:{host.number:x}:"
    router.ip(f"link add {far} type veth peer name {SECOND}",
              f"link set {SECOND} netns {host.path}", f"link set {far} up",
              f"addr add {net4}.1/24 dev {far}", f"addr add {net6}:1/64 dev {far} nodad")
    router.sysctl(**{f"ipv4__conf__{far}__rp_filter": 0})
    host.ip(f"link set {SECOND} up", f"addr add {net4}.2/24 dev {SECOND}",
            f"addr add {net6}:2/64 dev {SECOND} nodad")
    for where, device in ((router, far), (host, SECOND)):
        where.run("ethtool", "-K", device, "tx", "off", capture_output=True)
    host.ip(*(f"route add {net} via {net4}.1" for net in ("192.0.2.0/24", "203.0.113.0/24")),
            *(f"route add {net} via {net6}:1" for net in ("2001:db8:1::/48", "2001:db8:3::/64")))
    pass_program(router, far)


def prepare(host):
    """What the mode asks of a host. Returns the configuration's section."""
    if MODE == "generic":
        return {"mode": "generic"}
    pass_program(host.router, host.name)
    if MODE == "two":
        add_second(host)
        return {"mode": "native", "interfaces": ["eth0", SECOND]}
    return {"mode": "native"}
