#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""man.py SOURCE: whether turnpike.yaml(5) has each key of the configuration's schema, and no other."""

import pathlib
import re
import sys


def schema(text):
    """Keys by the tables of raw.c; those of a section with its name in front."""
    tables = {}
    for name, body in re.findall(r"cyaml_schema_field_t (\w+)\[\] = \{(.*?)CYAML_FIELD_END", text, re.S):
        tables[name] = re.findall(r'(?:TEXT|CYAML_FIELD_MAPPING)\(\s*"(\w+)"|LIST_OF\(struct \w+, (\w+)|LIST\((\w+)', body)
        tables[name] = [next(filter(None, key)) for key in tables[name]]
    sections = {"external": "external_fields", "users": "user_fields", "limits": "limit_fields"}
    keys = set()
    for key in tables["fields"]:
        keys.add(key)
        keys |= {f"{key}.{below}" for below in tables.get(sections.get(key, f"{key}_fields"), [])}
    return keys


def main():
    source = pathlib.Path(sys.argv[1])
    keys = schema((source / "controlplane/config/raw.c").read_text("utf-8"))
    page = (source / "controlplane/config/turnpike.yaml.5").read_text("utf-8")
    told = set(re.findall(r"^\.It Ic (\S+)$", page, re.M))
    for key in sorted(keys - told):
        print(f"turnpike.yaml.5 lacks {key}")
    for key in sorted(told - keys):
        print(f"turnpike.yaml.5 has {key}, which is no key")
    print(f"{len(keys)} keys")
    return 0 if keys and keys == told else 1


if __name__ == "__main__":
    sys.exit(main())
