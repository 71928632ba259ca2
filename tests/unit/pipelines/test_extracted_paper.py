"""Validation of the sandbox's result: the task's own document, and values that stores accept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from domain.documents import Chunk
from domain.errors import ParserCrashed
from domain.jobs import StepResult, Task
from domain.papers import Author, Box, Metadata
from embedding.embed_options import EmbedOptions
from embedding.token_format import TokenFormat
from extraction.options import ReadOptions
from pipelines.extracted_paper import ExtractedPaper, check_extracted
from tests.extraction_harness import extraction_config
from tests.records import make_chunk, make_task

TASK = make_task()
CONFIG = extraction_config(
    embed=EmbedOptions(max_tokens=256),
    read=ReadOptions(max_pages=10),
    tokens=TokenFormat("ab", 100),
)


def chunk(**changed: Any) -> Chunk:
    """A chunk of the task's document, with the id of its content."""
    fields: dict[str, Any] = {"text": "Silver.", "section": "Methods"}
    return make_chunk(**(fields | changed))


def answer(given: Sequence[Chunk], **changed: Any) -> ExtractedPaper:
    finished = StepResult(Metadata(title="Silver"), pages=2, chunks=len(given))
    return ExtractedPaper(given, b"\x1f\x8b\xff", replace(finished, **changed))


def check(done: ExtractedPaper, task: Task = TASK) -> None:
    check_extracted(done, task, CONFIG)


def test_extracted_paper_valid_result_passes_and_round_trips() -> None:
    done = answer([chunk(), chunk(ordinal=1, tokens=256, context="Silver", section=None)])
    adapter = TypeAdapter(ExtractedPaper)
    assert adapter.validate_json(adapter.dump_json(done)) == done
    check(done)


@pytest.mark.parametrize(
    "changed",
    [
        {"document_id": "doc_of_somebody_else"},
        {"version": 2},
        {"chunk_id": "0" * 32},
        {"text": "x" * 70_000},
        {"text": "a\0b"},
        {"context": "a\0b"},
        {"section": "x" * 70_000},
        {"tokens": 257},
        {"tokens": -1},
        {"boxes": ()},
        {"boxes": (Box(3, 0, 0, 9, 9),)},
        {"boxes": (Box(0, 0, 0, 9, 9),)},
        {"boxes": (Box(1, float("nan"), 0, 9, 9),)},
    ],
    ids=str,
)
def test_extracted_paper_rejects_chunk_of_other_document(changed: dict[str, Any]) -> None:
    with pytest.raises(ParserCrashed):
        check(answer([chunk(**changed)]))


@pytest.mark.parametrize(
    "changed",
    [
        {"chunks": 2},
        {"pages": 0},
        {"pages": 11},
        {"artifact_key": "pdf/ab/other.pdf"},
        {"metadata": Metadata(title="a\0b")},
        {"metadata": Metadata(abstract="x" * 1_000_001)},
        {"metadata": Metadata(authors=(Author("a\0b"),))},
        {"quality": {"reasons": ["a\0b"]}},
        {"quality": {"a\0b": 1}},
    ],
    ids=lambda changed: str(changed)[:40],
)
def test_extracted_paper_rejects_values_the_database_refuses(changed: dict[str, Any]) -> None:
    with pytest.raises(ParserCrashed):
        check(answer([chunk()], **changed))


def test_extracted_paper_rejects_deeply_nested_quality() -> None:
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"deeper": deep}
    with pytest.raises(ParserCrashed):
        check(answer([chunk()], quality={"more": ["text"], **deep}))


def test_extracted_paper_rejects_duplicate_chunk() -> None:
    with pytest.raises(ParserCrashed):
        check(answer([chunk(), chunk()]))


def test_extracted_paper_accepts_box_on_any_page() -> None:
    check(answer([chunk(boxes=(Box(2, 0, 0, 9, 9),))]))


def with_ids(*ids: int, counts: Sequence[int] = (2, 1)) -> ExtractedPaper:
    chunks = [chunk(ordinal=n, tokens=count) for n, count in enumerate(counts)]
    return replace(answer(chunks), token_ids=np.array(ids, dtype="<i4").tobytes())


def test_extracted_paper_returns_token_ids_of_each_chunk() -> None:
    done = with_ids(0, 99, 7)
    check(done)
    adapter = TypeAdapter(ExtractedPaper)
    tokens = adapter.validate_json(adapter.dump_json(done)).tokens()
    assert tokens is not None
    assert [row.tolist() for row in tokens.rows()] == [[0, 99], [7]]


@pytest.mark.parametrize(
    "done",
    [
        with_ids(1, 2),
        with_ids(1, 2, 3, 4),
        with_ids(1, 2, 100),
        with_ids(1, -1, 3),
        with_ids(1, 2, counts=(2, 0)),
        replace(with_ids(1, 2, 3), token_ids=b"\0" * 13),
    ],
    ids=["too few", "too many", "not in vocabulary", "negative", "empty chunk", "cut off"],
)
def test_extracted_paper_rejects_invalid_token_ids(done: ExtractedPaper) -> None:
    with pytest.raises(ParserCrashed):
        check(done)


def test_extracted_paper_rejects_token_ids_that_were_not_requested() -> None:
    with pytest.raises(ParserCrashed):
        check_extracted(with_ids(1, 2, 3), TASK, replace(CONFIG, tokens=None))


def test_extracted_paper_of_older_version_has_no_token_ids() -> None:
    check(answer([chunk(tokens=3)]))
    assert answer([chunk(tokens=3)]).tokens() is None
