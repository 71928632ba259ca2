"""Clients of the shared service, a browser, and a collection for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from serve_app.client import Client
from tests.paths import ROOT
from tests.service import RunningService, ready_service
from tests.shared_servers import until_last_use

SAMPLES = ROOT / "samples"
CHROMIUM = Path("/usr/bin/chromium")
REQUESTS_PER_MINUTE = 2500  # of a key at the closed service
EXPECTED_MS = 30_000  # a page on a busy machine
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP evil.example 127.0.0.1",
)


@pytest.fixture(scope="session")
def closed(
    pytestconfig: pytest.Config, homes: Path, converted_models: Path
) -> Iterator[RunningService]:
    """A service with two processes of the API that requires keys."""
    shared = ready_service(
        homes / "closed",
        converted_models,
        PAPERWORKS_HTTP__AUTH="required",
        PAPERWORKS_HTTP__REPLICAS="2",
        PAPERWORKS_HTTP__REQUESTS_PER_MINUTE=str(REQUESTS_PER_MINUTE),
    )
    with until_last_use(pytestconfig, "closed", shared) as running:
        yield running


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium that resolves evil.example to this machine, as after DNS rebinding."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        expect.set_options(timeout=EXPECTED_MS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty tab."""
    with browser.new_context() as context:
        yield context.new_page()
