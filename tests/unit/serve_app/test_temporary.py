"""The temporary folder of a running service: private, short, removed at the end or next start."""

from __future__ import annotations

import logging
import stat
import tempfile
from pathlib import Path

import pytest

from serve_app.process.temporary import MAX_PARENT_LENGTH, TemporaryFolder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


def test_temporary_folder_is_private_short_and_removed(home: Path) -> None:
    temporary = TemporaryFolder(home)
    folder = temporary.create()
    (folder / "ray").mkdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    socket_path = f"{folder}/ray/session_2026-11-27_03-03-50_123456_4194304/sockets/plasma_store"
    assert len(socket_path) <= 107
    temporary.remove()
    assert not folder.exists() and not list(home.iterdir())


def test_temporary_folder_of_killed_service_is_removed_at_next_start(home: Path) -> None:
    stale = TemporaryFolder(home).create()
    (stale / "session").mkdir()
    (stale / "session" / "log").write_text("of a killed service")
    temporary = TemporaryFolder(home)
    folder = temporary.create()
    assert folder != stale and not stale.exists()
    temporary.remove()


def test_temporary_folder_falls_back_to_tmp_for_long_paths(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_path = tmp_path / ("x" * MAX_PARENT_LENGTH)
    long_path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long_path))
    temporary = TemporaryFolder(home)
    assert temporary.create().parent == Path("/tmp")
    temporary.remove()


@pytest.mark.parametrize("kind", ["other name", "world-readable", "symlink"])
def test_temporary_folder_record_of_foreign_folder_deletes_nothing(
    home: Path, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    private = tmp_path / ("private" if kind == "other name" else "pw-kept")
    private.mkdir(mode=0o755 if kind == "world-readable" else 0o700)
    (private / "file").write_text("kept")
    recorded = private
    if kind == "symlink":
        recorded = tmp_path / "pw-link"
        recorded.symlink_to(private)
    (home / "temporary_folder").write_text(str(recorded))
    with caplog.at_level(logging.WARNING):
        TemporaryFolder(home).remove()
    assert (private / "file").read_text() == "kept"
    assert "was kept" in caplog.text
    assert not list(home.iterdir())
