"""Document and chunk ids are derived from content: stable, distinct, in the documented format."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from domain.documents import Chunk, ChunkKind, Document, DocumentStatus, chunk_id, document_id
from domain.papers import Box

SHA = "a" * 64


def make_chunk(context: str = "") -> Chunk:
    boxes = (Box(4, 0, 0, 1, 1), Box(3, 0, 0, 1, 1), Box(4, 2, 2, 3, 3))
    return Chunk("c", "d", 1, 0, ChunkKind.TEXT, "The text.", None, boxes, context)


def test_document_and_chunk_ids_are_stable_across_releases() -> None:
    """Ids are keys in the vector store: a changed value would orphan all stored chunks."""
    assert document_id("papers", SHA) == "doc_aaa34b4613c968e695cf0020"
    assert chunk_id("doc_1", 1, 0, "text", "Ein Satz – 你好.") == "6bc7a78dc43fd9aa5a939657c240654f"


def test_document_and_chunk_ids_match_documented_format() -> None:
    assert re.fullmatch(r"doc_[0-9a-f]{24}", document_id("papers", SHA))
    assert re.fullmatch(r"[0-9a-f]{32}", chunk_id("doc_1", 1, 0, "text", ""))


def test_document_id_depends_on_collection_and_content() -> None:
    names = {document_id(c, s) for c in ("a", "b", "") for s in (SHA, "b" * 64)}
    assert len(names) == 6


def test_chunk_id_depends_on_every_part() -> None:
    values = (("doc_1", "doc_2"), (1, 11), (0, 1), ("text", "reference"), ("one", "two"))
    combinations = list(itertools.product(*values))
    assert len({chunk_id(*parts) for parts in combinations}) == len(combinations)


def test_ids_separate_their_parts() -> None:
    assert chunk_id("d", 1, 12, "text", "x") != chunk_id("d", 11, 2, "text", "x")
    assert document_id("ab", "c") != document_id("a", "bc")


def test_chunk_page_range_comes_from_its_boxes() -> None:
    assert (make_chunk().page_first, make_chunk().page_last) == (3, 4)


def test_indexed_text_starts_with_context() -> None:
    assert make_chunk().indexed_text == "The text."
    assert make_chunk("Title, 1 Methods").indexed_text == "Title, 1 Methods\nThe text."


def test_document_validates_row_and_is_immutable() -> None:
    row = SimpleNamespace(
        document_id="doc_1",
        collection="papers",
        sha256=SHA,
        filename="a.pdf",
        bytes=10,
        version=2,
        status="ready",
        title=None,
        pages=None,
        chunks=0,
        sections=0,
        references=0,
        created_at=datetime(2030, 1, 1, tzinfo=UTC),
        searchable_at=None,
        latest_version=3,
    )
    document = Document.model_validate(row)
    assert (document.status, document.version) == (DocumentStatus.READY, 2)
    with pytest.raises(ValidationError):
        document.version = 3  # pyright: ignore[reportAttributeAccessIssue]
