"""What the commands share: where the service is, and errors as one sentence with exit code 1."""

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
    typer.Option(help="Address of the service. Or PAPERWORKS_URL.", show_default="where `up` runs"),
]
Home = Annotated[
    Path | None,
    typer.Option(help="Folder of the service. Or PAPERWORKS_HOME.", show_default="./var"),
]
CollectionOption = Annotated[str, typer.Option("--collection", "-c", help="Collection.")]
OnlyCollection = Annotated[
    str | None, typer.Option("--collection", "-c", help="Only of this collection.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON.")]


@contextmanager
def library(url: str | None, home: Path | None) -> Iterator[Client]:
    """A client of the service; a problem becomes a line on stderr and exit code 1, Ctrl-C 130."""
    from serve_app.client import Client, PaperworksProblem

    try:
        with Client(service_url(url, home, os.environ)) as client:
            yield client
    except PaperworksProblem as problem:
        complain(problem.detail)
        raise typer.Exit(1) from problem
    except KeyboardInterrupt as stopped:
        complain("Stopped watching. What was accepted is kept and goes on; see `paperworks jobs`.")
        raise typer.Exit(130) from stopped


def complain(sentence: str) -> None:
    """The sentence on stderr."""
    typer.secho(sentence, err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)


def say(line: str = "") -> None:
    """The line on stdout; what the terminal cannot show is replaced, never an error."""
    encoding = sys.stdout.encoding or "utf-8"
    typer.echo(line.encode(encoding, "replace").decode(encoding))


def say_json(answer: BaseModel) -> None:
    """The answer as indented JSON."""
    say(answer.model_dump_json(indent=2))


def printable(text: str) -> str:
    """The text without control characters, with which a hostile paper could steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def plural(count: int, noun: str) -> str:
    """`1 page`, `1,204 pages`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
