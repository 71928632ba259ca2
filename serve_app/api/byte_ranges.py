"""Byte ranges of files (RFC 9110, section 14), so that viewers load the pages they show."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,15})-(?P<last>[0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`count` bytes from byte `first` of a file with `size` bytes."""

    first: int
    count: int
    size: int

    @property
    def content_range(self) -> str:
        """The header Content-Range."""
        return f"bytes {self.first}-{self.first + self.count - 1}/{self.size}"


class Unsatisfiable(ValueError):
    """The range begins behind the end of the file."""


def requested_range(header: str | None, size: int) -> ByteRange | None:
    """Returns the requested range of a file with `size` bytes; None if the whole file is sent.

    That is the case without the header, and for several ranges and malformed ones, which a server
    may ignore. Raises Unsatisfiable.
    """
    match = _RANGE.fullmatch((header or "").replace(" ", ""))
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:  # the last bytes of the file
        count = min(int(match["last"]), size)
        first = size - count
    else:
        first, last = int(match["first"]), int(match["last"] or size - 1)
        if last < first < size:
            return None
        count = min(last, size - 1) - first + 1
    if first >= size or count <= 0:
        raise Unsatisfiable(f"The file has {size} bytes.")
    return ByteRange(first, count, size)
