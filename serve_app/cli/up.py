"""`paperworks up`: runs the whole service in the foreground."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import AsJson, print_error, show_values

if TYPE_CHECKING:
    from configs.settings import Settings

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")]
HomeFolder = Annotated[
    Path | None,
    typer.Option(help="Home folder for all data.", show_default="./var"),
]
Config = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Deploy file, for example configs/local.yaml."),
]


def up(
    host: Host = None,
    port: Port = None,
    home: HomeFolder = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Run the service: API, workers and, unless others are configured, its own databases.

    Stays in the foreground. Ctrl-C or SIGTERM stops everything it started. With --json, it prints
    one JSON object on a line when it is ready, and one when it has stopped.

    Example: paperworks up --home ~/library --port 8000
    """
    from domain.errors import InvalidSetting
    from serve_app.process.readiness import NotReady
    from serve_app.process.service import CannotStart, read_settings

    os.umask(0o077)  # inherited by all processes of the service: only the owner reads their files
    _log_to_stderr()
    try:
        _run(read_settings(config, host=host, port=port, home=home), as_json)
    except (CannotStart, InvalidSetting, NotReady) as error:
        print_error(str(error))
        raise typer.Exit(1) from error


def _run(settings: Settings, as_json: bool) -> None:
    """Runs the service until a signal stops it."""
    from serve_app.process.service import Service
    from serve_app.process.stop_signals import StopRequested, wait_for_stop

    try:
        with Service(settings).running() as url:
            ready = f"Paperworks is ready: {url} (documentation: {url}/docs). Ctrl-C stops it."
            show_values(ready, as_json, state="ready", url=url, home=settings.home, pid=os.getpid())
            wait_for_stop()
    except StopRequested as request:
        stopped = f"Stopped by {request}; papers and open jobs are kept in {settings.home}."
        show_values(stopped, as_json, state="stopped", reason=request, home=settings.home)


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("httpx", "alembic", "ray", "ray.serve", "filelock"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
