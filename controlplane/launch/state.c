// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "state.h"

int state_write(const char *path, const struct program *programs, size_t count)
{
	json_t *root = json_object(), *list = json_array();
	char *temporary = NULL;
	int err = 0;

	json_object_set_new(root, "launcher", json_integer(getpid()));
	for (size_t i = 0; i < count; i++)
		if (programs[i].process.pid)
			json_array_append_new(
				list, json_pack("{s:s, s:I, s:I}", "name", programs[i].name, "pid",
					      (json_int_t)programs[i].process.pid, "start",
					      (json_int_t)programs[i].process.start));
	json_object_set_new(root, "programs", list);
	if (asprintf(&temporary, "%s.new", path) < 0)
		temporary = NULL;
	if (!temporary || json_dump_file(root, temporary, JSON_INDENT(1)) < 0 ||
		rename(temporary, path) < 0)
		err = errno ? -errno : -ENOMEM;
	json_decref(root);
	free(temporary);
	return err;
}

int state_find(const char *path, const char *name, struct process *out)
{
	json_t *root = json_load_file(path, 0, NULL), *entry;
	int err = -ESRCH;
	size_t i;

	json_array_foreach(json_object_get(root, "programs"), i, entry)
	{
		const char *text = json_string_value(json_object_get(entry, "name"));
		json_int_t pid = json_integer_value(json_object_get(entry, "pid"));
		json_int_t start = json_integer_value(json_object_get(entry, "start"));

		if (text && strcmp(text, name) == 0 && pid > 0 && pid <= INT32_MAX && start > 0)
			err = process_find((pid_t)pid, (uint64_t)start, name, out);
		if (!err)
			break;
	}
	json_decref(root);
	return err;
}
