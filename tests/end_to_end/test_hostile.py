"""Hostile papers beside a good one: each ends as it should, and nobody else takes notice."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from serve_app.client import Client, PaperworksProblem
from serve_app.schemas.core import Job
from tests.hostile import COMPLETED, KINDS, OVER_THE_LIMITS
from tests.pdf_builder.papers import make_study
from tests.service import ROOT, RunningService
from tests.watch import Watch

CORPUS = ROOT.parent / "shared" / "corpus" / "hostile"
HANG_SECONDS = (
    900.0  # for all of them; the limits of one are CPU seconds, which a busy machine stretches
)
MOST_BYTES = 12e9  # two papers at once may have 2 GiB each, and three lanes read

Ends = dict[str, str]


def upload_all(library: Client, papers: Iterable[tuple[str, bytes]], collection: str) -> Ends:
    """Job ids by name; for a paper that was refused, the code at the door."""
    sent: Ends = {}
    for name, content in papers:
        try:
            sent[name] = library.upload(content, collection, filename=f"{name}.pdf").job_id
        except PaperworksProblem as problem:
            assert 400 <= problem.status < 500, problem
            sent[name] = problem.code
    return sent


def ends_of(library: Client, sent: Ends) -> Ends:
    """How each ended: "completed", a code of the document's own, or a code at the door."""
    ends: Ends = {}
    for name, job_id in sent.items():
        is_job = job_id.startswith("job_")
        ends[name] = ending(library.wait(job_id, HANG_SECONDS)) if is_job else job_id
    return ends


def ending(job: Job) -> str:
    [task] = job.tasks
    if task.error is None:
        return str(task.status)
    assert (task.error.category, task.attempt) == ("document", 1), task
    return task.error.code


def send_beside_a_good_one(
    service: RunningService,
    library: Client,
    collection: str,
    papers: Iterable[tuple[str, bytes]],
) -> Ends:
    """How the papers ended, while a good one that came last became searchable and the service lived
    on."""
    with Watch(service.url, service.process.pid) as watch:
        sent = upload_all(library, papers, collection)
        good = library.upload(
            make_study(f"A Good Paper of {collection}"), collection, filename="good.pdf"
        )
        assert library.wait(good.job_id, HANG_SECONDS).status == "completed"
        hits = library.search("copper spoon", collection=collection, mode="sparse").hits
        assert "good.pdf" in {hit.filename for hit in hits}
        ends = ends_of(library, sent)
        look_at_what_was_read(library, collection)
    print(ends, watch.answers, f"{watch.slowest_seconds:.1f} s, {watch.peak_bytes / 1e9:.1f} GB")
    assert not watch.lost and not watch.silences
    assert "200" in watch.answers
    assert watch.peak_bytes < MOST_BYTES
    return ends


def look_at_what_was_read(library: Client, collection: str) -> None:
    """Every paper that can be found can be shown, or is refused with a reason."""
    for paper in library.documents(collection=collection, status="ready", limit=200).items:
        key = paper.document_id
        shows: tuple[Callable[[str], object], ...] = (
            *(library.chunks, library.markdown, library.sections, library.tables),
            *(library.references, library.export, lambda key: library.page_png(key, 1)),
        )
        for show in shows:
            try:
                show(key)
            except PaperworksProblem as problem:
                assert problem.status < 500, (paper.filename, problem)


@pytest.mark.timeout(1200)
def test_hostile_kinds_end_with_expected_codes(
    service: RunningService, library: Client, collection: str
) -> None:
    papers = ((kind.name, kind.make()) for kind in KINDS)
    ends = send_beside_a_good_one(service, library, collection, papers)
    assert not {kind.name: ends[kind.name] for kind in KINDS if ends[kind.name] not in kind.ends}


def expected() -> Mapping[str, str]:
    """What expected.tsv says of each file."""
    with (CORPUS / "expected.tsv").open() as lines:
        return {row["file"]: row["expected"] for row in csv.DictReader(lines, delimiter="\t")}


ANY_END = "ends within its time limit, completed or failed with a code that names the cause"
MEANING: Mapping[str, frozenset[str]] = {
    "refused at the door: not a PDF": frozenset({"not_a_pdf"}),
    "refused at the door: empty": frozenset({"empty_file"}),
    "failed: damaged": frozenset({"damaged_pdf"}),
    "failed: no pages": frozenset({"no_pages"}),
    "failed: over the time or memory allowed for one document": OVER_THE_LIMITS,
    ANY_END: OVER_THE_LIMITS | {COMPLETED, "damaged_pdf", "no_text", "too_many_pages"},
}


@pytest.mark.timeout(1200)
@pytest.mark.skipif(not CORPUS.exists(), reason="the hostile corpus is not here")
def test_hostile_corpus_ends_with_expected_codes(
    service: RunningService, library: Client, collection: str
) -> None:
    wanted = {Path(name).stem: MEANING[said] for name, said in expected().items()}
    papers = ((path.stem, path.read_bytes()) for path in sorted(CORPUS.glob("*.pdf")))
    ends = send_beside_a_good_one(service, library, collection, papers)
    assert ends.keys() == wanted.keys()
    assert not {name: end for name, end in ends.items() if end not in wanted[name]}
