"""Secrets of the stores, looked up by the process that connects, so that none has to be sent to it.

A secret is in a file of mode 0600 under the home, or in the environment. What travels between
processes (settings, arguments of deployments and actors, answers) holds paths, and addresses
without passwords: Ray keeps it in places that more can read than should.
"""

from __future__ import annotations

import os
from pathlib import Path

from domain.addresses import without_password

MILVUS_TOKEN = "PAPERWORKS_STORES__MILVUS_TOKEN"


def with_password(address: str, variable: str) -> str:
    """The address, with the password that this process's environment has for it.

    It is `variable` that may hold the same address with a password. Where it does not, the address
    is returned as it is: `passfile=`, PGPASSFILE, PGPASSWORD or ~/.pgpass may have the password.
    """
    here = os.environ.get(variable)
    return here if here and without_password(here) == address else address


def milvus_token(file: str | None) -> str | None:
    """The token of Milvus: that in the file, else that of the environment, else none."""
    return Path(file).read_text() if file else os.environ.get(MILVUS_TOKEN)
