"""Fuzzes the API with requests generated from its OpenAPI document.

No response is 5xx, and every response conforms to the document. Runs over ASGI on in-memory stores,
so deletions and repairs are harmless.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_schema_conformance,
)

from tests.unit.serve_app.library import Library

EXAMPLES = 5  # per operation and mode
MIN_OPERATIONS = 25
HEADERS = {"Host": "localhost"}
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@pytest.fixture(scope="module")
def schema() -> Iterator[schemathesis.BaseSchema]:
    """The OpenAPI document of an empty library, bound to its app."""
    with tempfile.TemporaryDirectory() as folder:
        yield schemathesis.openapi.from_asgi(
            "/openapi.json",
            Library(Path(folder)).app,
            headers=HEADERS,
        )


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name.lower())
def test_schema_fuzz_responses_conform_to_openapi(
    schema: schemathesis.BaseSchema, mode: schemathesis.GenerationMode
) -> None:
    tested = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck.__members__.values()),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=HEADERS, checks=CHECKS)

        with suppress(Unsatisfiable):  # operations without parameters have no malformed requests
            check()
            tested += 1
    assert tested >= MIN_OPERATIONS
