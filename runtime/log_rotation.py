"""Rotates the log of a running server by copy and truncate.

The servers keep the log open in append mode (`runtime.processes.spawn`), so the next line goes to
the beginning of the truncated file. Lines written between copy and truncation are lost.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

LIMIT_BYTES = 10 * 1024 * 1024
BACKUP_COUNT = 2  # older logs beside the current one: 30 MB in all for each server

log = logging.getLogger(__name__)


def rotate(path: Path, limit_bytes: int = LIMIT_BYTES, backup_count: int = BACKUP_COUNT) -> bool:
    """Rotates the log if it is larger than `limit_bytes`; returns True if it did.

    The content moves to `path.1` and older backups move up to `path.<backup_count>`. If the copy
    fails (for example on a full disk), the log is truncated without a backup, because the server
    would otherwise fill the rest of the disk.
    """
    try:
        if path.stat().st_size <= limit_bytes:
            return False
    except FileNotFoundError:
        return False
    try:
        _back_up(path, backup_count)
    except OSError as error:
        log.warning("%s was truncated without a backup: %s", path, error)
    os.truncate(path, 0)
    return True


def _back_up(path: Path, backup_count: int) -> None:
    """Copies to a temporary file and renames it last, so that no backup is incomplete."""
    copy = _backup(path, 1).with_name(f"{path.name}.1.new")
    shutil.copy(path, copy)  # copies the file mode too
    for number in range(backup_count, 1, -1):
        if _backup(path, number - 1).exists():
            _backup(path, number - 1).replace(_backup(path, number))
    copy.replace(_backup(path, 1))


def _backup(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
