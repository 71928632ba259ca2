"""Characters that no font maps to Unicode: reads those of symbol fonts, and counts the others.

A symbol font of Windows maps its codes to U+F020 to U+F0FF. In Adobe's Symbol encoding they are
Greek letters and mathematical signs. Small capitals and old-style figures have places in Adobe's
corporate area.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

REPLACEMENT = "\ufffd"  # MuPDF's for a glyph without a mapping to Unicode
# Private use, replacement characters and control codes: `clean_text` removes them.
UNMAPPED = re.compile(
    "[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
)
_CID = re.compile(r"\(cid:\d{1,5}\)")
_PRIVATE = re.compile("[\uf020-\uf0ff\uf730-\uf739\uf761-\uf77a\uf8e5-\uf8fe]")
# Adobe's Symbol encoding (symbol.txt of the Unicode Consortium), from 0x20 and from 0xA0; a space
# for an unused code and for the pieces of large brackets.
_FROM_SPACE = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾"
    "αβχδεφγηιϕκλµνοπθρστυϖωξψζ{|}∼ "
)
_FROM_EURO = (
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…  ↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑           "
    "〉∫⌠ ⌡         "
)
_SYMBOLS = {
    **{0xF020 + index: text for index, text in enumerate(_FROM_SPACE)},
    **{0xF0A0 + index: text for index, text in enumerate(_FROM_EURO)},
}
_BRACKET_PIECES = range(0xF8E5, 0xF8FF)  # of large brackets in mathematics; no text is lost
_VARIANTS = {
    **dict.fromkeys(_BRACKET_PIECES, ""),
    **{0xF730 + digit: str(digit) for digit in range(10)},
    **{0xF761 + index: chr(ord("a") + index) for index in range(26)},
}
_LAYOUT_MARKS = "\x03\x07\x08\x18"  # of InDesign: the end of a style, an indent, a tab
_ORNAMENTS = ("wingdings", "webdings", "dingbats", "bullets", "ornament", "fontawesome")


def readable(text: str, font: str) -> str:
    """Returns the text with the characters that a symbol font has in the private area."""
    if text.isascii() or not _PRIVATE.search(text):
        return text
    text = text.translate(_VARIANTS)
    return text.translate(_SYMBOLS) if "symbol" in font.lower() else text


def read_symbols(spans: Sequence[dict[str, Any]]) -> int:
    """Makes the spans of MuPDF's dictionary readable; returns the number of characters that are
    not. Pictures of an ornamental font are no characters."""
    for span in spans:
        if not span["text"].isascii():
            span["text"] = readable(span["text"], span["font"])
    whole = "\n".join([span["text"] for span in spans])
    if not UNMAPPED.search(whole) and "(cid:" not in whole:
        return 0
    return _unreadable(spans)


def _unreadable(spans: Iterable[dict[str, Any]]) -> int:
    count = 0
    for span in spans:
        text = span["text"]
        if (found := UNMAPPED.findall(text)) and not _is_ornamental(span["font"]):
            count += sum(character not in _LAYOUT_MARKS for character in found)
        elif "(cid:" in text:
            count += len(_CID.findall(text))
    return count


def _is_ornamental(font: str) -> bool:
    name = font.lower()
    return any(ornament in name for ornament in _ORNAMENTS)
