// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "verifier_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define END 1000u // bytes

void verifier_log_keep(const char *path, const char *text)
{
	size_t length = strlen(text);
	FILE *file;
	int err = 0;

	if (!length)
		return;
	fprintf(stderr, "turnpike-kernel: the kernel's verifier ends with:\n%s\n",
		text + (length > END ? length - END : 0));
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0)
		err = errno;
	if (file && fclose(file) < 0)
		err = errno;
	if (err)
		fprintf(stderr, "turnpike-kernel: all of it could not be written to %s: %s.\n",
			path, strerror(err));
	else
		fprintf(stderr, "turnpike-kernel: all of it is in %s.\n", path);
}
