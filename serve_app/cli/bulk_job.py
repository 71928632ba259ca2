"""`paperworks bulk FOLDER`: as `ray job submit … -- python -m serve_app.bulk FOLDER`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from runtime.service_info import read_service_info
from serve_app.cli.common import CollectionOption, Home, complain
from serve_app.process.address import home_of

LOOPBACK = "127.0.0.1:"

Folder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Searched for *.pdf.")]
Address = Annotated[
    str | None,
    typer.Option(help="Address of the Ray cluster.", show_default="where `up` runs, else auto"),
]
Wait = Annotated[bool, typer.Option(help="Follow the papers until all are searchable.")]


def bulk(
    folder: Folder,
    collection: CollectionOption = "default",
    address: Address = None,
    wait: Wait = True,
    home: Home = None,
) -> None:
    """Register every PDF of a folder and follow them; a second run does only what is new."""
    card = read_service_info(home_of(home, os.environ))
    where = address or card.get("ray_address") or "auto"
    os.environ.update({**_variables(where, card), **os.environ})
    from serve_app import bulk as entry

    arguments = [str(folder), "--collection", collection, "--address", where]
    try:
        raise typer.Exit(entry.main(arguments if wait else [*arguments, "--no-wait"]))
    except KeyboardInterrupt as stopped:
        complain(
            "Stopped watching. What was registered is kept and goes on; see `paperworks jobs`."
        )
        raise typer.Exit(130) from stopped


def _variables(address: str, card: Mapping[str, Any]) -> dict[str, str]:
    """What Ray wants in its environment to join that cluster: the service's token, if it is its."""
    from serve_app.process.environment import LOOPBACK_NODE, signed_in

    token = card.get("ray_token_path") if address == card.get("ray_address") else None
    return {
        **(LOOPBACK_NODE if address.startswith(LOOPBACK) else {}),
        **(signed_in(Path(token)) if token else {}),
    }
