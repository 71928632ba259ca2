"""What was made for another program, on stdout or in a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from serve_app.cli.common import printable, say

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File to write.", show_default="stdout")
]


def put_out(text: str, output: Path | None) -> None:
    """The text as it is in a file or a pipe; without control characters on a terminal."""
    if output is not None:
        output.write_bytes(text.encode())
        say(str(output))
    elif sys.stdout.isatty():
        for line in text.splitlines():
            say(printable(line))
    else:
        typer.echo(text.encode(), nl=False)
