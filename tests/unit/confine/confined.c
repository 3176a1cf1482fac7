// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "confined.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(function, ...) \
	static void try_##function(void) \
	{ \
		syscall(__VA_ARGS__); \
	}

static char *const nothing[] = {NULL};

TRY(execve, SYS_execve, "/bin/true", nothing, nothing)
TRY(execveat, SYS_execveat, AT_FDCWD, "/bin/true", nothing, nothing, 0)
TRY(clone, SYS_clone, SIGCHLD, 0, 0, 0, 0)
TRY(clone_namespaces, SYS_clone, CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0)
TRY(clone3, SYS_clone3, NULL, 0)
TRY(unshare, SYS_unshare, CLONE_NEWUSER)
TRY(setns, SYS_setns, 0, 0)
TRY(ptrace, SYS_ptrace, 0, 0, 0, 0)
TRY(vm_read, SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0)
TRY(vm_write, SYS_process_vm_writev, getpid(), NULL, 0, NULL, 0, 0)
TRY(kill, SYS_kill, 1, 0)
TRY(tgkill, SYS_tgkill, 1, 1, 0)
TRY(pidfd_open, SYS_pidfd_open, 1, 0)
TRY(pidfd_getfd, SYS_pidfd_getfd, 0, 0, 0)
TRY(mount, SYS_mount, "x", "/", "tmpfs", 0, NULL)
TRY(chroot, SYS_chroot, "/")
TRY(setuid, SYS_setuid, 0)
TRY(setgroups, SYS_setgroups, 0, NULL)
TRY(capset, SYS_capset, NULL, NULL)
TRY(prctl, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
TRY(prlimit, SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL)
TRY(open_to_write, SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY)
TRY(open_to_change, SYS_openat, AT_FDCWD, "/dev/null", O_RDWR)
TRY(open_to_make, SYS_openat, AT_FDCWD, "/", O_TMPFILE | O_RDWR, 0600)
TRY(unlink, SYS_unlink, "/nonexistent/x")
TRY(rename, SYS_rename, "/nonexistent/x", "/nonexistent/y")
TRY(chmod, SYS_chmod, "/nonexistent/x", 0777)
TRY(chown, SYS_chown, "/nonexistent/x", 0, 0)
TRY(symlink, SYS_symlink, "x", "/nonexistent/x")
TRY(tcp, SYS_socket, AF_INET, SOCK_STREAM, 0)
TRY(raw, SYS_socket, AF_INET, SOCK_RAW, 0)
TRY(packet, SYS_socket, AF_PACKET, SOCK_RAW, 0)
TRY(listen, SYS_listen, 0, 1)
TRY(map_code, SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
TRY(make_code, SYS_mprotect, NULL, 4096, PROT_READ | PROT_EXEC)
TRY(load_bpf, SYS_bpf, BPF_PROG_LOAD, NULL, 0)
TRY(perf, SYS_perf_event_open, NULL, 0, 0, 0, 0)
TRY(uffd, SYS_userfaultfd, 0)
TRY(uring, SYS_io_uring_setup, 0, NULL)
TRY(module, SYS_init_module, NULL, 0, "")
TRY(kexec, SYS_kexec_load, 0, 0, NULL, 0)
TRY(keyctl, SYS_keyctl, 0, 0, 0, 0, 0)
TRY(handler, SYS_rt_sigaction, SIGSYS, NULL, NULL, 8)
TRY(seccomp, SYS_seccomp, 0, 0, NULL)
TRY(reboot, SYS_reboot, 0, 0, 0, NULL)

const struct confined_try confined_never[] = {{"execve", try_execve}, {"execveat", try_execveat},
	{"clone", try_clone}, {"clone", try_clone_namespaces}, {"clone3", try_clone3},
	{"unshare", try_unshare}, {"setns", try_setns}, {"ptrace", try_ptrace},
	{"process_vm_readv", try_vm_read}, {"process_vm_writev", try_vm_write}, {"kill", try_kill},
	{"tgkill", try_tgkill}, {"pidfd_open", try_pidfd_open}, {"pidfd_getfd", try_pidfd_getfd},
	{"mount", try_mount}, {"chroot", try_chroot}, {"setuid", try_setuid},
	{"setgroups", try_setgroups}, {"capset", try_capset}, {"prctl", try_prctl},
	{"prlimit64", try_prlimit}, {"openat", try_open_to_write}, {"openat", try_open_to_change},
	{"openat", try_open_to_make}, {"unlink", try_unlink}, {"rename", try_rename},
	{"chmod", try_chmod}, {"chown", try_chown}, {"symlink", try_symlink}, {"socket", try_tcp},
	{"socket", try_raw}, {"socket", try_packet}, {"listen", try_listen}, {"mmap", try_map_code},
	{"mprotect", try_make_code}, {"bpf", try_load_bpf}, {"perf_event_open", try_perf},
	{"userfaultfd", try_uffd}, {"io_uring_setup", try_uring}, {"init_module", try_module},
	{"kexec_load", try_kexec}, {"keyctl", try_keyctl}, {"rt_sigaction", try_handler},
	{"seccomp", try_seccomp}, {"reboot", try_reboot}, {NULL, NULL}};

TRY(open_to_read, SYS_openat, AT_FDCWD, "/etc/shadow", O_RDONLY)
TRY(open, SYS_open, "/etc/shadow", O_RDONLY)
TRY(netlink, SYS_socket, AF_NETLINK, SOCK_RAW, 0)
TRY(unix_stream, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
TRY(terminal, SYS_ioctl, 0, 0x5412, "x") // TIOCSTI
TRY(ftruncate, SYS_ftruncate, 0, 0)

const struct confined_try confined_without_drivers[] = {{"openat", try_open_to_read},
	{"open", try_open}, {"socket", try_netlink}, {"socket", try_unix_stream},
	{"ioctl", try_terminal}, {"ftruncate", try_ftruncate}, {NULL, NULL}};

// Runs the call in a child, and gives its status and what it said.
static int run(const struct filter_call *const lists[], void (*call)(void), char *said, size_t size)
{
	size_t length = 0;
	int status, out[2];
	ssize_t n;
	pid_t pid;

	cr_assert_eq(pipe(out), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		if (filter_install("under test", lists, false) < 0)
			_exit(3);
		call();
		_exit(0);
	}
	close(out[1]);
	while (length + 1 < size && (n = read(out[0], said + length, size - length - 1)) > 0)
		length += (size_t)n;
	said[length] = 0;
	close(out[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

void confined_expect_killed(
	const struct filter_call *const lists[], const struct confined_try *tries)
{
	for (const struct confined_try *t = tries; t->name; t++) {
		char said[512], line[512];
		int status = run(lists, t->call, said, sizeof(said));

		snprintf(line, sizeof(line),
			"under test: the system call %s is not on its list: it is ended. "
			"(TURNPIKE_SECCOMP=log lets such calls pass.)\n",
			t->name);
		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: status %x",
			t->name, (unsigned int)status);
		cr_expect_str_eq(said, line);
	}
}

void confined_expect_allowed(const struct filter_call *const lists[], void (*call)(void))
{
	char said[512];
	int status = run(lists, call, said, sizeof(said));

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x: %s",
		(unsigned int)status, said);
}
