"""A deletion beside an upload of the same bytes: what was answered 202 is never lost.

`ROUNDS=200` tries it more often.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from serve_app.client import Client, PaperworksProblem
from serve_app.schemas.core import UploadAccepted
from tests.pdf_builder.papers import make_paper
from tests.service import RunningService

ROUNDS = int(os.environ.get("ROUNDS", "30"))
PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Round:
    """A paper that was deleted in one collection while it was uploaded to one."""

    content: bytes
    deleted: str
    accepted: UploadAccepted
    collection: str


@contextmanager
def clients(service: RunningService) -> Iterator[tuple[Client, Client]]:
    """Two clients, each with connections of its own."""
    with Client(service.url) as one, Client(service.url) as other:
        yield one, other


@pytest.mark.parametrize("same_collection", [True, False])
def test_upload_concurrent_with_deletion_of_same_bytes_is_kept(
    service: RunningService,
    library: Client,
    collection: str,
    same_collection: bool,
    tmp_path: Path,
) -> None:
    paper = make_paper(f"Races in {collection}", columns=1)
    contents = [paper + b"%% round %d\n" % number for number in range(ROUNDS)]
    files = [tmp_path / f"{number}.pdf" for number in range(ROUNDS)]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    first = library.upload_many(files, collection)
    library.wait(first.job_id, PATIENCE_SECONDS)
    target = collection if same_collection else f"{collection}-other"
    rounds = []
    with clients(service) as (deleting, uploading), ThreadPoolExecutor(2) as threads:
        for number, (content, made) in enumerate(zip(contents, first.accepted, strict=True)):
            deletion = threads.submit(deleting.delete, made.document_id)
            time.sleep(number % 21 / 1000)
            upload = threads.submit(uploading.upload, content, target, filename="again.pdf")
            deletion.result()
            rounds.append(Round(content, made.document_id, upload.result(), target))
    for one in rounds:
        library.wait(one.accepted.job_id, PATIENCE_SECONDS)
    settle(service, library, paper, collection)
    copy = tmp_path / "copy.pdf"
    lost = [fault for one in rounds if (fault := fault_of(library, one, copy))]
    assert lost == [], f"{len(lost)} of {len(rounds)} uploads"


def settle(service: RunningService, library: Client, paper: bytes, collection: str) -> None:
    """Returns when deletions that came before this call are worked off: a paper that is deleted
    now is erased after them."""
    last = library.upload(paper + b"%% last\n", collection, filename="last.pdf")
    library.wait(last.job_id, PATIENCE_SECONDS)
    library.delete(last.document_id)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while list((service.home / "blobs" / "artifacts").glob(f"*/{last.document_id}-*")):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def fault_of(library: Client, one: Round, copy: Path) -> str | None:
    """What is wrong with a paper that was accepted; None for nothing.

    One that the collection had at the upload (`duplicate_of`) may be deleted by the deletion, which
    came later then.
    """
    accepted = one.accepted
    was_there = accepted.duplicate_of == one.deleted
    job = library.job(accepted.job_id)
    try:
        document = library.document(accepted.document_id)
    except PaperworksProblem as problem:
        return None if was_there and problem.status == 404 else f"{accepted}: {problem.detail}"
    if job.status != "completed" or document.status != "ready":
        return f"{accepted}: job {job.status}, document {document.status}"
    shown = library.chunks(document.document_id, limit=200).items
    if len(shown) != document.counts.chunks or not shown:
        return f"{accepted}: {len(shown)} of {document.counts.chunks} passages"
    return broken_files(library, document.document_id, one.content, copy)


def broken_files(library: Client, document_id: str, content: bytes, copy: Path) -> str | None:
    """What is wrong with the text or the PDF of a document; None for nothing."""
    try:
        if not library.text(document_id):
            return f"{document_id}: no text"
        if library.download(document_id, copy).read_bytes() != content:
            return f"{document_id}: other bytes"
    except PaperworksProblem as problem:
        return f"{document_id}: {problem.detail}"
    return None
