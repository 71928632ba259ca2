"""Every page in Chromium with axe-core: no route is left out, no page is wider than the window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, Page, expect

from serve_app.access.middleware import SIGN_IN
from serve_app.client import Client
from serve_app.client.requests import PdfFile
from serve_app.pages.jobs_page import EVENTS_PER_PAGE
from serve_app.pages.site import PAGES
from tests.end_to_end.accessibility import violations_of
from tests.service import RunningService

pytestmark = pytest.mark.timeout(600)
READ_MS = 120_000  # a paper on a busy machine
COLLECTION = "accessible"
LONG = "long-" * 30
MANY = EVENTS_PER_PAGE // 2 + 1  # papers, of which each has at least two events
# Swagger UI draws /docs; without keys, the page of SIGN_IN only leads to the library: test_keys.py.
ROUTES = {
    route.path: route.path_regex
    for page in PAGES
    for route in page.router.routes
    if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and route.path != SIGN_IN
}


@dataclass(frozen=True, slots=True)
class Filled:
    """The ids of what the pages show."""

    paper: str
    unreadable: str
    completed: str
    failed: str
    webhook: str
    passage: str

    @property
    def addresses(self) -> Iterator[str]:
        """Yields the address of each page, in the states that differ."""
        yield from ("/", f"/?collection={COLLECTION}", f"/?collection={COLLECTION}-empty")
        yield f"/?collection={COLLECTION}&text=nothing"
        yield from ("/search", "/search?q=-lease", "/search?q=baroque+harpsichord+tuning")
        yield f"/search?q=lease&papers=true&section=methods&collection={COLLECTION}"
        yield from ("/upload", "/jobs", "/jobs?unacknowledged=true", "/jobs?status=cancelled")
        yield from (f"/jobs/{self.completed}", f"/jobs/{self.failed}", "/jobs/unknown")
        yield from (f"/papers/{self.paper}", f"/papers/{self.unreadable}", "/papers/unknown")
        pages = f"/papers/{self.paper}/pages"
        yield from (f"{pages}/2", f"{pages}/1?highlight={self.passage}#passage", f"{pages}/999")
        yield from ("/system", "/system/keys", "/system/webhooks")
        yield f"/system/webhooks/{self.webhook}"


@pytest.fixture(scope="module")
def filled(service: RunningService, samples: dict[str, Path]) -> Filled:
    """A library with something on each page."""
    with Client(service.url) as library:
        read = library.upload(samples["durable-leases"], COLLECTION, filename=f"{LONG}.pdf")
        damaged = library.upload_many(list(damaged_files()), COLLECTION)
        for job in (read, damaged):
            library.wait(job.job_id, READ_MS / 1000)
        library.create_collection(f"{COLLECTION}-empty")
        library.create_key("of a reader", ["search"])
        [hit, *_] = library.search("fencing token", collection=COLLECTION).hits
        return Filled(
            paper=read.document_id,
            unreadable=damaged.accepted[0].document_id,
            completed=read.job_id,
            failed=damaged.job_id,
            webhook=webhook_of(library),
            passage=hit.chunk_id,
        )


def damaged_files() -> Iterator[PdfFile]:
    """Yields files whose job has more events than its page shows at first."""
    for number in range(MANY):
        yield PdfFile(f"{LONG}{number}.pdf", b"%PDF-1.7\n" + b"a" * (5000 + number))


def webhook_of(library: Client) -> str:
    """Returns the id of a paused webhook with a long address and a delivery."""
    address = f"https://lab.example/{'p' * 300}"
    created = library.create_webhook(address, [COLLECTION])
    library.test_webhook(created.webhook_id)
    library.change_webhook(created.webhook_id, enabled=False)
    return created.webhook_id


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_is_accessible_and_fits_the_width(
    browser: Browser,
    service: RunningService,
    filled: Filled,
    tmp_path: Path,
    width: int,
    scheme: Any,
) -> None:
    options: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    requested = set[str]()
    problems = dict[str, Any]()
    with browser.new_context(base_url=service.url, **options) as context:
        tab = context.new_page()
        tab.on("request", lambda request: requested.add(urlsplit(request.url).path))
        send_unreadable_files(tab, tmp_path)
        problems["/upload, files sent"] = problems_of(tab, width)
        for address in filled.addresses:
            tab.goto(address)
            open_everything(tab)
            problems[address] = problems_of(tab, width)
    assert {address: found for address, found in problems.items() if found} == {}
    assert set(ROUTES) - routes_of(requested) == set()


def routes_of(paths: Iterable[str]) -> set[str]:
    """Returns the routes of pages, and of the parts that pages load, among requested paths."""
    return {route for route, pattern in ROUTES.items() if any(map(pattern.fullmatch, paths))}


def send_unreadable_files(tab: Page, folder: Path) -> None:
    """Sends a file that fails when it is read, and one that is refused."""
    names = {"damaged.pdf": b"%PDF-1.7\n" + b"b" * 5000, "refused.pdf": b"not a PDF"}
    for name, content in names.items():
        (folder / name).write_bytes(content)
    tab.goto(f"/upload?collection={COLLECTION}-sent")
    tab.set_input_files("input[name=files]", [folder / name for name in names])
    expect(tab.locator("#sending .problem")).to_be_visible()
    expect(tab.locator(".job .problem")).to_be_visible(timeout=READ_MS)


def open_everything(tab: Page) -> None:
    """Unfolds the details, selects a paper and loads what is loaded on request."""
    tab.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    for box in tab.locator("input[name=paper]").all()[:1]:
        box.check()
    for more in tab.get_by_role("button", name="Earlier events").all():
        more.click()
        expect(more).to_have_count(0)
    loading = tab.get_by_text("Loading…")
    while loading.count():  # a part that was just loaded is gone
        loading.evaluate_all("all => all[0]?.scrollIntoView()")
        tab.wait_for_timeout(100)


def problems_of(tab: Page, width: int) -> list[Any]:
    """Returns the violations that axe finds, and the width if the page does not fit."""
    found: list[Any] = [*violations_of(tab)]
    if (needed := tab.evaluate("document.documentElement.scrollWidth")) > width:
        found.append(f"{needed} pixels wide")
    return found
