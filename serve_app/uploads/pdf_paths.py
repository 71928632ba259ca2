"""The PDFs that a command line names: files, and folders with PDFs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from errno import ENOTDIR
from pathlib import Path
from typing import IO

from domain.errors import RefusedUpload
from runtime.pdf_files import open_regular, pdf_paths


@dataclass(frozen=True, slots=True)
class PdfPath:
    """A file; `name` is its path below the folder that was given, or its own name."""

    path: Path
    name: str

    def __str__(self) -> str:
        return str(self.path)

    def open(self, _mode: str, /) -> IO[bytes]:
        """Opens the file for reading. Raises RefusedUpload if it is no regular file, OSError."""
        return open_regular(self.path)


def pdfs_in(paths: Iterable[Path]) -> list[PdfPath]:
    """Returns the given files, and for a folder all *.pdf below it (any letter case), by path.

    Contains what cannot be read, so that the caller reports it: see `runtime.pdf_files.pdf_paths`.
    """
    return [
        pdf
        for path in paths
        for pdf in (pdfs_below(path) if path.is_dir() else (PdfPath(path, path.name),))
    ]


def pdfs_below(folder: Path) -> Iterator[PdfPath]:
    """Yields all *.pdf below the folder. Raises NotADirectoryError."""
    if not folder.is_dir():
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(folder))
    for path in map(Path, pdf_paths(folder)):
        name = path.name if path == folder else path.relative_to(folder).as_posix()
        yield PdfPath(path, name)


def size_of(pdf: PdfPath) -> int:
    """Returns the size of a file that can be read, in bytes. Raises RefusedUpload."""
    try:
        with pdf.open("rb"):
            return pdf.path.stat().st_size
    except OSError as error:
        raise RefusedUpload(f"The file cannot be read: {error.strerror}.") from error
