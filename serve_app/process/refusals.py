"""Settings with which no service starts: open to a network, or with secrets in a deploy file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from configs.settings import ADDRESSES, Settings
from domain.addresses import has_password

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class CannotStart(Exception):
    """The service did not start; the message says why and what to do."""


def refuse_open_door(settings: Settings, host: str | None = None) -> None:
    """Raises CannotStart for an address that others can reach: there are no API keys yet.

    `host`: where a running Serve listens, when that was not decided by these settings.
    """
    host = host or settings.http.host
    if host not in LOOPBACK and not settings.http.trust_network:
        raise CannotStart(
            f"{host} can be reached from other machines, and this service has no "
            "sign-in. Put one in front and listen on 127.0.0.1, or set "
            "PAPERWORKS_HTTP__TRUST_NETWORK=true when everybody on that network may read and "
            "delete the library."
        )


def refuse_secrets(arguments: Mapping[str, Any]) -> None:
    """Raises CannotStart when the arguments of a deploy file hold a password or a token.

    Ray keeps them, readable, in the configuration of the application and shows them on its
    dashboard.
    """
    if named := list(_secrets(arguments)):
        raise CannotStart(
            f"The deploy file holds a secret in {', '.join(named)}. Ray stores and shows its "
            "arguments: take the secret out, and change it if this file was deployed. Set "
            "DATABASE_URL, MILVUS_URI, BLOB_URI or PAPERWORKS_STORES__MILVUS_TOKEN in the "
            "environment of every node instead, or name a password file in the address: "
            "postgresql://user@host/db?passfile=/path."
        )


def _secrets(arguments: Mapping[str, Any]) -> Iterator[str]:
    for name, value in arguments.items():
        if name.lower() in ADDRESSES and has_password(value):
            yield name
    if (arguments.get("stores") or {}).get("milvus_token"):
        yield "stores.milvus_token"
