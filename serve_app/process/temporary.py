"""The temporary folder of a running service: the session of Ray, and other temporary files."""

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
# A socket path has at most 107 characters (unix(7)); 80 of them follow the parent folder:
# /pw-xxxxxxxx/ray/session_2026-11-27_03-03-50_123456_4194304/sockets/plasma_store
MAX_PARENT_LENGTH = 27


class TemporaryFolder:
    """A folder of mode 0700 in the system's temporary folder; a file in the home records its path.

    With that record the next start removes the folder of a killed service. XDG_RUNTIME_DIR is not
    used because it lies in memory: Ray spills objects that exceed its object store to this folder.
    """

    def __init__(self, home: Path) -> None:
        self.record = home / RECORD
        self.path: Path | None = None

    def create(self) -> Path:
        """Creates the folder and returns it; first removes the one of an earlier service."""
        self.remove()
        parent = tempfile.gettempdir()
        if len(parent) > MAX_PARENT_LENGTH:
            parent = "/tmp"
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        write_private(self.record, str(self.path))
        return self.path

    def remove(self) -> None:
        """Removes the folder named in the record, and the record."""
        with suppress(FileNotFoundError):
            recorded = Path(self.record.read_text())
            if _is_own_folder(recorded):
                shutil.rmtree(recorded, ignore_errors=True)
            elif recorded.exists():
                log.warning("%s is not a private folder of this user; it was kept.", recorded)
            self.record.unlink()
        self.path = None


def _is_own_folder(folder: Path) -> bool:
    """True for a folder of this user as `create` makes it; a record may be stale or altered."""
    if folder.is_symlink() or not folder.is_dir() or not folder.name.startswith(PREFIX):
        return False
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & OTHERS
