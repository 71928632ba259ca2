"""Folders and files that only their owner can access: the home folder and its secrets."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

OTHERS = 0o077  # permission bits of group and others
SECRET_BYTES = 32  # the length of Ray's own tokens


def private_folder(folder: Path) -> Path:
    """Creates the folder if it is missing, removes access of group and others, and returns it.

    A new folder has mode 0700. Other users cannot reach files below it, whatever their modes are,
    so one chmod also secures a home that an older release left open. Raises PermissionError if the
    folder belongs to another user.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = folder.stat().st_mode & 0o777
    if mode & OTHERS:
        try:
            folder.chmod(mode & ~OTHERS)
        except PermissionError as error:
            raise PermissionError(
                f"{folder} is accessible to other users and belongs to another user, so its "
                "permissions cannot be changed. Nothing was changed. Use a folder that you own."
            ) from error
    return folder


def secret(file: Path) -> str:
    """Returns the secret in the file: 64 hexadecimal digits, created on first use with mode 0600.

    Safe against races: concurrent first calls of several processes return the same secret.
    """
    with suppress(FileNotFoundError):
        return file.read_text()
    private_folder(file.parent)
    write_private(file, secrets.token_hex(SECRET_BYTES), replace=False)
    return file.read_text()


def write_private(file: Path, text: str, *, replace: bool = True) -> None:
    """Writes the file atomically with mode 0600; `replace=False` keeps an existing file.

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
