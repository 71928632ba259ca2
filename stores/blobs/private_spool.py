"""A folder of this process's own for uploads and copies, removed when the process ends.

Other users can neither read it nor make it first: its name is random and its mode 0700. A process
that is killed leaves its folder behind; the next one that makes a folder removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
import weakref
from contextlib import suppress
from pathlib import Path

PREFIX = "paperworks-spool-"
LOCK = "lock"
YOUNG_SECONDS = 60.0  # between the making of a folder and its lock


class PrivateSpool:
    """The folder, made when it is first needed, and again when somebody has removed it."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    @property
    def path(self) -> Path:
        """Where to write; it exists."""
        if self._folder is None or not self._folder.is_dir():
            _remove_abandoned(Path(tempfile.gettempdir()))
            self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
            lock = _locked(self._folder / LOCK)
            weakref.finalize(self, _remove, self._folder, lock)
        return self._folder


def _locked(file: Path) -> int:
    """A descriptor that holds the lock until it is closed, also by the death of the process."""
    handle = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    """Removes the folders of this user whose process is gone: their lock is free."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # still locked, another user's, or just removed
            found = folder.lstat()
            is_old = time.time() - found.st_mtime > YOUNG_SECONDS
            if found.st_uid == os.geteuid() and is_old and not folder.is_symlink():
                _remove(folder, _locked(folder / LOCK))
