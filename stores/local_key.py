"""The key of the local command line: an admin key in a file that only the owner can read."""

from __future__ import annotations

from pathlib import Path

from domain.access import Scope
from runtime.private_files import write_private
from stores.protocols import KeyStore

LOCAL_KEY = "api_key"  # file in the home folder
NAME = "local command line"


async def ensure_local_key(path: Path, keys: KeyStore) -> None:
    """Writes the token of a new admin key to the file, unless it holds that of a valid key.

    So the first start of a service that requires keys creates the key with which the others are
    created. Raises DatabaseUnavailable.
    """
    token = read_local_key(path)
    if token is None or await keys.find(token) is None:
        _, token = await keys.create(NAME, [Scope.ADMIN])
        write_private(path, token)


def read_local_key(path: Path) -> str | None:
    """Returns the token in the file, None if there is none or this user may not read it."""
    try:
        return path.read_text().strip() or None
    except OSError:
        return None
