"""`paperworks bulk FOLDER`: as `ray job submit … -- python -m pipelines.bulk FOLDER`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from serve_app.address import home_of
from serve_app.commands.common import CollectionOption, Home, complain
from stores.service_card import read_card

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
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    where = address or read_card(home_of(home, os.environ)).get("ray_address") or "auto"
    if where.startswith(LOOPBACK):
        # Else Ray takes the machine's other address, where the service does not listen.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    from pipelines import bulk as entry

    arguments = [str(folder), "--collection", collection, "--address", where]
    try:
        raise typer.Exit(entry.main(arguments if wait else [*arguments, "--no-wait"]))
    except KeyboardInterrupt as stopped:
        complain(
            "Stopped watching. What was registered is kept and goes on; see `paperworks jobs`."
        )
        raise typer.Exit(130) from stopped
