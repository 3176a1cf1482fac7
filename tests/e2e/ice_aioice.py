# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""One aioice agent: ice_aioice.py ROLE SERVER PORT USER PASSWORD FAMILY KIND...

Tells its description as a line of JSON, takes the other's from standard input, connects with local
candidates of the KINDs (host, relay) alone, then exchanges numbered messages and tells the outcome.
"""

import asyncio
import json
import sys

import aioice

MESSAGES = 50


async def main(role, server, port, user, password, family, *kinds):
    agent = aioice.Connection(
        ice_controlling=role == "controlling", use_ipv4=family == "v4", use_ipv6=family == "v6",
        turn_server=(server, int(port)) if "relay" in kinds else None,
        turn_username=user, turn_password=password,
        transport_policy=aioice.TransportPolicy.RELAY if kinds == ("relay",)
        else aioice.TransportPolicy.ALL)
    await agent.gather_candidates()
    told = agent.local_candidates
    assert {c.type for c in told} == set(kinds), told
    print(json.dumps({"user": agent.local_username, "password": agent.local_password,
                      "candidates": [c.to_sdp() for c in told]}), flush=True)
    other = json.loads(await asyncio.to_thread(sys.stdin.readline))
    agent.remote_username, agent.remote_password = other["user"], other["password"]
    for line in other["candidates"]:
        await agent.add_remote_candidate(aioice.Candidate.from_sdp(line))
    await agent.add_remote_candidate(None)
    await agent.connect()
    got = []
    for n in range(MESSAGES):
        await agent.sendto(f"{role} {n}".encode(), 1)
        got.append((await asyncio.wait_for(agent.recvfrom(), 5))[0].decode())
    pair = agent._nominated[1]
    print(json.dumps({"received": got, "local": pair.local_candidate.type,
                      "remote": pair.remote_candidate.type}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)  # until the other has got everything too
    await agent.close()


asyncio.run(main(*sys.argv[1:]))
