"""What the kernel takes from a sandboxed child before it sees a PDF: files, network, processes.

Nothing here wants rights, and nothing can be undone by the child or by what it starts. See
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
_MOST_CAPABILITIES = 64

_ROOT = Path(__file__).resolve().parents[2]
_OWN_PACKAGES = ("domain", "runtime", "extraction", "pipelines")
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin")
_SETTINGS = (
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
    """How `read.sandbox` is set."""

    AUTO = "auto"  # what the kernel offers
    REQUIRE = "require"  # no document is read without Landlock and seccomp
    OFF = "off"  # limits of time and memory only


@dataclass(frozen=True, slots=True)
class KernelSupport:
    """What this kernel offers: Landlock's ABI (0: none), and filters of system calls."""

    landlock_abi: int
    seccomp: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of what is not there."""
        there = {
            "Landlock (Linux 5.13)": self.landlock_abi > 0,
            "seccomp filters": self.seccomp,
        }
        return tuple(name for name, is_there in there.items() if not is_there)


@lru_cache(maxsize=1)
def kernel_support() -> KernelSupport:
    """What this machine's kernel offers."""
    return KernelSupport(landlock_abi(), seccomp_is_available())


def describe_confinement(mode: SandboxMode) -> str:
    """What this kernel denies to the parser, for people."""
    if mode is SandboxMode.OFF or sys.platform != "linux":
        return "off: limits of time and memory only"
    support = kernel_support()
    landlock = f"Landlock ABI {support.landlock_abi}" if support.landlock_abi else "no Landlock"
    seccomp = "seccomp" if support.seccomp else "no seccomp"
    return f"{landlock}, {seccomp}, no new privileges, no capabilities"


def check_sandbox(mode: SandboxMode) -> None:
    """Returns when documents can be read in this mode here. Raises SandboxUnavailable."""
    if mode is SandboxMode.REQUIRE and (missing := kernel_support().missing):
        raise SandboxUnavailable(
            f"This machine has no {' and no '.join(missing)}, and read.sandbox is require. Nothing "
            "is read. Run the service on a newer kernel, or set read.sandbox to auto."
        )


def confine(mode: SandboxMode, files: Sequence[int], *, may_start_programs: bool) -> None:
    """From now on this process reads Python, system libraries and `files` (descriptors), and does
    nothing else to the machine.

    It has no capabilities and cannot get any, opens no other file and no socket, changes no file,
    signals and traces nobody else, and has no child that outlives its process group. Only with
    `may_start_programs` can it start others, as confined as itself. Raises SandboxUnavailable with
    REQUIRE where the kernel lacks a part; AUTO goes on without it.
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
    yield from ((READ_AND_EXECUTE, place) for place in _readable())
    yield from ((READ, place) for place in _SETTINGS)
    yield (READ_AND_WRITE, os.devnull)


@lru_cache(maxsize=1)
def _readable() -> tuple[str, ...]:
    """The folders of Python, its packages, ours, the system's programs, and Tesseract's data.

    Not the folder of the project, nor all of a prefix: the library may lie in there.
    """
    library = sysconfig.get_paths()
    found = {library[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    found |= {one for one in sys.path if one.endswith(("site-packages", "dist-packages"))}
    found |= {str(Path(sys.base_prefix) / "lib"), os.path.dirname(os.path.realpath(sys.executable))}
    found |= {str(_ROOT / name) for name in _OWN_PACKAGES}
    found |= {os.environ["TESSDATA_PREFIX"]} if os.environ.get("TESSDATA_PREFIX") else set()
    if program := shutil.which("tesseract"):
        found.add(os.path.dirname(os.path.realpath(program)))
    return (*_SYSTEM, *sorted(found))


def _drop_capabilities() -> None:
    """Empties every set. The bounding set wants CAP_SETPCAP: who lacks it has nothing to bound,
    since no_new_privs keeps programs from giving more."""
    with suppress(OSError):  # Linux 4.3
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    with suppress(OSError):
        for capability in range(_MOST_CAPABILITIES):
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
