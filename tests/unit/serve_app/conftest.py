"""Fixtures: the API over in-memory stores, in process and on a port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.serve_app.commands import paperworks  # noqa: F401
from tests.unit.serve_app.library import Library
from tests.unit.serve_app.renderers import ignore_existing_processes
from tests.unit.serve_app.served import url  # noqa: F401


@pytest.fixture(autouse=True)
def no_foreign_renderers() -> None:
    """Hides sandboxes of other test modules that run in the same worker of pytest-xdist."""
    ignore_existing_processes()


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """An empty library with limits of 100,000 bytes per file and five files per request."""
    made = Library(tmp_path)
    yield made
    await made.http.aclose()
    made.close()
