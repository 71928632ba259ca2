"""Secrets and the home folder are accessible to their owner only, independent of the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runtime.private_files import private_folder, secret, write_private


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_private_folder_has_mode_0700(tmp_path: Path) -> None:
    assert mode(private_folder(tmp_path / "new" / "home")) == 0o700


def test_private_folder_restricts_existing_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(0o755)
    (home / "paper").write_text("kept")
    assert mode(private_folder(home)) == 0o700
    assert (home / "paper").read_text() == "kept"


def test_secret_is_created_once_with_private_mode(tmp_path: Path) -> None:
    file = tmp_path / "stores" / "token"
    made = secret(file)
    assert len(made) == 64 and secret(file) == made
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)


def test_secret_creation_is_safe_against_races(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        for number in range(20):
            file = tmp_path / f"token-{number}"
            assert len(set(threads.map(secret, [file] * 16))) == 1
    assert not list(tmp_path.glob(".token*"))


def test_write_private_replaces_readable_file(tmp_path: Path) -> None:
    file = tmp_path / "service.json"
    file.write_text("{}")
    file.chmod(0o644)
    write_private(file, "new")
    assert (file.read_text(), mode(file)) == ("new", 0o600)
