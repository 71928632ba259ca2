"""Web pages: rendered from the library, safe with hostile input, errors in words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from domain.jobs import Lane, Progress, Upload
from domain.papers import Author, Block, BlockKind, Cell
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.paper_fixtures import BOX, METADATA, PAPER, TABLE, add_paper

SCRIPT = "<img src=x onerror=alert(1)>"
UNKNOWN = "doc_" + "0" * 24


async def filled(library: Library, name: str = "paper.pdf", collection: str = "physics") -> str:
    """Returns the id of a paper that was uploaded and read."""
    response = await library.upload(pdf(name), name, collection=collection)
    await library.read_papers("Light bends near the sun.", "Atoms emit light.")
    return response.json()["document_id"]


async def page_of(
    library: Library, path: str, status: int = 200, *, of_htmx: bool = False, accept: str = "*/*"
) -> str:
    headers = {"Accept": accept} | ({"HX-Request": "true"} if of_htmx else {})
    response = await library.http.get(path, headers=headers)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response.text


async def test_library_page_explains_the_first_step_if_empty(library: Library) -> None:
    page = await page_of(library, "/")
    assert "No papers yet" in page and 'href="/upload"' in page


async def test_library_page_lists_papers_and_collections(library: Library) -> None:
    document = await filled(library)
    page = await page_of(library, "/")
    assert f'href="/papers/{document}">On paper.pdf</a>' in page
    assert 'href="/?collection=physics"' in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=PAPER", True),
        ("text=other", False),
        ("collection=physics&state=ready", True),
        ("state=failed", False),
        ("year_first=2000", False),
        ("text=&state=&year_first=&year_last=&collection=", True),
        ("review=true", False),
    ],
)
async def test_library_page_filters_papers(library: Library, query: str, found: bool) -> None:
    document = await filled(library)
    rows = await page_of(library, f"/?{query}", of_htmx=True)
    assert (document in rows) == found
    assert "<html" not in rows
    assert found or "No paper matches the filters" in rows


async def test_page_is_complete_when_the_browser_goes_back(library: Library) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    for path in ("/", "/search?q=light", "/jobs"):
        assert "<html" in (await library.http.get(path, headers=headers)).text


async def test_library_page_shows_more_papers_on_request(library: Library) -> None:
    names = [f"{n}.pdf" for n in range(51)]
    for name in names:
        await library.upload(pdf(name), name)
    first = await page_of(library, "/")
    [more] = re.findall(r'hx-get="(/\?cursor=[^"]+)"', first)
    rest = await page_of(library, more, of_htmx=True)
    assert len(re.findall('name="paper"', first)) == 50
    assert len(re.findall('name="paper"', rest)) == 1 and "<table" not in rest


async def test_search_page_shows_hits_with_marked_words_and_links_to_their_page(
    library: Library,
) -> None:
    document = await filled(library)
    page = await page_of(library, "/search?q=atoms+light&collection=physics")
    assert "<mark>Atoms</mark>" in page
    assert re.search(rf'href="/papers/{document}/pages/2\?highlight=[0-9a-f]{{32}}#passage"', page)
    assert f"/api/v1/documents/{document}/pages/2/region.png?x0=44" in page
    assert "Nothing found" not in page


async def test_search_page_names_authors_and_year(library: Library) -> None:
    document = await filled(library)
    correction = {"authors": ["Ada Lovelace", "Grace Hopper"], "year": 1843}
    await library.http.patch(f"/api/v1/documents/{document}", json=correction)
    page = await page_of(library, "/search?q=atoms")
    assert re.search(r"Ada Lovelace, Grace Hopper\s+\(1843\)", page)


async def test_search_page_states_that_nothing_was_found(library: Library) -> None:
    await filled(library)
    results = await page_of(library, "/search?q=quark&mode=sparse", of_htmx=True)
    assert "Nothing found" in results and "<html" not in results


async def test_search_page_answers_a_blank_query_with_instructions(library: Library) -> None:
    assert "Type words or a question" in await page_of(library, "/search?q=%20")


async def test_paper_page_shows_content_and_actions(library: Library) -> None:
    document = await filled(library)
    page = await page_of(library, f"/papers/{document}")
    for part in ("Introduction", "Knuth, D. Literate programming", "@misc{", "Read the pages"):
        assert part in page, part
    for citation in ('id="citation"', 'id="bibtex"', 'id="ris"', "TY  - "):
        assert citation in page, citation
    text = await page_of(library, f"/papers/{document}/text")
    assert "<p>Atoms emit light.</p>" in text and "Knuth, D. Literate programming" not in text
    viewer = await page_of(library, f"/papers/{document}/pages/2")
    assert f"/api/v1/documents/{document}/pages/2.png" in viewer and "Page 2 of 2" in viewer


async def test_paper_page_of_unread_paper_says_where_its_progress_is(library: Library) -> None:
    document = (await library.upload(pdf())).json()["document_id"]
    page = await page_of(library, f"/papers/{document}")
    assert 'href="/jobs"' in page and "Read the pages" not in page


async def test_job_pages_show_progress_failures_and_events(library: Library) -> None:
    accepted = (await library.upload_many([("a.pdf", pdf("a")), ("b.pdf", pdf("b"))])).json()
    job = accepted["job_id"]
    progress = await page_of(library, f"/jobs/{job}/progress")
    assert 'hx-trigger="every 1s, progress"' in progress and "Cancel" in progress
    await library.read_papers(refuse="b.pdf")
    progress = await page_of(library, f"/jobs/{job}/progress")
    assert "every 1s" not in progress and "No page has text." in progress and "Retry" in progress
    assert f'href="/jobs/{job}"' in await page_of(library, "/jobs?status=partial")
    assert "task failed" in await page_of(library, f"/jobs/{job}")


async def test_job_pages_show_papers_in_each_step_and_read_pages(library: Library) -> None:
    files = [(f"{n}.pdf", pdf(str(n))) for n in range(2)]
    job = (await library.upload_many(files)).json()["job_id"]
    [task] = await library.stores.queue.claim(Lane.INTERACTIVE, 1, worker="w", lease_seconds=9)
    await library.stores.queue.report(task, Progress(1234, 5000, 77))
    said = "read text: 1 waiting, 1 reading"
    listed, shown = await page_of(library, "/jobs"), await page_of(library, f"/jobs/{job}/progress")
    assert said in listed and 'data-label="Pages">1,234<' in listed
    assert 'data-label="Passages">77<' in listed
    assert f"Papers in each step: {said}<" in shown and "1,234 of 5,000 pages" in shown
    await library.finish(task, ["text"])
    await library.read_papers()
    assert "Papers in each step" not in await page_of(library, f"/jobs/{job}/progress")


async def test_job_page_leads_to_all_papers_and_events(library: Library) -> None:
    uploads = [Upload(f"{n}.pdf", f"{n:064x}", 9) for n in range(103)]
    job = (await library.stores.jobs.admit("physics", uploads))[0].job_id
    first = await page_of(library, f"/jobs/{job}")
    assert "Papers 1 to 100 of 103" in first and "Previous papers" not in first
    [more] = re.findall(r'href="([^"]+)" hx-get="[^"]+"[^>]*>More papers', first)
    last = await page_of(library, more)
    assert "Papers 101 to 103 of 103" in last and "More papers" not in last
    assert f'hx-get="/jobs/{job}/progress?cursor=100" hx-trigger' in last
    assert f'href="/jobs/{job}" hx-get="/jobs/{job}/progress"' in last, "leads back to the first"
    [earlier] = re.findall(r'hx-get="([^"]+)"[^>]*>Earlier events', first)
    rows = await page_of(library, earlier)
    assert [rows.count(f">{name}<") for name in ("0.pdf", "2.pdf", "3.pdf")] == [1, 1, 0]
    assert "Earlier events" not in rows
    assert "has 103 papers" in await page_of(library, f"/jobs/{job}?cursor=500")


async def test_earlier_jobs_are_refreshed_as_such(library: Library) -> None:
    for n in range(51):
        await library.upload(pdf(str(n)))
    first = await page_of(library, "/jobs")
    [earlier] = re.findall(r'href="(/jobs\?cursor=[^"]+)">Earlier jobs', first)
    assert f'hx-get="{earlier}"' in await page_of(library, earlier)


async def test_jobs_page_shows_failures_until_they_are_acknowledged(library: Library) -> None:
    assert "No failure waits" in await page_of(library, "/jobs")
    job = (await library.upload(pdf("bad"), "bad.pdf")).json()["job_id"]
    await library.fail_papers()
    path = f'data-post="/api/v1/jobs/{job}/acknowledge"'
    for page in (await page_of(library, "/jobs"), await page_of(library, f"/jobs/{job}")):
        assert path in page
    assert "1 job with failures" in await page_of(library, "/jobs?status=completed")
    assert job in await page_of(library, "/jobs?unacknowledged=true")
    await library.http.post(f"/api/v1/jobs/{job}/acknowledge")
    assert path not in await page_of(library, "/jobs")
    assert job not in await page_of(library, "/jobs?unacknowledged=true")
    assert "failures acknowledged" in await page_of(library, f"/jobs/{job}")


@pytest.mark.parametrize("path", ["/", "/search?q=", "/upload", "/jobs", "/system"])
async def test_page_loads_own_files_only(library: Library, path: str) -> None:
    response = await library.http.get(path)
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', response.text)
    assert not re.search(r"<script(?![^>]* src=)|<style| on\w+=| style=", response.text)
    for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', response.text):
        assert (await library.http.get(asset)).status_code == 200


async def test_first_visit_of_a_full_library_takes_less_than_100_kb(library: Library) -> None:
    for n in range(60):
        await library.upload(pdf(str(n)), f"paper-{n}.pdf", collection="physics")
    authors = tuple(Author(f"Ada Augusta Lovelace {n}") for n in range(5))
    title = "Notes on the Analytical Engine and on its Use for the Numbers of Bernoulli"
    await library.read_papers(metadata=replace(METADATA, title=title, authors=authors))
    page = await page_of(library, "/")
    assert page.count("<tr>") > 50 and "Show more" in page
    assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    answers = [await library.http.get(asset) for asset in assets]
    sent_by_type = {one.headers["content-type"].split(";")[0]: one.headers for one in answers}
    assert sent_by_type["text/css"]["content-encoding"] == "gzip"
    sent = sum(int(answer.headers["content-length"]) for answer in answers)
    assert len(page) + sent < 100_000, (len(page), sent)


async def test_pages_work_under_a_root_path(library: Library) -> None:
    transport = httpx.ASGITransport(library.app, root_path="/papers")
    async with httpx.AsyncClient(transport=transport, base_url="http://library") as http:
        page = (await http.get("/papers/")).text
    assert 'href="/papers/upload"' in page and 'src="/papers/static/' in page
    assert not re.findall(r'(?:src|href|action|hx-get)="/(?!papers/)', page)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/papers", 404),
        (f"/papers/{UNKNOWN}", 404),
        ("/papers/x", 404),
        (f"/papers/{UNKNOWN}/pages/1", 404),
        ("/jobs/x", 404),
        ("/?collection=%2F", 422),
        ("/?cursor=x", 422),
        ("/?text=%00", 422),
        ("/?year_first=x", 422),
        ("/search?mode=x", 422),
        ("/search?q=light&collection=unknown", 404),
        ("/search?q=" + "x" * 4001, 422),
        ("/jobs?status=x", 422),
    ],
)
async def test_page_explains_bad_input_in_words(library: Library, path: str, status: int) -> None:
    page = await page_of(library, path, status, accept="text/html,*/*;q=0.8")
    assert "Go to the library" in page and "Traceback" not in page


async def test_page_of_expired_job_leads_to_its_papers(library: Library) -> None:
    job = (await library.upload(pdf())).json()["job_id"]
    await library.read_papers()
    library.stores.state.clock = lambda: datetime.now(UTC) + timedelta(days=8)
    await library.stores.jobs.purge()
    page = await page_of(library, f"/jobs/{job}", 410)
    assert "<h1>Gone</h1>" in page and "Its papers are kept; find them in the library." in page
    assert 'href="/">Go to the library</a>' in page
    assert "Its papers are kept" in await page_of(library, f"/jobs/{job}/progress", 410)


@pytest.mark.parametrize("rest", ["", "/pages/1", "/text", "/similar"])
async def test_page_of_deleted_paper_says_what_to_do(library: Library, rest: str) -> None:
    document = await filled(library)
    await library.http.delete(f"/api/v1/documents/{document}")
    page = await page_of(library, f"/papers/{document}{rest}", 404)
    assert f"There is no document {document}." in page
    assert "deleted, or the address is mistyped" in page
    assert 'href="/">Go to the library</a>' in page


async def test_error_page_has_the_code_and_the_request_id(library: Library) -> None:
    response = await library.http.get(f"/papers/{UNKNOWN}")
    request_id = response.headers["x-request-id"]
    assert f"Code not_found, request {request_id}" in response.text


async def test_paper_page_shows_hostile_content_as_text(library: Library) -> None:
    metadata = replace(
        METADATA, title=SCRIPT, authors=(Author(SCRIPT),), abstract=SCRIPT, keywords=(SCRIPT,)
    )
    table = replace(TABLE, label=SCRIPT, caption=SCRIPT, rows=((Cell(SCRIPT),),), notes=SCRIPT)
    hostile = replace(
        PAPER,
        metadata=metadata,
        blocks=(Block(BlockKind.HEADING, SCRIPT, (BOX,)), Block(BlockKind.TEXT, SCRIPT, (BOX,))),
        sections=(replace(PAPER.sections[0], title=SCRIPT),),
        references=(replace(PAPER.references[0], raw=SCRIPT),),
        tables=(table,),
        figures=(replace(PAPER.figures[0], label=SCRIPT, caption=SCRIPT),),
    )
    document = await add_paper(library, hostile, SCRIPT, name=f"{SCRIPT}.pdf")
    tags = {"tags": [SCRIPT]}
    await library.http.patch(f"/api/v1/documents/{document}", json=tags)
    address = f"/papers/{document}"
    counts = {address: 14, f"{address}/text": 2, f"{address}/pages/1": 1, "/": 3, "/upload": 0}
    for path, count in counts.items():
        page = await page_of(library, path)
        assert SCRIPT not in page, path
        assert page.count("&lt;img src=x") >= count, path


async def test_pages_show_hostile_text_as_text(library: Library) -> None:
    name = f"{SCRIPT}.pdf"
    accepted = (await library.upload(pdf(), name, collection="physics")).json()
    await library.read_papers(f"{SCRIPT} light")
    document, job = accepted["document_id"], accepted["job_id"]
    paths = ["/", f"/papers/{document}", f"/papers/{document}/pages/1", f"/jobs/{job}", "/jobs"]
    for path in [*paths, "/search?q=light+%3Cimg+src=x+onerror=alert(1)%3E"]:
        page = await page_of(library, path)
        assert SCRIPT not in page
        assert path == "/jobs" or "&lt;img src=x" in page, path
