"""Sandbox with real processes: results, limits, crashes, cleanup."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psutil
import pytest

from domain.errors import (
    InternalError,
    LeaseLost,
    NoText,
    PaperworksError,
    ParserCrashed,
    TookTooLong,
    TookTooMuchMemory,
    TooMuchOutput,
    WorkerCrashed,
)
from runtime.sandbox import client
from runtime.sandbox.client import Sandbox
from runtime.sandbox.limits import Limits

pytestmark = pytest.mark.slow  # starts sandbox processes

MIB = 1024**2
WARM = "tests.sandbox_work:warm"
LIMITS = Limits(
    cpu_seconds=1, part_seconds=0.1, memory_bytes=96 * MIB, output_bytes=MIB, silent_seconds=20
)
SHORT_SILENCE = replace(LIMITS, silent_seconds=0.5)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(WARM, "with", 2)
    yield sandbox
    sandbox.close()


def run(sandbox: Sandbox, work: str, *arguments: Any, limits: Limits = LIMITS, **more: Any) -> Any:
    return sandbox.run(f"tests.sandbox_work:{work}", *arguments, limits=limits, **more)


class ProgressLog:
    """Records progress reports; raises LeaseLost when `until` returns True for them."""

    def __init__(
        self, until: Callable[[list[tuple[int, int]]], bool] = lambda reports: False
    ) -> None:
        self.reports: list[tuple[int, int]] = []
        self.until = until

    def __call__(self, report: tuple[int, int] | None) -> None:
        self.reports += [report] if report else []
        if self.until(self.reports):
            raise LeaseLost


def is_gone(pid: int) -> bool:
    """True if the process exits, or is a zombie, within 10 s: a signal takes a moment to arrive."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


def test_sandbox_forks_new_child_per_call_from_warm_process(sandbox: Sandbox) -> None:
    first, warm, known = run(sandbox, "pids")
    second, still_warm, _ = run(sandbox, "pids")
    assert len({first, second, warm, os.getpid()}) == 4
    assert warm == still_warm and known == ["with", 2]
    assert run(sandbox, "modify_warm_state") == ["with", 2, "changed"]
    assert run(sandbox, "pids")[2] == ["with", 2]


def test_sandbox_reports_progress_of_parts(sandbox: Sandbox) -> None:
    progress = ProgressLog()
    assert run(sandbox, "count", 3, on_progress=progress) == "counted"
    assert progress.reports == [(1, 3), (2, 3), (3, 3)]


def test_sandbox_raises_document_error_of_work(sandbox: Sandbox) -> None:
    with pytest.raises(NoText, match=r"^Nothing is written on page 3\.$") as caught:
        run(sandbox, "raise_document_error")
    assert caught.value.page == 3


def test_sandbox_internal_error_shows_only_exception_type(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InternalError) as caught:
        run(sandbox, "raise_internal_error")
    assert "ZeroDivisionError" in caught.value.message
    assert "passwd" not in caught.value.message
    assert "  | ZeroDivisionError: a secret of /etc/passwd" in caplog.text  # the log has the cause


def test_sandbox_unserializable_result_is_internal_error(sandbox: Sandbox) -> None:
    with pytest.raises(InternalError):
        run(sandbox, "return_unserializable")


@pytest.mark.parametrize(
    "work", ["segfault", "abort", "exit_without_result", "crash_during_result"]
)
def test_sandbox_crash_affects_only_its_call(sandbox: Sandbox, work: str) -> None:
    _, warm, _ = run(sandbox, "pids")
    with pytest.raises(ParserCrashed):
        run(sandbox, work)
    assert run(sandbox, "pids")[1] == warm


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_sandbox_killed_child_is_retryable(sandbox: Sandbox, number: int) -> None:
    with pytest.raises(WorkerCrashed) as caught:
        run(sandbox, "raise_signal", number)
    assert caught.value.retryable


@pytest.mark.parametrize("work", ["loop_in_python", "loop_in_c"])
def test_sandbox_cpu_limit_ends_endless_loop(sandbox: Sandbox, work: str) -> None:
    run(sandbox, "pids")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises(TookTooLong):
        run(sandbox, work)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < LIMITS.cpu_seconds
    assert run(sandbox, "double", 2) == 4


def test_sandbox_cpu_limit_applies_after_last_part(sandbox: Sandbox) -> None:
    progress = ProgressLog()
    with pytest.raises(TookTooLong):
        run(sandbox, "loop_after_parts", 3, on_progress=progress)
    assert progress.reports[-1] == (3, 3)


def test_sandbox_cpu_limit_is_extended_per_part(sandbox: Sandbox) -> None:
    limits = replace(LIMITS, part_seconds=1)
    assert run(sandbox, "use_cpu", 4, 0.6, limits=limits) == 4
    with pytest.raises(TookTooLong):  # the limit of all parts together is exceeded
        run(sandbox, "use_cpu", 4, 0.9, limits=replace(limits, part_seconds=0.1))


def test_sandbox_ends_silent_work(sandbox: Sandbox) -> None:
    with pytest.raises(TookTooLong):
        run(sandbox, "sleep_forever", limits=SHORT_SILENCE)
    assert run(sandbox, "double", 2) == 4


def test_sandbox_progress_report_resets_silence_timeout(sandbox: Sandbox) -> None:
    assert run(sandbox, "sleep_in_each_part", 8, 0.3, limits=replace(LIMITS, silent_seconds=2)) == 8


def test_sandbox_keeps_lower_inherited_limits() -> None:
    sandbox = Sandbox("tests.sandbox_work:warm_with_lower_limits", 2, 512 * MIB)
    generous = replace(LIMITS, cpu_seconds=3600, memory_bytes=4096 * MIB)
    assert run(sandbox, "double", 2, limits=generous) == 4
    with pytest.raises(TookTooMuchMemory):
        run(sandbox, "allocate_one_block", 1024 * MIB, limits=generous)
    with pytest.raises((TookTooLong, WorkerCrashed)):  # at the hard limit Linux sends SIGKILL
        run(sandbox, "loop_in_c", limits=generous)
    sandbox.close()


@pytest.mark.parametrize("work", ["allocate_small_blocks", "allocate_one_block"])
def test_sandbox_memory_limit_excludes_warm_memory(sandbox: Sandbox, work: str) -> None:
    assert run(sandbox, work, 64 * MIB) > 0
    with pytest.raises(TookTooMuchMemory):
        run(sandbox, work, 128 * MIB)
    assert run(sandbox, work, 64 * MIB) > 0


def test_sandbox_distinguishes_out_of_memory_from_crash(sandbox: Sandbox) -> None:
    run(sandbox, "pids")
    with pytest.raises(TookTooMuchMemory):
        run(sandbox, "crash_after_allocation", 90 * MIB)
    with pytest.raises(ParserCrashed):
        run(sandbox, "crash_after_allocation", 30 * MIB)


def test_sandbox_rejects_result_above_output_limit(sandbox: Sandbox) -> None:
    size = LIMITS.output_bytes - 1024
    assert run(sandbox, "return_bytes", size, returns=bytes) == bytes(size)
    with pytest.raises(TooMuchOutput):
        run(sandbox, "return_bytes", LIMITS.output_bytes + 1, returns=bytes)


@pytest.mark.parametrize("work", ["sleep_forever", "loop_in_c"])
def test_sandbox_progress_callback_can_stop_work(sandbox: Sandbox, work: str) -> None:
    unlimited = replace(LIMITS, cpu_seconds=3600, silent_seconds=3600)
    with pytest.raises(LeaseLost):
        run(sandbox, work, limits=unlimited, on_progress=ProgressLog(until=lambda reports: True))
    assert run(sandbox, "double", 2) == 4


def test_sandbox_replaces_dead_warm_process(sandbox: Sandbox) -> None:
    for _ in range(5):
        _, warm, _ = run(sandbox, "pids")
        os.kill(warm, signal.SIGKILL)
        assert run(sandbox, "double", 2) == 4
        assert run(sandbox, "pids")[1] != warm


def test_sandbox_replaces_warm_process_that_dies_at_its_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = client._start_server
    dead = [subprocess.Popen(["false"])]
    dead[0].wait()
    monkeypatch.setattr(client, "_start_server", lambda fd: dead.pop() if dead else start(fd))
    sandbox = Sandbox(WARM, "with", 2)
    try:
        assert run(sandbox, "double", 2) == 4
    finally:
        sandbox.close()


def test_sandbox_child_dies_with_warm_process(sandbox: Sandbox) -> None:
    _, warm, _ = run(sandbox, "pids")
    children: list[int] = []

    def kill(_report: object) -> None:
        children.extend(child.pid for child in psutil.Process(warm).children())
        os.kill(warm, signal.SIGKILL)

    with pytest.raises(WorkerCrashed):
        run(sandbox, "start_helper", "sleeps", on_progress=Once(kill), may_start_programs=True)
    assert children and all(map(is_gone, children))
    assert run(sandbox, "double", 2) == 4


class Once:
    """Calls the function with the first progress report only."""

    def __init__(self, function: Callable[[tuple[int, int]], None]) -> None:
        self.function = function
        self.called = False

    def __call__(self, report: tuple[int, int] | None) -> None:
        if report and not self.called:
            self.called = True
            self.function(report)


def test_sandbox_failed_warm_up_leaves_no_process(
    capfd: pytest.CaptureFixture[str],
) -> None:
    sandbox = Sandbox("tests.sandbox_work:fail_to_warm")
    before = psutil.Process().children()
    with pytest.raises(WorkerCrashed):
        run(sandbox, "double", 2)
    assert psutil.Process().children() == before
    assert "the warm-up failed" in capfd.readouterr().err
    sandbox.close()


@pytest.mark.parametrize("how", ["ends", "crashes", "sleeps"])
def test_sandbox_ends_helper_processes_with_the_work(sandbox: Sandbox, how: str) -> None:
    progress = ProgressLog(until=lambda reports: how == "sleeps" and bool(reports))
    try:
        run(sandbox, "start_helper", how, on_progress=progress, may_start_programs=True)
    except PaperworksError as error:
        assert type(error) is (LeaseLost if how == "sleeps" else ParserCrashed)
    [(helper, _)] = progress.reports
    assert is_gone(helper)


def test_sandbox_does_not_wait_for_helper_with_open_pipe(sandbox: Sandbox) -> None:
    progress = ProgressLog()
    child = run(sandbox, "fork_helper", on_progress=progress, may_start_programs=True)
    assert is_gone(child)
    assert run(sandbox, "double", 2) == 4


def test_sandbox_leaks_no_descriptors_or_processes(sandbox: Sandbox) -> None:
    _, warm, _ = run(sandbox, "pids")
    own, server = psutil.Process(), psutil.Process(warm)
    before = own.num_fds(), server.num_fds(), own.children(recursive=True)
    for number in range(50):
        if number % 5 == 0:
            with pytest.raises(PaperworksError):
                run(sandbox, ["segfault", "raise_document_error"][number % 2])
        assert run(sandbox, "double", number) == 2 * number
    assert (own.num_fds(), server.num_fds(), own.children(recursive=True)) == before


def test_sandbox_replacement_of_warm_process_leaks_nothing(sandbox: Sandbox) -> None:
    run(sandbox, "pids")
    own = psutil.Process()
    before = own.num_fds(), len(own.children(recursive=True))
    for _ in range(3):
        os.kill(run(sandbox, "pids")[1], signal.SIGKILL)
        run(sandbox, "pids")
    assert (own.num_fds(), len(own.children(recursive=True))) == before


def test_sandbox_serializes_calls_of_threads(sandbox: Sandbox) -> None:
    run(sandbox, "pids")  # the warm process ends with the thread that started it
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda n: run(sandbox, "double", n), range(20))) == [
            2 * n for n in range(20)
        ]


def test_two_sandboxes_run_concurrently() -> None:
    one, other = Sandbox(WARM, 1), Sandbox(WARM, 2)
    run(one, "pids")
    run(other, "pids")
    meeting = threading.Barrier(2, timeout=30)

    def meet(_report: object) -> None:
        meeting.wait()

    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(run, each, "count", 1, on_progress=Once(meet)) for each in (one, other)
        ]
        assert [call.result() for call in calls] == ["counted", "counted"]
    one.close()
    other.close()


def test_sandbox_can_be_reused_after_close(sandbox: Sandbox) -> None:
    _, warm, _ = run(sandbox, "pids")
    sandbox.close()
    assert is_gone(warm)
    assert run(sandbox, "double", 2) == 4
