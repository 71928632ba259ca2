"""Kernel sandbox of a child: removes access to files, network and processes before it opens a PDF.

Needs no privileges. Neither the child nor its descendants can undo it. See
docs/decisions/0009-sandbox.md.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from domain.errors import SandboxUnavailable
from runtime.sandbox.landlock import (
    READ,
    READ_AND_EXECUTE,
    READ_AND_WRITE,
    landlock_abi,
    restrict_files,
)
from runtime.sandbox.seccomp import filter_calls, seccomp_is_available

_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 24, 38, 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_MAX_CAPABILITIES = 64

_ROOT = Path(__file__).resolve().parents[2]
_OWN_PACKAGES = ("domain", "runtime", "extraction", "pipelines")
_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/bin")
_SYSTEM_FILES = (
    "/etc/ld.so.cache",
    "/etc/fonts",
    "/etc/localtime",
    "/dev/urandom",
    "/dev/zero",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
)


class SandboxMode(StrEnum):
    """Values of the setting `read.sandbox`."""

    AUTO = "auto"  # uses the features that the kernel supports
    REQUIRE = "require"  # processes no document without Landlock and seccomp
    OFF = "off"  # time and memory limits only


@dataclass(frozen=True, slots=True)
class KernelSupport:
    """Sandbox features of this kernel: the Landlock ABI version (0: none), and seccomp filters."""

    landlock_abi: int
    seccomp: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """Returns the names of the missing features."""
        features = {
            "Landlock (Linux 5.13)": self.landlock_abi > 0,
            "seccomp filters": self.seccomp,
        }
        return tuple(name for name, is_supported in features.items() if not is_supported)


@lru_cache(maxsize=1)
def kernel_support() -> KernelSupport:
    """Returns the sandbox features of the kernel of this machine."""
    return KernelSupport(landlock_abi(), seccomp_is_available())


def describe_confinement(mode: SandboxMode) -> str:
    """Returns a description of the sandbox in this mode, for display."""
    if mode is SandboxMode.OFF or sys.platform != "linux":
        return "off: time and memory limits only"
    support = kernel_support()
    landlock = f"Landlock ABI {support.landlock_abi}" if support.landlock_abi else "no Landlock"
    seccomp = "seccomp" if support.seccomp else "no seccomp"
    return f"{landlock}, {seccomp}, no new privileges, no capabilities"


def check_sandbox(mode: SandboxMode) -> None:
    """Raises SandboxUnavailable if this machine does not support the mode."""
    if mode is SandboxMode.REQUIRE and (missing := kernel_support().missing):
        raise SandboxUnavailable(
            f"This machine has no {' and no '.join(missing)}, and read.sandbox is require. No PDF "
            "was processed. Use a newer kernel, or set read.sandbox to auto."
        )


def confine(mode: SandboxMode, files: Sequence[int], *, may_start_programs: bool) -> None:
    """Confines this process permanently.

    Afterwards it can read Python, system libraries and `files` (descriptors), and nothing else. It
    has no capabilities and cannot gain any; it cannot open other files or sockets, modify files,
    signal or trace other processes, or leave its process group. It can start programs only with
    `may_start_programs`; they are confined like itself. Raises SandboxUnavailable in mode REQUIRE
    if the kernel lacks a feature; AUTO continues without it.
    """
    if mode is SandboxMode.OFF or sys.platform != "linux":
        return
    check_sandbox(mode)
    support = kernel_support()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _drop_capabilities()
    if support.landlock_abi:
        restrict_files(support.landlock_abi, _rules(files))
    if support.seccomp:
        filter_calls(support.landlock_abi, may_start_programs=may_start_programs)


def _rules(files: Sequence[int]) -> Iterator[tuple[int, str | int]]:
    yield from ((READ, file) for file in files)
    yield from ((READ_AND_EXECUTE, path) for path in _readable_folders())
    yield from ((READ, path) for path in _SYSTEM_FILES)
    yield (READ_AND_WRITE, os.devnull)


@lru_cache(maxsize=1)
def _readable_folders() -> tuple[str, ...]:
    """Returns the folders of Python, its packages, the packages of the project, the system's
    programs and libraries, and Tesseract's data.

    The project folder and the whole Python prefix are excluded: they may contain the home folder.
    """
    python_paths = sysconfig.get_paths()
    found = {python_paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    found |= {path for path in sys.path if path.endswith(("site-packages", "dist-packages"))}
    found |= {str(Path(sys.base_prefix) / "lib"), os.path.dirname(os.path.realpath(sys.executable))}
    found |= {str(_ROOT / name) for name in _OWN_PACKAGES}
    found |= {os.environ["TESSDATA_PREFIX"]} if os.environ.get("TESSDATA_PREFIX") else set()
    if program := shutil.which("tesseract"):
        found.add(os.path.dirname(os.path.realpath(program)))
    return (*_SYSTEM_FOLDERS, *sorted(found))


def _drop_capabilities() -> None:
    """Empties all capability sets.

    Dropping from the bounding set needs CAP_SETPCAP. Without it the bounding set is irrelevant,
    because no_new_privs prevents programs from gaining capabilities.
    """
    with suppress(OSError):  # ambient capabilities need Linux 4.3
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    with suppress(OSError):
        for capability in range(_MAX_CAPABILITIES):
            _prctl(_PR_CAPBSET_DROP, capability)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(header, bytes(24)):
        code = ctypes.get_errno()
        raise OSError(code, f"capset: {os.strerror(code)}")


def _prctl(option: int, argument: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, *map(ctypes.c_ulong, (argument, 0, 0, 0))):
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")
