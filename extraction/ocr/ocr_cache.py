"""Serializes the lines that OCR read as compressed JSON, for the steps after OCR."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from extraction.ocr.placed import ScannedLine
from extraction.text.lines import Line

SCANS = TypeAdapter(dict[int, list[ScannedLine]])


def dump_scans(scans: Mapping[int, Sequence[Line]]) -> bytes:
    """Returns the lines by page number as gzipped JSON; equal bytes for equal lines."""
    data = SCANS.dump_json(dict(scans), by_alias=True)  # pyright: ignore[reportArgumentType]
    return gzip.compress(data, compresslevel=5, mtime=0)


def load_scans(data: bytes) -> dict[int, list[ScannedLine]]:
    """Returns the lines that `dump_scans` wrote. Raises ValueError for any other JSON."""
    return SCANS.validate_json(gzip.decompress(data))
