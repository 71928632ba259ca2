"""Results of a compromised child are validated: no code runs and no memory grows in the parent."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.errors import (
    DamagedPdf,
    InternalError,
    ParserCrashed,
    TookTooLong,
    TooMuchOutput,
)
from domain.papers import Box
from runtime.sandbox import client
from runtime.sandbox.client import Sandbox
from runtime.sandbox.limits import Limits
from runtime.sandbox.wire import HEAD

pytestmark = pytest.mark.slow  # starts sandbox processes

MIB = 1024**2
LIMITS = Limits(cpu_seconds=5, memory_bytes=96 * MIB, output_bytes=MIB, silent_seconds=20)
SHORT_SILENCE = replace(LIMITS, silent_seconds=0.5)
SECRETS = {
    "DATABASE_URL": "postgresql://user:secret@host/papers",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "RAY_AUTH_TOKEN": "secret",
    "PYTHONPATH": "/secret",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox("tests.sandbox_work:warm")
    yield sandbox
    sandbox.close()


def run(sandbox: Sandbox, work: str, *arguments: Any, limits: Limits = LIMITS, **more: Any) -> Any:
    return sandbox.run(f"tests.hostile_work:{work}", *arguments, limits=limits, **more)


@pytest.mark.parametrize("kind", ["R", "F"])
def test_sandbox_parent_never_unpickles_child_data(
    sandbox: Sandbox, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "escaped"
    with pytest.raises(ParserCrashed):
        run(sandbox, "send_pickle", kind, str(path))
    assert not path.exists()


@pytest.mark.parametrize("size", [MIB + 1, 1024 * MIB, 2**64 - 1])
def test_sandbox_parent_buffers_no_data_above_output_limit(sandbox: Sandbox, size: int) -> None:
    tracemalloc.start()
    with pytest.raises(TooMuchOutput):
        run(sandbox, "send_unlimited", size)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 8 * MIB


def test_sandbox_incomplete_frame_does_not_block_parent(sandbox: Sandbox) -> None:
    ticks: list[object] = []
    with pytest.raises(TookTooLong):
        run(sandbox, "send_incomplete", limits=SHORT_SILENCE, on_progress=ticks.append)
    assert ticks


def test_sandbox_kills_child_that_stays_after_its_result(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "EXIT_SECONDS", 0.2)
    assert run(sandbox, "send_result_and_stay") == "done"


def test_sandbox_limits_parts_and_time_despite_progress_reports(sandbox: Sandbox) -> None:
    with pytest.raises(ParserCrashed):
        run(sandbox, "send_parts", 12, limits=replace(LIMITS, max_parts=10))
    with pytest.raises(TookTooLong):
        run(sandbox, "send_parts", 5, limits=replace(LIMITS, document_seconds=0.4))


def test_sandbox_rejects_progress_out_of_range(sandbox: Sandbox) -> None:
    parts: list[object] = []
    with pytest.raises(ParserCrashed):
        run(sandbox, "send_part", 2**31, 2**32 - 1, on_progress=parts.append)
    assert not any(parts)


@pytest.mark.parametrize("head", [HEAD.pack(b"X", 1), HEAD.pack(b"P", 9), b"\x80\x04K\x01." * 4])
def test_sandbox_rejects_invalid_frame_header(sandbox: Sandbox, head: bytes) -> None:
    with pytest.raises(ParserCrashed):
        run(sandbox, "send_raw", head)


@pytest.mark.parametrize("returns", [int, Box, list[str]])
def test_sandbox_rejects_result_of_wrong_type(sandbox: Sandbox, returns: Any) -> None:
    with pytest.raises(ParserCrashed):
        run(sandbox, "environment", returns=returns)


@pytest.mark.parametrize(
    "failure",
    [
        {"code": "worker_crashed", "message": "retry me"},
        {"code": "lease_lost", "message": "not mine"},
        {"code": "database_unavailable", "message": "wait for me"},
        {"code": "error", "message": "abstract"},
        {"code": "damaged_pdf", "message": "x" * 5000},
        {"code": "damaged_pdf", "message": "line\x1b[2J"},
        {"code": "damaged_pdf", "message": "page", "page": -1},
        {"code": "damaged_pdf"},
        ["damaged_pdf"],
    ],
)
def test_sandbox_error_not_reportable_by_child_is_crash(sandbox: Sandbox, failure: Any) -> None:
    with pytest.raises(ParserCrashed):
        run(sandbox, "send_failure", failure)


def test_sandbox_document_error_keeps_message_and_page(sandbox: Sandbox) -> None:
    with pytest.raises(DamagedPdf, match="torn") as caught:
        run(sandbox, "send_failure", {"code": "damaged_pdf", "message": "It is torn.", "page": 3})
    assert caught.value.page == 3


def test_sandbox_error_detail_cannot_forge_log_lines(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    failure = {"code": "internal_error", "message": "Oh.", "detail": "a\nERROR forged\r\x1b[1mb"}
    with pytest.raises(InternalError):
        run(sandbox, "send_failure", failure)
    [record] = caplog.records
    assert all(line.startswith("  | ") for line in record.getMessage().splitlines()[1:])
    assert "\x1b" not in record.getMessage()


def test_sandbox_environment_has_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    sandbox = Sandbox("tests.sandbox_work:warm")
    seen = run(sandbox, "environment")
    sandbox.close()
    assert not {name for name in seen if name in SECRETS or name.startswith("RAY_")}
    assert not {name for name, value in seen.items() if "secret" in value}
    assert (seen["OMP_NUM_THREADS"], seen["HOME"]) == ("3", "/nonexistent")
    assert seen["PATH"] == os.environ["PATH"]


def test_sandbox_child_inherits_only_file_and_result_pipe(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(b"%PDF-1.7")
    held = run(sandbox, "descriptors_with_file", file=path)
    assert sorted(held) == ["file", "pipe"]
