"""Differences between the stores, and their repair, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from serve_app.cli.common import plural, printable

if TYPE_CHECKING:
    from serve_app.schemas.consistency import Adoption, Consistency, Repair, StoredPaper

AGREE = "PostgreSQL, Milvus and the blobs agree"
ADVICE = "Run `paperworks doctor --repair`; searches go on meanwhile."
DO_NOT_MATCH = (
    "Searches go on; uploads are refused and nothing is repaired or deleted. Correct DATABASE_URL, "
    "MILVUS_URI or BLOB_URI and start again. If the database was restored or lost, run "
    "`paperworks doctor --adopt COLLECTION --claim-stores`."
)
TOO_MANY = "Nothing was deleted, and an unasked upkeep deletes nothing either: {} would go."
HOW_TO_DELETE = (
    "Was the database restored? Then run `paperworks doctor --adopt COLLECTION`. If the orphans "
    "are right, run `paperworks doctor --repair --delete-orphans`."
)
UPLOAD_AGAIN = "The PDFs of these papers are lost; upload them again: "


def summary(found: Consistency) -> str:
    """The differences in one line: `2 missing chunks, 1 orphan blobs`."""
    if found.identity_problems:
        return "the stores do not belong to the same library"
    counts = found.counts.model_dump()
    parts = [f"{_words(name)}: {count:,}" for name, count in counts.items() if count]
    return ", ".join(parts) or AGREE


def rows(found: Consistency) -> Iterator[tuple[str, str]]:
    """The kind of each difference that is listed, and what it is."""
    yield from (("identity", printable(text)) for text in found.identity_problems)
    for name, count in found.counts.model_dump().items():
        listed = list(_DESCRIBED[name](found))
        yield from ((_words(name), printable(text)) for text in listed)
        if count > len(listed):
            yield _words(name), f"and {count - len(listed):,} more"


def done_lines(done: Repair) -> Iterator[str]:
    """What a repair did, a sentence a line."""
    if done.documents_queued:
        jobs = ", ".join(done.job_ids)
        yield f"{plural(done.documents_queued, 'paper')} will be read again: {jobs}"
    if done.chunks_deleted:
        yield f"{plural(done.chunks_deleted, 'chunk')} deleted"
    if done.pdfs_trashed:
        yield f"{plural(done.pdfs_trashed, 'unused PDF')} moved to the trash"
    if done.blobs_deleted:
        size = plural(done.bytes_deleted, "byte")
        yield f"{plural(done.blobs_deleted, 'file')} of the blob store deleted, {size}"
    if done.tasks_released:
        yield f"{plural(done.tasks_released, 'task')} queued again"


def adopted_lines(done: Adoption) -> Iterator[str]:
    """What an adoption did, a sentence a line."""
    if not done.documents_queued:
        yield "no PDF belongs to no paper, so none was adopted"
        return
    jobs = ", ".join(done.job_ids)
    yield (
        f"{plural(done.documents_queued, 'PDF')} become papers, named by their SHA-256 until their "
        f"titles are read: {jobs}"
    )
    if done.from_trash:
        yield f"{plural(done.from_trash, 'PDF')} of them came from the trash"
    if done.documents_left:
        yield f"{plural(done.documents_left, 'PDF')} wait: the queue is full, run this again later"


def advice(found: Consistency, done: Repair | None) -> Iterator[str]:
    """What to do next, a sentence a line."""
    if found.identity_problems:
        yield DO_NOT_MATCH
        return
    refused = found.deletion_refused if done is None else done.deletion_refused
    if refused:
        yield printable(TOO_MANY.format(refused))
        yield HOW_TO_DELETE
    elif done is None and not found.consistent:
        yield ADVICE


def lost(found: Consistency) -> str | None:
    """What no repair brings back, and what to do about it."""
    names = [one.filename for one in found.missing_blobs]
    more = found.counts.missing_blobs - len(names)
    listed = ", ".join(names) + (f" and {more:,} more" if more else "")
    return printable(f"{UPLOAD_AGAIN}{listed}.") if names else None


def _words(name: str) -> str:
    return name.replace("_", " ")


def _paper(one: StoredPaper) -> str:
    return f"{one.filename} ({one.document_id} in {one.collection}, version {one.version})"


_DESCRIBED = {
    "missing_chunks": lambda found: (
        f"{_paper(one)}: {one.found:,} of {one.expected:,}" for one in found.missing_chunks
    ),
    "surplus_chunks": lambda found: (
        f"{_paper(one)}: {one.found:,} instead of {one.expected:,}" for one in found.surplus_chunks
    ),
    "orphan_chunks": lambda found: (
        f"{one.document_id}, version {one.version}: {one.chunks:,}" for one in found.orphan_chunks
    ),
    "missing_artifacts": lambda found: map(_paper, found.missing_artifacts),
    "orphan_blobs": lambda found: (
        f"{one.key}: {plural(one.bytes, 'byte')}, {one.age_seconds / 3600:,.0f} h old"
        for one in found.orphan_blobs
    ),
    "missing_blobs": lambda found: map(_paper, found.missing_blobs),
    "stuck_tasks": lambda found: (
        f"{one.filename} (task {one.task_id}): silent for {one.silent_seconds:,.0f} s"
        for one in found.stuck_tasks
    ),
}
