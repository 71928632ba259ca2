"""`paperworks down`: stops the service that `up` runs in a home folder."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from serve_app.cli.common import Home, print_error, print_line
from serve_app.process.address import home_of

Timeout = Annotated[float, typer.Option(min=0, help="Seconds to wait until it has ended.")]


def down(home: Home = None, timeout: Timeout = 60) -> None:
    """Stop the service of a home folder, like Ctrl-C.

    Running tasks get a few seconds to finish. The others return to the queue without using an
    attempt and continue after the next `up`.
    """
    from serve_app.process.stop import StillRunning, stop_service

    folder = home_of(home, os.environ)
    try:
        was_running = stop_service(folder, timeout)
    except StillRunning as error:
        print_error(str(error))
        raise typer.Exit(1) from error
    if was_running:
        print_line(f"Stopped; papers and open jobs are kept in {folder}.")
    else:
        print_line(f"No service runs in {folder}.")
