# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A small internet with homes behind NATs.

    home 10.0.0.0/24 --- nat 192.0.2.0/26  ---+
    home 10.0.1.0/24 --- nat 192.0.2.64/26 ---+--- router --- relays, a page server, a peer
    office 192.0.2.128/26, no NAT ------------+
"""

import ipaddress

from lab import Host, Lab, Namespace, whole_checksums

# How a home's packets get out, by the filtering and mapping that a stranger sees.
#   symmetric        another random port for each destination
#   port-restricted  the same port for every destination; only who was written to may answer
#   full-cone        the same port for every destination; everybody may write to it
NATS = ("symmetric", "port-restricted", "full-cone")

# Ports of a full cone: all of them belong to the one host behind it.
CONE_PORTS = "1024-65535"


def rules(kind, v4, v6):
    """The nft ruleset of a NAT with one host behind it, at `v4` and `v6`."""
    masquerade = {"symmetric": "masquerade fully-random",
                  "port-restricted": "masquerade", "full-cone": "masquerade"}[kind]
    inward = "" if kind != "full-cone" else f"""
        chain prerouting {{
            type nat hook prerouting priority dstnat;
            iifname "eth0" meta nfproto ipv4 udp dport {CONE_PORTS} dnat ip to {v4}
            iifname "eth0" meta nfproto ipv6 udp dport {CONE_PORTS} dnat ip6 to {v6}
        }}"""
    # A stranger's packet must not make an entry of its own that takes the port from the home.
    strangers = "" if kind == "full-cone" else """
        chain raw {
            type filter hook input priority filter;
            iifname "eth0" ct state new drop
        }"""
    return f"""
    table inet nat {{
        chain postrouting {{
            type nat hook postrouting priority srcnat;
            oifname "eth0" {masquerade}
        }}{inward}{strangers}
        chain forward {{
            type filter hook forward priority filter; policy drop;
            iifname "inside" accept
            ct state established,related accept
            {"ct status dnat accept" if kind == "full-cone" else ""}
        }}
    }}"""


class Nat(Host):
    """A router at home: one address outside, masquerading what is inside."""

    def __init__(self, router, number, kind):
        super().__init__(router, f"nat{number}", f"192.0.2.{64 * number}/26",
                         f"2001:db8:1:{2 + number}::/64", (2, 3))
        self.number, self.kind = number, kind
        self.home = Namespace(f"home{number}")
        self.home.sysctl(ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_dad=0)
        self.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                    ipv4__conf__all__promote_secondaries=1)
        self.run("ip", "link", "add", "inside", "type", "veth", "peer", "name", "eth0", "netns",
                 self.home.path)
        self.inside4 = ipaddress.ip_network(f"10.0.{number}.0/24")
        self.inside6 = ipaddress.ip_network(f"fd00:0:0:{number}::/64")
        self.ip("link set inside up", f"addr add {self.inside4[1]}/24 dev inside",
                f"addr add {self.inside6[1]}/64 dev inside nodad")
        self.home.v4, self.home.v6 = str(self.inside4[2]), str(self.inside6[2])
        self.home.ip("link set eth0 up", f"addr add {self.home.v4}/24 dev eth0",
                     f"addr add {self.home.v6}/64 dev eth0 nodad",
                     f"route add default via {self.inside4[1]}",
                     f"route add default via {self.inside6[1]}")
        whole_checksums(self, "inside")
        whole_checksums(self.home, "eth0")
        self.load()

    def load(self):
        self.run("nft", "-f", "-", input=rules(self.kind, self.home.v4, self.home.v6), text=True)

    def move(self):
        """Another address outside, as providers give one. The kernel forgets the old one's mappings."""
        self.ip(*(f"addr del {old}/{net.prefixlen} dev eth0"
                  for old, net in ((self.v4.pop(0), self.v4net), (self.v6.pop(0), self.v6net))))

    def close(self):
        self.home.close()
        super().close()


class Internet(Lab):
    """Two homes behind NATs of the kinds given, and an office that has none."""

    def __init__(self, kinds=("symmetric", "symmetric")):
        self.kinds = kinds
        super().__init__()

    def make_hosts(self):
        self.nats = [Nat(self.router, number, kind) for number, kind in enumerate(self.kinds)]
        self.office = Host(self.router, "office", "192.0.2.128/26", "2001:db8:1:9::/64", (2,))
        self.site = Host(self.router, "site", "203.0.113.0/24", "2001:db8:3::/64", (80, 81))
        self.hosts += [*self.nats, self.office, self.site]
