// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include <status.h>

#include "programs.h"

static json_t *capabilities_json(uint64_t set)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < 64; i++) {
		const char *name = set >> i & 1 ? confine_capability_name(i) : NULL;

		if (name)
			json_array_append_new(list, json_string(name));
	}
	return list;
}

static json_t *user_json(uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	return user ? json_string(user->pw_name) : json_sprintf("%u", uid);
}

static void add(json_t *list, const char *name, json_int_t pid)
{
	struct confine_status s;

	if (!name || pid <= 0 || pid > INT32_MAX || confine_status((pid_t)pid, name, &s) < 0)
		return;
	json_array_append_new(
		list, json_pack("{s:s, s:I, s:b, s:b, s:b, s:o, s:o}", "name", name, "pid", pid,
			      "confined", s.seccomp && s.no_new_privs, "seccomp", s.seccomp,
			      "no_new_privs", s.no_new_privs, "user", user_json(s.user),
			      "capabilities", capabilities_json(s.capabilities)));
}

json_t *programs_read(const char *control_socket)
{
	const char *slash = strrchr(control_socket, '/');
	json_t *state, *list, *program;
	char *path;
	size_t i;

	// The launcher keeps its files beside the control socket (launch/runtime.h).
	if (asprintf(&path, "%.*slauncher.json", slash ? (int)(slash + 1 - control_socket) : 0,
		    control_socket) < 0)
		return NULL;
	state = json_load_file(path, 0, NULL);
	free(path);
	if (!state)
		return NULL;
	list = json_array();
	add(list, "turnpike", json_integer_value(json_object_get(state, "launcher")));
	json_array_foreach(json_object_get(state, "programs"), i, program)
	{
		add(list, json_string_value(json_object_get(program, "name")),
			json_integer_value(json_object_get(program, "pid")));
	}
	json_decref(state);
	return list;
}
