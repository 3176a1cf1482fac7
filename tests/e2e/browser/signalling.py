# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The page's server: serves the call page, and passes letters between the two sides of a call."""

import json
import pathlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

HERE = pathlib.Path(__file__).resolve().parent
FILES = {
    "/call": (HERE / "call.html", "text/html; charset=utf-8"),
    "/call.js": (HERE / "call.js", "text/javascript"),
    "/chart.js": (HERE.parents[2] / "controlplane/page/chart.js", "text/javascript"),
}
WAIT_SECONDS = 1  # until an empty answer


class Post:
    """Boxes of letters. They are never taken out: a reader says how many it has."""

    def __init__(self):
        self.boxes, self.changed = {}, threading.Condition()

    def put(self, box, letter):
        with self.changed:
            self.boxes.setdefault(box, []).append(letter)
            self.changed.notify_all()

    def get(self, box, after, seconds=WAIT_SECONDS):
        with self.changed:
            self.changed.wait_for(lambda: len(self.boxes.get(box, ())) > after, seconds)
            return self.boxes.get(box, [])[after:]


class Handler(BaseHTTPRequestHandler):
    # HTTP/1.0: a connection for each request, as the addresses of clients change.
    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # the reader has gone, and will ask again

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path in FILES:
            file, kind = FILES[url.path]
            self.answer(file.read_bytes(), kind)
        elif url.path.startswith("/mail/"):
            letters = self.server.post.get(url.path[6:], int(parse_qs(url.query)["after"][0]))
            self.answer(json.dumps(letters).encode(), "application/json")
        else:
            self.send_error(404)

    def do_POST(self):
        letter = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.post.put(urlsplit(self.path).path[6:], letter)
        self.answer(b"{}", "application/json")


class PageServer:
    """At an address of a namespace's, on a port of the kernel's choice."""

    def __init__(self, namespace, address):
        port = namespace.run_inside(self._serve, address)
        self.url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _serve(self, address):
        kind = type("Server", (ThreadingHTTPServer,), {
            "address_family": socket.AF_INET6 if ":" in address else socket.AF_INET,
            "daemon_threads": True})
        self.server = kind((address, 0), Handler)
        self.server.post = Post()
        return self.server.server_address[1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
