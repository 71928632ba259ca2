"""`paperworks bulk` and `python -m serve_app.bulk`: a folder of PDFs, or an export of Zotero.

The address of the cluster is by default that in `service.json` of the home folder; a submitted job
inherits PAPERWORKS_HOME. RAY_ADDRESS is not used: with several clusters on one machine it may name
the cluster of another library.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.service_info import read_service_info
from serve_app.cli.common import (
    STOPPED_FOLLOWING,
    AsJson,
    CollectionOption,
    Home,
    Url,
    library,
    lines_on_stderr,
    print_error,
    show,
)
from serve_app.process.address import home_of

if TYPE_CHECKING:
    from serve_app.cli.bulk_result import BulkResult, ZoteroResult
    from serve_app.client import Client

LOOPBACK = "127.0.0.1:"

Folder = Annotated[
    Path | None,
    typer.Argument(
        exists=True,
        file_okay=False,
        show_default=False,
        help="Searched for *.pdf, including subfolders.",
    ),
]
Zotero = Annotated[
    Path | None,
    typer.Option(
        "--zotero",
        exists=True,
        dir_okay=False,
        metavar="EXPORT",
        show_default=False,
        help="Instead of a folder: an export of Zotero, .json (CSL JSON, Better BibTeX JSON) or "
        ".bib. It is sent over HTTP.",
    ),
]
ServerFolder = Annotated[
    str | None,
    typer.Option(
        "--server-folder",
        metavar="FOLDER",
        show_default=False,
        help="Instead of a folder here: a folder or s3://… prefix that the server reads, below one "
        "of its http.folders. Needs an admin key.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(help="Address of the Ray cluster.", show_default="that of `up`, else auto"),
]
Wait = Annotated[bool, typer.Option(help="Follow the job until all papers are searchable.")]


def bulk(
    folder: Folder = None,
    zotero: Zotero = None,
    server_folder: ServerFolder = None,
    collection: CollectionOption = "default",
    address: Address = None,
    wait: Wait = True,
    url: Url = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Register every PDF of a folder and follow the job; a second run processes only new files.

    With --zotero, the PDFs, metadata, tags and collections of an export; a second run sends only
    what has changed.

    With --server-folder, the job manager of the server registers the folder; the command may be
    stopped. Exit code 1: a file was refused or failed.

    Example: paperworks bulk --zotero "My Library.json" --collection thesis
    """
    if [folder, zotero, server_folder].count(None) != 2:
        raise typer.BadParameter(
            "Give either a folder, --zotero EXPORT or --server-folder FOLDER.", param_hint="FOLDER"
        )
    with lines_on_stderr(as_json):
        if folder is not None:
            result = _register(folder, collection, address, wait, home)
        else:
            with library(url, home) as client:
                result = _send(client, zotero, server_folder, collection, wait)
    show(result, as_json, ())
    raise typer.Exit(result.exit_status)


def _send(
    client: Client, zotero: Path | None, server_folder: str | None, collection: str, wait: bool
) -> BulkResult | ZoteroResult:
    if zotero is not None:
        from serve_app.cli.zotero_import import import_export

        return import_export(client, zotero, collection, wait=wait)
    from serve_app.cli.server_folder import register_folder

    assert server_folder is not None
    return register_folder(client, server_folder, collection, wait=wait)


def _register(
    folder: Path, collection: str, address: str | None, wait: bool, home: Path | None
) -> BulkResult:
    info = read_service_info(home_of(home, os.environ))
    cluster = address or info.get("ray_address") or "auto"
    os.environ.update({**_ray_variables(cluster, info), **os.environ})
    from serve_app import bulk as program

    try:
        return program.main(folder, collection, cluster, wait=wait)
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
