"""Requests made from the OpenAPI document itself: none ends in 5xx, and answers keep its promises.

Runs over ASGI on in-memory stores: deletions and repairs have nothing to harm.
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

EXAMPLES = 5  # of each operation and mode
FEWEST_OPERATIONS = 25
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
    """The document that an empty library serves, with the way to it."""
    with tempfile.TemporaryDirectory() as folder:
        yield schemathesis.openapi.from_asgi(
            "/openapi.json",
            Library(Path(folder)).app,
            headers=HEADERS,
        )


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name.lower())
def test_generated_requests_get_the_documented_answers(
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
            suppress_health_check=list(HealthCheck.all()),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=HEADERS, checks=CHECKS)

        with suppress(Unsatisfiable):  # no request of an operation without parameters is malformed
            check()
            tested += 1
    assert tested >= FEWEST_OPERATIONS
