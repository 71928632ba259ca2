"""What crosses from the sandbox to whoever indexes a paper; light to import."""

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

PIPELINE_DIGEST = "paper-2"  # what the artifact holds; a new one when reading changes
_MOST_TEXT_BYTES = 65_535  # of a VARCHAR in Milvus; honest chunks have 3 KB
_MOST_FIELD_CHARACTERS = 1_000_000  # of one string of a document's row
_MOST_BOXES = 10_000
_MOST_NESTING = 8


@dataclass(frozen=True, slots=True)
class ExtractedPaper:
    """A paper as a step read it: its chunks, its artifact, what its document is to say, and what
    OCR read (None: nothing)."""

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    chunks: Sequence[Chunk]
    artifact: bytes
    finished: StepResult
    scans: bytes | None = None


def check_extracted(done: ExtractedPaper, task: Task, max_pages: int, max_tokens: int) -> None:
    """Returns when the answer of the sandbox speaks of this task's document and of no other.

    The types have been validated; here are the values: what the stores would refuse, and what would
    overwrite another document. Raises ParserCrashed.
    """
    finished = done.finished
    is_sound = (
        finished.chunks == len(done.chunks)
        and 0 < finished.pages <= max_pages
        and finished.artifact_key is None
        and all(_is_sound(one, task, finished.pages, max_tokens) for one in done.chunks)
        and len({one.chunk_id for one in done.chunks}) == len(done.chunks)
        and all(_is_plain(text) for text in _strings(finished))
    )
    if not is_sound:
        raise ParserCrashed


def _is_sound(chunk: Chunk, task: Task, pages: int, max_tokens: int) -> bool:
    document, version = task.document_id, task.version
    return (
        (chunk.document_id, chunk.version) == (document, version)
        and chunk.chunk_id == chunk_id(document, version, chunk.ordinal, chunk.kind, chunk.text)
        and len(chunk.text.encode()) <= _MOST_TEXT_BYTES
        and len(chunk.context.encode()) <= _MOST_TEXT_BYTES
        and len((chunk.section or "").encode()) <= _MOST_TEXT_BYTES
        and "\0" not in chunk.text + chunk.context + (chunk.section or "")
        and 0 <= chunk.tokens <= max_tokens
        and 0 < len(chunk.boxes) <= _MOST_BOXES
        and all(_is_on_a_page(box, pages) for box in chunk.boxes)
    )


def _is_on_a_page(box: Box, pages: int) -> bool:
    return 1 <= box.page <= pages and math.isfinite(box.x0 + box.y0 + box.x1 + box.y1)


def _is_plain(text: str) -> bool:
    return len(text) <= _MOST_FIELD_CHARACTERS and "\0" not in text


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    """Every string in a value; what is nested too deep for a row counts as one that is no good."""
    if isinstance(value, str):
        yield value
    elif depth > _MOST_NESTING:
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
