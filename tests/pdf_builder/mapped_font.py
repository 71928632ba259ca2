"""Text in any script without a font file: Helvetica whose codes are mapped to other characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.pdf_builder.canvas import SANS, text_width
from tests.pdf_builder.raw import assemble, one_page, stream

_FIRST_CODE, _LAST_CODE = 0x23, 0x7E
_ESCAPED = b"()\\"
_CMAP = b"""/CIDInit /ProcSet findresource begin begincmap /CMapName /Made def /CMapType 2 def
1 begincodespacerange <00> <ff> endcodespacerange
%d beginbfchar
%b
endbfchar endcmap end"""


class Word(NamedTuple):
    """Characters from left to right; the base line begins at (x, y)."""

    x: float
    y: float
    text: str


class MappedFont:
    """A font with a code for each of these characters, and a space."""

    def __init__(self, characters: str) -> None:
        codes = (code for code in range(_FIRST_CODE, _LAST_CODE) if code not in _ESCAPED)
        self.codes = {" ": 0x20} | dict(zip(sorted(set(characters) - {" "}), codes, strict=False))

    def encoded(self, text: str) -> bytes:
        """Returns the bytes that print the text."""
        return bytes(self.codes[character] for character in text)

    def width(self, text: str, size: float = 10) -> float:
        """Returns the width of the printed text in points."""
        return text_width(self.encoded(text).decode("ascii"), size, SANS)

    def to_pdf(self, words: Sequence[Word], size: float = 10) -> bytes:
        """Returns a PDF with a page of these words."""
        content = b"\n".join(
            b"BT /F %.1f Tf 1 0 0 1 %.3f %.3f Tm <%b> Tj ET"
            % (size, word.x, 842 - word.y, self.encoded(word.text).hex().encode())
            for word in words
        )
        pairs = (
            b"<%02x> <%b>" % (code, character.encode("utf-16-be").hex().encode())
            for character, code in self.codes.items()
        )
        font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 7 0 R>>"
        cmap = stream(_CMAP % (len(self.codes), b"\n".join(pairs)))
        return assemble(one_page(contents=stream(content), font=font, cmap=cmap))
