"""`paperworks doctor`: checks the machine, the service and the consistency of its stores."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from domain.wording import plural
from serve_app.cli.common import (
    AsJson,
    Home,
    Url,
    library,
    print_error,
    print_line,
    printable,
    show,
)
from serve_app.process.address import home_of, service_url

if TYPE_CHECKING:
    from serve_app.cli.checkup import Checkup
    from serve_app.schemas.consistency import Adoption, Consistency, Repair, StoredPaper

WithRepair = Annotated[
    bool, typer.Option("--repair", help="Repair differences between the stores.")
]
DeleteOrphans = Annotated[
    bool,
    typer.Option(
        "--delete-orphans", help="With --repair: delete orphans beyond the deletion limits too."
    ),
]
Adopt = Annotated[
    str | None,
    typer.Option(
        "--adopt",
        metavar="COLLECTION",
        help="Add orphaned PDFs to this collection, for example after a database restore.",
    ),
]
ClaimStores = Annotated[
    bool,
    typer.Option(
        "--claim-stores",
        help="With --adopt: assign Milvus and the blob store to this database.",
    ),
]
CONSISTENT = "PostgreSQL, Milvus and the blob store are consistent"
REPAIR = "Run `paperworks doctor --repair`; searches continue during the repair."
STORES_DO_NOT_MATCH = (
    "Searches continue; uploads are refused, and nothing is repaired or deleted. Correct "
    "DATABASE_URL, MILVUS_URI or BLOB_URI and restart the service. If the database was restored or "
    "lost, run `paperworks doctor --adopt COLLECTION --claim-stores`."
)
DELETION_LIMIT = (
    "Nothing was deleted, and the automatic reconciliation deletes nothing either: the deletion of "
    "{} exceeds the limits of stores.deletion."
)
HOW_TO_DELETE = (
    "If the database was restored from a backup, run `paperworks doctor --adopt COLLECTION`. If "
    "the orphans are expected, run `paperworks doctor --repair --delete-orphans`."
)
UPLOAD_AGAIN = "The PDFs of these papers are lost; upload them again: "


def doctor(
    url: Url = None,
    home: Home = None,
    repair: WithRepair = False,
    delete_orphans: DeleteOrphans = False,
    adopt: Adopt = None,
    claim_stores: ClaimStores = False,
    as_json: AsJson = False,
) -> None:
    """Check the machine, the installation and, while the service runs, its stores.

    Changes nothing without --repair or --adopt. Exit code 1 if a check fails or a difference
    between the stores remains.

    Example: paperworks doctor --home ~/library --repair
    """
    if delete_orphans and not repair:
        raise typer.BadParameter("--delete-orphans requires --repair.")
    if claim_stores and adopt is None:
        raise typer.BadParameter("--claim-stores requires --adopt COLLECTION.")
    from configs.settings import Settings
    from serve_app.cli.checkup import Checkup, examine
    from serve_app.client import ServiceUnreachable

    settings = Settings(home=home_of(home, os.environ))
    checkup = Checkup(findings=examine(settings, service_url(url, home, os.environ)))
    with library(url, home) as client, suppress(ServiceUnreachable):
        if adopt is not None:
            checkup.adoption = client.adopt(adopt, claim_stores=claim_stores)
        if repair:
            checkup.repair = client.repair_consistency(delete_orphans=delete_orphans)
        checkup.consistency = checkup.repair.found if checkup.repair else client.consistency()
    if as_json:
        show(checkup, as_json, [])
    else:
        _show(checkup)
    if (repair or adopt is not None) and checkup.consistency is None:
        print_error("No service answers, so nothing was changed. Start it with `paperworks up`.")
        raise typer.Exit(1)
    raise typer.Exit(0 if checkup.ok else 1)


def _show(checkup: Checkup) -> None:
    for finding in checkup.findings:
        _print_check(finding.ok, finding.name, finding.text)
        if not finding.ok:
            print_error(f"      {finding.advice}")
    if checkup.adoption is not None:
        _print_actions(adoption_lines(checkup.adoption))
    if checkup.consistency is not None:
        _show_stores(checkup.consistency, checkup.repair)


def _show_stores(found: Consistency, repair: Repair | None) -> None:
    _print_check(found.consistent, "Stores", summary(found))
    for kind, text in rows(found):
        print_line(f"      {kind:<18} {text}")
    if repair is not None:
        _print_actions(repair_lines(repair))
    for sentence in advice(found, repair):
        print_error(f"      {sentence}")
    if sentence := lost_papers(found):
        print_error(f"      {sentence}")


def _print_actions(lines: Iterable[str]) -> None:
    for line in lines:
        print_line(f"done  {line}")


def _print_check(ok: bool, name: str, text: str) -> None:
    print_line(f"{'ok  ' if ok else 'FAIL'}  {name:<11} {text}")


def summary(found: Consistency) -> str:
    """Returns the differences in one line: `missing chunks: 2, orphan blobs: 1`."""
    if found.identity_problems:
        return "the stores do not belong to the same library"
    counts = found.counts.model_dump()
    parts = [f"{_words(name)}: {count:,}" for name, count in counts.items() if count]
    return ", ".join(parts) or CONSISTENT


def rows(found: Consistency) -> Iterator[tuple[str, str]]:
    """Yields the kind and the description of each listed difference."""
    yield from (("identity", printable(text)) for text in found.identity_problems)
    for name, count in found.counts.model_dump().items():
        listed = list(_DESCRIPTIONS[name](found))
        yield from ((_words(name), printable(text)) for text in listed)
        if count > len(listed):
            yield _words(name), f"and {count - len(listed):,} more"


def repair_lines(repair: Repair) -> Iterator[str]:
    """Yields a line for each action of a repair."""
    if repair.documents_queued:
        jobs = ", ".join(repair.job_ids)
        yield f"{plural(repair.documents_queued, 'paper')} queued for reprocessing: {jobs}"
    if repair.chunks_deleted:
        yield f"{plural(repair.chunks_deleted, 'chunk')} deleted"
    if repair.pdfs_trashed:
        yield f"{plural(repair.pdfs_trashed, 'unused PDF')} moved to the trash"
    if repair.blobs_deleted:
        size = plural(repair.bytes_deleted, "byte")
        yield f"{plural(repair.blobs_deleted, 'file')} of the blob store deleted, {size}"
    if repair.tasks_released:
        yield f"{plural(repair.tasks_released, 'task')} queued again"


def adoption_lines(adoption: Adoption) -> Iterator[str]:
    """Yields a line for each action of an adoption."""
    if not adoption.documents_queued:
        yield "no orphaned PDF found, so none was adopted"
        return
    jobs = ", ".join(adoption.job_ids)
    yield (
        f"{plural(adoption.documents_queued, 'orphaned PDF')} adopted, named by SHA-256 until "
        f"their titles are extracted: {jobs}"
    )
    if adoption.from_trash:
        yield f"{plural(adoption.from_trash, 'PDF')} of them restored from the trash"
    if adoption.documents_left:
        left = plural(adoption.documents_left, "PDF")
        yield f"{left} not adopted because the queue is full; run this command again later"


def advice(found: Consistency, repair: Repair | None) -> Iterator[str]:
    """Yields the next steps, one sentence each."""
    if found.identity_problems:
        yield STORES_DO_NOT_MATCH
        return
    refused = found.deletion_refused if repair is None else repair.deletion_refused
    if refused:
        yield printable(DELETION_LIMIT.format(refused))
        yield HOW_TO_DELETE
    elif repair is None and not found.consistent:
        yield REPAIR


def lost_papers(found: Consistency) -> str | None:
    """Returns which papers no repair can restore, and what to do; None if there are none."""
    names = [paper.filename for paper in found.missing_blobs]
    more = found.counts.missing_blobs - len(names)
    listed = ", ".join(names) + (f" and {more:,} more" if more else "")
    return printable(f"{UPLOAD_AGAIN}{listed}.") if names else None


def _words(name: str) -> str:
    return name.replace("_", " ")


def _paper(paper: StoredPaper) -> str:
    return f"{paper.filename} ({paper.document_id} in {paper.collection}, version {paper.version})"


_DESCRIPTIONS = {
    "missing_chunks": lambda found: (
        f"{_paper(paper)}: {paper.found:,} of {paper.expected:,}" for paper in found.missing_chunks
    ),
    "surplus_chunks": lambda found: (
        f"{_paper(paper)}: {paper.found:,} instead of {paper.expected:,}"
        for paper in found.surplus_chunks
    ),
    "orphan_chunks": lambda found: (
        f"{orphan.document_id}, version {orphan.version}: {orphan.chunks:,}"
        for orphan in found.orphan_chunks
    ),
    "missing_artifacts": lambda found: map(_paper, found.missing_artifacts),
    "orphan_blobs": lambda found: (
        f"{blob.key}: {plural(blob.bytes, 'byte')}, {blob.age_seconds / 3600:,.0f} h old"
        for blob in found.orphan_blobs
    ),
    "missing_blobs": lambda found: map(_paper, found.missing_blobs),
    "stuck_tasks": lambda found: (
        f"{task.filename} (task {task.task_id}): no heartbeat for {task.silent_seconds:,.0f} s"
        for task in found.stuck_tasks
    ),
}
