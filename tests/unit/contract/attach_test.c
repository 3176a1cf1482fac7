// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// Making and mapping segments.
#include "attach_fixture.h"

// Whether `act` on a mapped segment ends the process that does it with `signal`.
static bool dies(void (*act)(void *base), void *base, int signal)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct sigaction dfl = {.sa_handler = SIG_DFL};

		sigaction(signal, &dfl, NULL);
		act(base);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

static void write_to(void *base)
{
	*(volatile uint64_t *)base = 1;
}

Test(attach, a_segment_comes_over_whole_and_read_only)
{
	struct tp_mapping own = {0};
	struct tp_mapping other;
	struct tp_header h = dataplane_header(3);
	int before = open_descriptors();
	int fd = segment_with(h, h.size, &own);

	cr_assert_eq(own.size, h.size);
	cr_assert_eq(tp_segment_map(fd, TP_MAGIC_DATAPLANE, &other), 0);
	close(fd);
	cr_assert_eq(other.size, h.size);
	cr_assert_arr_eq(&other.header, &h, sizeof(h));
	((uint8_t *)own.base)[h.size - 1] = 0xa5;
	cr_assert_eq(((uint8_t *)other.base)[h.size - 1], 0xa5);
	cr_assert_not(dies(write_to, own.base, SIGSEGV));
	cr_assert(dies(write_to, other.base, SIGSEGV));
	cr_assert_eq(mprotect(other.base, 4096, PROT_READ | PROT_WRITE), -1);
	tp_unmap(&own);
	tp_unmap(&other);
	tp_unmap(&other);
	cr_assert_null(other.base);
	cr_assert_eq(open_descriptors(), before);
}

// The writer may change its header at any time: who computes offsets uses the copy that was checked.
Test(attach, the_header_that_was_checked_stays_when_its_writer_changes_its_own)
{
	struct tp_mapping own = {0};
	struct tp_mapping other;
	struct tp_header h = dataplane_header(2);
	int fd = segment_with(h, h.size, &own);

	cr_assert_eq(tp_segment_map(fd, TP_MAGIC_DATAPLANE, &other), 0);
	((struct tp_header *)own.base)->results = 1ull << 40;
	((struct tp_header *)own.base)->workers = 1000;
	cr_assert_eq(other.header.results, 4096);
	cr_assert_leq(tp_punts_offset(&other.header, 1) + other.header.punts, other.size);
	close(fd);
	tp_unmap(&own);
	tp_unmap(&other);
}

Test(attach, a_segment_can_not_shrink_grow_be_punched_or_be_mapped_for_writing_again)
{
	struct tp_mapping own = {0};
	struct tp_header h = control_header(1);
	int fd = segment_with(h, h.size, &own);

	cr_assert_eq(ftruncate(fd, 4096), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(ftruncate(fd, 1 << 20), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(write(fd, "x", 1), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	close(fd);
	tp_unmap(&own);
}

Test(attach, all_memory_of_a_segment_is_taken_when_it_is_made)
{
	struct tp_mapping own = {0};
	struct stat st;
	int fd = tp_segment_create("test", 3 << 20, &own);

	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_size, 3 << 20);
	cr_assert_geq(st.st_blocks * 512, 3 << 20);
	close(fd);
	tp_unmap(&own);
	cr_assert_lt(tp_segment_create("test", 0, &own), 0);
	cr_assert_lt(tp_segment_create("test", UINT64_MAX, &own), 0);
}

static void expect_refused(int fd, uint64_t magic, int error)
{
	struct tp_mapping other = {0};
	int before = open_descriptors();

	cr_assert_eq(tp_segment_map(fd, magic, &other), error);
	cr_assert_null(other.base);
	cr_assert_eq(open_descriptors(), before);
}

Test(attach, a_header_that_does_not_fit_its_segment_is_refused)
{
	const struct tp_header good = dataplane_header(2);
	struct tp_header bad[] = {good, good, good, good, good, good, good, good, good, good};

	bad[0].magic = 0;
	bad[1].magic = TP_MAGIC_CONTROL;
	bad[2].abi = TP_ABI + 1;
	bad[3].size += 4096;
	bad[4].workers = 0;
	bad[5].workers = 1;
	bad[6].workers = UINT32_MAX;
	bad[7].results = 4095;
	bad[8].punts = 1ull << 63;
	bad[9].punts = 0;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct tp_mapping own = {0};
		int fd = segment_with(bad[i], good.size, &own);

		expect_refused(fd, TP_MAGIC_DATAPLANE, -EPROTO);
		close(fd);
		tp_unmap(&own);
	}
}

Test(attach, a_file_of_another_size_than_its_header_says_is_refused)
{
	const struct tp_header h = dataplane_header(1);
	const uint64_t sizes[] = {1, 63, 64, 4096, h.size - 1, h.size + 1, h.size + 4096};

	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct tp_mapping own = {0};
		int fd = segment_with(h, sizes[i], &own);

		expect_refused(fd, TP_MAGIC_DATAPLANE, -EPROTO);
		close(fd);
		tp_unmap(&own);
	}
}

static int bare_memfd(uint64_t size, int seals)
{
	struct tp_header h = control_header(1);
	int fd = memfd_create("bare", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	cr_assert_eq(pwrite(fd, &h, sizeof(h), 0), (ssize_t)sizeof(h));
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

Test(attach, a_segment_without_every_seal_is_refused)
{
	const int seals[] = {F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_FUTURE_WRITE};
	uint64_t size = control_header(1).size;
	int pipes[2];

	for (uint32_t i = 0; i < 4; i++) {
		int fd = bare_memfd(size, TP_SEALS & ~seals[i]);

		expect_refused(fd, TP_MAGIC_CONTROL, -EPERM);
		close(fd);
	}
	cr_assert_eq(pipe(pipes), 0);
	expect_refused(pipes[0], TP_MAGIC_CONTROL, -EPERM);
	expect_refused(-1, TP_MAGIC_CONTROL, -EPERM);
}

// Reading a hole takes a page on our account: a gigabyte that its writer never paid for.
Test(attach, a_segment_whose_memory_its_writer_has_not_taken_is_refused)
{
	int fd = bare_memfd(control_header(1).size, TP_SEALS);

	expect_refused(fd, TP_MAGIC_CONTROL, -EPROTO);
	close(fd);
}
