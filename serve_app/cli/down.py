"""`paperworks down`: ends the service that `up` runs in a home."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from serve_app.cli.common import Home, complain, say
from serve_app.process.address import home_of

Patience = Annotated[float, typer.Option(min=0, help="Seconds to wait for its end.")]


def down(home: Home = None, timeout: Patience = 60) -> None:
    """Stop the service of a home, as Ctrl-C does: work that does not end in seconds waits in the
    queue, uncharged, and goes on with the next `up`."""
    from serve_app.process.stop import StillRunning, stop_service

    folder = home_of(home, os.environ)
    try:
        was_running = stop_service(folder, timeout)
    except StillRunning as error:
        complain(str(error))
        raise typer.Exit(1) from error
    if was_running:
        say(f"Stopped; papers and open jobs are kept in {folder}.")
    else:
        say(f"No service runs in {folder}.")
