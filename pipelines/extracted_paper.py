"""The result that the sandbox returns for a task, and its validation; cheap to import."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from pydantic import ConfigDict

from domain.documents import Chunk, chunk_id
from domain.errors import ParserCrashed
from domain.jobs import StepResult, Task
from domain.papers import Box
from embedding.token_batch import TokenBatch
from embedding.token_format import TokenFormat
from pipelines.config import PipelineConfig

PIPELINE_DIGEST = "paper-3"  # version of the artifact's content; changes when extraction changes
# Limits for hostile output of the sandbox.
_MAX_TEXT_BYTES = 65_535  # of a VARCHAR in Milvus; normal chunks have 3 KB
_MAX_FIELD_CHARACTERS = 1_000_000  # of one string of a document's row
_MAX_BOXES = 10_000  # of one chunk
_MAX_NESTING = 8  # of values in a document's row
_TOKEN_ID = np.dtype("<i4")


@dataclass(frozen=True, slots=True)
class ExtractedPaper:
    """The result of a step: chunks, artifact, the document's fields, OCR lines (None: no OCR).

    `token_ids`: int32, little-endian, those of all chunks one after another; a chunk has
    `Chunk.tokens` of them. None if the embedding model receives texts.
    """

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    chunks: Sequence[Chunk]
    artifact: bytes
    finished: StepResult
    scans: bytes | None = None
    token_ids: bytes | None = None

    def tokens(self) -> TokenBatch | None:
        """Returns the token ids of the chunks' indexed texts. Raises ValueError if some miss."""
        if self.token_ids is None:
            return None
        ids = np.frombuffer(self.token_ids, dtype=_TOKEN_ID)
        return TokenBatch.of(ids, [chunk.tokens for chunk in self.chunks])


def check_extracted(done: ExtractedPaper, task: Task, config: PipelineConfig) -> None:
    """Raises ParserCrashed unless the sandbox's result is valid for this task's document.

    Types have been validated before. Rejected are values that the stores would refuse, and values
    that would overwrite another document, and token ids outside of the vocabulary, which would end
    every later call of a model on a GPU.
    """
    finished, max_tokens = done.finished, config.embed.max_tokens
    is_valid = (
        finished.chunks == len(done.chunks)
        and 0 < finished.pages <= config.read.max_pages
        and finished.artifact_key is None
        and all(_is_valid(chunk, task, finished.pages, max_tokens) for chunk in done.chunks)
        and len({chunk.chunk_id for chunk in done.chunks}) == len(done.chunks)
        and all(_is_storable(text) for text in _strings(finished))
        and _has_valid_tokens(done, config.tokens)
    )
    if not is_valid:
        raise ParserCrashed


def _has_valid_tokens(done: ExtractedPaper, tokens: TokenFormat | None) -> bool:
    """True if there are no token ids, or as many as the chunks state, all of the vocabulary."""
    if done.token_ids is None:
        return True
    counts = [chunk.tokens for chunk in done.chunks]
    if tokens is None or len(done.token_ids) != _TOKEN_ID.itemsize * sum(counts):
        return False
    ids = np.frombuffer(done.token_ids, dtype=_TOKEN_ID)
    return 0 not in counts and bool(np.all((ids >= 0) & (ids < tokens.vocabulary)))


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
