// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "filter.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nobodys.h"
#include "sanitizers.h"
#include "violation.h"

static const char *const modes[] = {"kill", "log", "off"};

int filter_mode(enum filter_mode *out)
{
	const char *text = getenv("TURNPIKE_SECCOMP");

	*out = FILTER_KILL;
	if (!text || !*text)
		return 0;
	for (unsigned int i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(text, modes[i]) == 0) {
			*out = (enum filter_mode)i;
			return 0;
		}
	return -EINVAL;
}

const char *filter_mode_name(enum filter_mode mode)
{
	return modes[mode];
}

static int add(scmp_filter_ctx filter, const struct filter_call *call)
{
	struct scmp_arg_cmp when[sizeof(call->when) / sizeof(call->when[0])];
	int number = seccomp_syscall_resolve_name(call->name);
	unsigned int n = 0;

	// Below 0: another architecture's.
	if (number < 0)
		return number == __NR_SCMP_ERROR ? -EINVAL : 0;
	for (unsigned int i = 0; i < sizeof(when) / sizeof(when[0]); i++)
		if (call->when[i].mask)
			when[n++] = (struct scmp_arg_cmp){call->when[i].argument,
				SCMP_CMP_MASKED_EQ, call->when[i].mask, call->when[i].value};
	return seccomp_rule_add_array(
		filter, call->refused ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW, number, n, when);
}

static int add_list(scmp_filter_ctx filter, const struct filter_call *list)
{
	int err = 0;

	for (; !err && list->name; list++)
		err = add(filter, list);
	return err;
}

static int load(enum filter_mode mode, const struct filter_call *const lists[])
{
	scmp_filter_ctx filter = seccomp_init(mode == FILTER_LOG ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
	int err;

	if (!filter)
		return -ENOMEM;
	err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = add_list(filter, filter_everyone);
#ifdef CONFINE_SANITIZERS
	if (!err)
		err = add_list(filter, filter_sanitizers);
#endif
	// abort() and raise(): to ourselves alone.
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
			SCMP_A0(SCMP_CMP_EQ, (uint64_t)getpid()));
	for (; !err && *lists; lists++)
		err = add_list(filter, *lists);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

// Whether there is to be a filter: 1, 0 after a warning, or a negative errno after a sentence.
static int wanted(const char *program, enum filter_mode *mode)
{
	int err = filter_mode(mode);

	if (err) {
		fprintf(stderr,
			"%s: the variable TURNPIKE_SECCOMP of the environment is neither kill, log "
			"nor "
			"off.\n",
			program);
		return err;
	}
	if (*mode != FILTER_OFF)
		return 1;
	fprintf(stderr, "%s: WARNING: it may make any system call: TURNPIKE_SECCOMP is off.\n",
		program);
	return 0;
}

static int complain(const char *program, int err)
{
	if (err)
		fprintf(stderr,
			"%s: its system calls can't be restricted (%s): does this kernel, or what "
			"contains it, have no seccomp? TURNPIKE_SECCOMP=off does without.\n",
			program, strerror(-err));
	return err;
}

int filter_install(const char *program, const struct filter_call *const lists[], bool tell)
{
	enum filter_mode mode;
	int err = wanted(program, &mode);

	if (err <= 0)
		return err;
	err = violation_watch(program);
	if (!err)
		err = load(mode, lists);
	if (err)
		return complain(program, err);
	if (mode == FILTER_LOG)
		fprintf(stderr,
			"%s: WARNING: system calls that are not on its list pass, and go to the "
			"kernel's log: TURNPIKE_SECCOMP is log.\n",
			program);
	else if (tell)
		fprintf(stderr, "%s: restricted to its list of system calls.\n", program);
	return 0;
}

int filter_forbid(const char *program)
{
	enum filter_mode mode;
	scmp_filter_ctx filter;
	int err = wanted(program, &mode);

	if (err <= 0)
		return err;
	filter = seccomp_init(SCMP_ACT_ALLOW);
	err = filter ? 0 : -ENOMEM;
	for (const char *const *name = filter_nobodys; !err && *name; name++) {
		int number = seccomp_syscall_resolve_name(*name);

		// Below 0: another architecture's.
		if (number >= 0)
			err = seccomp_rule_add(filter,
				mode == FILTER_LOG ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EPERM), number,
				0);
	}
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return complain(program, err);
}
