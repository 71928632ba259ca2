"""Deletion concurrent with an upload of the same bytes: no paper that was answered 202 is lost.

The environment variable ROUNDS sets the number of attempts.
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
from tests.timing import wait_until

ROUNDS = int(os.environ.get("ROUNDS", "30"))
TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Round:
    """A document that was deleted while its bytes were uploaded to a collection."""

    content: bytes
    deleted: str
    accepted: UploadAccepted
    collection: str


@contextmanager
def clients(service: RunningService) -> Iterator[tuple[Client, Client]]:
    """Yields two clients with separate connections."""
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
    library.wait(first.job_id, TIMEOUT_SECONDS)
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
        library.wait(one.accepted.job_id, TIMEOUT_SECONDS)
    wait_for_deletions(service, library, paper, collection)
    copy = tmp_path / "copy.pdf"
    lost = [error for one in rounds if (error := error_of(library, one, copy))]
    assert lost == [], f"{len(lost)} of {len(rounds)} uploads"


def wait_for_deletions(
    service: RunningService, library: Client, paper: bytes, collection: str
) -> None:
    """Returns when all earlier deletions are processed: the paper deleted here is erased last."""
    last = library.upload(paper + b"%% last\n", collection, filename="last.pdf")
    library.wait(last.job_id, TIMEOUT_SECONDS)
    library.delete(last.document_id)
    artifacts = service.home / "blobs" / "artifacts"
    wait_until(lambda: not list(artifacts.glob(f"*/{last.document_id}-*")), TIMEOUT_SECONDS)


def error_of(library: Client, one: Round, copy: Path) -> str | None:
    """Returns the error of an accepted paper, or None.

    A duplicate of the deleted document may be missing: in that case the deletion came later.
    """
    accepted = one.accepted
    is_duplicate = accepted.duplicate_of == one.deleted
    job = library.job(accepted.job_id)
    try:
        document = library.document(accepted.document_id)
    except PaperworksProblem as problem:
        return None if is_duplicate and problem.status == 404 else f"{accepted}: {problem.detail}"
    if job.status != "completed" or document.status != "ready":
        return f"{accepted}: job {job.status}, document {document.status}"
    chunks = library.chunks(document.document_id, limit=200).items
    if len(chunks) != document.counts.chunks or not chunks:
        return f"{accepted}: {len(chunks)} of {document.counts.chunks} passages"
    return file_error_of(library, document.document_id, one.content, copy)


def file_error_of(library: Client, document_id: str, content: bytes, copy: Path) -> str | None:
    """Returns the error of the text or the PDF of a document, or None."""
    try:
        if not library.text(document_id):
            return f"{document_id}: no text"
        if library.download(document_id, copy).read_bytes() != content:
            return f"{document_id}: other bytes"
    except PaperworksProblem as problem:
        return f"{document_id}: {problem.detail}"
    return None
