"""Rotates the log of a running server: its content is copied, then the log is emptied in place.

The servers hold the log open in append mode (`runtime.processes.spawn`), so the next line goes to
the beginning of the emptied file. Lines that are written between the copy and the emptying are
lost.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

LIMIT_BYTES = 10 * 1024 * 1024
KEPT = 2  # older logs beside the current one: 30 MB for each server

log = logging.getLogger(__name__)


def rotate(path: Path, limit_bytes: int = LIMIT_BYTES, kept: int = KEPT) -> bool:
    """True when the log was above the limit; then it is empty, and `path.1` has what it held.

    Older ones move on to `path.2` up to `path.KEPT`. Where no copy can be made (a full disk) the
    log is emptied without one: the server writes on, and would fill the rest of the disk.
    """
    try:
        if path.stat().st_size <= limit_bytes:
            return False
    except FileNotFoundError:
        return False
    try:
        _keep(path, kept)
    except OSError as error:
        log.warning("%s was emptied and no copy was kept: %s", path, error)
    os.truncate(path, 0)
    return True


def _keep(path: Path, kept: int) -> None:
    """Copies the log beside the older ones and renames last, so that no copy is half of one."""
    copy = _older(path, 1).with_name(f"{path.name}.1.new")
    shutil.copy(path, copy)  # the mode of the file with it
    for number in range(kept, 1, -1):
        if _older(path, number - 1).exists():
            _older(path, number - 1).replace(_older(path, number))
    copy.replace(_older(path, 1))


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
