"""Attempts to escape from the sandbox; each returns "done" or the name of its error."""

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
    """Targets of the attempts: a secret in a folder, servers, and processes."""

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
        """Returns the attempts by name."""
        return {**self._files(), **self._network(), **self._processes(), **self._kernel()}

    def _files(self) -> dict[str, Callable[[], object]]:
        secret, inside = Path(self.secret), Path(self.folder) / "new"
        return {
            "read a secret": secret.read_bytes,
            "list the library": lambda: os.listdir(self.folder),
            "read the user database": Path("/etc/passwd").read_bytes,
            "read the parent's environment": Path(f"/proc/{self.parent}/environ").read_bytes,
            "read the parent's memory": lambda: open(f"/proc/{self.parent}/mem", "rb").close(),
            "write into the library": lambda: inside.write_bytes(b"x"),
            "write into /tmp": lambda: Path(f"/tmp/escaped-{os.getpid()}").write_bytes(b""),
            "change a secret": lambda: secret.open("r+b").close(),
            "truncate a secret": lambda: os.truncate(secret, 1),
            "change the mode of a secret": lambda: secret.chmod(0o777),
            "change the time of a secret": lambda: os.utime(secret),
            "rename a secret": lambda: secret.rename(f"{secret}2"),
            "link a secret": lambda: os.link(secret, f"{secret}3"),
            "create a folder": lambda: os.mkdir(f"{inside}-folder"),
            "change the owner of a secret": lambda: os.chown(secret, os.getuid(), os.getgid()),
            "set an extended attribute of a secret": lambda: os.setxattr(secret, "user.mark", b"x"),
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
            "create a socket pair": lambda: [one.close() for one in socket.socketpair()],
        }

    def _processes(self) -> dict[str, Callable[[], object]]:
        warm, files = os.getppid(), resource.RLIMIT_NOFILE
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        return {
            "signal the parent": lambda: os.kill(self.parent, 0),
            "signal the warm process": lambda: os.kill(warm, 0),
            "kill another process": lambda: os.kill(self.sibling, signal.SIGKILL),
            "signal a thread of the parent": lambda: _call("tgkill", self.parent, self.parent, 0),
            "open a pidfd of the parent": lambda: os.close(os.pidfd_open(self.parent)),
            "redirect SIGIO to the parent": lambda: _own_signal(self.parent),
            "set a limit of the parent": lambda: resource.prlimit(
                self.parent, files, resource.prlimit(self.parent, files)
            ),
            "raise a limit": lambda: resource.setrlimit(
                resource.RLIMIT_CPU, (hard + 99, hard + 99)
            ),
            "create a session": os.setsid,
            "leave the process group": lambda: os.setpgid(
                0, 0 if os.getpgrp() != os.getpid() else warm
            ),
            "disable the parent death signal": lambda: _checked(LIBC.prctl(1, 0, 0, 0, 0)),
        }

    def _kernel(self) -> dict[str, Callable[[], object]]:
        return {
            "create a user namespace": lambda: _call("unshare", 0x10000000),
            "create a network namespace": lambda: _call("unshare", 0x40000000),
            "mount": lambda: _call("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
            "change the root": lambda: _call("chroot", b"/"),
            "call bpf": lambda: _call("bpf", 0, 0, 0),
            "call perf_event_open": lambda: _call("perf_event_open", 0, 0, -1, -1, 0),
            "use io_uring": lambda: _call("io_uring_setup", 1, bytes(120)),
            "call userfaultfd": lambda: _call("userfaultfd", 1),
            "read keys": lambda: _call("keyctl", 0, -3, 0),
            "add a key": lambda: _call("add_key", b"user", b"k", b"v", 1, -2),
            "create a memfd": lambda: os.close(os.memfd_create("x")),
            "create shared memory": lambda: _call("shmget", 0, 4096, 0o1600),
            "change the personality": lambda: _call("personality", 0),
            "call setuid": lambda: _call("setuid", os.getuid()),
            "call ioctl TIOCSTI": lambda: fcntl.ioctl(0, 0x5412, b"x"),
        }

    def attempts_against_parent(self) -> dict[str, Callable[[], object]]:
        """Returns attempts that would stop the test process if they succeeded."""
        area = struct.pack("@QQ", 0, 0)
        return {
            "change the priority of the parent": lambda: os.setpriority(
                os.PRIO_PROCESS, self.parent, 1
            ),
            "change the CPU affinity of the parent": lambda: os.sched_setaffinity(self.parent, [0]),
            "trace the parent": lambda: _call("ptrace", 16, self.parent, 0, 0),
            "trace another process": lambda: _call("ptrace", 16, self.sibling, 0, 0),
            "read the parent's memory by process_vm_readv": lambda: _call(
                "process_vm_readv", self.parent, area, 1, area, 1, 0
            ),
        }


def attempt_all(target: Target, report: ProgressReporter) -> dict[str, str]:
    """Returns the result of every attempt."""
    every = {**target.attempts(), **target.attempts_against_parent()}
    return {name: outcome(attempt) for name, attempt in every.items()}


def attempt_harmless(target: Target, report: ProgressReporter) -> dict[str, str]:
    """Like `attempt_all`, without the attempts that would stop the test process."""
    return {name: outcome(attempt) for name, attempt in target.attempts().items()}


def outcome(attempt: Callable[[], object]) -> str:
    """Returns "done" or the name of the system error."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except ValueError as error:  # how `resource` reports EPERM
        return "EPERM" if "not allowed to raise" in str(error) else str(error)
    return "done"


def own_file(path: Path, report: ProgressReporter) -> dict[str, str]:
    """Returns the results of reading and changing the given file."""
    return {
        "read": outcome(path.read_bytes),
        "write": outcome(lambda: path.open("r+b").close()),
        "append": outcome(lambda: os.close(os.open(path, os.O_WRONLY | os.O_APPEND))),
        "chmod": outcome(lambda: os.fchmod(3, 0o777)),
    }


def privileges(report: ProgressReporter) -> dict[str, int]:
    """Returns the privilege flags of this process, 0 or 1 each."""
    header, data = struct.pack("=Ii", 0x20080522, 0), ctypes.create_string_buffer(24)
    LIBC.capget(header, data)
    return {
        "capabilities": int(any(data.raw)),
        "bounding": int(any(LIBC.prctl(23, one, 0, 0, 0) == 1 for one in range(41))),
        "no_new_privs": LIBC.prctl(39, 0, 0, 0, 0),
    }


def processes(report: ProgressReporter) -> dict[str, str]:
    """Returns the results of starting programs, processes and threads."""
    thread = threading.Thread(target=int)
    return {
        "program": outcome(lambda: subprocess.run(["/bin/true"], check=True)),
        "exec": outcome(lambda: os.execv("/bin/true", ["true"])),
        "fork": outcome(lambda: os.fork() or os._exit(0)),
        "thread": outcome(lambda: (thread.start(), thread.join())),
    }


def run_shell(script: str, report: ProgressReporter) -> tuple[int, str]:
    """Returns the exit status and the output of a shell script."""
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def fork_bomb(report: ProgressReporter) -> None:
    """Forks in an endless loop."""
    while True:
        try:
            os.fork()
        except OSError:
            os._exit(1)


def start_daemon(report: ProgressReporter) -> int:
    """Starts a daemon by a double fork that tries to leave its process group; returns its pid."""
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
    """Simulates a kernel with seccomp and without Landlock."""
    confine.kernel_support = lambda: confine.KernelSupport(0, True)  # pyright: ignore[reportAttributeAccessIssue]
