"""What crosses from the sandbox to whoever indexes a paper; light to import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.documents import Chunk
from domain.jobs import Finished

PIPELINE_DIGEST = "paper-2"  # what the artifact holds; a new one when reading changes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A paper as a step read it: its chunks, its artifact, what its document is to say, and what
    OCR read (None: nothing)."""

    chunks: Sequence[Chunk]
    artifact: bytes
    finished: Finished
    scans: bytes | None = None
