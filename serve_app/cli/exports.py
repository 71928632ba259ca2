"""Writes exported text to stdout or to a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from serve_app.cli.common import print_line, printable

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File to write.", show_default="stdout")
]


def write_output(text: str, output: Path | None) -> None:
    """Writes the text unchanged to a file or pipe, and without control characters to a terminal."""
    if output is not None:
        output.write_bytes(text.encode())
        print_line(str(output))
    elif sys.stdout.isatty():
        for line in text.splitlines():
            print_line(printable(line))
    else:
        typer.echo(text.encode(), nl=False)
