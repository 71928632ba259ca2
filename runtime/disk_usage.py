"""Sizes of folders and of the file systems that hold them."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable
from pathlib import Path


def existing_folder(folder: Path) -> Path:
    """Returns the folder, or its nearest parent that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def free_bytes(folder: Path) -> float:
    """Returns the free bytes at the folder, or its nearest existing parent; infinite if unknown."""
    try:
        return shutil.disk_usage(existing_folder(folder)).free
    except (OSError, StopIteration):
        return math.inf


def file_systems(folders: Iterable[Path]) -> list[Path]:
    """Returns the first of the folders on each file system, or its nearest existing parent."""
    devices: dict[int, Path] = {}
    for folder in map(existing_folder, folders):
        devices.setdefault(folder.stat().st_dev, folder)
    return list(devices.values())


def folder_bytes(folder: Path) -> int:
    """Returns the bytes of all files below the folder; 0 if it does not exist.

    Files that disappear meanwhile do not count.
    """
    return sum(
        _file_bytes(os.path.join(path, name))
        for path, _, names in os.walk(folder, onerror=None)
        for name in names
    )


def _file_bytes(path: str) -> int:
    try:
        return os.stat(path, follow_symlinks=False).st_size
    except OSError:
        return 0
