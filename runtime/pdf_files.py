"""Finds and opens PDFs of a folder: one way for the command line and for folders of the server."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from domain.errors import RefusedUpload

NO_BLOCKING = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def is_pdf(name: str) -> bool:
    """True if the name ends with .pdf, in any letter case."""
    return name.lower().endswith(".pdf")


def pdf_paths(folder: Path) -> list[str]:
    """Returns the paths of all *.pdf below the folder, sorted.

    Contains links without a target, and subfolders that cannot be read, so that the caller reports
    them. Links to folders are not followed. Folders whose names end with .pdf are searched.
    """
    return sorted(_pdf_paths(folder))


def _pdf_paths(folder: Path) -> Iterator[str]:
    unreadable: list[str] = []
    walk = os.walk(folder, onerror=lambda error: unreadable.append(error.filename))
    for parent, _, names in walk:
        yield from (os.path.join(parent, name) for name in names if is_pdf(name))
    yield from unreadable


def open_regular(path: Path, check: Callable[[int], None] | None = None) -> IO[bytes]:
    """Opens a regular file for reading; `check` gets its descriptor first and may raise.

    Never waits for the writer of a FIFO. Raises RefusedUpload for other kinds of files, OSError.
    """
    descriptor = os.open(path, NO_BLOCKING)
    try:
        if check is not None:
            check(descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RefusedUpload("It is no regular file. Nothing was kept.")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
