"""Folders and files that only their owner can read: the home, its secrets, what names them."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

OTHERS = 0o077  # permission bits of group and others
SECRET_BYTES = 32  # as many as Ray's own tokens have


def private_folder(folder: Path) -> Path:
    """The folder, made where it is missing, mode 0700.

    What lies below a closed folder can be reached by nobody else, whatever its own mode is: one
    chmod closes a home that an older release left open. Raises PermissionError with a sentence when
    the folder is another user's.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = folder.stat().st_mode & 0o777
    if mode & OTHERS:
        try:
            folder.chmod(mode & ~OTHERS)
        except PermissionError as error:
            raise PermissionError(
                f"{folder} can be read by other users and belongs to one of them, so it cannot be "
                "closed. Nothing was changed. Use a folder of your own."
            ) from error
    return folder


def secret(file: Path) -> str:
    """The secret in the file: 64 hexadecimal digits, made at the first use, mode 0600.

    Of two processes that come first at the same time, both get the one that is kept.
    """
    with suppress(FileNotFoundError):
        return file.read_text()
    private_folder(file.parent)
    write_private(file, secrets.token_hex(SECRET_BYTES), replace=False)
    return file.read_text()


def write_private(file: Path, text: str, *, replace: bool = True) -> None:
    """The text is in the file, mode 0600, whole or not at all; `replace=False` keeps what is there.

    The folder must exist.
    """
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as output:
            output.write(text)
        if replace:
            os.replace(name, file)
        else:
            with suppress(FileExistsError):
                os.link(name, file)
    finally:
        Path(name).unlink(missing_ok=True)
