"""A private temporary folder of this process for uploads and copies, deleted at exit.

Other users can neither read nor pre-create it: the name is random and the mode is 0700. A killed
process leaves its folder behind; the next process that creates a folder deletes it.
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
YOUNG_SECONDS = 60.0  # grace period between the creation of a folder and its lock


class PrivateSpool:
    """The folder; created at the first use, and again if it was deleted."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    @property
    def path(self) -> Path:
        """The path of the folder, which exists."""
        if self._folder is None or not self._folder.is_dir():
            _remove_abandoned(Path(tempfile.gettempdir()))
            self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
            lock = _locked(self._folder / LOCK)
            weakref.finalize(self, _remove, self._folder, lock)
        return self._folder


def _locked(file: Path) -> int:
    """Returns a descriptor that holds the lock until it is closed or the process dies."""
    handle = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    """Deletes folders of this user whose process has ended, which means their lock is free."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # still locked, owned by another user, or just deleted
            status = folder.lstat()
            is_old = time.time() - status.st_mtime > YOUNG_SECONDS
            if status.st_uid == os.geteuid() and is_old and not folder.is_symlink():
                _remove(folder, _locked(folder / LOCK))
