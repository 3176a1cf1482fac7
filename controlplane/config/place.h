// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Where a value stands in the file: libcyaml gives values without their lines, so the document is kept
// beside them and asked by key path ("limits.allocations", "users[1].password").
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <yaml.h>

struct place {
	const char *name; // of the file, for messages
	FILE *errors;
	unsigned int complaints;
	bool loaded;
	yaml_document_t document;
};

// Parses the text. Complains about what is no YAML, a second document, a key that stands twice in its
// mapping, a key that is no scalar, and a NUL inside a value. Returns 0, -EINVAL after a complaint, or
// -ENOMEM. place_close() is due in any case; `name` and `errors` must outlive it.
int place_open(
	struct place *place, const char *yaml, size_t length, const char *name, FILE *errors);
// Wipes what was in the document.
void place_close(struct place *place);

// Writes "name:line: path: sentence" and counts it. Where the path is not in the document the line is
// that of its nearest parent that is.
[[gnu::format(printf, 3, 4)]] void place_complain(
	struct place *place, const char *path, const char *format, ...);

// Whether the path is in the document with a value other than nothing.
bool place_has_value(struct place *place, const char *path);
