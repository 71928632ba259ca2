"""A folder for what a service keeps while it runs: Ray's session, and temporary files."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from runtime.private_files import OTHERS, write_private

log = logging.getLogger(__name__)
PREFIX = "pw-"
RECORD = "temporary_folder"
# A socket's path has at most 107 characters (unix(7)); 80 of them follow the folder's parent:
# /pw-xxxxxxxx/ray/session_2026-11-27_03-03-50_123456_4194304/sockets/plasma_store
LONGEST_PARENT = 27


class TemporaryFolder:
    """A folder of mode 0700 under the system's one; its path is noted in the home.

    The note lets the next start remove what a killed service left. Not below XDG_RUNTIME_DIR, which
    lies in memory: Ray writes there what its object store cannot hold.
    """

    def __init__(self, home: Path) -> None:
        self.record = home / RECORD
        self.path: Path | None = None

    def make(self) -> Path:
        """The folder, new and empty; that of an earlier service of the home is gone."""
        self.remove()
        parent = tempfile.gettempdir()
        if len(parent) > LONGEST_PARENT:
            parent = "/tmp"
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        write_private(self.record, str(self.path))
        return self.path

    def remove(self) -> None:
        """Nothing is left of the folder, nor of one that was noted before."""
        with suppress(FileNotFoundError):
            noted = Path(self.record.read_text())
            if _is_ours(noted):
                shutil.rmtree(noted, ignore_errors=True)
            elif noted.exists():
                log.warning("%s is not a private folder of this user; it was kept.", noted)
            self.record.unlink()
        self.path = None


def _is_ours(folder: Path) -> bool:
    """True for a folder as `make` makes them, of this user: a note may be old or be changed."""
    if folder.is_symlink() or not folder.is_dir() or not folder.name.startswith(PREFIX):
        return False
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & OTHERS
