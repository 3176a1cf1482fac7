# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A call between two browsers: each in a namespace of its own, the page's server in a third."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from chromium import Chromium
from signalling import PageServer

CONNECT_SECONDS = 30


class Call:
    """`sides` are two (name, namespace); `servers` the URLs and credentials for iceServers."""

    def __init__(self, sides, site, page_address, servers, known, policy="all"):
        self.page = PageServer(site, page_address)
        self.ice = {"iceServers": servers, "iceTransportPolicy": policy}
        self.names = [name for name, _ in sides]
        self.browsers = [Chromium(namespace, [page_address, *known]) for _, namespace in sides]
        with ThreadPoolExecutor(2) as both:
            list(both.map(Chromium.attach, self.browsers))

    def url(self, n):
        settings = {"me": self.names[n], "other": self.names[1 - n], "offers": n == 0,
                    "ice": self.ice}
        return f"{self.page.url}/call#{quote(json.dumps(settings))}"

    def start(self):
        # The one who answers reads its letters before the other writes.
        for n in (1, 0):
            self.browsers[n].open(self.url(n))
        return self

    def look(self):
        """What each browser says of the connection, as call.js's look()."""
        return [browser.value("call.look()") for browser in self.browsers]

    def wait_connected(self, seconds=CONNECT_SECONDS):
        for browser in self.browsers:
            browser.wait_for("pc.connectionState == 'connected'", seconds)
        return self.look()

    def wait_state(self, *states, seconds=CONNECT_SECONDS):
        """Waits until both connections are in one of `states`; returns which."""
        return [browser.wait_for(f"{json.dumps(states)}.includes(pc.connectionState)"
                                 " && pc.connectionState", seconds) for browser in self.browsers]

    def wait_flowing(self, since=None, frames=20, payloads=30, seconds=30):
        """Waits until both sides have decoded so many more frames, with sound, and payloads."""
        since = since or self.look()
        deadline = time.monotonic() + seconds
        while True:
            now = self.look()
            if all(b["frames"] - a["frames"] >= frames and b["audio"] > a["audio"]
                   and b["data"]["received"] - a["data"]["received"] >= payloads
                   for a, b in zip(since, now)):
                return now
            assert time.monotonic() < deadline, \
                f"not within {seconds} s: {frames} more frames, {payloads} payloads and sound\n" \
                f"{since}\n{now}\n" + "\n".join(b.log() for b in self.browsers)
            time.sleep(0.1)

    def close(self):
        for browser in self.browsers:
            browser.close()
        self.page.close()
