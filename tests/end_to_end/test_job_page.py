"""The page of a large job in Chromium: its papers and events, while it is refreshed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from serve_app.client import Client
from serve_app.client.requests import PdfFile
from tests.end_to_end.tabs import strict_tab
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.served import served

PAPERS = 205
REFRESH_MS = 10_000


@pytest.fixture
def large_job(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, str]]:
    """A tab, and the id of a job whose papers wait for a worker."""
    library = Library(tmp_path, files=PAPERS)
    library.worker_paused = True
    names = [f"paper {number}.pdf" for number in range(PAPERS)]
    with served(library) as url, strict_tab(browser, url) as tab:
        with Client(url) as client:
            job = client.upload_many([PdfFile.of(pdf(name), name) for name in names])
        yield tab, job.job_id
    library.close()


def test_all_papers_of_a_job_are_reached_while_it_is_refreshed(large_job: tuple[Page, str]) -> None:
    page, job_id = large_job
    page.goto(f"/jobs/{job_id}")
    files = page.locator(".tasks td.main")
    for label, first, last in [
        ("", 1, 100),
        ("More papers", 101, 200),
        ("Previous papers", 1, 100),
    ]:
        if label:
            page.get_by_role("link", name=label).press("Enter")
        expect(page.get_by_text(f"Papers {first} to {last} of {PAPERS}")).to_be_visible()
        expect(files.first).to_have_text(f"paper {first - 1}.pdf")
    more = page.get_by_role("link", name="More papers")
    more.press("Enter")
    expect(files.first).to_have_text("paper 100.pdf")
    before = page.locator(".job").element_handle()
    page.wait_for_function("job => !job.isConnected", arg=before, timeout=REFRESH_MS)
    expect(files.first).to_have_text("paper 100.pdf")
    expect(more).to_be_focused()
    more.press("Enter")
    expect(files).to_have_count(PAPERS - 200)
    expect(more).to_have_count(0)
    expect(page.locator(".job :focus")).to_have_count(1)


def test_all_events_of_a_job_are_reached_by_keyboard(large_job: tuple[Page, str]) -> None:
    page, job_id = large_job
    page.goto(f"/jobs/{job_id}")
    numbers = page.locator("td[data-label='No.']")
    expect(numbers.first).to_have_text(str(PAPERS))
    earlier = page.get_by_role("button", name="Earlier events")
    for count in (200, PAPERS):
        shown = numbers.count()
        earlier.press("Enter")
        expect(numbers).to_have_count(count)
        expect(numbers.nth(shown).locator("xpath=..")).to_be_focused()
    expect(numbers.last).to_have_text("1")
    expect(earlier).to_have_count(0)
