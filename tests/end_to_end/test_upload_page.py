"""The upload page in Chromium: drops, progress, queue, duplicates, cancelling, sending again.

The API runs over in-memory stores, so that its worker can be paused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Dialog, Locator, Page, expect

from runtime.http_options import HttpOptions
from tests.end_to_end.accessibility import violations_of
from tests.end_to_end.tabs import strict_tab
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.served import served

FILES_PER_REQUEST = 3
FILE_BYTES = 80_000
SLOW = 20_000  # bytes per second: a file takes four seconds
SENT_MS = 60_000  # on a busy machine
AS_FAST_AS_POSSIBLE = -1
DROP = """([target, events, files]) => {
    const transfer = new DataTransfer();
    for (const [name, content] of files) {
        const type = name.endsWith(".pdf") ? "application/pdf" : "text/plain";
        transfer.items.add(new File([content], name, {type}));
    }
    for (const type of events) {
        const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
        document.querySelector(target).dispatchEvent(new DragEvent(type, options));
    }
}"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Library]:
    """An empty library."""
    made = Library(tmp_path / "library", http=HttpOptions(), files=FILES_PER_REQUEST)
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser, api: Library) -> Iterator[Page]:
    """A tab that fails the test for a console error and for a request to another host."""
    with served(api) as url, strict_tab(browser, url) as tab:
        yield tab


@pytest.fixture
def network(page: Page) -> CDPSession:
    """The network of the tab."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    return session


def limit_uploads(network: CDPSession, bytes_per_second: int) -> None:
    """Limits how fast the tab sends."""
    speeds = {"downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    conditions = {"offline": False, "latency": 0, **speeds}
    network.send("Network.emulateNetworkConditions", conditions)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Returns the result of a coroutine; Playwright occupies the event loop of this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def files_named(folder: Path, *names: str) -> list[Path]:
    """Returns the paths of different files that the service accepts; those named "small" are."""
    for name in names:
        (folder / name).write_bytes(pdf(name, 0 if "small" in name else FILE_BYTES))
    return [folder / name for name in names]


def send(tab: Page, *files: Path) -> None:
    tab.set_input_files("input[name=files]", list(files))


def row_of(tab: Page, name: str) -> Locator:
    """Returns the row of a file that is being sent."""
    return tab.locator("#sending .sent", has_text=name)


def sent_share(tab: Page, name: str) -> float:
    return row_of(tab, name).locator("progress").evaluate("bar => bar.value")


def wait_until_partly_sent(tab: Page, name: str) -> None:
    expect(row_of(tab, name)).to_contain_text("%", timeout=SENT_MS)
    assert 0 < sent_share(tab, name) < 1


def names_of(api: Library) -> set[str]:
    """Returns the names of the accepted files."""
    return {one.document.filename for one in api.stores.state.entries.values()}


def test_files_dropped_on_the_upload_page_are_sent(page: Page) -> None:
    page.goto("/upload?collection=physics")
    files = [["a.pdf", pdf("a").decode()], ["notes.txt", "no PDF"], ["b.pdf", pdf("b").decode()]]
    page.evaluate(DROP, [".zone", ["dragenter", "dragover"], files])
    expect(page.locator("#drop")).to_be_visible()
    page.evaluate(DROP, [".zone", ["drop"], files])
    expect(page.locator("#drop")).to_be_hidden()
    expect(page.locator(".job h2")).to_contain_text("2 papers to physics")
    expect(page.locator(".job")).to_contain_text("2 of 2 complete")
    expect(page.locator("#sending .sent")).to_have_count(0)


def test_drop_on_the_empty_library_leads_to_the_upload(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#papers")).to_contain_text("No papers yet")
    page.evaluate(DROP, ["body", ["dragover", "drop"], [["a.pdf", pdf("a").decode()]]])
    page.wait_for_url("**/upload")
    expect(page.locator(".job")).to_contain_text("1 of 1 complete", timeout=SENT_MS)
    page.goto("/")
    expect(page.locator("#paper-rows")).to_contain_text("On a.pdf")


def test_refused_file_that_was_dropped_on_the_library_is_explained_there(page: Page) -> None:
    page.goto("/")
    files = [["a.pdf", pdf("a").decode()], ["b.pdf", "not a PDF"]]
    page.evaluate(DROP, ["body", ["dragover", "drop"], files])
    expect(row_of(page, "b.pdf").locator(".problem")).to_contain_text("not a PDF")
    expect(row_of(page, "a.pdf")).to_have_count(0)
    expect(page.locator("#notice")).to_contain_text("The Upload page shows their progress")
    page.evaluate(DROP, ["body", ["drop"], [["notes.txt", "text"]]])
    expect(page.locator("#notice")).to_contain_text("no PDF file")


def test_each_file_has_a_progress_bar_of_its_bytes(
    page: Page, network: CDPSession, tmp_path: Path
) -> None:
    page.goto("/upload")
    limit_uploads(network, SLOW)
    send(page, *files_named(tmp_path, "a.pdf", "b.pdf"))
    wait_until_partly_sent(page, "a.pdf")
    assert sent_share(page, "b.pdf") == 0
    expect(row_of(page, "b.pdf")).to_contain_text("waits")
    assert violations_of(page) == []
    wait_until_partly_sent(page, "b.pdf")
    assert sent_share(page, "a.pdf") == 1
    expect(page.locator(".job")).to_contain_text("2 of 2 complete", timeout=SENT_MS)


def test_waiting_job_shows_its_place_in_the_queue_then_the_remaining_time(
    page: Page, api: Library, tmp_path: Path
) -> None:
    api.pause_worker()
    page.goto("/upload")
    send(page, *files_named(tmp_path, "first.pdf"))
    expect(page.locator(".job")).to_have_count(1)
    send(page, *files_named(tmp_path, "a.pdf", "b.pdf"))
    waiting = page.locator(".job", has_text="2 papers")
    expect(waiting).to_contain_text("position 2 in the queue")
    expect(waiting.locator("tbody .badge")).to_have_text(["queued", "queued"])
    assert violations_of(page) == []
    tasks = run(api.claim())
    expect(waiting.locator("tbody .badge")).to_have_text(["running", "running"])
    expect(waiting).not_to_contain_text("in the queue")
    run(api.finish(next(one for one in tasks if one.filename == "a.pdf"), ["Light."]))
    expect(waiting).to_contain_text("1 of 2 complete")
    expect(waiting).to_contain_text("left")
    assert violations_of(page) == []


def test_duplicates_of_all_requests_are_stated_with_the_next_step(
    page: Page, tmp_path: Path
) -> None:
    files = files_named(tmp_path, *(f"{number}.pdf" for number in range(FILES_PER_REQUEST + 1)))
    page.goto("/upload?collection=physics")
    send(page, files[0], files[-1])
    expect(page.locator(".job")).to_contain_text("2 of 2 complete")
    hint = page.locator("#sending .hint")
    expect(hint).to_have_count(0)
    send(page, *files)
    expect(hint).to_contain_text("2 files are in the collection already")
    expect(hint).to_contain_text("choose “is read again”")
    expect(page.locator(".job").first.get_by_role("link", name=files[-1].name)).to_be_visible()
    assert violations_of(page) == []
    page.get_by_label("A file that the collection already has").select_option("reprocess")
    send(page, files[0])
    expect(page.locator(".job")).to_have_count(4)
    expect(hint).to_have_count(0)


# Uploads stay slow after a file was cancelled: the rest of its bytes must not arrive meanwhile.


def test_file_that_is_not_sent_yet_is_cancelled_and_sent_again(
    page: Page, api: Library, network: CDPSession, tmp_path: Path
) -> None:
    names = ["a.pdf", "b.pdf", "small.pdf", "small-of-the-next-request.pdf"]
    page.goto("/upload")
    limit_uploads(network, SLOW)
    send(page, *files_named(tmp_path, *names))
    wait_until_partly_sent(page, "a.pdf")
    for name in (names[1], names[3]):
        row_of(page, name).get_by_role("button", name=f"Cancel {name}").click()
        expect(row_of(page, name)).to_contain_text("cancelled")
    expect(page.locator(".job")).to_contain_text("2 of 2 complete", timeout=SENT_MS)
    expect(page.locator("#sending .sent")).to_have_count(2)
    assert names_of(api) == {"a.pdf", "small.pdf"}
    row_of(page, names[3]).get_by_role("button", name=f"Send again {names[3]}").click()
    expect(page.locator(".job")).to_have_count(2, timeout=SENT_MS)
    expect(row_of(page, names[3])).to_have_count(0)
    assert names_of(api) == {"a.pdf", "small.pdf", names[3]}


def test_cancelling_the_only_file_sends_nothing(
    page: Page, api: Library, network: CDPSession, tmp_path: Path
) -> None:
    page.goto("/upload")
    limit_uploads(network, SLOW)
    send(page, *files_named(tmp_path, "a.pdf"))
    wait_until_partly_sent(page, "a.pdf")
    button = row_of(page, "a.pdf").get_by_role("button")
    button.press("Enter")
    expect(button).to_have_text("Send again")
    expect(button).to_be_focused()
    send(page, *files_named(tmp_path, "small.pdf"))
    expect(page.locator(".job")).to_contain_text("1 of 1 complete", timeout=SENT_MS)
    assert names_of(api) == {"small.pdf"}


def test_files_of_a_refused_request_are_sent_again_with_another_choice(
    page: Page, tmp_path: Path
) -> None:
    [paper] = files_named(tmp_path, "a.pdf")
    page.goto("/upload")
    send(page, paper)
    expect(page.locator(".job")).to_contain_text("1 of 1 complete", timeout=SENT_MS)
    choice = page.get_by_label("A file that the collection already has")
    choice.select_option("reject")
    send(page, paper)
    problem = row_of(page, "a.pdf").locator(".problem")
    expect(problem).to_contain_text("not sent: 'a.pdf' is in the collection already")
    expect(page.locator("#notice")).to_contain_text("1 file not sent")
    assert violations_of(page) == []
    choice.select_option("reprocess")
    row_of(page, "a.pdf").get_by_role("button", name="Send again").click()
    expect(page.locator(".job")).to_have_count(2)
    expect(row_of(page, "a.pdf")).to_have_count(0)


def test_file_is_sent_again_after_a_lost_connection(
    browser: Browser, api: Library, tmp_path: Path
) -> None:
    with served(api) as url, browser.new_context(base_url=url) as context:
        page = context.new_page()
        page.clock.install()
        page.goto("/upload")
        uploads = "**/api/v1/documents"
        page.route(uploads, lambda route: route.abort("connectionreset"))
        send(page, *files_named(tmp_path, "a.pdf"))
        problem = row_of(page, "a.pdf").locator(".problem")
        while not problem.count():
            page.clock.run_for(1000)
        expect(problem).to_have_text("not sent: the connection was lost")
        page.unroute(uploads)
        row_of(page, "a.pdf").get_by_role("button", name="Send again").click()
        expect(page.locator(".job")).to_contain_text("1 paper to default")
        assert names_of(api) == {"a.pdf"}


def test_page_asks_before_it_is_left_while_files_are_being_sent(
    page: Page, network: CDPSession, tmp_path: Path
) -> None:
    questions = list[str]()

    def stay(dialog: Dialog) -> None:
        questions.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.goto("/upload")
    page.get_by_role("heading", name="Upload papers").click()  # browsers ask after a gesture only
    limit_uploads(network, SLOW)
    send(page, *files_named(tmp_path, "a.pdf"))
    wait_until_partly_sent(page, "a.pdf")
    page.evaluate("location.assign('/jobs')")
    wait_until_partly_sent(page, "a.pdf")
    assert questions == ["beforeunload"]
    limit_uploads(network, AS_FAST_AS_POSSIBLE)
    expect(page.locator(".job")).to_contain_text("1 of 1 complete", timeout=SENT_MS)
    page.get_by_role("link", name="Jobs").click()
    page.wait_for_url("**/jobs")
    assert questions == ["beforeunload"]
