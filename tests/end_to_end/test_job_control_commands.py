"""Cancel and retry of jobs during extraction, by the client and the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.client import Client
from serve_app.schemas.core import Job
from tests.chaos.targets import PARSER_CHILD, find_processes
from tests.pdf_builder.pages import long_paper
from tests.service import RunningService, run_program
from tests.timing import wait_until

PAGES = 400
LONG_PAPERS = 16
"""Papers of a folder: the fastest machine does not read all of them before the cancel."""
TIMEOUT_SECONDS = 120.0


def is_parsing(service: RunningService) -> bool:
    """True if a sandbox of the service parses a paper."""
    return any(find_processes(PARSER_CHILD, service.process.pid))


def wait_for_first_pages(library: Client, job_id: str) -> Job:
    """Returns the job when some of its pages are extracted."""
    wait_until(lambda: library.job(job_id).progress.pages_done > 0)
    return library.job(job_id)


@pytest.mark.parametrize("keep", [False, True])
def test_cancelled_extraction_stops_and_can_be_retried(
    service: RunningService, library: Client, collection: str, keep: bool
) -> None:
    paper = long_paper(collection, PAGES)
    accepted = library.upload(paper, collection, filename="long.pdf")
    name = accepted.document_id
    job = wait_for_first_pages(library, accepted.job_id)
    assert job.status == "running"
    assert library.cancel(job.job_id, keep_chunks=keep).cancelled == 1
    job = library.job(job.job_id)
    assert (job.status, job.counts.cancelled) == ("cancelled", 1)
    error = job.tasks[0].error
    assert error and error.message.startswith("Cancelled by address 127.0.0.1."), error
    wait_until(lambda: not is_parsing(service))
    assert library.document(name).status == "cancelled"
    assert library.search("spoon1", collection=collection).hits == []
    wait_until(lambda: not library.chunks(name).items)
    assert library.retry(job.job_id).retried == 1
    again = library.wait(job.job_id, TIMEOUT_SECONDS)
    assert (again.status, again.tasks[0].attempt) == ("completed", 1)
    document = library.document(name)
    assert (document.status, document.version, document.pages) == ("ready", 2, PAGES)
    [hit] = library.search(f"spoon{PAGES - 1}", collection=collection, mode="sparse", limit=1).hits
    assert hit.page_last == PAGES
    assert library.retry(job.job_id).retried == 0


def test_cancelled_folder_keeps_completed_papers(
    service: RunningService, library: Client, collection: str, samples: dict[str, Path]
) -> None:
    short = next(iter(samples.values()))
    long = long_paper(collection, PAGES)
    others = [long + b"%%%d\n" % number for number in range(LONG_PAPERS)]  # other bytes, same pages
    accepted = library.upload_many([short, *others], collection)
    wait_until(lambda: library.job(accepted.job_id).counts.completed > 0)
    result = run_program("paperworks", "cancel", accepted.job_id, "--url", service.url)
    wait_until(lambda: not is_parsing(service))
    job = library.job(accepted.job_id)
    completed, cancelled = job.counts.completed, job.counts.cancelled
    assert (job.status, completed + cancelled) == ("partial", 1 + LONG_PAPERS)
    assert (result.returncode, f"{cancelled} paper" in result.stdout) == (0, True), result
    ready = library.documents(collection=collection, status="ready").items
    assert len(ready) == completed
    for document in ready:
        assert library.chunks(document.document_id, limit=1).items


def test_cli_lists_and_retries_failures(
    service: RunningService, library: Client, collection: str
) -> None:
    accepted = library.upload(b"%PDF-1.4\nnothing of a PDF", collection, filename="broken.pdf")
    assert library.wait(accepted.job_id, TIMEOUT_SECONDS).status == "failed"
    result = run_program("paperworks", "failures", accepted.job_id, "--url", service.url)
    assert "broken.pdf: failed (" in result.stdout
    result = run_program("paperworks", "retry", accepted.job_id, "--url", service.url)
    assert (result.returncode, "1 paper queued again" in result.stdout) == (1, True), result
    assert "\n  broken.pdf\n" in result.stdout
    assert library.job(accepted.job_id).counts.failed == 1
