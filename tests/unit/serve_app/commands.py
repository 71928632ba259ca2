"""The command line in the process of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from serve_app.cli.main import app

Run = Callable[..., Result]


@pytest.fixture
def paperworks(url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Returns a function that runs `paperworks` against the served library."""
    monkeypatch.setenv("PAPERWORKS_URL", url)
    return run


def run(*arguments: str | Path, given: str | None = None) -> Result:
    """Returns the result of `paperworks` with these arguments and this text on stdin."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)


def commands() -> Iterator[tuple[str, Any]]:
    """Yields every command and group with its name."""

    def below(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        yield name, command
        for word, one in getattr(command, "commands", {}).items():
            yield from below(one, f"{name} {word}")

    return below(typer.main.get_command(app), "paperworks")


def leaf_commands() -> dict[str, Any]:
    """Returns the commands that are no groups, by name."""
    return {name: command for name, command in commands() if not hasattr(command, "commands")}
