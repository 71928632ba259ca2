"""The page of a paper and the filters of searches in Chromium, with papers that cite each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from serve_app.client import Client
from tests.end_to_end.tabs import strict_tab
from tests.pdf_builder.papers import Grid, Part, make_paper
from tests.service import RunningService

READ_MS = 120_000  # a paper on a busy machine
COLLECTION = "paper-pages"
SURVEY = "A Survey of Leases and Fencing"
CITED = "Durable Leases: What a Job Queue Owes a Document"
PARTS = (
    Part("1 Introduction", ["The lease of the introduction names a worker of the queue. " * 6]),
    Part(
        "2 Methods",
        [
            "The lease of the methods is measured on a cluster of many workers. " * 6,
            Grid("Table 1. Lease by worker", [("Worker", "Lease"), ("one", "4"), ("two", "8")]),
        ],
    ),
)


@dataclass(frozen=True, slots=True)
class Papers:
    """The ids of a paper, and of a survey that cites it."""

    cited: str
    survey: str


@pytest.fixture
def page(browser: Browser, service: RunningService) -> Iterator[Page]:
    """A tab that fails the test for a console error and for a request to another host."""
    with strict_tab(browser, service.url) as tab:
        yield tab


@pytest.fixture(scope="module")
def papers(service: RunningService, samples: dict[str, Path]) -> Papers:
    """A paper of 2024 by Ada Lovelace, and a survey of 2026 by Grace Hopper that cites it."""
    reference = f"[1] A. Lovelace. {CITED}. Journal of Made Papers, 2024. doi:10.1234/leases"
    survey = make_paper(SURVEY, PARTS, authors="Grace Hopper", references=[reference])
    with Client(service.url) as library:
        cited = library.upload(samples["durable-leases"], COLLECTION)
        citing = library.upload(survey, COLLECTION, filename="survey.pdf")
        for job in (cited.job_id, citing.job_id):
            assert library.wait(job, READ_MS / 1000).status == "completed"
        known = {"authors": ["Ada Lovelace"], "year": 2024, "doi": "10.1234/leases"}
        library.correct(cited.document_id, **known)
        library.correct(citing.document_id, authors=["Grace Hopper"], year=2026)
    return Papers(cited.document_id, citing.document_id)


def test_paper_page_shows_figures_evidence_and_citing_papers(page: Page, papers: Papers) -> None:
    page.goto(f"/papers/{papers.cited}")
    figure = page.locator(".figures figure").first
    expect(figure.locator("figcaption strong")).to_have_text(re.compile("^Fig"))
    expect(figure.locator("figcaption")).to_contain_text("page ")
    figure.scroll_into_view_if_needed()
    is_loaded = "() => document.querySelector('.figures img').naturalWidth > 0"
    page.wait_for_function(is_loaded, timeout=READ_MS)
    title = page.locator(".evidence div", has_text="title")
    expect(title.locator("dd")).to_have_text(re.compile(r"^\S.*, \d+% sure$"))
    cited_by = page.locator("section", has=page.get_by_role("heading", name="Cited by"))
    expect(cited_by.get_by_role("listitem")).to_have_count(1)
    cited_by.get_by_role("link", name=SURVEY).click()
    expect(page.get_by_role("heading", name=SURVEY)).to_be_visible()
    page.locator(".references").get_by_role("link", name=CITED).click()
    expect(page).to_have_url(re.compile(f"{papers.cited}$"))


@pytest.mark.usefixtures("papers")
@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("Author", "hopper", "Grace Hopper (2026)"),
        ("From", "2025", "Grace Hopper (2026)"),
        ("To", "2025", "Ada Lovelace (2024)"),
    ],
)
def test_author_and_year_limit_the_hits(page: Page, field: str, value: str, found: str) -> None:
    page.goto(f"/search?q=lease&papers=true&collection={COLLECTION}")
    expect(page.locator("a.hit")).to_have_count(2)
    page.get_by_label(field, exact=True).fill(value)
    page.get_by_label(field, exact=True).press("Tab")
    expect(page.locator(".hits .authors")).to_have_text([found])
    expect(page).to_have_url(re.compile(f"={value}(&|$)"))
    page.reload()
    expect(page.locator(".hits .authors")).to_have_text([found])
    expect(page.get_by_label(field, exact=True)).to_have_value(value)


@pytest.mark.usefixtures("papers")
def test_section_and_kind_limit_the_hits(page: Page) -> None:
    page.goto(f"/search?q=lease&author=hopper&collection={COLLECTION}")
    hits = page.locator(".hits")
    expect(hits).to_contain_text("lease of the introduction")
    page.get_by_label("Section").select_option("methods")
    expect(hits).not_to_contain_text("lease of the introduction")
    expect(hits).to_contain_text("lease of the methods")
    page.get_by_label("Section").select_option("")
    page.get_by_label("Kind").select_option("table")
    expect(hits).not_to_contain_text("lease of the methods")
    expect(hits).to_contain_text("· table")
    page.get_by_label("Section").select_option("appendix")
    expect(page.locator("#results")).to_contain_text("Nothing found")
    page.go_back()
    expect(hits).to_contain_text("· table")


@pytest.mark.usefixtures("papers")
def test_changes_during_a_search_end_with_the_hits_of_the_last_one(page: Page) -> None:
    page.goto(f"/search?q=lease&author=hopper&collection={COLLECTION}")
    slow = {"offline": False, "latency": 500, "downloadThroughput": -1, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    section = page.get_by_label("Section")
    for topic in ("methods", "appendix", "", "introduction", "methods"):
        section.select_option(topic)
    expect(page.locator(".hits")).to_contain_text("lease of the methods")
    expect(page.locator(".hits")).not_to_contain_text("lease of the introduction")
    assert "section=methods" in page.url
