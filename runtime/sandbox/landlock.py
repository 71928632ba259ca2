"""Landlock: an unprivileged process irrevocably gives up access to files, TCP and signals.

Constants are from linux/landlock.h. Features that the kernel does not support are omitted: ABI 1 is
Linux 5.13, TCP needs ABI 4 (6.7), signals and abstract sockets need ABI 6 (6.12).
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1 << 0
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = (1 << bit for bit in range(4))
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_FILE_ACCESS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15}  # number of file access rights by ABI; 16 since ABI 5
_TCP_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
_TCP_ABI, SCOPE_ABI = 4, 6

READ = _READ_FILE | _READ_DIR
READ_AND_EXECUTE = READ | _EXECUTE
READ_AND_WRITE = _READ_FILE | _WRITE_FILE


def landlock_abi() -> int:
    """Returns the Landlock ABI version of this kernel; 0 if it is not supported."""
    if sys.platform != "linux":
        return 0
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


def restrict_files(abi: int, rules: Iterable[tuple[int, str | int]]) -> None:
    """Restricts this process to the rules: pairs of access rights, and a path or a descriptor.

    It can open only files at or below the paths, and the files of the descriptors. It can neither
    bind nor connect TCP sockets, nor reach processes and abstract sockets outside, as far as the
    ABI supports it. Paths that do not exist are skipped. Needs no_new_privs. Raises OSError.
    """
    handled = (1 << _FS_BITS.get(abi, 16)) - 1
    tcp = _TCP_BIND_AND_CONNECT if abi >= _TCP_ABI else 0
    scoped = _ABSTRACT_SOCKETS_AND_SIGNALS if abi >= SCOPE_ABI else 0
    attributes = struct.pack("=QQQ", handled, tcp, scoped)[: _attribute_bytes(abi)]
    ruleset = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for rights, target in rules:
            _allow(ruleset, rights & handled, target)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _attribute_bytes(abi: int) -> int:
    return 8 if abi < _TCP_ABI else 16 if abi < SCOPE_ABI else 24


def _allow(ruleset: int, rights: int, target: str | int) -> None:
    try:
        opened = target if isinstance(target, int) else os.open(target, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _FILE_ACCESS
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, opened), 0)
    finally:
        if opened != target:
            os.close(opened)


def _call(number: int, *arguments: object) -> int:
    converted = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    result = _libc().syscall(ctypes.c_long(number), *converted)
    if result < 0:
        code = ctypes.get_errno() or errno.ENOSYS
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
