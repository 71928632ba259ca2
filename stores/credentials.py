"""Looks up the secrets of the stores in the process that connects.

A secret is in a file of mode 0600 under the home directory, or in the environment. Data that is
sent between processes (settings, arguments of deployments and actors, results) contains only paths,
and addresses without passwords, because Ray stores it where other users may read it.
"""

from __future__ import annotations

import os
from pathlib import Path

from domain.addresses import without_password

MILVUS_TOKEN = "PAPERWORKS_STORES__MILVUS_TOKEN"


def with_password(address: str, variable: str) -> str:
    """Returns the address with its password, if the environment variable `variable` has one.

    The variable must hold the same address with a password. Otherwise returns the address
    unchanged: the password may be in `passfile=`, PGPASSFILE, PGPASSWORD or ~/.pgpass.
    """
    configured = os.environ.get(variable)
    return configured if configured and without_password(configured) == address else address


def milvus_token(file: str | None) -> str | None:
    """Returns the Milvus token from the file, else from the environment, else None."""
    return Path(file).read_text() if file else os.environ.get(MILVUS_TOKEN)
