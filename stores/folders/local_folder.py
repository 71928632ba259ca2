"""A local folder whose files are read only if they lie below an allowed root."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from domain.errors import FolderNotFound, FolderUnreadable, RefusedUpload
from domain.labels import path_label
from runtime.pdf_files import open_regular, pdf_paths


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file below a folder; `name` is its path there."""

    name: str
    path: Path
    root: Path

    def __str__(self) -> str:
        return path_label(self.name)

    def open(self, _mode: str, /) -> IO[bytes]:
        """Opens the file for reading.

        Checks the opened file and not its path, so that a link that is replaced meanwhile cannot
        leave the root. Never waits for the writer of a FIFO. Raises RefusedUpload, OSError.
        """
        return open_regular(self.path, self._check)

    def _check(self, descriptor: int) -> None:
        real = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if not real.is_relative_to(self.root):
            raise RefusedUpload(
                "The file is a link to a file outside of the folders that the service may read. "
                "Nothing of it was read. Copy the file into the folder."
            )


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder below `root`; both are real paths, without links."""

    path: Path
    root: Path

    def exists(self) -> bool:
        """True if the folder exists."""
        return os.path.isdir(self.path)

    def files(self) -> list[LocalFile]:
        """Returns all *.pdf below the folder (any letter case), by path.

        Links to folders are not followed. A subfolder that cannot be read is listed like a file, so
        that it is reported. Raises FolderNotFound and FolderUnreadable for the folder itself.
        """
        try:
            os.scandir(self.path).close()
        except FileNotFoundError as error:
            raise FolderNotFound from error
        except OSError as error:
            raise FolderUnreadable(
                f"The service cannot read the folder: {error.strerror}. Papers registered before "
                "are kept. Correct that, and start another job."
            ) from error
        return [self._file(path) for path in pdf_paths(self.path)]

    def _file(self, path: str) -> LocalFile:
        return LocalFile(os.path.relpath(path, self.path), Path(path), self.root)
