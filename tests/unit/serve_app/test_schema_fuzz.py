"""Schema fuzz of the API over ASGI on in-memory stores, so that deletions are harmless.

`tests/stores/test_consistency_api.py` fuzzes the consistency routes on PostgreSQL.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis

from tests.unit.serve_app.library import Library
from tests.unit.serve_app.schema_fuzz import HEADERS, MODES, fuzz

MIN_OPERATIONS = 25


@pytest.fixture(scope="module")
def schema() -> Iterator[schemathesis.BaseSchema]:
    """The OpenAPI document of an empty library without the consistency routes."""
    with tempfile.TemporaryDirectory() as folder:
        app = Library(Path(folder)).app
        whole = schemathesis.openapi.from_asgi("/openapi.json", app, headers=HEADERS)
        yield whole.exclude(tag="consistency")


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name.lower())
def test_schema_fuzz_responses_conform_to_openapi(
    schema: schemathesis.BaseSchema, mode: schemathesis.GenerationMode
) -> None:
    assert fuzz(schema, mode) >= MIN_OPERATIONS
