#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The other side of a call, by an implementation that shares nothing with browsers: aiortc.

aiortc_side.py SETTINGS: the same JSON as call.js takes, and `page`, the server's URL. It answers
(offers of this aiortc number header extensions in a way that browsers refuse), sends a picture, sound and
payloads, sends payloads back as call.js does, and prints what it has got, a line of JSON each half second.
"""

import asyncio
import json
import struct
import sys
import time
import urllib.request

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack
from aiortc.sdp import candidate_from_sdp

SIZE = 400


def payload(number):
    rest = bytes((number * 31 + at * 7) & 255 for at in range(13, SIZE))
    return struct.pack("!Id", number, time.monotonic()) + b"\0" + rest


def whole(data):
    number = struct.unpack("!I", data[:4])[0]
    return data[13:] == payload(number)[13:]


class Side:
    def __init__(self, settings):
        self.settings = settings
        servers = [RTCIceServer(urls=s["urls"], username=s.get("username"),
                                credential=s.get("credential"))
                   for s in settings["ice"]["iceServers"]]
        self.pc = RTCPeerConnection(RTCConfiguration(servers))
        self.seen = {"frames": 0, "sound": 0, "sent": 0, "received": 0, "damaged": 0, "echoed": 0}
        self.pc.addTrack(VideoStreamTrack())
        self.pc.addTrack(AudioStreamTrack())
        self.pc.on("track", lambda track: asyncio.ensure_future(self.consume(track)))
        self.channel = self.pc.createDataChannel("payloads", negotiated=True, id=1, ordered=False,
                                                 maxRetransmits=0)
        self.channel.on("message", self.take)

    async def consume(self, track):
        name = "frames" if track.kind == "video" else "sound"
        try:
            while True:
                await track.recv()
                self.seen[name] += 1
        except MediaStreamError:
            pass

    def take(self, data):
        if len(data) != SIZE or not whole(data):
            self.seen["damaged"] += 1
        elif data[12]:
            self.seen["echoed"] += 1
        else:
            self.seen["received"] += 1
            self.channel.send(data[:12] + b"\1" + data[13:])

    async def fetch(self, path, letter=None):
        body = None if letter is None else json.dumps(letter).encode()

        def go():
            with urllib.request.urlopen(f"{self.settings['page']}/{path}", body, 10) as answer:
                return json.load(answer)
        return await asyncio.get_running_loop().run_in_executor(None, go)

    async def read(self):
        after = 0
        while True:
            letters = await self.fetch(f"mail/{self.settings['me']}?after={after}")
            after += len(letters)
            for letter in letters:
                if description := letter.get("description"):
                    await self.pc.setRemoteDescription(RTCSessionDescription(**description))
                    await self.pc.setLocalDescription(await self.pc.createAnswer())
                    local = self.pc.localDescription
                    await self.fetch(f"mail/{self.settings['other']}",
                                     {"description": {"type": local.type, "sdp": local.sdp}})
                elif (line := letter["candidate"]["candidate"]):
                    candidate = candidate_from_sdp(line.removeprefix("candidate:"))
                    candidate.sdpMid = letter["candidate"]["sdpMid"]
                    candidate.sdpMLineIndex = letter["candidate"]["sdpMLineIndex"]
                    await self.pc.addIceCandidate(candidate)

    async def write(self):
        while True:
            await asyncio.sleep(0.02)
            if self.channel.readyState == "open":
                self.channel.send(payload(self.seen["sent"]))
                self.seen["sent"] += 1

    async def tell(self):
        while True:
            print(json.dumps({"state": self.pc.connectionState, **self.seen}), flush=True)
            await asyncio.sleep(0.5)

    async def run(self):
        await asyncio.gather(self.read(), self.write(), self.tell())


async def main():
    # Tracks belong to the event loop that they are made in.
    await Side(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    asyncio.run(main())
