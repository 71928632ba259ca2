"""Clients of the shared service, and a collection for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serve_app.client import Client
from tests.service import ROOT, RunningService

SAMPLES = ROOT / "samples"


@pytest.fixture
def http(service: RunningService) -> Iterator[httpx.Client]:
    """An HTTP client of the service."""
    with httpx.Client(base_url=service.url, timeout=60) as client:
        yield client


@pytest.fixture
def library(service: RunningService) -> Iterator[Client]:
    """The Python client of the service."""
    with Client(service.url) as client:
        yield client


@pytest.fixture
def collection() -> str:
    """A unique collection name."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def samples() -> dict[str, Path]:
    """The sample papers by name."""
    return {path.stem: path for path in sorted(SAMPLES.glob("*.pdf"))}
