"""A confined child attempts escapes: the kernel denies each one, and allows them with the sandbox
off."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from domain.errors import PaperworksError, ParserCrashed, SandboxUnavailable, WorkerCrashed
from runtime.sandbox import confine
from runtime.sandbox.client import Sandbox
from runtime.sandbox.confine import (
    KernelSupport,
    SandboxMode,
    check_sandbox,
    describe_confinement,
    kernel_support,
)
from runtime.sandbox.limits import Limits
from tests.command_lines import arguments_of
from tests.escapes import Target

pytestmark = pytest.mark.slow  # starts sandbox processes

LIMITS = Limits(cpu_seconds=10, memory_bytes=256 * 1024**2, silent_seconds=30)
REFUSED = {"EPERM", "EACCES"}
WARM = "tests.sandbox_work:warm"
WARM_PROCESS = "runtime.sandbox.server"

confined = pytest.mark.skipif(
    bool(kernel_support().missing), reason=f"no {', no '.join(kernel_support().missing)}"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(WARM, mode=SandboxMode.REQUIRE)
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def unconfined() -> Iterator[Sandbox]:
    sandbox = Sandbox(WARM, mode=SandboxMode.OFF)
    yield sandbox
    sandbox.close()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """Files, servers and a process as targets of escape attempts."""
    secret = tmp_path / "postgres_password"
    secret.write_text("secret")
    abstract = f"paperworks-test-{os.getpid()}"
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as hidden,
    ):
        udp.bind(("127.0.0.1", 0))
        unix.bind(str(tmp_path / "socket"))
        hidden.bind(f"\0{abstract}")
        unix.listen()
        hidden.listen()
        ports = tcp.getsockname()[1], udp.getsockname()[1]
        unix_path = str(tmp_path / "socket")
        yield Target(
            str(tmp_path), str(secret), *ports, unix_path, abstract, os.getpid(), sleeper.pid
        )
    sleeper.kill()
    sleeper.wait()


def run(sandbox: Sandbox, work: str, *arguments: Any, **more: Any) -> Any:
    return sandbox.run(f"tests.escapes:{work}", *arguments, limits=LIMITS, **more)


@confined
@pytest.mark.parametrize("may_start_programs", [False, True])
def test_sandbox_denies_every_escape_attempt(
    sandbox: Sandbox, target: Target, may_start_programs: bool
) -> None:
    found = run(sandbox, "attempt_all", target, may_start_programs=may_start_programs)
    assert not {name: how for name, how in found.items() if how not in REFUSED}
    assert Path(target.secret).read_text() == "secret"
    assert sorted(os.listdir(target.folder)) == ["postgres_password", "socket"]
    assert psutil.pid_exists(target.sibling)


def test_escape_attempts_succeed_without_sandbox(unconfined: Sandbox, target: Target) -> None:
    found = run(unconfined, "attempt_harmless", target)
    done = {name for name, how in found.items() if how == "done"}
    assert done >= {
        "read a secret",
        "rename a secret",
        "read the parent's environment",
        "connect TCP",
        "connect an abstract socket",
        "kill another process",
        "set a limit of the parent",
        "create a memfd",
        "disable the parent death signal",
    }


@confined
def test_sandbox_file_is_read_only(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(b"%PDF-1.7")
    found = run(sandbox, "own_file", file=path)
    assert found.pop("read") == "done"
    assert set(found.values()) <= REFUSED


@confined
def test_sandbox_child_has_no_capabilities(sandbox: Sandbox) -> None:
    found = run(sandbox, "privileges")
    # Only a process with CAP_SETPCAP can empty the bounding set; for others it is irrelevant.
    assert os.geteuid() != 0 or found["bounding"] == 0
    assert (found["capabilities"], found["no_new_privs"]) == (0, 1)


@confined
def test_sandbox_child_may_start_threads_but_no_processes(sandbox: Sandbox) -> None:
    found = run(sandbox, "processes")
    assert found.pop("thread") == "done"
    assert set(found.values()) == {"EPERM"}


@confined
def test_sandbox_confines_started_programs(sandbox: Sandbox, target: Target) -> None:
    script = f"cat {target.secret}; echo x > {target.folder}/new; kill -9 {target.sibling}"
    status, output = run(sandbox, "run_shell", script, may_start_programs=True)
    assert status and "secret" not in output.replace(target.secret, "")
    assert output.count("ermission denied") == 2 and "not permitted" in output
    assert psutil.pid_exists(target.sibling)
    assert sorted(os.listdir(target.folder)) == ["postgres_password", "socket"]


@confined
def test_sandbox_kills_fork_bomb(sandbox: Sandbox) -> None:
    with pytest.raises((ParserCrashed, WorkerCrashed)):
        run(sandbox, "fork_bomb", may_start_programs=True)
    assert not _of_sandbox()


@pytest.mark.parametrize("mode", [SandboxMode.OFF, SandboxMode.AUTO])
def test_sandbox_kills_daemon_of_child(mode: SandboxMode) -> None:
    sandbox = Sandbox(WARM, mode=mode)
    daemon = run(sandbox, "start_daemon", may_start_programs=True)
    assert not psutil.pid_exists(daemon)
    sandbox.close()


def test_sandbox_mode_require_rejects_unsupported_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "kernel_support", lambda: KernelSupport(0, True))
    for mode in (SandboxMode.AUTO, SandboxMode.OFF):
        check_sandbox(mode)
    sandbox = Sandbox(WARM, mode=SandboxMode.REQUIRE)
    with pytest.raises(SandboxUnavailable, match="no Landlock") as caught:
        run(sandbox, "privileges")
    assert isinstance(caught.value, PaperworksError) and not caught.value.retryable
    sandbox.close()


def _of_sandbox() -> list[psutil.Process]:
    """Returns the children of the warm processes of this test run."""
    children = psutil.Process().children()
    warm = [process for process in children if WARM_PROCESS in arguments_of(process)]
    return [child for process in warm for child in process.children(recursive=True)]


@confined
def test_seccomp_without_landlock_denies_all_but_reading(target: Target) -> None:
    sandbox = Sandbox("tests.escapes:warm_without_landlock")
    found = run(sandbox, "attempt_all", target)
    sandbox.close()
    assert {name.split()[0] for name, how in found.items() if how not in REFUSED} == {
        "read",
        "list",
    }


def test_describe_confinement_names_kernel_features(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "limits" in describe_confinement(SandboxMode.OFF)
    monkeypatch.setattr(confine, "kernel_support", lambda: KernelSupport(7, True))
    assert describe_confinement(SandboxMode.AUTO) == (
        "Landlock ABI 7, seccomp, no new privileges, no capabilities"
    )
    monkeypatch.setattr(confine, "kernel_support", lambda: KernelSupport(0, True))
    assert describe_confinement(SandboxMode.AUTO).startswith("no Landlock, seccomp")
