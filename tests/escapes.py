"""Ways out of the sandbox, tried from the inside: each gives "done", or the name of its error."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import resource
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtime.sandbox import confine
from runtime.sandbox.server import ProgressReporter
from runtime.sandbox.syscalls import NUMBERS

LIBC = ctypes.CDLL(None, use_errno=True)
COLUMN = 0 if os.uname().machine == "x86_64" else 1


@dataclass(frozen=True)
class Target:
    """What the tests offer: a secret and a paper in a folder, servers, processes."""

    folder: str
    secret: str
    tcp: int
    udp: int
    unix: str
    abstract: str
    parent: int
    sibling: int
    own_file: str = ""

    def attempts(self) -> dict[str, Callable[[], object]]:
        """Name and deed."""
        return {**self._files(), **self._network(), **self._processes(), **self._kernel()}

    def _files(self) -> dict[str, Callable[[], object]]:
        secret, inside = Path(self.secret), Path(self.folder) / "new"
        return {
            "read a secret": secret.read_bytes,
            "list the library": lambda: os.listdir(self.folder),
            "read the users": Path("/etc/passwd").read_bytes,
            "read the parent's environment": Path(f"/proc/{self.parent}/environ").read_bytes,
            "read the parent's memory": lambda: open(f"/proc/{self.parent}/mem", "rb").close(),
            "write into the library": lambda: inside.write_bytes(b"x"),
            "write into /tmp": lambda: Path(f"/tmp/escaped-{os.getpid()}").write_bytes(b""),
            "change a secret": lambda: secret.open("r+b").close(),
            "shorten a secret": lambda: os.truncate(secret, 1),
            "open a secret to all": lambda: secret.chmod(0o777),
            "make a secret young": lambda: os.utime(secret),
            "move a secret": lambda: secret.rename(f"{secret}2"),
            "link a secret": lambda: os.link(secret, f"{secret}3"),
            "make a folder": lambda: os.mkdir(f"{inside}-folder"),
            "give a secret away": lambda: os.chown(secret, os.getuid(), os.getgid()),
            "mark a secret": lambda: os.setxattr(secret, "user.mark", b"x"),
            "delete a secret": secret.unlink,
        }

    def _network(self) -> dict[str, Callable[[], object]]:
        inet, unix, stream = socket.AF_INET, socket.AF_UNIX, socket.SOCK_STREAM
        return {
            "connect TCP": lambda: _connect(inet, stream, ("127.0.0.1", self.tcp)),
            "connect UDP": lambda: _connect(inet, socket.SOCK_DGRAM, ("127.0.0.1", self.udp)),
            "connect a socket file": lambda: _connect(unix, stream, self.unix),
            "connect an abstract socket": lambda: _connect(unix, stream, "\0" + self.abstract),
            "open a raw packet socket": lambda: socket.socket(inet, socket.SOCK_RAW, 1).close(),
            "make a pair of sockets": lambda: [one.close() for one in socket.socketpair()],
        }

    def _processes(self) -> dict[str, Callable[[], object]]:
        warm, files = os.getppid(), resource.RLIMIT_NOFILE
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        return {
            "signal the parent": lambda: os.kill(self.parent, 0),
            "signal the warm process": lambda: os.kill(warm, 0),
            "signal a neighbour": lambda: os.kill(self.sibling, signal.SIGKILL),
            "signal a thread of the parent": lambda: _call("tgkill", self.parent, self.parent, 0),
            "hold the parent": lambda: os.close(os.pidfd_open(self.parent)),
            "own a signal": lambda: _own_signal(self.parent),
            "limit the parent": lambda: resource.prlimit(
                self.parent, files, resource.prlimit(self.parent, files)
            ),
            "raise a limit": lambda: resource.setrlimit(
                resource.RLIMIT_CPU, (hard + 99, hard + 99)
            ),
            "open a session": os.setsid,
            "leave the group": lambda: os.setpgid(0, 0 if os.getpgrp() != os.getpid() else warm),
            "outlive the warm process": lambda: _checked(LIBC.prctl(1, 0, 0, 0, 0)),
        }

    def _kernel(self) -> dict[str, Callable[[], object]]:
        return {
            "make a user namespace": lambda: _call("unshare", 0x10000000),
            "make a network namespace": lambda: _call("unshare", 0x40000000),
            "mount": lambda: _call("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
            "change the root": lambda: _call("chroot", b"/"),
            "load a program": lambda: _call("bpf", 0, 0, 0),
            "watch the processor": lambda: _call("perf_event_open", 0, 0, -1, -1, 0),
            "use io_uring": lambda: _call("io_uring_setup", 1, bytes(120)),
            "handle faults": lambda: _call("userfaultfd", 1),
            "read keys": lambda: _call("keyctl", 0, -3, 0),
            "add a key": lambda: _call("add_key", b"user", b"k", b"v", 1, -2),
            "make a file in memory": lambda: os.close(os.memfd_create("x")),
            "share memory": lambda: _call("shmget", 0, 4096, 0o1600),
            "change the personality": lambda: _call("personality", 0),
            "become somebody": lambda: _call("setuid", os.getuid()),
            "type into a terminal": lambda: fcntl.ioctl(0, 0x5412, b"x"),
        }

    def hostile_to_the_parent(self) -> dict[str, Callable[[], object]]:
        """What a test without confinement had better not try on itself."""
        area = struct.pack("@QQ", 0, 0)
        return {
            "slow the parent down": lambda: os.setpriority(os.PRIO_PROCESS, self.parent, 1),
            "pin the parent": lambda: os.sched_setaffinity(self.parent, [0]),
            "trace the parent": lambda: _call("ptrace", 16, self.parent, 0, 0),
            "trace a neighbour": lambda: _call("ptrace", 16, self.sibling, 0, 0),
            "read memory": lambda: _call("process_vm_readv", self.parent, area, 1, area, 1, 0),
        }


def try_all(target: Target, tell: ProgressReporter) -> dict[str, str]:
    """What becomes of each attempt."""
    every = {**target.attempts(), **target.hostile_to_the_parent()}
    return {name: outcome(attempt) for name, attempt in every.items()}


def try_harmless(target: Target, tell: ProgressReporter) -> dict[str, str]:
    """The same without what would stop the tests where it succeeds."""
    return {name: outcome(attempt) for name, attempt in target.attempts().items()}


def outcome(attempt: Callable[[], object]) -> str:
    """ "done", or the name of the system's error."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except ValueError as error:  # how `resource` reports EPERM
        return "EPERM" if "not allowed to raise" in str(error) else str(error)
    return "done"


def own_file(path: Path, tell: ProgressReporter) -> dict[str, str]:
    """Whether the given file can be read, and whether it can be changed."""
    return {
        "read": outcome(path.read_bytes),
        "write": outcome(lambda: path.open("r+b").close()),
        "append": outcome(lambda: os.close(os.open(path, os.O_WRONLY | os.O_APPEND))),
        "chmod": outcome(lambda: os.fchmod(3, 0o777)),
    }


def rights(tell: ProgressReporter) -> dict[str, int]:
    """What the kernel says of this process: 0 or 1 each."""
    header, data = struct.pack("=Ii", 0x20080522, 0), ctypes.create_string_buffer(24)
    LIBC.capget(header, data)
    return {
        "capabilities": int(any(data.raw)),
        "bounding": int(any(LIBC.prctl(23, one, 0, 0, 0) == 1 for one in range(41))),
        "no_new_privs": LIBC.prctl(39, 0, 0, 0, 0),
    }


def processes(tell: ProgressReporter) -> dict[str, str]:
    """Whether it may start programs, processes and threads."""
    thread = threading.Thread(target=int)
    return {
        "program": outcome(lambda: subprocess.run(["/bin/true"], check=True)),
        "exec": outcome(lambda: os.execv("/bin/true", ["true"])),
        "fork": outcome(lambda: os.fork() or os._exit(0)),
        "thread": outcome(lambda: (thread.start(), thread.join())),
    }


def shell(script: str, tell: ProgressReporter) -> tuple[int, str]:
    """Status and words of a shell."""
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def bomb(tell: ProgressReporter) -> None:
    """Forks without end."""
    while True:
        try:
            os.fork()
        except OSError:
            os._exit(1)


def fork_twice(tell: ProgressReporter) -> int:
    """A grandchild that nobody waits for, as a daemon makes itself; tries to leave its group."""
    reader, writer = os.pipe()
    if not os.fork():
        for leave in (os.setsid, os.setpgrp):
            outcome(leave)
        if not os.fork():
            os.write(writer, struct.pack("i", os.getpid()))
            signal.pause()
        os._exit(0)
    os.wait()
    [daemon] = struct.unpack("i", os.read(reader, 4))
    return daemon


def _connect(family: int, kind: int, address: object) -> None:
    with socket.socket(family, kind) as one:
        one.connect(address)  # pyright: ignore[reportArgumentType]


def _own_signal(process: int) -> None:
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(reader, fcntl.F_SETOWN, process)
    finally:
        os.close(reader)
        os.close(writer)


def _call(name: str, *arguments: object) -> None:
    number = NUMBERS[name][COLUMN]
    assert number is not None
    _checked(LIBC.syscall(ctypes.c_long(number), *map(_argument, arguments)))


def _argument(value: object) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def warm_without_landlock() -> None:
    """A warm process on a kernel that filters system calls and has no Landlock."""
    confine.kernel_support = lambda: confine.KernelSupport(0, True)  # pyright: ignore[reportAttributeAccessIssue]
