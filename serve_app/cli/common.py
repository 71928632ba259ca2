"""Options, output and error handling shared by the commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.process.address import service_url

if TYPE_CHECKING:
    from pydantic import BaseModel

    from serve_app.client import Client

Url = Annotated[
    str | None,
    typer.Option(
        help="URL of the service. Or PAPERWORKS_URL.", show_default="the URL of `paperworks up`"
    ),
]
Home = Annotated[
    Path | None,
    typer.Option(help="Home folder of the service. Or PAPERWORKS_HOME.", show_default="./var"),
]
CollectionOption = Annotated[str, typer.Option("--collection", "-c", help="Collection.")]
OnlyCollection = Annotated[
    str | None, typer.Option("--collection", "-c", help="Only this collection.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the response as JSON.")]
STOPPED_FOLLOWING = (
    "Stopped following. Accepted papers are kept and processing continues; see `paperworks jobs`."
)


@contextmanager
def library(url: str | None, home: Path | None) -> Iterator[Client]:
    """Yields a client of the service.

    A problem becomes one line on stderr and exit code 1; Ctrl-C exits with code 130.
    """
    from serve_app.client import Client, PaperworksProblem

    try:
        with Client(service_url(url, home, os.environ)) as client:
            yield client
    except PaperworksProblem as problem:
        print_error(problem.detail)
        raise typer.Exit(1) from problem
    except KeyboardInterrupt as stopped:
        print_error(STOPPED_FOLLOWING)
        raise typer.Exit(130) from stopped


def print_error(message: str) -> None:
    """Prints the message to stderr, in red on a terminal."""
    typer.secho(message, err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)


def print_line(line: str = "") -> None:
    """Prints the line to stdout; characters that its encoding lacks are replaced."""
    encoding = sys.stdout.encoding or "utf-8"
    typer.echo(line.encode(encoding, "replace").decode(encoding))


def print_json(response: BaseModel) -> None:
    """Prints the response as indented JSON."""
    print_line(response.model_dump_json(indent=2))


def printable(text: str) -> str:
    """Returns the text with spaces for control characters: a paper could hold escape sequences."""
    return "".join(character if character.isprintable() else " " for character in text)


def plural(count: int, noun: str) -> str:
    """Returns `1 page` or `1,204 pages`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
