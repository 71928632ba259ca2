"""Web pages in Chromium: upload, search, read, cancel and delete, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from serve_app.client import Client, PaperworksProblem
from tests.end_to_end.tabs import strict_tab
from tests.service import RunningService

READ_MS = 120_000  # a paper on a busy machine
REFRESH_MS = 60_000  # the numbers of other processes are written every 10 s, and read every 5 s
COLLECTION = "web-pages"


@pytest.fixture
def page(browser: Browser, service: RunningService) -> Iterator[Page]:
    """A tab that fails the test for a console error and for a request to another host."""
    with strict_tab(browser, service.url) as tab:
        yield tab


@pytest.fixture(scope="module")
def papers(
    service: RunningService, browser: Browser, samples: dict[str, Path]
) -> Iterator[list[Path]]:
    """The sample papers, uploaded by a browser."""
    with browser.new_context(base_url=service.url) as context:
        tab = context.new_page()
        tab.goto(f"/upload?collection={COLLECTION}")
        tab.set_input_files("input[name=files]", list(samples.values()))
        job = tab.locator(".job")
        expect(job.locator("tbody tr")).to_have_count(len(samples), timeout=READ_MS)
        expect(job).to_contain_text(f"of {len(samples)} complete")
        complete = f"{len(samples)} of {len(samples)} complete"
        expect(job).to_contain_text(complete, timeout=READ_MS)
        tab.goto("/")
        tab.goto("/upload")  # the browser remembers its uploads
        expect(tab.locator(".job")).to_contain_text(complete)
    yield list(samples.values())


def test_library_filters_while_typing(page: Page, papers: list[Path]) -> None:
    page.goto(f"/?collection={COLLECTION}")
    rows = page.locator("#paper-rows tr")
    expect(rows).to_have_count(len(papers))
    page.get_by_label("Title, author or file").fill("durable")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("text=durable"))


def test_selected_papers_are_exported(page: Page, papers: list[Path]) -> None:
    page.goto(f"/?collection={COLLECTION}")
    page.get_by_label("Select all papers").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="RIS").click()
    records = Path(download.value.path()).read_text()
    assert records.count("TY  - ") == len(papers)
    assert download.value.suggested_filename == "papers.ris"


def test_selection_that_is_too_large_to_export_is_a_message(page: Page, papers: list[Path]) -> None:
    page.goto(f"/?collection={COLLECTION}")
    page.locator("#paper-rows tr").first.evaluate(
        "row => { while (row.parentNode.rows.length < 201) row.after(row.cloneNode(true)); }"
    )
    page.get_by_label("Select all papers").check()
    page.get_by_role("button", name="BibTeX").click()
    notice = page.locator("#notice")
    expect(notice).to_contain_text("Nothing was exported: 201 papers are selected, and at most 200")


def test_search_as_you_type_leads_to_marked_page_by_keyboard(
    page: Page, papers: list[Path]
) -> None:
    page.goto("/search")
    page.keyboard.type("fencing token of a lease")
    expect(page.locator(".hits mark").first).to_be_visible()
    expect(page).to_have_url(re.compile("q=fencing"))
    page.keyboard.press("ArrowDown")
    expect(page.locator("a.hit").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    image = page.locator("img.page")
    expect(image).to_have_attribute("src", re.compile("highlight=[0-9a-f]{32}"))
    loaded = "picture => picture.complete && picture.naturalWidth > 0"
    page.wait_for_function(f"() => ({loaded})(document.querySelector('img.page'))", timeout=READ_MS)
    expect(page.locator("#passage")).to_be_in_viewport()
    line = page.locator(".sheet text", has_text=re.compile("fencing", re.IGNORECASE)).first
    place, box = image.bounding_box(), line.bounding_box()
    assert (
        place
        and box
        and place["x"] < box["x"] < box["x"] + box["width"] < place["x"] + place["width"]
    )
    assert place["y"] <= box["y"] <= place["y"] + place["height"]


def test_focus_stays_in_the_hits_when_the_rest_of_the_query_is_answered(
    page: Page, papers: list[Path]
) -> None:
    held = list[Route]()
    page.goto("/search")
    page.route(re.compile("q=fencing%20token(&|$)"), lambda route: held.append(route))
    page.keyboard.type("fencing")
    hits = page.locator("a.hit")
    expect(hits.first).to_be_visible()
    before = page.locator("#results").element_handle()
    with page.expect_request(re.compile("q=fencing%20token(&|$)")):
        page.keyboard.type(" token")
    page.keyboard.press("ArrowDown")
    expect(hits.first).to_be_focused()
    held[0].continue_()
    page.wait_for_function("results => !results.isConnected", arg=before)
    expect(hits.first).to_be_focused()
    page.get_by_role("searchbox").fill("-lease")  # nothing to find
    page.keyboard.press("ArrowDown")
    expect(hits.first).to_be_focused()
    expect(hits).to_have_count(0)
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_further_hits_get_the_focus(page: Page, papers: list[Path]) -> None:
    page.goto(f"/search?q=the+lease+of+a+task&collection={COLLECTION}")
    page.get_by_role("link", name="More hits").press("Enter")
    expect(page.locator("a.hit").nth(20)).to_be_focused()


@pytest.mark.parametrize("address", ["/jobs", "/system"])
def test_focus_survives_the_updates_of_a_live_page(
    page: Page, papers: list[Path], address: str
) -> None:
    page.goto(address)
    for summary in page.locator("[hx-trigger^=every] summary").all():
        summary.click()
    live = page.locator("[hx-trigger^=every]").first
    focusable = live.locator("a, button, summary, [tabindex]")
    expect(focusable.last).to_be_attached()
    assert all(one.get_attribute("id") for one in focusable.all())
    name = focusable.last.get_attribute("id")
    focusable.last.focus()
    before = live.element_handle()
    page.wait_for_function("region => !region.isConnected", arg=before, timeout=REFRESH_MS)
    expect(page.locator(f"#{name}")).to_be_focused()


def test_browser_goes_back_through_searches(page: Page, papers: list[Path]) -> None:
    page.goto("/search")
    for words in ("lease", "bm25"):
        page.get_by_role("searchbox").fill(words)
        expect(page).to_have_url(re.compile(f"q={words}"))
        expect(page.locator(".hits mark").first).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile("q=lease"))
    expect(page.locator("header.top")).to_have_count(1)
    expect(page.locator(".hits mark").first).to_have_text(re.compile("lease", re.IGNORECASE))


def test_search_page_crops_passage_from_its_page(page: Page, papers: list[Path]) -> None:
    page.goto(f"/search?q=lease&collection={COLLECTION}")
    page.locator(".hits details summary").first.click()
    is_loaded = "() => document.querySelector('.hits details[open] img')?.naturalWidth > 0"
    page.wait_for_function(is_loaded, timeout=READ_MS)


def test_search_page_says_that_nothing_fits(page: Page, papers: list[Path]) -> None:
    page.goto(f"/search?q=baroque+harpsichord+tuning&collection={COLLECTION}")
    expect(page.locator("#results")).to_contain_text("Nothing really fits")


def test_search_has_phrases_filters_and_further_hits(page: Page, papers: list[Path]) -> None:
    page.goto(f"/search?q=the+lease+of+a+task&collection={COLLECTION}")
    hits = page.locator("a.hit")
    expect(hits).to_have_count(20)
    page.get_by_role("link", name="More hits").click()
    expect(hits.nth(20)).to_be_visible()
    addresses = [hit.get_attribute("href") for hit in hits.all()]
    assert len(set(addresses)) == len(addresses)
    page.get_by_role("searchbox").fill('"fencing token" -harpsichord')
    expect(page.locator("#results")).to_contain_text("without harpsichord")
    page.get_by_role("searchbox").fill("the token of a lease")
    expect(page.locator("#results")).to_contain_text("not searched as words: the, of")
    page.get_by_role("searchbox").fill("-lease")
    expect(page.locator("#results")).to_contain_text("nothing to find")
    page.get_by_role("searchbox").fill("lease")
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("From").fill("9000")
    page.get_by_label("From").press("Tab")
    expect(page.locator("#results")).to_contain_text("Nothing found")
    expect(page).to_have_url(re.compile("year_first=9000"))


def test_tags_are_set_on_the_paper_and_filter_the_library(page: Page, papers: list[Path]) -> None:
    page.goto(f"/?collection={COLLECTION}&text=durable")
    page.locator("#paper-rows a").first.click()
    page.get_by_text("Correct the metadata").click()
    page.get_by_label("Tags, separated by commas").fill("to read, <b>bold</b>")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="<b>bold</b>").click()
    expect(page.locator("#paper-rows tr")).to_have_count(1)
    page.get_by_role("link", name="all papers", exact=True).click()
    assert page.locator("#paper-rows tr").count() > 1
    page.goto("/search?q=lease&tag=to+read")
    expect(page.locator("a.hit").first).to_be_visible()
    page.goto("/search?q=lease&tag=nothing")
    expect(page.locator("#results")).to_contain_text("Nothing found")


def test_paper_page_offers_table_as_csv_and_similar_papers(page: Page, papers: list[Path]) -> None:
    page.goto(f"/?collection={COLLECTION}&text=durable")
    page.locator("#paper-rows a").first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").first.click()
    assert "Attempt,Longest wait" in Path(download.value.path()).read_text()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for name, part in {"BibTeX": "@", "RIS": "TY  - ", "citation": "Durable Leases"}.items():
        page.get_by_role("button", name=f"Copy {name}").click()
        expect(page.locator("#notice")).to_have_text("Copied.")
        assert part in page.evaluate("navigator.clipboard.readText()")
    page.get_by_text("Show the text in reading order").click()
    expect(page.locator("#text h3").first).to_be_visible()
    page.get_by_role("heading", name="Similar papers", exact=True).scroll_into_view_if_needed()
    expect(page.locator(".links a")).to_have_count(len(papers) - 1, timeout=READ_MS)


def test_correction_survives_a_new_reading(page: Page, papers: list[Path], library: Client) -> None:
    collection = f"{COLLECTION}-corrected"
    library.wait(library.upload_many(papers[:1], collection).job_id, READ_MS / 1000)
    [document] = library.documents(collection=collection).items
    page.goto(f"/papers/{document.document_id}")
    page.get_by_text("Correct the metadata").click()
    page.get_by_label("Authors, one per line").fill("Ada Lovelace\nGrace Hopper")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".authors")).to_have_text("Ada Lovelace, Grace Hopper")
    library.wait(library.reingest(document.document_id).job_id, READ_MS / 1000)
    again = library.document(document.document_id)
    assert (again.version, [one.name for one in again.authors]) == (
        document.version + 1,
        ["Ada Lovelace", "Grace Hopper"],
    )


def test_upload_page_shows_refused_file_with_reason(page: Page, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"not a PDF")
    page.goto("/upload")
    page.set_input_files("input[name=files]", broken)
    expect(page.locator("#sending .problem")).to_contain_text("PDF")


def test_failed_paper_is_explained_and_retried(page: Page, tmp_path: Path, library: Client) -> None:
    damaged = tmp_path / "damaged.pdf"
    damaged.write_bytes(b"%PDF-1.7\n" + b"x" * 5000)
    page.goto(f"/upload?collection={COLLECTION}-failed")
    page.set_input_files("input[name=files]", damaged)
    job = page.locator(".job")
    expect(job.locator(".problem")).to_be_visible(timeout=READ_MS)
    page.goto("/jobs?status=failed")
    page.locator("td.main a").first.click()
    with page.expect_response("**/retry"):
        page.get_by_role("button", name="Retry").click()
    library.wait(page.url.rsplit("/", 1)[1], READ_MS / 1000)
    page.reload()
    failures = page.locator("td[data-label=Event]", has_text="task failed")
    expect(failures).to_have_count(2)


def test_selected_papers_are_moved(page: Page, papers: list[Path], library: Client) -> None:
    former, target = f"{COLLECTION}-former", f"{COLLECTION}-target"
    library.wait(library.upload_many(papers[:2], former).job_id, READ_MS / 1000)
    page.goto(f"/?collection={former}")
    page.get_by_label("Select all papers").check()
    page.get_by_label("Collection", exact=True).fill(target)
    page.get_by_role("button", name="Move").click()
    expect(page.locator("#papers")).to_contain_text("No papers yet")
    for job in library.jobs(collection=target).items:
        assert library.wait(job.job_id, READ_MS / 1000).counts.completed == 1
    page.goto(f"/?collection={target}")
    expect(page.locator("#paper-rows .badge.ready")).to_have_count(2)


def test_failed_job_stays_on_the_jobs_page_until_acknowledged(
    page: Page, tmp_path: Path, library: Client
) -> None:
    collection = f"{COLLECTION}-unseen"
    damaged = tmp_path / "unseen.pdf"
    damaged.write_bytes(b"%PDF-1.7\n" + b"y" * 5000)
    jobs = [library.upload(damaged, collection).job_id]
    damaged.write_bytes(b"%PDF-1.7\n" + b"z" * 5000)
    jobs.append(library.upload(damaged, collection).job_id)
    for job in jobs:
        assert library.wait(job, READ_MS / 1000).status == "failed"
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/jobs?unacknowledged=true")
    button = page.get_by_role("button", name=f"Acknowledge the failures of {jobs[0]}")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(jobs[0])).to_have_count(0)
    expect(page.get_by_text(jobs[1])).to_be_visible()
    page.goto(f"/jobs/{jobs[0]}")
    expect(page.locator(".job")).to_contain_text("failures acknowledged")
    page.goto("/jobs")
    page.get_by_role("button", name="Acknowledge all").click()
    expect(page.locator(".failures")).to_contain_text("No failure waits")
    assert library.jobs(unacknowledged=True).items == []


def wait_for_update(part: Locator) -> None:
    """Waits until htmx has replaced the part."""
    part.evaluate("part => { part.dataset.old = true; }")
    expect(part).not_to_have_attribute("data-old", "true", timeout=REFRESH_MS)


def test_system_page_shows_the_last_hour_without_flicker(page: Page, papers: list[Path]) -> None:
    page.goto("/search?q=fencing+token")
    expect(page.locator("a.hit").first).to_be_visible()
    page.goto("/system")
    for name in ("papers", "pages", "searches", "latency", "uploads"):
        bars = page.locator(f"#chart-{name} path.good")
        expect(bars).to_have_attribute("d", re.compile("^M"), timeout=REFRESH_MS)
    page.get_by_text("The same as numbers").click()
    expect(page.locator("table.numbers")).to_be_visible()
    page.locator(".numbers tbody tr").last.evaluate("row => row.remove()")
    place = page.locator("#numbers").bounding_box()
    wait_for_update(page.locator("#state"))
    expect(page.locator("table.numbers")).to_be_visible()
    assert page.locator("#numbers").bounding_box() == place
    for words in ("Embedding actor 1", "JobManager", "Runner of interactive", "Milvus Lite"):
        expect(page.locator("#state")).to_contain_text(words)


@pytest.mark.usefixtures("papers")
def test_scrolled_table_stays_where_it_is_when_the_page_is_updated(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/system")
    page.get_by_text("The same as numbers").click()
    table = page.locator("#numbers-table")
    table.evaluate("region => { region.scrollLeft = 40; }")
    wait_for_update(page.locator("#state"))
    assert table.evaluate("region => region.scrollLeft") == 40


def test_system_page_leads_to_the_dashboard(page: Page, service: RunningService) -> None:
    page.goto("/system")
    info = service.service_info
    link = page.get_by_role("link", name=info["dashboard_url"])
    expect(link).to_have_attribute("href", info["dashboard_url"])
    expect(page.locator("#token-command")).to_have_text(f"cat {info['ray_token_path']}")
    assert Path(info["ray_token_path"]).read_text() not in page.content()


def test_selected_papers_are_deleted(page: Page, papers: list[Path], library: Client) -> None:
    collection = f"{COLLECTION}-deleted"
    library.wait(library.upload_many(papers[:2], collection).job_id, READ_MS / 1000)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/?collection={collection}")
    page.get_by_label("Select all papers").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#papers")).to_contain_text("No papers yet")
    assert library.documents(collection=collection).items == []


def test_collection_is_described_limited_and_deleted(
    page: Page, papers: list[Path], library: Client
) -> None:
    collection = f"{COLLECTION}-settings"
    library.wait(library.upload(papers[0], collection).job_id, READ_MS / 1000)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/?collection={collection}")
    page.get_by_text("Collection settings").click()
    page.get_by_label("Description").fill("of <b>leases</b>")
    page.get_by_label("Most papers").fill("1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("of <b>leases</b>", exact=True)).to_be_visible()
    expect(page.get_by_text("1 of at most 1 papers")).to_be_visible()
    with pytest.raises(PaperworksProblem, match="may have 1 paper;"):
        library.upload(papers[1], collection)
    page.get_by_text("Collection settings").click()
    page.get_by_label("Most papers").fill("")
    page.get_by_label("Description").fill("")
    page.get_by_label("Further files of a work").select_option("refuse")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("at most")).to_have_count(0)
    page.get_by_text("Collection settings").click()
    expect(page.get_by_label("Further files of a work")).to_have_value("refuse")
    [changed] = [one for one in library.collections() if one.name == collection]
    assert (changed.duplicates, changed.max_papers) == ("refuse", None)
    page.get_by_role("button", name="Delete collection").click()
    expect(page.get_by_role("heading", name="Library", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name=collection, exact=True)).to_have_count(0)
    assert collection not in {one.name for one in library.collections()}


def test_running_job_is_cancelled(page: Page, small_papers: list[Path], library: Client) -> None:
    others = [library.upload_many(small_papers, f"{COLLECTION}-{n}").job_id for n in range(2)]
    job = library.upload_many(small_papers, f"{COLLECTION}-cancelled").job_id  # shares the lane
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/jobs/{job}")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".job")).to_contain_text("cancelled", timeout=READ_MS)
    assert library.wait(job, READ_MS / 1000).counts.cancelled
    for other in others:
        library.cancel(other)


LONG_WORDS = "with-long-words" + "c" * 113  # the longest name of a collection


@pytest.fixture(scope="module")
def paper_of_long_words(service: RunningService, samples: dict[str, Path]) -> str:
    """A paper whose file name, title, authors, DOI, tags and collection do not fit a line."""
    pdf = next(iter(samples.values())).read_bytes()
    with Client(service.url) as library:
        job = library.upload(pdf, LONG_WORDS, filename="f" * 200 + ".pdf").job_id
        library.wait(job, READ_MS / 1000)
        document = library.documents(collection=LONG_WORDS).items[0].document_id
        names = ["A" * 190, "B" * 190]
        doi = "10.1234/" + "d" * 400
        library.correct(document, title="T" * 400, authors=names, doi=doi, tags=["t" * 100])
    return document


def overflowing_pages(tab: Page, width: int) -> list[str]:
    """Visits the pages of long words; returns those that are wider than the window."""
    job = tab.request.get("/api/v1/jobs", params={"collection": LONG_WORDS}).json()["items"][0]
    document = tab.request.get("/api/v1/documents", params={"collection": LONG_WORDS}).json()
    paths = (
        f"/?collection={LONG_WORDS}",
        f"/?tag={'t' * 100}",
        f"/search?q=lease&collection={LONG_WORDS}&author={'A' * 190}",
        f"/search?q={'w' * 300}",
        f"/upload?collection={LONG_WORDS}",
        "/jobs",
        f"/jobs/{job['job_id']}",
        f"/papers/{document['items'][0]['document_id']}",
    )
    return [path for path in paths if page_width(tab, path) > width]


def page_width(tab: Page, path: str) -> int:
    tab.goto(path)
    return tab.evaluate("document.documentElement.scrollWidth")


@pytest.mark.usefixtures("paper_of_long_words")
@pytest.mark.parametrize("width", [360, 1280])
def test_long_words_fit_the_width(browser: Browser, service: RunningService, width: int) -> None:
    size: Any = {"width": width, "height": 800}
    with browser.new_context(base_url=service.url, viewport=size) as context:
        assert overflowing_pages(context.new_page(), width) == []
