"""Hostile papers uploaded together with a valid one: each ends as expected, and the valid paper
becomes searchable."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from serve_app.client import Client, PaperworksProblem
from serve_app.schemas.core import Job
from tests.hostile import COMPLETED, KINDS, OVER_THE_LIMITS
from tests.paths import ROOT
from tests.pdf_builder.papers import make_study
from tests.service import RunningService
from tests.service_monitor import ServiceMonitor

CORPUS = ROOT.parent / "shared" / "corpus" / "hostile"
COMPLETION_TIMEOUT_SECONDS = 900.0  # for all papers; the limits of one paper are in CPU seconds
MAX_BYTES = 12e9  # two concurrent papers with 2 GiB each, in three lanes

Results = dict[str, str]


def upload_all(library: Client, papers: Iterable[tuple[str, bytes]], collection: str) -> Results:
    """Uploads the papers; returns by name the job id, or the error code of a rejected upload."""
    accepted: Results = {}
    for name, content in papers:
        try:
            accepted[name] = library.upload(content, collection, filename=f"{name}.pdf").job_id
        except PaperworksProblem as problem:
            assert 400 <= problem.status < 500, problem
            accepted[name] = problem.code
    return accepted


def results_of(library: Client, accepted: Results) -> Results:
    """Returns "completed", the error code of the document, or that of the rejected upload."""
    results: Results = {}
    for name, job_id in accepted.items():
        if job_id.startswith("job_"):
            results[name] = result_of(library.wait(job_id, COMPLETION_TIMEOUT_SECONDS))
        else:
            results[name] = job_id
    return results


def result_of(job: Job) -> str:
    """Returns the status of the only task, or its error code after a single attempt."""
    [task] = job.tasks
    if task.error is None:
        return str(task.status)
    assert (task.error.category, task.attempt) == ("document", 1), task
    return task.error.code


def upload_with_valid_paper(
    service: RunningService,
    library: Client,
    collection: str,
    papers: Iterable[tuple[str, bytes]],
) -> Results:
    """Returns the results of the papers.

    Asserts that a valid paper, uploaded last, becomes searchable, that /readyz always responds, and
    that no permanent process of the service ends.
    """
    with ServiceMonitor(service.url, service.process.pid) as monitor:
        accepted = upload_all(library, papers, collection)
        valid = library.upload(
            make_study(f"A Valid Paper of {collection}"), collection, filename="valid.pdf"
        )
        assert library.wait(valid.job_id, COMPLETION_TIMEOUT_SECONDS).status == "completed"
        hits = library.search("copper spoon", collection=collection, mode="sparse").hits
        assert "valid.pdf" in {hit.filename for hit in hits}
        results = results_of(library, accepted)
        assert_contents_are_readable(library, collection)
    seconds, gigabytes = monitor.slowest_seconds, monitor.peak_bytes / 1e9
    print(results, monitor.responses, f"{seconds:.1f} s, {gigabytes:.1f} GB")
    assert not monitor.lost and not monitor.errors
    assert "200" in monitor.responses
    assert monitor.peak_bytes < MAX_BYTES
    return results


def assert_contents_are_readable(library: Client, collection: str) -> None:
    """Asserts that no contents route of a searchable paper returns 5xx."""
    for paper in library.documents(collection=collection, status="ready", limit=200).items:
        key = paper.document_id
        requests: tuple[Callable[[str], object], ...] = (
            *(library.chunks, library.markdown, library.sections, library.tables),
            *(library.references, library.export, lambda key: library.page_png(key, 1)),
        )
        for request in requests:
            try:
                request(key)
            except PaperworksProblem as problem:
                assert problem.status < 500, (paper.filename, problem)


@pytest.mark.timeout(1200)
def test_hostile_kinds_end_with_expected_codes(
    service: RunningService, library: Client, collection: str
) -> None:
    papers = ((kind.name, kind.make()) for kind in KINDS)
    results = upload_with_valid_paper(service, library, collection, papers)
    assert not {
        kind.name: results[kind.name] for kind in KINDS if results[kind.name] not in kind.results
    }


def expectations() -> Mapping[str, str]:
    """Returns the expectation of each file in expected.tsv."""
    with (CORPUS / "expected.tsv").open() as lines:
        return {row["file"]: row["expected"] for row in csv.DictReader(lines, delimiter="\t")}


ANY_RESULT = "ends within its time limit, completed or failed with a code that names the cause"
MEANING: Mapping[str, frozenset[str]] = {
    "refused at the door: not a PDF": frozenset({"not_a_pdf"}),
    "refused at the door: empty": frozenset({"empty_file"}),
    "failed: damaged": frozenset({"damaged_pdf"}),
    "failed: no pages": frozenset({"no_pages"}),
    "failed: over the time or memory allowed for one document": OVER_THE_LIMITS,
    ANY_RESULT: OVER_THE_LIMITS | {COMPLETED, "damaged_pdf", "no_text", "too_many_pages"},
}


@pytest.mark.timeout(1200)
@pytest.mark.skipif(not CORPUS.exists(), reason="the hostile corpus is missing")
def test_hostile_corpus_ends_with_expected_codes(
    service: RunningService, library: Client, collection: str
) -> None:
    wanted = {Path(name).stem: MEANING[text] for name, text in expectations().items()}
    papers = ((path.stem, path.read_bytes()) for path in sorted(CORPUS.glob("*.pdf")))
    results = upload_with_valid_paper(service, library, collection, papers)
    assert results.keys() == wanted.keys()
    assert not {name: one for name, one in results.items() if one not in wanted[name]}
