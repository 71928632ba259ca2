"""The result that the sandbox returns for a task, and its validation; cheap to import."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from pydantic import ConfigDict

from domain.documents import Chunk, chunk_id
from domain.errors import ParserCrashed
from domain.jobs import StepResult, Task
from domain.papers import Box

PIPELINE_DIGEST = "paper-3"  # version of the artifact's content; changes when extraction changes
# Limits for hostile output of the sandbox.
_MAX_TEXT_BYTES = 65_535  # of a VARCHAR in Milvus; normal chunks have 3 KB
_MAX_FIELD_CHARACTERS = 1_000_000  # of one string of a document's row
_MAX_BOXES = 10_000  # of one chunk
_MAX_NESTING = 8  # of values in a document's row


@dataclass(frozen=True, slots=True)
class ExtractedPaper:
    """The result of a step: chunks, artifact, the document's fields, OCR lines (None: no OCR)."""

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    chunks: Sequence[Chunk]
    artifact: bytes
    finished: StepResult
    scans: bytes | None = None


def check_extracted(done: ExtractedPaper, task: Task, max_pages: int, max_tokens: int) -> None:
    """Raises ParserCrashed unless the sandbox's result is valid for this task's document.

    Types have been validated before. Rejected are values that the stores would refuse, and values
    that would overwrite another document.
    """
    finished = done.finished
    is_valid = (
        finished.chunks == len(done.chunks)
        and 0 < finished.pages <= max_pages
        and finished.artifact_key is None
        and all(_is_valid(chunk, task, finished.pages, max_tokens) for chunk in done.chunks)
        and len({chunk.chunk_id for chunk in done.chunks}) == len(done.chunks)
        and all(_is_storable(text) for text in _strings(finished))
    )
    if not is_valid:
        raise ParserCrashed


def _is_valid(chunk: Chunk, task: Task, pages: int, max_tokens: int) -> bool:
    document, version = task.document_id, task.version
    return (
        (chunk.document_id, chunk.version) == (document, version)
        and chunk.chunk_id == chunk_id(document, version, chunk.ordinal, chunk.kind, chunk.text)
        and len(chunk.text.encode()) <= _MAX_TEXT_BYTES
        and len(chunk.context.encode()) <= _MAX_TEXT_BYTES
        and len((chunk.section or "").encode()) <= _MAX_TEXT_BYTES
        and "\0" not in chunk.text + chunk.context + (chunk.section or "")
        and 0 <= chunk.tokens <= max_tokens
        and 0 < len(chunk.boxes) <= _MAX_BOXES
        and all(_is_on_a_page(box, pages) for box in chunk.boxes)
    )


def _is_on_a_page(box: Box, pages: int) -> bool:
    return 1 <= box.page <= pages and math.isfinite(box.x0 + box.y0 + box.x1 + box.y1)


def _is_storable(text: str) -> bool:
    return len(text) <= _MAX_FIELD_CHARACTERS and "\0" not in text


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    """Yields every string in a value; a value that is nested too deeply yields an invalid one."""
    if isinstance(value, str):
        yield value
    elif depth > _MAX_NESTING:
        yield "\0"
    else:
        for part in _parts(value):
            yield from _strings(part, depth + 1)


def _parts(value: Any) -> Iterable[Any]:
    if is_dataclass(value):
        return [getattr(value, field.name) for field in fields(value)]
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list | tuple) else ()
