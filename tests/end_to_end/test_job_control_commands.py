"""A long paper is stopped in the middle of its reading, and taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pymupdf
import pytest

from serve_app.client import Client
from serve_app.schemas.core import Job
from tests.pdf_builder.canvas import LOREM
from tests.service import RunningService, run_program

PAGES = 400
SANDBOX = "runtime.sandbox.server"
PATIENCE_SECONDS = 120.0


def long_paper(mark: str) -> bytes:
    """Many pages, each with words of its own."""
    with pymupdf.open() as pdf:
        for number in range(PAGES):
            page = pdf.new_page()
            text = f"Section {number} of {mark}. {LOREM * 3} It ends with spoon{number}."
            page.insert_textbox(pymupdf.Rect(60, 60, 540, 780), text, fontsize=10)
        return pdf.tobytes()


def readers(service: RunningService) -> list[psutil.Process]:
    """The processes in which a paper is read at this moment: children of the sandboxes."""
    below = psutil.Process(service.process.pid).children(recursive=True)
    return [one for one in below if _is_sandbox(one) and _is_sandbox(one.parent())]


def _is_sandbox(process: psutil.Process | None) -> bool:
    try:
        return process is not None and SANDBOX in process.cmdline()
    except psutil.Error:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def until_it_reads(library: Client, job_id: str) -> Job:
    """The job as soon as some pages were read and others were not."""
    wait_until(lambda: library.job(job_id).progress.pages_done > 0)
    return library.job(job_id)


@pytest.mark.parametrize("keep", [False, True])
def test_cancelled_extraction_stops_and_can_be_retried(
    service: RunningService, library: Client, collection: str, keep: bool
) -> None:
    paper = long_paper(collection)
    accepted = library.upload(paper, collection, filename="long.pdf")
    name = accepted.document_id
    job = until_it_reads(library, accepted.job_id)
    assert job.status == "running"
    assert library.cancel(job.job_id, keep_chunks=keep).cancelled == 1
    job = library.job(job.job_id)
    assert (job.status, job.counts.cancelled) == ("cancelled", 1)
    wait_until(lambda: not readers(service))
    assert library.document(name).status == "cancelled"
    assert library.search("spoon1", collection=collection).hits == []
    wait_until(lambda: not library.chunks(name).items)
    assert library.retry(job.job_id).retried == 1
    again = library.wait(job.job_id, PATIENCE_SECONDS)
    assert (again.status, again.tasks[0].attempt) == ("completed", 1)
    document = library.document(name)
    assert (document.status, document.version, document.pages) == ("ready", 2, PAGES)
    [hit] = library.search(f"spoon{PAGES - 1}", collection=collection, mode="sparse", limit=1).hits
    assert hit.page_last == PAGES
    assert library.retry(job.job_id).retried == 0


def test_cancelled_folder_keeps_completed_papers(
    service: RunningService, library: Client, collection: str, samples: dict[str, Path]
) -> None:
    done = next(iter(samples.values()))
    others = [long_paper(f"{collection} {number}") for number in range(2)]
    accepted = library.upload_many([done, *others], collection)
    wait_until(lambda: library.job(accepted.job_id).counts.completed == 1)
    said = run_program("paperworks", "cancel", accepted.job_id, "--url", service.url)
    assert (said.returncode, "2 papers cancelled" in said.stdout) == (0, True), said
    wait_until(lambda: not readers(service))
    job = library.job(accepted.job_id)
    assert (job.status, job.counts.completed, job.counts.cancelled) == ("partial", 1, 2)
    shown = library.documents(collection=collection, status="ready").items
    assert [document.filename for document in shown] == [done.name]


def test_cli_lists_and_retries_failures(
    service: RunningService, library: Client, collection: str
) -> None:
    accepted = library.upload(b"%PDF-1.4\nnothing of a PDF", collection, filename="broken.pdf")
    assert library.wait(accepted.job_id, PATIENCE_SECONDS).status == "failed"
    said = run_program("paperworks", "failures", accepted.job_id, "--url", service.url)
    assert "broken.pdf: failed (" in said.stdout
    said = run_program("paperworks", "retry", accepted.job_id, "--url", service.url)
    assert (said.returncode, "1 paper queued again" in said.stdout) == (1, True), said
    assert library.job(accepted.job_id).counts.failed == 1
