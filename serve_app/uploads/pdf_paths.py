"""The PDFs that a command line names: files, and folders with PDFs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from domain.errors import RefusedUpload


def pdfs_in(paths: Iterable[Path]) -> list[Path]:
    """Returns the given files, and for a folder all *.pdf below it (any letter case), by path.

    Contains links without a target, so that the caller reports them; folders whose names end with
    .pdf are searched like others.
    """
    return [pdf for path in paths for pdf in (_below(path) if path.is_dir() else (path,))]


def _below(folder: Path) -> Iterator[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() == ".pdf")
    yield from sorted(path for path in found if not path.is_dir())


def size_of(path: Path) -> int:
    """Returns the size of a file that can be read, in bytes. Raises RefusedUpload."""
    try:
        with path.open("rb"):
            return path.stat().st_size
    except OSError as error:
        raise RefusedUpload(f"The file cannot be read: {error.strerror}.") from error
