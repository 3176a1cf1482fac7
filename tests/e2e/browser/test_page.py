# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The operator's page: served on loopback by `turnpike page`, it says in plain words how a relay does."""

import base64
import hmac
import json
import re
import subprocess
import time
import urllib.request

import pytest

import chromium
from chromium import Chromium
from server import BUILD, SECRETS

pytestmark = [
    pytest.mark.scenario,
    pytest.mark.skipif(not chromium.PROGRAM, reason="chromium is not installed"),
]


def rest(expires, secret=SECRETS[0]):
    """Credentials as a web service makes them from the shared secret."""
    name = f"{expires}:alice"
    return name, base64.b64encode(hmac.digest(secret.encode(), name.encode(), "sha1")).decode()


@pytest.fixture
def page(browsers):
    """(browser at the page, its address)"""
    process = subprocess.Popen(browsers.north.command(BUILD / "turnpike", "page", "--port", "0"),
                               stdout=subprocess.PIPE, text=True)
    url = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())[0]
    browser = Chromium(browsers.north, ["127.0.0.1", browsers.relay.v4[0]]).attach()
    browser.open(url)
    yield browser, url
    browser.close()
    process.terminate()
    assert process.wait(5) == 0
    process.stdout.close()


def verdict(browser, url, username, credential, until):
    """Types in what is given, and returns the verdict once its colour is `until`."""
    for name, value in (("url", url), ("username", username), ("credential", credential)):
        browser.value(f"byId('{name}').value = {json.dumps(value)}")
    browser.value("byId('go').click()")
    browser.wait_for(f"byId('verdict').className == '{until}'", 40)
    return browser.value("byId('verdict').textContent")


def relay_url(browsers):
    return f"turn:{browsers.relay.v4[0]}:3478"


def test_it_loops_messages_through_a_relay_that_works_and_draws_them(browsers, page):
    said = verdict(page[0], relay_url(browsers), "alice", "wonderland", "good")
    assert said.startswith("The relay works")
    page[0].wait_for("trial.received > 50 && charts.rtt.points.length > 1")
    assert page[0].value("trial.damaged") == 0
    kinds = page[0].value("[...byId('candidates').rows].map(row => row.cells[0].textContent)")
    assert {"host udp", "srflx udp", "relay udp"} <= set(kinds)
    assert page[0].value("[...byId('candidates').rows].every(row => / ms$/.test(row.cells[3].textContent))")
    assert browsers.server.counters()["hairpinned"] > 0


def test_it_says_that_the_password_is_wrong(browsers, page):
    said = verdict(page[0], relay_url(browsers), "alice", "looking glass", "bad")
    assert said.startswith("The relay refused the user name or password.")


def test_it_says_that_rest_credentials_have_ended(browsers, page):
    said = verdict(page[0], relay_url(browsers), *rest(int(time.time()) - 600), "bad")
    assert "ended 10 min ago by this device's clock" in said


def test_it_asks_about_the_clock_when_rest_credentials_that_last_are_refused(browsers, page):
    said = verdict(page[0], relay_url(browsers), *rest(int(time.time()) + 600, "west wind"), "bad")
    assert "the relay's clock is ahead of this one, or its secret is another" in said


def test_it_says_that_udp_may_be_blocked_when_nothing_answers(browsers, page):
    browsers.internet.nats[0].run(
        "nft", "add rule inet nat forward udp dport 3478 drop; "
        "insert rule inet nat forward udp dport 3478 drop")
    said = verdict(page[0], relay_url(browsers), "alice", "wonderland", "bad")
    assert said.startswith("The relay did not answer.") and "block UDP" in said


def test_it_says_that_a_peer_may_be_denied_when_the_relay_lets_nothing_through(browsers, page):
    browsers.server.end()
    from server import Server
    browsers.server = Server(browsers.relay, allow_peers=None,
                             deny_peers=[f"{browsers.relay.v4[0]}/32"]).start()
    said = verdict(page[0], relay_url(browsers), "alice", "wonderland", "bad")
    assert "Its policy may deny the peer" in said


def test_the_page_is_one_file_that_loads_nothing_and_is_served_on_loopback_alone(browsers, page):
    def fetch():
        with urllib.request.urlopen(page[1], timeout=5) as answer:
            return answer.headers, answer.read().decode()
    headers, text = browsers.north.run_inside(fetch)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert not re.search(r"""(?:src|href|action)\s*=\s*["']|@import|url\(|fetch\(|https?://""", text)
    listening = browsers.north.run("ss", "-Htln", capture_output=True, text=True).stdout
    assert {line.split()[3].rpartition(":")[0] for line in listening.splitlines()} == {"127.0.0.1"}


def test_the_page_fits_a_phone(page):
    page[0].call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2,
                 mobile=True)
    assert page[0].value("document.documentElement.scrollWidth") <= 360
