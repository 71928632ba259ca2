"""The library behind the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.unit.serve_app.library import Library
from tests.unit.serve_app.served import served


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """An empty library that takes files of up to 100,000 bytes, five at once."""
    made = Library(tmp_path)
    yield made
    await made.http.aclose()
    made.close()


@pytest.fixture
def url(library: Library) -> Iterator[str]:
    """The address of the library, served on a free port and read by a worker."""
    with served(library) as address:
        yield address
