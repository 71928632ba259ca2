"""Serializes a paper as compressed JSON, the artifact from which it is embedded again."""

from __future__ import annotations

import gzip
import zlib

from pydantic import TypeAdapter

from domain.errors import TooMuchOutput
from domain.papers import Paper

PAPER = TypeAdapter(Paper)
MAX_BYTES = 256 * 1024**2  # of JSON; a thesis of 300 pages has 2 MB


def dump_paper(paper: Paper) -> bytes:
    """Returns the paper as gzipped JSON; equal papers give equal bytes.

    Raises TooMuchOutput for more than 256 MiB of JSON.
    """
    data = PAPER.dump_json(paper)
    if len(data) > MAX_BYTES:
        raise TooMuchOutput
    return gzip.compress(data, compresslevel=5, mtime=0)


def load_paper(data: bytes) -> Paper:
    """Returns the paper that `dump_paper` wrote.

    Raises ValueError for other data, including a small file that decompresses to more than 256 MiB.
    """
    return PAPER.validate_json(_unpacked(data))


def _unpacked(data: bytes) -> bytes:
    gzipped = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        unpacked = gzipped.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise ValueError(f"The artifact is no gzip file ({error}).") from error
    if not gzipped.eof:
        raise ValueError("The artifact is truncated or exceeds the size limit.")
    return unpacked
