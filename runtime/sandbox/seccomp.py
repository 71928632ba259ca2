"""A seccomp filter: system calls that the parser does not need fail with EPERM.

The filter is a denylist, not an allowlist, because new versions of Python, MuPDF or ONNX Runtime
may need additional calls. Constants: linux/seccomp.h, linux/filter.h, linux/sched.h.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from runtime.sandbox.landlock import SCOPE_ABI
from runtime.sandbox.syscalls import DENIED, NUMBERS

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_PR_SET_PDEATHSIG = 1
_ALLOW, _FAIL_WITH, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _JUMP_EQUAL, _JUMP_ANY_BIT, _MASK, _RETURN = 0x20, 0x15, 0x45, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32_BIT = 0x40000000
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_CLONE_THREAD = 0x00010000
_CLONE_NEW = 0x7E020000  # all namespace flags of clone
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_F_SETOWN_EX = 15

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


@dataclass(frozen=True, slots=True)
class _Rule:
    """Denies a call if a test of the lower 32 bits of an argument holds; without one, always.

    The test: the argument equals `equals`, or (if that is None) has any bit of `bits` set.
    `negated` inverts the test.
    """

    call: str
    argument: int | None = None
    equals: int | None = None
    bits: int = 0
    negated: bool = False
    error: int = errno.EPERM


def seccomp_is_available() -> bool:
    """True if the kernel supports seccomp filters and the call numbers of the CPU are known."""
    if sys.platform != "linux" or platform.machine() not in _AUDIT:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    # With a null filter a kernel with seccomp returns EFAULT, one without it EINVAL.
    libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), None)
    return ctypes.get_errno() == errno.EFAULT


def filter_calls(landlock: int, *, may_start_programs: bool) -> None:
    """Denies system calls to this process and its children, irrevocably.

    Without `may_start_programs`, new threads are allowed but new processes are not. `landlock` is
    the active Landlock ABI (0: none): if it does not cover signals or file writes, the filter
    denies them. Needs no_new_privs. Raises OSError.
    """
    code = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in _program([*_rules(landlock, may_start_programs)])
    )
    buffer = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog: the number of instructions, padding, a pointer to the first.
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), program):
        code_of_error = ctypes.get_errno()
        raise OSError(code_of_error, f"seccomp: {os.strerror(code_of_error)}")


def _rules(landlock: int, may_start_programs: bool) -> Iterator[_Rule]:
    yield from map(_Rule, DENIED)
    # Their arguments are in memory, which a filter cannot read. On ENOSYS the C library falls back.
    yield from (_Rule(name, error=errno.ENOSYS) for name in ("clone3", "openat2"))
    yield _Rule("clone", 0, bits=_CLONE_NEW)
    if not may_start_programs:
        yield from map(_Rule, ("fork", "vfork", "execve"))
        yield _Rule("clone", 0, bits=_CLONE_THREAD, negated=True)
    if landlock < SCOPE_ABI:
        yield from (_Rule(name, 0, equals=os.getpid(), negated=True) for name in ("kill", "tgkill"))
    if not landlock:
        writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
        yield from (_Rule(name, at, bits=writing) for name, at in (("open", 1), ("openat", 2)))
    yield from (_Rule("ioctl", 1, equals=request) for request in (_TIOCSTI, _TIOCLINUX))
    # F_SETOWN makes the kernel send a signal to any process when a pipe becomes readable.
    yield from (_Rule("fcntl", 1, equals=command) for command in (fcntl.F_SETOWN, _F_SETOWN_EX))
    yield _Rule("prctl", 0, equals=_PR_SET_PDEATHSIG)  # keeps the parent death signal
    yield _Rule("prlimit64", 0, equals=0, negated=True)  # limits of other processes


def _program(rules: list[_Rule]) -> list[Instruction]:
    """Compiles the rules to classic BPF. Calls of another architecture kill the process; calls of
    the x32 ABI fail with ENOSYS."""
    machine = platform.machine()
    column = 0 if machine == "x86_64" else 1
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, _AUDIT[machine]),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if column == 0:
        program += [(_JUMP_ANY_BIT, 0, 1, _X32_BIT), (_RETURN, 0, 0, _FAIL_WITH | errno.ENOSYS)]
    for rule in rules:
        number = NUMBERS[rule.call][column]
        if number is not None:
            program += _instructions(rule, number)
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _instructions(rule: _Rule, number: int) -> list[Instruction]:
    denied: Instruction = (_RETURN, 0, 0, _FAIL_WITH | rule.error)
    if rule.argument is None:
        return [(_JUMP_EQUAL, 0, 1, number), denied]
    test, constant = (
        (_JUMP_ANY_BIT, rule.bits) if rule.equals is None else (_JUMP_EQUAL, rule.equals)
    )
    taken, not_taken = (1, 0) if rule.negated else (0, 1)
    return [
        (_JUMP_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _ARGUMENTS + 8 * rule.argument),
        (test, taken, not_taken, constant),
        denied,
        (_LOAD, 0, 0, _NUMBER),
    ]
