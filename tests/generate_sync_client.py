"""Generates `serve_app/client/sync_client.py` from `async_client.py` with unasync.

    python -m tests.generate_sync_client

A unit test fails while the checked-in module differs from the generated one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

from tests.paths import ROOT

CLIENT = ROOT / "serve_app" / "client"
SOURCE, TARGET = CLIENT / "async_client.py", CLIENT / "sync_client.py"

# unasync replaces names, and string tokens without their outer quotes.
REPLACEMENTS = {
    "AsyncClient": "Client",
    "AsyncBaseTransport": "BaseTransport",
    "asyncio": "time",
    "aclose": "close",
    "aread": "read",
    "aiter_lines": "iter_lines",
    "aiter_bytes": "iter_bytes",
    "asynccontextmanager": "contextmanager",
    '""The asyncio client of the HTTP API; `sync_client.py` is generated from this module.""': (
        '""The synchronous client of the HTTP API, generated from `async_client.py`.\n\n'
        'Do not edit it: run `python -m tests.generate_sync_client`.\n""'
    ),
    '""The library over HTTP for asyncio code. Close it, or use it in an `async with` block.""': (
        '""The library over HTTP. Thread-safe. Close it, or use it in a `with` block.""'
    ),
}


def generate() -> str:
    """Returns the source of the synchronous client, formatted by ruff."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, SOURCE.name)
        copy.write_text(SOURCE.read_text())
        unasync.unasync_files([str(copy)], [unasync.Rule(SOURCE.name, TARGET.name, REPLACEMENTS)])
        source = copy.with_name(TARGET.name).read_text()
    # RUF100 removes `noqa` comments that apply to async code only.
    fixed = _ruff(source, "check", "--fix", "--quiet", "--select", "RUF100,I,ASYNC")
    return _ruff(fixed, "format")


def _ruff(source: str, *command: str) -> str:
    """Returns the source that ruff writes. Raises CalledProcessError for an unfixable error."""
    arguments = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(TARGET), "-"]
    done = subprocess.run(arguments, input=source, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    TARGET.write_text(generate())
