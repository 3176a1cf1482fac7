# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A browser and aiortc, an independent implementation of WebRTC, talk through the relay."""

import importlib.util
import json
import pathlib
import subprocess
from urllib.parse import quote

import pytest

from chromium import Chromium
from server import wait_until
from signalling import PageServer

SIDE = pathlib.Path(__file__).with_name("aiortc_side.py")
PYTHON = "/usr/bin/python3"

pytestmark = [
    pytest.mark.scenario,
    pytest.mark.skipif(not importlib.util.find_spec("aiortc"), reason="aiortc is not installed"),
]


@pytest.fixture
def meeting(browsers):
    """(the browser's page, the last line of aiortc's)"""
    site = browsers.internet.site
    page = PageServer(site, site.v4[0])
    ice = {"iceServers": browsers.turn(), "iceTransportPolicy": "all"}
    chromium = Chromium(browsers.north, [site.v4[0], browsers.relay.v4[0]]).attach()
    settings = {"me": "south", "other": "north", "ice": ice, "page": page.url}
    side = subprocess.Popen(browsers.south.command(PYTHON, SIDE, json.dumps(settings)),
                            stdout=subprocess.PIPE, text=True)
    settings = {"me": "north", "other": "south", "offers": True, "ice": ice}
    chromium.open(f"{page.url}/call#{quote(json.dumps(settings))}")
    yield chromium, lambda: json.loads(side.stdout.readline())
    side.kill()
    side.wait()
    side.stdout.close()
    chromium.close()
    page.close()


def test_aiortc_and_a_browser_exchange_picture_sound_and_payloads(meeting):
    chromium, line = meeting
    chromium.wait_for("pc.connectionState == 'connected'")
    said = wait_until(lambda: (now := line())["frames"] > 20 and now["sound"] > 20
                      and now["echoed"] > 20 and now, 40, "frames, sound and payloads at aiortc")
    chromium.wait_for("call.data.received > 30 && call.data.echoed > 20")
    chromium.wait_for("call.look().then(now => now.frames > 20 && now.audio > 20)")
    seen = chromium.value("call.look()")
    assert said["damaged"] == 0 and seen["data"]["damaged"] == 0
    assert "relay" in (seen["pair"]["local"]["type"], seen["pair"]["remote"]["type"])
