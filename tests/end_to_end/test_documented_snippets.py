"""The Python code of the README and of the client page runs as it is printed."""

from __future__ import annotations

import re

import pytest

from serve_app.client import Client
from tests.end_to_end.conftest import SAMPLES
from tests.paths import ROOT
from tests.service import RunningService, run_program

PAGES = ("README.md", "docs/client.md")
SNIPPETS = [
    pytest.param(code, id=f"{page}-{number}")
    for page in PAGES
    for number, code in enumerate(
        re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL), 1
    )
]
PAPER = SAMPLES / "durable-leases.pdf"


@pytest.fixture(scope="module")
def thesis(service: RunningService) -> None:
    """A paper in the collection that the snippets use."""
    with Client(service.url) as library:
        library.wait(library.upload(PAPER, collection="thesis").job_id, timeout_seconds=120)


@pytest.mark.parametrize("code", SNIPPETS)
@pytest.mark.usefixtures("thesis")
def test_documented_snippet_runs(service: RunningService, code: str) -> None:
    here = code.replace("http://127.0.0.1:8000", service.url).replace("paper.pdf", str(PAPER))
    done = run_program("python", "-c", here)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_pages_have_snippets() -> None:
    assert len(SNIPPETS) >= 6
