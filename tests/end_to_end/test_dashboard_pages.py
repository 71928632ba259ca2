"""The Ray dashboard in a real browser: every page shows its content and no error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from serve_app.client import Client
from tests.service import RunningService

PAPERS = 3
WAIT_MILLISECONDS = 30_000  # the cluster status appears 5 s after the start
# Programs that the service does not contain; without them the dashboard hides its charts.
NOT_INSTALLED = ("/api/grafana_health", "/api/prometheus_health")
# Pages of the navigation bar, and texts that they show.
PAGES = {
    "Overview": ("Node Status", "Resource Status", "Active:", "/2.0 CPU", "Recent jobs"),
    "Jobs": ("DRIVER|RUNNING|Running", "01000000"),
    "Serve": ("paperworks", "RUNNING|Running"),
    "Cluster": ("ALIVE", "127.0.0.1"),
    "Actors": ("JobManager", "Embedder", "Runner"),
    "Metrics": ("Grafana",),
    "Logs": ("Node ID:",),
    "Platform Events": ("No platform events",),
}


@pytest.fixture
def problems(page: Page) -> list[str]:
    """Failed requests and exceptions of the scripts so far."""
    found: list[str] = []

    def add_failed(response: Response) -> None:
        if response.status >= 400 and not any(path in response.url for path in NOT_INSTALLED):
            found.append(f"{response.status} {response.url}")

    page.on("response", add_failed)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def dashboard(
    service: RunningService, page: Page, small_papers: list[Path], collection: str
) -> Iterator[Page]:
    """The dashboard of a service that has processed papers, after the token was entered."""
    with Client(service.url) as library:
        accepted = library.upload_many(small_papers[:PAPERS], collection)
        assert library.wait(accepted.job_id, 120).counts.completed == PAPERS
    url = service.service_info["dashboard_url"]
    entered = page.request.post(f"{url}/api/authenticate", headers=service.ray_headers)
    assert entered.ok
    page.set_default_timeout(WAIT_MILLISECONDS)
    page.goto(url)
    yield page


def open_page(dashboard: Page, title: str) -> None:
    dashboard.get_by_role("navigation").get_by_role("link", name=title, exact=True).click()


def expect_texts(dashboard: Page, *texts: str) -> None:
    """Waits for the texts (regular expressions); asserts that no error is shown."""
    for text in texts:
        shown = dashboard.get_by_role("main").get_by_text(re.compile(text)).first
        expect(shown).to_be_visible(timeout=WAIT_MILLISECONDS)
    expect(dashboard.locator(".MuiAlert-standardError, .MuiTypography-colorError")).to_have_count(0)


def test_dashboard_pages_show_content_without_errors(dashboard: Page, problems: list[str]) -> None:
    for title, texts in PAGES.items():
        open_page(dashboard, title)
        expect_texts(dashboard, *texts)
    assert problems == []


def test_dashboard_shows_datasets_of_job(dashboard: Page, problems: list[str]) -> None:
    open_page(dashboard, "Jobs")
    dashboard.get_by_role("link", name="01000000", exact=True).first.click()
    dashboard.get_by_text("Ray Data Overview").click()
    newest = dashboard.get_by_role("row").filter(has_text=re.compile(r"(interactive|bulk)_\d\d_0"))
    expect(newest.first).to_contain_text("FINISHED", timeout=WAIT_MILLISECONDS)
    newest.first.locator("svg").first.click()
    expect_texts(dashboard, r"Map\(read_embed_index\): \d+ rows, [\d.]+/s")
    assert problems == []


def test_dashboard_shows_log_file(dashboard: Page, problems: list[str]) -> None:
    open_page(dashboard, "Logs")
    dashboard.get_by_text("Node ID:").click()
    dashboard.get_by_role("link", name="raylet.out", exact=True).click()
    expect_texts(dashboard, "raylet")
    assert problems == []
