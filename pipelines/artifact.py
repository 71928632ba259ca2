"""What was read from a paper, as compressed JSON; a new embedding model starts from it."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from domain.papers import Paper
from pipelines.ocr.placed import ScannedLine
from pipelines.read.lines import Line

PAPER = TypeAdapter(Paper)
SCANS = TypeAdapter(dict[int, list[ScannedLine]])


def dump_paper(paper: Paper) -> bytes:
    """The paper as gzipped JSON, equal bytes for an equal paper."""
    return _packed(PAPER.dump_json(paper))


def load_paper(data: bytes) -> Paper:
    """The paper that `dump_paper` wrote. Raises ValueError for anything else."""
    return PAPER.validate_json(gzip.decompress(data))


def dump_scans(scans: Mapping[int, Sequence[Line]]) -> bytes:
    """The lines that OCR read, by page, as gzipped JSON."""
    return _packed(SCANS.dump_json(dict(scans)))  # pyright: ignore[reportArgumentType]


def load_scans(data: bytes) -> dict[int, list[ScannedLine]]:
    """The lines that `dump_scans` wrote. Raises ValueError for anything else."""
    return SCANS.validate_json(gzip.decompress(data))


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=5, mtime=0)
