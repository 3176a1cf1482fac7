# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Headless Chromium in a namespace, driven by the DevTools protocol over a pair of pipes."""

import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

PROGRAM = shutil.which("chromium")
ANSWER_SECONDS = 30

FLAGS = [
    "--headless", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run",
    "--disable-dev-shm-usage", "--window-size=900,760", "--hide-scrollbars",
    # Local networks and self-made certificates are all there is in a laboratory.
    "--allow-loopback-in-peer-connection", "--ignore-certificate-errors",
    "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks,"
    "LocalNetworkAccessChecksWebRTC,MediaRouter,OptimizationHints,Translate",
    # Nothing of its own on the network, and no page slowed down for not being looked at.
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--metrics-recording-only", "--no-pings",
    "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding", "--autoplay-policy=no-user-gesture-required", "--mute-audio",
]


class ChromiumError(Exception):
    pass


def pipe():
    """A pipe whose descriptors are not among those that DevTools wants for itself."""
    low = os.pipe()
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]
    for end in low:
        os.close(end)
    return ends


class Chromium:
    """One browser with one page. `known` are the addresses that it may look up and talk to.

    It is killed when the thread that made it ends.
    """

    def __init__(self, namespace, known=()):
        self.profile = tempfile.mkdtemp(prefix="turnpike-chromium-")
        # Without this it looks names up on the internet whatever else is switched off.
        rules = ", ".join(["MAP * ~NOTFOUND", *(f"EXCLUDE {address}" for address in known)])
        to_read, self._to = pipe()
        self._from, to_write = pipe()
        # DevTools reads from descriptor 3 and writes to 4.
        shell = f'exec "$@" 3<&{to_read} 4>&{to_write} {to_read}<&- {to_write}>&-'
        with open(os.path.join(self.profile, "log"), "wb") as log:
            self.process = subprocess.Popen(
                namespace.command("bash", "-c", shell, "-", PROGRAM, *FLAGS,
                                  f"--host-resolver-rules={rules}",
                                  f"--user-data-dir={self.profile}", "about:blank"),
                pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        os.close(to_read)
        os.close(to_write)
        self._numbers = itertools.count(1)
        self._answers, self._changed = {}, threading.Condition()
        self.console = []
        self.gone = False
        threading.Thread(target=self._read, daemon=True).start()

    def attach(self):
        """Waits until the browser is up, and takes its page."""
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(t["targetId"] for t in targets if t["type"] == "page")
        self.session = self._call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        self.call("Runtime.enable")
        self.call("Page.enable")
        return self

    def _read(self):
        rest = b""
        while data := os.read(self._from, 1 << 16):
            *messages, rest = (rest + data).split(b"\0")
            for message in map(json.loads, messages):
                self._take(message)
        with self._changed:
            self.gone = True
            self._changed.notify_all()

    def _take(self, message):
        if "id" in message:
            with self._changed:
                self._answers[message["id"]] = message
                self._changed.notify_all()
        elif message.get("method") == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(a.get("value", a.get("description")))
                                         for a in message["params"]["args"]))
        elif message.get("method") == "Runtime.exceptionThrown":
            details = message["params"]["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description", details["text"]))

    def _call(self, method, session=None, **params):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._answers or self.gone,
                                          ANSWER_SECONDS):
                raise ChromiumError(f"no answer to {method}\n{self.log()}")
            if number not in self._answers:
                raise ChromiumError(f"Chromium ended during {method}\n{self.log()}")
            answer = self._answers.pop(number)
        if "error" in answer:
            raise ChromiumError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def call(self, method, **params):
        """A DevTools command to the page."""
        return self._call(method, self.session, **params)

    def open(self, url):
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise ChromiumError(f"{url}: {answer['errorText']}")
        self.wait_for("document.readyState == 'complete'")

    def value(self, expression):
        """The value of a JavaScript expression, awaited if it is a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise ChromiumError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=30):
        """Waits until the expression is true, and returns its value."""
        deadline = time.monotonic() + seconds
        while not (value := self.value(expression)):
            if time.monotonic() > deadline:
                raise ChromiumError(f"not within {seconds} s: {expression}\n{self.log()}")
            time.sleep(0.05)
        return value

    def screenshot(self, file):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        with open(file, "wb") as picture:
            picture.write(base64.b64decode(data))

    def log(self):
        return "\n".join(self.console[-30:])

    def close(self):
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self._to)
        shutil.rmtree(self.profile, ignore_errors=True)
