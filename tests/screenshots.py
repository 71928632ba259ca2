"""Writes the screenshots of the documentation: `python -m tests.screenshots [URL]`.

Uploads the sample papers to the service at URL, default http://127.0.0.1:8000, and needs Chromium.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from serve_app.client import Client
from tests.end_to_end.conftest import ARGUMENTS, CHROMIUM, SAMPLES

IMAGES = Path(__file__).parents[1] / "docs" / "images"
QUESTION = "How does a stale worker lose its right to write?"
SIZE = ViewportSize(width=1100, height=720)


def main(url: str) -> None:
    """Writes library.png and search.png."""
    IMAGES.mkdir(exist_ok=True)
    with Client(url) as client:
        client.wait(client.upload_many(sorted(SAMPLES.glob("*.pdf")), "samples").job_id, 120)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(base_url=url, viewport=SIZE)
        page.goto("/")
        page.screenshot(path=IMAGES / "library.png")
        _show_passage(page)
        page.screenshot(path=IMAGES / "search.png")
        browser.close()


def _show_passage(page: Page) -> None:
    page.goto("/search")
    page.get_by_role("searchbox").fill(QUESTION)
    page.locator(".hits details summary").first.click()
    page.wait_for_function(
        "() => document.querySelector('.hits details[open] img')?.naturalWidth > 0"
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
