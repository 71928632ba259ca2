"""What was read from a paper, as compressed JSON; a new embedding model starts from it."""

from __future__ import annotations

import gzip
import zlib

from pydantic import TypeAdapter

from domain.errors import TooMuchOutput
from domain.papers import Paper

PAPER = TypeAdapter(Paper)
MOST_BYTES = 256 * 1024**2  # of JSON; a thesis of 300 pages has 2 MB


def dump_paper(paper: Paper) -> bytes:
    """The paper as gzipped JSON, equal bytes for an equal paper. Raises TooMuchOutput."""
    data = PAPER.dump_json(paper)
    if len(data) > MOST_BYTES:
        raise TooMuchOutput
    return gzip.compress(data, compresslevel=5, mtime=0)


def load_paper(data: bytes) -> Paper:
    """The paper that `dump_paper` wrote. Raises ValueError for anything else, such as a small file
    that unpacks to more than any paper has."""
    return PAPER.validate_json(_unpacked(data))


def _unpacked(data: bytes) -> bytes:
    gzipped = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        unpacked = gzipped.decompress(data, MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"The artifact is no gzip file ({error}).") from error
    if not gzipped.eof:
        raise ValueError("The artifact is cut off, or larger than any paper.")
    return unpacked
