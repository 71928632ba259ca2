"""What differs between the stores, and what only looks as if it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.consistency import Differences, DocumentState, ListedBlob, OrphanChunks, WrongCount
from domain.documents import DocumentStatus
from stores.blobs.blob_store import artifact_key, pdf_key
from stores.consistency.compare import ORPHAN_AFTER_SECONDS, Comparison, StoreSnapshot

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD = 2 * ORPHAN_AFTER_SECONDS
NAME = "doc_0123456789ab"
PAPER = DocumentState(
    document_id=NAME,
    collection="papers",
    filename="a.pdf",
    sha256="a" * 64,
    bytes=100,
    status=DocumentStatus.READY,
    version=2,
    chunks=5,
    artifact_key=artifact_key(NAME, 2, "paper-2-layout"),
)
KEYS = [pdf_key(PAPER.sha256), PAPER.artifact_key or ""]


def blobs(*keys: str, age_seconds: float = OLD) -> list[ListedBlob]:
    return [ListedBlob(key, 10, age_seconds) for key in keys]


def compare(
    chunks: Mapping[tuple[str, int], int],
    *holdings: DocumentState,
    listed: Sequence[ListedBlob] | None = None,
    touched: Sequence[str] = (),
) -> Differences:
    comparison = Comparison(StoreSnapshot(chunks, listed))
    for holding in holdings:
        comparison.look([holding])
    return comparison.differences(NOW, touched, [])


def kinds(found: Differences) -> set[str]:
    return {name for name, count in found.counts.items() if count}


def test_stores_that_agree_do_not_differ() -> None:
    found = compare({(NAME, 2): 5}, PAPER, listed=blobs(*KEYS))
    assert kinds(found) == set()
    assert found.compared_at == NOW
    assert found.documents_to_reprocess == []


@pytest.mark.parametrize("count", [0, 4])
def test_missing_chunks(count: int) -> None:
    found = compare({(NAME, 2): count} if count else {}, PAPER)
    assert found.missing_chunks == [WrongCount(PAPER, 5, count)]
    assert kinds(found) == {"missing_chunks"}
    assert found.documents_to_reprocess == [PAPER]


def test_too_many_chunks_of_the_shown_version() -> None:
    found = compare({(NAME, 2): 6}, PAPER)
    assert found.surplus_chunks == [WrongCount(PAPER, 5, 6)]
    assert kinds(found) == {"surplus_chunks"}
    assert found.documents_to_reprocess == [PAPER]


def test_a_paper_given_up_in_its_middle_may_have_more_than_was_noted_but_not_less() -> None:
    beginning = replace(PAPER, artifact_key=None)
    assert kinds(compare({(NAME, 2): 6}, beginning, listed=blobs(*KEYS))) == set()
    assert kinds(compare({(NAME, 2): 4}, beginning)) == {"missing_chunks"}


def test_chunks_of_other_versions_are_orphans() -> None:
    found = compare({(NAME, 1): 3, (NAME, 2): 5, (NAME, 3): 1}, PAPER)
    assert found.orphan_chunks == [OrphanChunks(NAME, 1, 3), OrphanChunks(NAME, 3, 1)]
    assert kinds(found) == {"orphan_chunks"}


@pytest.mark.parametrize("status", [one for one in DocumentStatus if one != DocumentStatus.READY])
def test_chunks_of_a_document_that_nobody_can_search_are_orphans(status: DocumentStatus) -> None:
    found = compare({(NAME, 2): 5}, replace(PAPER, status=status))
    assert found.orphan_chunks == [OrphanChunks(NAME, 2, 5)]
    assert kinds(found) == {"orphan_chunks"}


def test_chunks_of_an_unknown_document_are_orphans() -> None:
    found = compare({("doc_else", 1): 7, (NAME, 2): 5}, PAPER)
    assert found.orphan_chunks == [OrphanChunks("doc_else", 1, 7)]


def test_what_somebody_works_on_differs_from_nothing() -> None:
    chunks = {(NAME, 1): 3, (NAME, 2): 4}
    other_version = artifact_key(NAME, 3, "scans")
    found = compare(chunks, PAPER, listed=blobs(other_version), touched=[NAME])
    assert kinds(found) == set()


def test_a_lost_pdf_cannot_be_read_again() -> None:
    found = compare({}, PAPER, listed=blobs(KEYS[1]))
    assert kinds(found) == {"missing_blobs", "missing_chunks"}
    assert found.missing_blobs == [PAPER]
    assert found.documents_to_reprocess == []


def test_a_lost_artifact_is_made_again_from_the_pdf() -> None:
    found = compare({(NAME, 2): 5}, PAPER, listed=blobs(KEYS[0]))
    assert found.missing_artifacts == found.documents_to_reprocess == [PAPER]
    assert kinds(found) == {"missing_artifacts"}


@pytest.mark.parametrize(
    "key",
    [
        pdf_key("b" * 64),
        artifact_key(NAME, 1, "paper-2-read_text"),
        artifact_key("doc_deadbeef0000", 1, "scans"),
        "incoming/0123456789abcdef0123456789abcdef.part",
    ],
)
def test_blobs_that_belong_to_nobody_are_orphans_when_they_are_old(key: str) -> None:
    [orphan] = blobs(key)
    found = compare({(NAME, 2): 5}, PAPER, listed=[*blobs(*KEYS), orphan])
    assert found.orphan_blobs == [orphan]
    young = blobs(key, age_seconds=ORPHAN_AFTER_SECONDS - 1)
    assert kinds(compare({(NAME, 2): 5}, PAPER, listed=[*blobs(*KEYS), *young])) == set()


@pytest.mark.parametrize(
    "key",
    [artifact_key(NAME, 2, "scans"), artifact_key(NAME, 2, "paper-1-read_text"), "pdf/ab/notes"],
)
def test_what_belongs_to_the_shown_version_or_to_somebody_else_is_no_orphan(key: str) -> None:
    assert kinds(compare({(NAME, 2): 5}, PAPER, listed=blobs(*KEYS, key))) == set()


def test_the_pdf_of_a_paper_that_failed_stays_and_that_of_a_deleted_one_goes() -> None:
    [pdf] = blobs(KEYS[0])
    failed = replace(PAPER, status=DocumentStatus.FAILED)
    assert kinds(compare({}, failed, listed=[pdf])) == set()
    deleted = replace(PAPER, status=DocumentStatus.DELETED)
    assert compare({}, deleted, listed=[pdf]).orphan_blobs == [pdf]
    twin = replace(PAPER, document_id="doc_twin", chunks=0, artifact_key=None)
    assert kinds(compare({}, deleted, twin, listed=[pdf])) == set()


def test_without_a_look_at_the_blobs_nothing_is_said_of_them() -> None:
    assert kinds(compare({(NAME, 2): 5}, PAPER)) == set()
