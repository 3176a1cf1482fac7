# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""Somebody who got into a program: has its main thread make a system call, by ptrace(). x86-64 alone."""

import ctypes
import os

ATTACH, DETACH, GETREGS, SETREGS = 16, 17, 12, 13
# What is tried: a number, and its first arguments.
CALLS = {"execve": (59, 0, 0), "fork": (57,), "setuid": (105, 0), "unshare": (272, 0x10000000)}

NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
         "fs_base gs_base ds es fs gs").split()


class Registers(ctypes.Structure):
    """struct user_regs_struct."""
    _fields_ = [(name, ctypes.c_ulonglong) for name in NAMES]


LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data=None):
    if LIBC.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace({request})")


def inject(pid, call):
    """The main thread waits in the kernel: its instruction before the next one is `syscall`, which is made again."""
    registers = Registers()
    ptrace(ATTACH, pid)
    os.waitpid(pid, 0)
    ptrace(GETREGS, pid, ctypes.byref(registers))
    number, *arguments = CALLS[call]
    registers.rax = number
    registers.orig_rax = 2**64 - 1  # no call to be restarted
    for name, value in zip(("rdi", "rsi"), arguments):
        setattr(registers, name, value)
    # Interrupted, it stands behind the instruction.
    registers.rip -= 2
    ptrace(SETREGS, pid, ctypes.byref(registers))
    ptrace(DETACH, pid)
