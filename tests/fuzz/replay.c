// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Runs a fuzz target over the files and directories given, with any compiler: what a fuzzer once
// found stays found. Exits with 1 when a file can't be read or there is none.
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int refuse(const char *path, FILE *f)
{
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	if (f)
		fclose(f);
	return -1;
}

// Returns the number of files run, or -1.
static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes;

	if (!f || fstat(fileno(f), &st) < 0)
		return refuse(path, f);
	// Exactly as much as there is: a sanitizer sees the first byte too far.
	bytes = malloc(st.st_size ? (size_t)st.st_size : 1);
	if (!bytes)
		return refuse(path, f);
	if (fread(bytes, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
		free(bytes);
		return refuse(path, f);
	}
	fclose(f);
	// Told before it runs, so that a crash names its input.
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(bytes, (size_t)st.st_size);
	free(bytes);
	return 1;
}

static int replay_directory(const char *path, DIR *dir)
{
	struct dirent *entry;
	int files = 0;

	while ((entry = readdir(dir))) {
		char *file;
		int n;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
			return -1;
		n = replay_file(file);
		free(file);
		if (n < 0)
			return -1;
		files += n;
	}
	return files;
}

int main(int argc, char **argv)
{
	int files = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		int n = dir ? replay_directory(argv[i], dir) : replay_file(argv[i]);

		if (dir)
			closedir(dir);
		if (n < 0)
			return 1;
		files += n;
	}
	printf("replay: %d inputs\n", files);
	return files ? 0 : 1;
}
