"""Requests that schemathesis generates from the OpenAPI document, to a service of their own.

With the key of an administrator they change everything: quotas, settings, webhooks, papers.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import BIN
from tests.service import RunningService, ready_service

pytestmark = pytest.mark.timeout(600)
# A schema cannot express everything that makes a request acceptable: the bytes of a PDF, the cursor
# of a previous page, fields that exclude each other, ids that exist.
EXCLUDED_CHECKS = "positive_data_acceptance"
OPTIONS = (
    "--checks=all",
    f"--exclude-checks={EXCLUDED_CHECKS}",
    "--max-examples=5",
    "--seed=1",
    "--no-shrink",
    "--continue-on-failure",
    "--exclude-operation-id=revoke_key",
)


@pytest.fixture(scope="module")
def fuzzed(homes: Path, converted_models: Path) -> Iterator[RunningService]:
    """A service that requires keys."""
    with ready_service(
        homes / "fuzzed", converted_models, PAPERWORKS_HTTP__AUTH="required"
    ) as running:
        yield running


@pytest.mark.parametrize("with_key", [True, False])
def test_schemathesis_finds_no_failure(
    fuzzed: RunningService, tmp_path: Path, with_key: bool
) -> None:
    key = (fuzzed.home / "api_key").read_text().strip()
    header = [f"--header=Authorization: Bearer {key}"] if with_key else []
    phases = "--phases=coverage,fuzzing" if with_key else "--phases=fuzzing"
    command = (BIN / "schemathesis", "run", f"{fuzzed.url}/openapi.json", *header, phases)
    found = subprocess.run(
        [*command, *OPTIONS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
    tested = re.search(r"(\d+) generated, (\d+) passed", found.stdout)
    assert tested and int(tested[2]) > 100, found.stdout[-2000:]
