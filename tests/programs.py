"""Programs of the tests that run one command at a time; requests and responses are lines of JSON.

A process can join only one Ray cluster, so that tests of a second one need a second process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

from tests.paths import ROOT
from tests.service import clean_environment

END_TIMEOUT_SECONDS = 60.0  # a Ray cluster of four nodes ends within 10 s on two cores


class Program:
    """A running program `python -m MODULE`, whose `main` calls `run_commands`."""

    def __init__(self, module: str, *arguments: str, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=clean_environment(**environment),
            text=True,
        )

    def call(self, name: str, **arguments: Any) -> Any:
        """Returns the result of the command of that name. Raises AssertionError with its error."""
        writer, reader = _pipes(self.process)
        writer.write(json.dumps([name, arguments]) + "\n")
        writer.flush()
        response = json.loads(reader.readline() or '{"error": "the program ended"}')
        assert "error" not in response, response["error"]
        return response["result"]

    def close(self) -> None:
        """Ends the program."""
        writer, _ = _pipes(self.process)
        with suppress(BrokenPipeError):
            writer.close()
        try:
            self.process.wait(END_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Driver(Program):
    """A program on a Ray cluster with the commands of `tests/driver.py`."""

    def __init__(self, ray_address: str, environment: Mapping[str, str]) -> None:
        super().__init__("tests.driver", ray_address, environment=environment)


def run_commands(commands: Mapping[str, Callable[..., Any]], start: Callable[[], object]) -> None:
    """Calls `start`, then runs commands until the input ends.

    The output of libraries goes to stderr.
    """
    responses = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    start()
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            response = {"result": commands[name](**arguments)}
        except Exception as error:
            response = {"error": f"{type(error).__name__}: {error}"}
        responses.write(json.dumps(response) + "\n")
        responses.flush()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout
