"""Comparison of the stores: real differences, and concurrent work that is not one."""

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
        comparison.add([holding])
    return comparison.differences(NOW, touched, [])


def kinds(found: Differences) -> set[str]:
    return {name for name, count in found.counts.items() if count}


def test_comparison_of_consistent_stores_is_empty() -> None:
    found = compare({(NAME, 2): 5}, PAPER, listed=blobs(*KEYS))
    assert kinds(found) == set()
    assert found.compared_at == NOW
    assert found.documents_to_reprocess == []


@pytest.mark.parametrize("count", [0, 4])
def test_comparison_reports_missing_chunks(count: int) -> None:
    found = compare({(NAME, 2): count} if count else {}, PAPER)
    assert found.missing_chunks == [WrongCount(PAPER, 5, count)]
    assert kinds(found) == {"missing_chunks"}
    assert found.documents_to_reprocess == [PAPER]


def test_comparison_reports_surplus_chunks() -> None:
    found = compare({(NAME, 2): 6}, PAPER)
    assert found.surplus_chunks == [WrongCount(PAPER, 5, 6)]
    assert kinds(found) == {"surplus_chunks"}
    assert found.documents_to_reprocess == [PAPER]


def test_comparison_tolerates_surplus_chunks_of_partially_failed_paper() -> None:
    beginning = replace(PAPER, artifact_key=None)
    assert kinds(compare({(NAME, 2): 6}, beginning, listed=blobs(*KEYS))) == set()
    assert kinds(compare({(NAME, 2): 4}, beginning)) == {"missing_chunks"}


def test_comparison_reports_chunks_of_other_versions_as_orphans() -> None:
    found = compare({(NAME, 1): 3, (NAME, 2): 5, (NAME, 3): 1}, PAPER)
    assert found.orphan_chunks == [OrphanChunks(NAME, 1, 3), OrphanChunks(NAME, 3, 1)]
    assert kinds(found) == {"orphan_chunks"}


@pytest.mark.parametrize("status", [one for one in DocumentStatus if one != DocumentStatus.READY])
def test_comparison_reports_chunks_of_unsearchable_document_as_orphans(
    status: DocumentStatus,
) -> None:
    found = compare({(NAME, 2): 5}, replace(PAPER, status=status))
    assert found.orphan_chunks == [OrphanChunks(NAME, 2, 5)]
    assert kinds(found) == {"orphan_chunks"}


def test_comparison_reports_chunks_of_unknown_document_as_orphans() -> None:
    found = compare({("doc_else", 1): 7, (NAME, 2): 5}, PAPER)
    assert found.orphan_chunks == [OrphanChunks("doc_else", 1, 7)]


def test_comparison_ignores_documents_changed_meanwhile() -> None:
    chunks = {(NAME, 1): 3, (NAME, 2): 4}
    other_version = artifact_key(NAME, 3, "scans")
    found = compare(chunks, PAPER, listed=blobs(other_version), touched=[NAME])
    assert kinds(found) == set()


def test_comparison_does_not_reingest_lost_pdf() -> None:
    found = compare({}, PAPER, listed=blobs(KEYS[1]))
    assert kinds(found) == {"missing_blobs", "missing_chunks"}
    assert found.missing_blobs == [PAPER]
    assert found.documents_to_reprocess == []


def test_comparison_reingests_missing_artifact() -> None:
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
def test_comparison_reports_old_unowned_blobs_as_orphans(key: str) -> None:
    [orphan] = blobs(key)
    found = compare({(NAME, 2): 5}, PAPER, listed=[*blobs(*KEYS), orphan])
    assert found.orphan_blobs == [orphan]
    young = blobs(key, age_seconds=ORPHAN_AFTER_SECONDS - 1)
    assert kinds(compare({(NAME, 2): 5}, PAPER, listed=[*blobs(*KEYS), *young])) == set()


@pytest.mark.parametrize(
    "key",
    [artifact_key(NAME, 2, "scans"), artifact_key(NAME, 2, "paper-1-read_text"), "pdf/ab/notes"],
)
def test_comparison_keeps_owned_and_foreign_blobs(key: str) -> None:
    assert kinds(compare({(NAME, 2): 5}, PAPER, listed=blobs(*KEYS, key))) == set()


def test_comparison_keeps_pdf_of_failed_but_not_of_deleted_paper() -> None:
    [pdf] = blobs(KEYS[0])
    failed = replace(PAPER, status=DocumentStatus.FAILED)
    assert kinds(compare({}, failed, listed=[pdf])) == set()
    deleted = replace(PAPER, status=DocumentStatus.DELETED)
    assert compare({}, deleted, listed=[pdf]).orphan_blobs == [pdf]
    duplicate = replace(PAPER, document_id="doc_duplicate", chunks=0, artifact_key=None)
    assert kinds(compare({}, deleted, duplicate, listed=[pdf])) == set()


def test_comparison_skips_unlisted_blobs() -> None:
    assert kinds(compare({(NAME, 2): 5}, PAPER)) == set()
