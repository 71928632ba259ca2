"""Options, output and error handling shared by the commands."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from functools import update_wrapper
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serve_app.process.address import service_url
from serve_app.process.stored_keys import key_for

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


def complete_collection(incomplete: str) -> list[str]:
    """Returns the names of collections with this beginning; none if the service does not answer."""
    from serve_app.client import Client, PaperworksProblem

    address = service_url(None, None, os.environ)
    try:
        with Client(address, key_for(address, None, os.environ), retries=0) as client:
            names = [collection.name for collection in client.collections()]
    except PaperworksProblem:
        return []
    return [name for name in names if name.startswith(incomplete)]


CollectionOption = Annotated[
    str,
    typer.Option("--collection", "-c", help="Collection.", autocompletion=complete_collection),
]
OnlyCollection = Annotated[
    str | None,
    typer.Option(
        "--collection", "-c", help="Only this collection.", autocompletion=complete_collection
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the response as JSON.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File to write.", show_default="stdout")
]
ExportAsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print JSON: the papers, or with --output the path, format and bytes of the file.",
    ),
]
JSON_FORMATS = ("csl", "json")
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
        address = service_url(url, home, os.environ)
        with Client(address, key_for(address, home, os.environ)) as client:
            yield client
    except PaperworksProblem as problem:
        print_error(problem.detail)
        raise typer.Exit(1) from problem
    except KeyboardInterrupt as stopped:
        print_error(STOPPED_FOLLOWING)
        raise typer.Exit(130) from stopped


def library_command(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator: adds --url and --home to the options of a command and passes it a client.

    The options of a group (`context.obj`) apply to its subcommands. With a subcommand, the group
    itself is not called.
    """

    def run(context: typer.Context, url: Url = None, home: Home = None, **options: Any) -> None:
        group_url, group_home, group_json = context.obj or (None, None, False)
        as_json = options.get("as_json", False) or group_json
        context.obj = (url or group_url, home or group_home, as_json)
        if context.invoked_subcommand is None:
            given = options | ({"as_json": as_json} if "as_json" in options else {})
            with library(*context.obj[:2]) as client:
                command(client, **given)

    del command.__annotations__["client"]  # its type is imported lazily
    context, url, home, _ = signature(run, eval_str=True).parameters.values()
    _, *own = signature(command, eval_str=True).parameters.values()
    parameters = [context, *own, url, home]
    update_wrapper(run, command)
    run.__signature__ = Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def print_error(message: str) -> None:
    """Prints the message to stderr, in red on a terminal."""
    typer.secho(message, err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)


def print_line(line: str = "") -> None:
    """Prints the line to stdout; characters that its encoding lacks are replaced."""
    encoding = sys.stdout.encoding or "utf-8"
    typer.echo(line.encode(encoding, "replace").decode(encoding))


def show(response: BaseModel, as_json: bool, lines: Iterable[str]) -> None:
    """Prints the response as indented JSON, or else the lines."""
    for line in (response.model_dump_json(indent=2),) if as_json else lines:
        print_line(line)


def show_values(line: str, as_json: bool, **values: object) -> None:
    """Prints the values as one line of JSON, or else the line, at once."""
    print_line(json.dumps(values, default=str) if as_json else line)
    sys.stdout.flush()


def lines_on_stderr(as_json: bool) -> AbstractContextManager[object]:
    """Sends lines and progress to stderr inside the block if stdout is to hold JSON only."""
    return redirect_stdout(sys.stderr) if as_json else nullcontext()


def require_json_format(format: str, as_json: bool, output: Path | None) -> None:
    """Raises typer.BadParameter if --json would print a text that is no JSON."""
    if as_json and output is None and format not in JSON_FORMATS:
        raise typer.BadParameter(
            f"--json prints no {format}. Give --output FILE, or leave out one of the two options.",
            param_hint="--format",
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Exits with code 1 if the file cannot be written inside the block; one line on stderr."""
    try:
        yield
    except OSError as error:
        print_error(f"{path} was not written: {error.strerror}. Choose another file with --output.")
        raise typer.Exit(1) from error


def write_output(text: str, output: Path | None, as_json: bool, format: str) -> None:
    """Writes the text unchanged to a file or pipe, and without control characters to a terminal."""
    content = text.encode()
    if output is not None:
        with writing(output):
            output.write_bytes(content)
        show_values(str(output), as_json, path=output, format=format, bytes=len(content))
    elif sys.stdout.isatty():
        for line in text.splitlines():
            print_line(printable(line))
    else:
        typer.echo(content, nl=False)


def printable(text: str) -> str:
    """Returns the text with spaces for control characters: a paper could hold escape sequences."""
    return "".join(character if character.isprintable() else " " for character in text)
