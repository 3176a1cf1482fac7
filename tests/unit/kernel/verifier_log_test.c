// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <verifier_log.h>

#define LENGTH 5000

Test(verifier_log, all_of_it_is_in_the_file_and_its_end_on_stderr)
{
	char path[] = "/tmp/turnpike-verifier-XXXXXX", text[LENGTH + 1], read[LENGTH + 2] = "";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "r");

	cr_redirect_stderr();
	memset(text, 'a', LENGTH);
	memcpy(text + LENGTH - 4, "why\n", 5);
	verifier_log_keep(path, text);
	cr_assert_eq(fread(read, 1, sizeof(read) - 1, file), LENGTH);
	cr_assert_str_eq(read, text);
	fclose(file);
	unlink(path);
	fflush(stderr);
	file = cr_get_redirected_stderr();
	cr_assert_lt(fread(read, 1, sizeof(read) - 1, file), 1300);
	cr_assert_not_null(strstr(read, "aaawhy\n"));
	cr_assert_not_null(strstr(read, path));
}

Test(verifier_log, a_directory_that_is_not_there_is_told_beside_the_end)
{
	char read[1000] = "";

	cr_redirect_stderr();
	verifier_log_keep("/nowhere/at/all", "why\n");
	fflush(stderr);
	cr_assert_gt(fread(read, 1, sizeof(read) - 1, cr_get_redirected_stderr()), 0);
	cr_assert_not_null(strstr(read, "ends with:\nwhy\n"));
	cr_assert_not_null(strstr(read, "could not be written to /nowhere/at/all: No such file"));
}

Test(verifier_log, silence_is_no_log)
{
	cr_redirect_stderr();
	verifier_log_keep("/nowhere/at/all", "");
	fflush(stderr);
	cr_assert_eq(fgetc(cr_get_redirected_stderr()), EOF);
}
