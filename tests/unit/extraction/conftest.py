"""Fixture: the text layer of a PDF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.papers import Paper
from tests.extraction_harness import read_text_layer


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Paper]:
    """Returns a function that reads the text layer of a PDF, with options of `read_text_layer`."""

    def read_bytes(data: bytes, **options: Any) -> Paper:
        path = tmp_path / "paper.pdf"
        path.write_bytes(data)
        return read_text_layer(path, **options)

    return read_bytes
