"""Pages of another origin in a real browser: they can neither change nor read anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from serve_app.client import Client
from tests.end_to_end.tabs import strict_tab
from tests.pdf_builder.papers import make_paper
from tests.service import RunningService

# Returns what a page learns about a request: the status of the response, "opaque" or "blocked".
FETCH = """async ([url, options]) => {
    const form = new FormData();
    if (options.pdf) {
        form.append("collection", options.collection);
        form.append("file", new Blob([options.pdf], {type: "application/pdf"}), "a.pdf");
        options.body = form;
    }
    try {
        const response = await fetch(url, options);
        return response.type === "opaque" ? "opaque" : String(response.status);
    } catch (error) {
        return "blocked";
    }
}"""


class _BlankPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>foreign</title>")

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def foreign_page(page: Page) -> Iterator[Page]:
    """A tab with a page of http://evil.example on another port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _BlankPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page.goto(f"http://evil.example:{server.server_port}/")
    yield page
    server.shutdown()
    server.server_close()


def fetch(page: Page, url: str, **options: Any) -> str:
    """Sends a request from the page; returns what the page learns about the response."""
    return page.evaluate(FETCH, [url, options])


def count_documents(http: httpx.Client, collection: str) -> int:
    """Returns the number of documents in the collection."""
    found = http.get("/api/v1/documents", params={"collection": collection})
    return len(found.raise_for_status().json()["items"])


def test_origin_check_rejects_changes_by_foreign_page(
    foreign_page: Page, service: RunningService, http: httpx.Client, collection: str
) -> None:
    api = f"{service.url}/api/v1"
    pdf = "%PDF-1.7 from a foreign page"
    upload = {"method": "POST", "mode": "no-cors", "pdf": pdf, "collection": collection}
    before = count_rejections(http)
    assert fetch(foreign_page, f"{api}/upload-async", **upload) in ("opaque", "blocked")
    assert fetch(foreign_page, f"{api}/consistency/repair", method="POST", mode="no-cors") in (
        "opaque",
        "blocked",
    )
    assert count_documents(http, collection) == 0
    assert count_rejections(http) == before + 2, "both requests arrive and are rejected"
    assert fetch(foreign_page, f"{api}/documents") == "blocked"


def count_rejections(http: httpx.Client) -> float:
    """Returns the number of responses with status 403 so far."""
    lines = http.get("/metrics").text.splitlines()
    counts = [line for line in lines if "http_requests_total" in line and 'status="403"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in counts)


def test_origin_check_rejects_dns_rebinding(
    page: Page, service: RunningService, library: Client, collection: str
) -> None:
    accepted = library.upload(make_paper(), collection)
    base = f"http://evil.example:{service.port}"
    response = page.goto(f"{base}/api/v1/documents")
    assert response is not None and response.status == 421
    assert accepted.document_id not in page.content()
    paper = f"{base}/api/v1/documents/{accepted.document_id}"
    for method in ("GET", "DELETE"):
        assert fetch(page, paper, method=method) in ("421", "blocked")
    assert library.document(accepted.document_id).document_id == accepted.document_id


# Collects what the Content-Security-Policy of a page has refused.
COLLECT_REFUSALS = """
window.refused = [];
const note = (event) => window.refused.push(`${event.violatedDirective} ${event.blockedURI}`);
document.addEventListener("securitypolicyviolation", note);
"""


def test_docs_page_shows_and_sends_requests_within_its_csp(
    browser: Browser, service: RunningService
) -> None:
    with strict_tab(browser, service.url) as page:
        page.add_init_script(COLLECT_REFUSALS)
        page.goto("/docs")
        search = page.locator("#operations-search-search")
        search.get_by_role("button").first.click()
        expect(search).to_contain_text("fencing token")
        search.get_by_role("tab", name="Schema").first.click()
        alive = page.locator("#operations-health-livez")
        alive.get_by_role("button").first.click()
        alive.get_by_role("button", name="Try it out").click()
        alive.get_by_role("button", name="Execute").click()
        expect(alive).to_contain_text('"status": "alive"')
        assert page.evaluate("window.refused") == []


def test_csp_of_docs_page_rejects_inline_styles(page: Page, service: RunningService) -> None:
    page.add_init_script(COLLECT_REFUSALS)
    page.goto(f"{service.url}/docs")
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.wait_for_function("window.refused.length")
    assert page.evaluate("window.refused") == ["style-src-attr inline"]


def test_csp_rejects_framing(foreign_page: Page, service: RunningService) -> None:
    add_frame = """(url) => {
        const frame = document.createElement("iframe");
        frame.src = url;
        document.body.append(frame);
    }"""
    for path in ("/docs", "/livez"):
        with foreign_page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            foreign_page.evaluate(add_frame, service.url + path)
