#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""embed.py PAGE OUTPUT: one self-contained page, its scripts inside, as a C array."""

import pathlib
import re
import sys

page = pathlib.Path(sys.argv[1])
text = re.sub(r'<script src="([a-z]+\.js)"></script>',
              lambda found: f"<script>\n{(page.parent / found[1]).read_text('utf-8')}</script>",
              page.read_text("utf-8"))
assert "src=" not in text, "something is left outside of the page"
octets = text.encode()
rows = (",".join(map(str, octets[at:at + 24])) for at in range(0, len(octets), 24))
pathlib.Path(sys.argv[2]).write_text(
    "// Made by embed.py.\nstatic const unsigned char page[] = {\n" + ",\n".join(rows) + "\n};\n")
