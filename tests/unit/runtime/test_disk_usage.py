"""Sizes of folders and free space."""

from __future__ import annotations

import shutil
from pathlib import Path

from runtime.disk_usage import file_systems, folder_bytes, free_bytes


def test_folder_has_the_bytes_of_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "one").write_bytes(b"x" * 10)
    (tmp_path / "deep" / "er" / "two").write_bytes(b"x" * 32)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    links = sum(len(str(target)) for target in (tmp_path, tmp_path / "missing"))
    assert 42 <= folder_bytes(tmp_path) <= 42 + links
    assert folder_bytes(tmp_path / "missing") == 0


def test_free_space_of_a_missing_folder_is_that_of_its_parent(tmp_path: Path) -> None:
    free = free_bytes(tmp_path / "not" / "yet")
    assert 0 < free <= shutil.disk_usage(tmp_path).total


def test_folders_of_one_file_system_count_once(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    assert file_systems([tmp_path, tmp_path / "blobs", tmp_path / "later"]) == [tmp_path]
    assert file_systems([tmp_path, Path("/proc")]) == [tmp_path, Path("/proc")]
