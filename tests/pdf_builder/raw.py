"""PDF files written object by object, without validation."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping

Objects = Mapping[int, bytes]

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
CATALOG, PAGES, FONT, CONTENTS, PAGE, INFO = 1, 2, 3, 4, 5, 6
MIB = 1024**2
_OBJECT = re.compile(rb"(\d+) 0 obj\s*(.*?)\s*endobj", re.DOTALL)


def objects_of(pdf: bytes) -> dict[int, bytes]:
    """Returns the objects by number; objects in object streams are not found."""
    return {int(found[1]): found[2] for found in _OBJECT.finditer(pdf)}


def assemble(objects: Objects, trailer: bytes = b"") -> bytes:
    """Returns a file with these objects, an xref table, and a trailer extended by `trailer`."""
    body, offsets = bytearray(HEADER), dict[int, int]()
    for number, content in objects.items():
        offsets[number] = len(body)
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start, size = len(body), max(objects, default=0) + 1
    body += b"xref\n0 %d\n" % size
    for number in range(size):
        entry = b"%010d 00000 n \n" % offsets[number] if number in offsets else None
        body += entry or b"0000000000 65535 f \n"
    ending = b"trailer\n<</Size %d/Root %d 0 R%b>>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(body + ending % (size, root_of(objects), trailer, start))


def root_of(objects: Objects) -> int:
    """Returns the number of the catalog; 1 if there is none."""
    return next((number for number, one in objects.items() if b"/Catalog" in one), CATALOG)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """Returns a stream object."""
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (entries, len(data), data)


def flate(data: bytes, entries: bytes = b"") -> bytes:
    """Returns a deflated stream object."""
    return stream(zlib.compress(data), entries + b"/Filter/FlateDecode")


def deflate_repeated(part: bytes, size: int, times: int = 1, entries: bytes = b"") -> bytes:
    """Returns a stream of repeated `part`, deflated `times` times; about `size` bytes inflated.

    The inflated data is never in memory as a whole.
    """
    piece = part * max(1, MIB // len(part))
    pieces: Iterable[bytes] = (piece for _ in range(max(1, size // len(piece))))
    for _ in range(times):
        pieces = _deflated(pieces)
    filters = b"/Filter[%b]" % (b"/FlateDecode" * times)
    return stream(b"".join(pieces), entries + filters)


def _deflated(pieces: Iterable[bytes]) -> Iterable[bytes]:
    deflate = zlib.compressobj(9)
    for piece in pieces:
        yield deflate.compress(piece)
    yield deflate.flush()


def one_page(**changed: bytes | None) -> dict[int, bytes]:
    """Returns the objects of a document with one page of Helvetica text.

    `changed` replaces `catalog`, `pages`, `font`, `contents`, `page` or `info`; None removes one.
    """
    text = b"BT /F 12 Tf 72 700 Td (Silver nanoparticles were made with leaves.) Tj ET"
    objects = {
        "catalog": b"<</Type/Catalog/Pages 2 0 R>>",
        "pages": b"<</Type/Pages/Kids[5 0 R]/Count 1>>",
        "font": b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        "contents": stream(text),
        "page": page(),
        "info": b"<</Title(A made page)>>",
        **changed,
    }
    return {number: one for number, one in enumerate(objects.values(), 1) if one is not None}


def page(entries: bytes = b"", resources: bytes = b"", box: bytes = b"0 0 595 842") -> bytes:
    """Returns a page object with `FONT` as /F and `CONTENTS`."""
    return (
        b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Contents 4 0 R"
        b"/Resources<</Font<</F 3 0 R>>%b>>%b>>"
    ) % (box, resources, entries)
