"""Rejects unsafe settings before a service starts: network exposure, secrets in deploy files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from configs.settings import ADDRESSES, Settings
from domain.addresses import has_password

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class CannotStart(Exception):
    """The service did not start; the message states the reason and what to do."""


def refuse_open_door(settings: Settings, host: str | None = None) -> None:
    """Raises CannotStart for a host that other machines can reach if requests need no key.

    `host`: the host of a running Serve instance, which these settings do not control.
    """
    host = host or settings.http.host
    if host not in LOOPBACK and settings.http.auth == "off":
        raise CannotStart(
            f"{host} can be reached from other machines, and requests need no key. Set "
            "PAPERWORKS_HTTP__AUTH=required (the service then writes its first key to HOME/api_key "
            "and `paperworks keys create` makes others), or listen on 127.0.0.1."
        )


def refuse_secrets(arguments: Mapping[str, Any]) -> None:
    """Raises CannotStart if the arguments of a deploy file hold a password or a token.

    Ray keeps them in plain text in the configuration of the application and shows them on its
    dashboard.
    """
    addresses = {name: value for name, value in arguments.items() if name.lower() in ADDRESSES}
    names = [name for name, value in addresses.items() if has_password(value)]
    if (arguments.get("stores") or {}).get("milvus_token"):
        names.append("stores.milvus_token")
    if names:
        raise CannotStart(
            f"The deploy file holds a secret in {', '.join(names)}. Ray stores and displays the "
            "arguments: remove the secret, and change it if this file was ever deployed. Set "
            "DATABASE_URL, MILVUS_URI, BLOB_URI or PAPERWORKS_STORES__MILVUS_TOKEN in the "
            "environment of every node instead, or use a password file: "
            "postgresql://user@host/db?passfile=/path."
        )
