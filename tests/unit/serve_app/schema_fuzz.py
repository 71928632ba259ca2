"""Fuzzes an API with requests generated from its OpenAPI document."""

from __future__ import annotations

from contextlib import suppress

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

EXAMPLES = 5  # per operation and mode
HEADERS = {"Host": "localhost"}
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


def fuzz(schema: schemathesis.BaseSchema, mode: schemathesis.GenerationMode) -> int:
    """Returns the number of operations that were tested.

    Raises an exception of schemathesis if a response is 5xx or does not conform to the document.
    """
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
    return tested
