"""`paperworks bulk FOLDER` and `python -m serve_app.bulk FOLDER`: the options of `serve_app.bulk`.

The address of the cluster is by default that in `service.json` of the home folder; a submitted job
inherits PAPERWORKS_HOME. RAY_ADDRESS is not used: with several clusters on one machine it may name
the cluster of another library.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from runtime.service_info import read_service_info
from serve_app.cli.common import STOPPED_FOLLOWING, CollectionOption, Home, print_error
from serve_app.process.address import home_of

LOOPBACK = "127.0.0.1:"

Folder = Annotated[
    Path,
    typer.Argument(exists=True, file_okay=False, help="Searched for *.pdf, including subfolders."),
]
Address = Annotated[
    str | None,
    typer.Option(help="Address of the Ray cluster.", show_default="that of `up`, else auto"),
]
Wait = Annotated[bool, typer.Option(help="Follow the job until all papers are searchable.")]


def bulk(
    folder: Folder,
    collection: CollectionOption = "default",
    address: Address = None,
    wait: Wait = True,
    home: Home = None,
) -> None:
    """Register every PDF of a folder and follow the job; a second run processes only new files."""
    info = read_service_info(home_of(home, os.environ))
    cluster = address or info.get("ray_address") or "auto"
    os.environ.update({**_ray_variables(cluster, info), **os.environ})
    from serve_app import bulk as program

    try:
        raise typer.Exit(program.main(folder, collection, cluster, wait=wait))
    except KeyboardInterrupt as stopped:
        print_error(STOPPED_FOLLOWING)
        raise typer.Exit(130) from stopped


def _ray_variables(address: str, info: Mapping[str, Any]) -> dict[str, str]:
    """Returns the variables to join that cluster; with the token if it belongs to the service."""
    from serve_app.process.environment import LOOPBACK_NODE, ray_token_variables

    token = info.get("ray_token_path") if address == info.get("ray_address") else None
    return {
        **(LOOPBACK_NODE if address.startswith(LOOPBACK) else {}),
        **(ray_token_variables(Path(token)) if token else {}),
    }
