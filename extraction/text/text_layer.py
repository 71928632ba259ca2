"""Decides whether the text layer of a page holds what is printed on it, or whether the page needs
OCR.

The criteria are independent of the language: characters that no font maps to Unicode, bytes decoded
in another encoding, words without vowels. Most pages need only a look at their lines (0.3 ms); a
suspicious or short text is compared with what the page draws (about 3 ms).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from domain.papers import Box
from extraction.geometry import Rect, box_of, is_center_in, rect_of
from extraction.text.common_words import COMMON_WORDS
from extraction.text.drawn import DrawnPage, drawn_page
from extraction.text.garbled_lines import garbled_lines
from extraction.text.lines import Line
from extraction.text.mupdf import pymupdf
from extraction.text.outlines import outlined_rows
from extraction.text.unreadable import UNMAPPED

# Heuristics. Shares are 0 to 1, of characters unless another unit is given.
_SHORT_LENGTH = 1200  # characters; a page with fewer is compared with what it draws
_MAX_STAMP_LENGTH = 299  # characters that a library may print on the scan of a page
_MAX_ASSESSED_LENGTH = 8000  # characters; bounds the run time
_REACH = 2.0  # points around a place whose text is missing
_FULL_PAGE, _MIN_PICTURE = 0.85, 0.1  # shares of the page's area
_MIN_PATHS = 150  # drawn shapes of a page whose letters are shapes
_MIN_FILL = 0.9  # characters per room for one, of a page whose text layer is complete
# A text layer is garbled from this share of unmapped characters on, in a text of this length.
_MAX_UNMAPPED_SHARE, _MIN_UNMAPPED_LENGTH = 0.2, 20
_MAX_CLEAN_GARBLED_SHARE = 0.02  # a text with more is compared with what the page draws
_MAX_CID_SHARE = 0.1
_MAX_MOJIBAKE_SHARE = 0.02
_MIN_MOJIBAKE_PAIRS, _MIN_HIGH_RUN_SHARE = 10, 0.3  # fewer occur in readable texts
# Shares of the words: without vowels, and common in some language, in a text of so many words.
_MAX_UNPRONOUNCEABLE_SHARE, _MIN_COMMON_SHARE, _MIN_LATIN_WORDS = 0.3, 0.03, 40
# A text of rare marks: its length, the most letters, and kinds and shares of frequent marks.
_MIN_SYMBOLS_LENGTH, _MAX_LETTER_SHARE = 200, 0.15
_MIN_FREQUENT_MARKS, _FREQUENT_MARK_SHARE, _MIN_MARKS_SHARE = 3, 0.03, 0.2
# A poor text has fewer characters in words, or more words without vowels.
_MIN_WORDS_SHARE, _MAX_POOR_UNPRONOUNCEABLE_SHARE = 0.6, 0.15

_CID = re.compile(r"\(cid:\d{1,5}\)")
# UTF-8 decoded as Windows-1252: a lead byte, then a byte that is no letter there.
_MOJIBAKE = re.compile(
    "[ÂÃÄÅÎÏÐÑ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€[\u0080-\u00bf‚ƒ„…†‡ˆ‰‹‘’“”•–—˜™š›œžŸ¢¦]?"
)
# Cyrillic, Greek or Chinese bytes decoded as Latin-1: no language has four such letters in a row.
_HIGH_RUN = re.compile("[À-ÖØ-öø-ÿ]{4,}")
_WORD = re.compile(r"[^\W\d_]{3,}|\d+(?:[.,:]\d+)*")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ]{4,}")
_CONSONANTS = "bcdfghjklmnpqrstvwxzß"
_UNPRONOUNCEABLE = re.compile(rf"[{_CONSONANTS}]{{5,}}|^[{_CONSONANTS}]+$")
_SYMBOLS = re.compile(r"[!\"#$%&':;?@\\`~{}]")
_REPEATED = re.compile(r"(\W)\1+")
_TOKEN = re.compile(r"[^\W\d_]+")
_UNMAPPED_FONTS = "the fonts have no mapping to Unicode"


class TextLayer(StrEnum):
    """The state of a page's text layer."""

    USABLE = "usable"
    BLANK = "blank"  # the page is empty
    MISSING = "missing"  # the page is a picture, or its letters are drawn as shapes
    GARBLED = "garbled"  # its characters are not those that are printed
    PARTIAL = "partial"  # a part of the page is as MISSING or GARBLED
    POOR = "poor"  # the hidden text of an earlier OCR, with few words


@dataclass(frozen=True, slots=True)
class PageHealth:
    """Quality of a page's text layer; `garbled_share` is the share of its characters, 0 to 1.

    `missing` are the places whose text OCR has to read, if that is not the whole page. `unread` is
    the number of characters without a mapping to Unicode, `hidden_words` that of words which the
    text layer holds and the page does not show. `hides_text`: it does not show words or numbers.
    `is_checked` is False for a page that took too long. `annotations` of readers are left out.
    """

    layer: TextLayer
    reason: str
    characters: int
    garbled_share: float = 0.0
    missing: tuple[Box, ...] = ()
    unread: int = 0
    hidden_words: int = 0
    hides_text: bool = False
    is_checked: bool = True
    annotations: int = 0

    @property
    def needs_ocr(self) -> bool:
        """True if the page prints text that is missing from the text layer."""
        return self.layer not in (TextLayer.USABLE, TextLayer.BLANK)


def page_health(page: Any, lines: Sequence[Line], drawn: DrawnPage | None = None) -> PageHealth:
    """Returns the quality of the text layer of a MuPDF page from which these lines were read.

    `drawn` is what the page draws, if it is known.
    """
    drawn = drawn or drawn_page(page)
    health = _health_of_whole(page, lines, drawn)
    if health.layer not in (TextLayer.USABLE, TextLayer.BLANK):
        return health
    missing = {
        "its letters are drawn as shapes": outlined_rows(page, drawn),
        "letters are not the printed ones": [rect_of(line.box) for line in garbled_lines(lines)],
    }
    rows = [row for found in missing.values() for row in found]
    reason = "; ".join(reason for reason, found in missing.items() if found)
    return _with_missing(page, lines, health, rows, reason) if rows else health


def _with_missing(
    page: Any, lines: Sequence[Line], health: PageHealth, rows: Sequence[Rect], reason: str
) -> PageHealth:
    """Returns the quality of a page whose text at these places needs OCR.

    A page with little other text is read by OCR as a whole.
    """
    number = lines[0].page if lines else page.number + 1
    boxes = tuple(box_of(row.expanded(_REACH, _REACH), number) for row in rows)
    others = sum(len(line.text) for line in lines if not is_center_in(line.box, boxes))
    if others <= _MAX_STAMP_LENGTH:
        return replace(health, layer=TextLayer.MISSING, reason=reason)
    return replace(health, layer=TextLayer.PARTIAL, reason=reason, missing=boxes)


def _health_of_whole(page: Any, lines: Sequence[Line], drawn: DrawnPage) -> PageHealth:
    text = "\n".join(line.text for line in lines)
    statistics = text_statistics(text)
    if len(text) >= _SHORT_LENGTH and statistics.is_clean and _is_dense(lines):
        return PageHealth(TextLayer.USABLE, "", len(text), statistics.garbled_share)
    characters = "".join("".join(span["text"] for span in drawn.spans).split())
    raw = len(characters)
    share = max(statistics.garbled_share, len(UNMAPPED.findall(characters)) / max(1, raw))
    is_unmapped = raw >= _MIN_UNMAPPED_LENGTH and share > _MAX_UNMAPPED_SHARE
    if statistics.reason or is_unmapped:
        return PageHealth(TextLayer.GARBLED, statistics.reason or _UNMAPPED_FONTS, raw, share)
    return _compared_with_drawn(page, len(text), statistics, share)


def _compared_with_drawn(
    page: Any, characters: int, statistics: TextStatistics, share: float
) -> PageHealth:
    drawn = _drawn(page)
    is_scan = drawn.pictures >= _FULL_PAGE
    is_stamped = is_scan and not drawn.hidden_text and characters <= _MAX_STAMP_LENGTH
    if drawn.hidden_text and is_scan and statistics.is_poor:
        found = TextLayer.POOR, "the hidden text of the scan holds few words"
    elif is_stamped or (not characters and drawn.pictures >= _MIN_PICTURE):
        found = TextLayer.MISSING, "the page is a picture"
    elif characters:
        found = TextLayer.USABLE, ""
    elif drawn.paths >= _MIN_PATHS:
        found = TextLayer.MISSING, "its letters are drawn as shapes"
    else:
        found = TextLayer.BLANK, "the page is empty"
    return PageHealth(*found, characters, share)


@dataclass(frozen=True, slots=True)
class TextStatistics:
    """Statistics of a text; `reason` tells why it is garbled, empty if it is not.

    Shares are 0 to 1. `words` is the share of the characters that belong to words or numbers.
    `unpronounceable` is the share of the words in Latin letters without vowels or with five
    consonants in a row.
    """

    reason: str = ""
    garbled_share: float = 0.0
    words: float = 1.0
    unpronounceable: float = 0.0

    @property
    def is_clean(self) -> bool:
        """True if no comparison with what the page draws is needed."""
        is_garbled = self.reason or self.garbled_share >= _MAX_CLEAN_GARBLED_SHARE
        return not is_garbled and not self.is_poor

    @property
    def is_poor(self) -> bool:
        """True if much of it is not words: bad OCR, or much mathematics."""
        is_odd = self.unpronounceable > _MAX_POOR_UNPRONOUNCEABLE_SHARE
        return is_odd or self.words < _MIN_WORDS_SHARE


def text_statistics(text: str) -> TextStatistics:
    """Returns the statistics of a text in any language; at most 8,000 characters are examined."""
    text = text[:_MAX_ASSESSED_LENGTH]
    total = len(text) - text.count(" ") - text.count("\n")
    if not total:
        return TextStatistics()
    cids = sum(len(found) for found in _CID.findall(text)) / total
    mojibake = 0.0
    if not text.isascii():
        pairs = len(_MOJIBAKE.findall(text))
        runs = sum(map(len, _HIGH_RUN.findall(text))) / total
        mojibake = max(
            2 * pairs / total if pairs >= _MIN_MOJIBAKE_PAIRS else 0.0,
            runs if runs > _MIN_HIGH_RUN_SHARE else 0.0,
        )
    share = min(1.0, max(cids, mojibake))
    words = min(1.0, sum(map(len, _WORD.findall(text))) / total)
    latin = _LATIN_WORD.findall(text.lower())
    odd = sum(1 for word in latin if _UNPRONOUNCEABLE.search(word)) / len(latin) if latin else 0.0
    reason = _reason(text, total, cids, mojibake, odd, len(latin))
    return TextStatistics(reason, 1.0 if reason and not share else share, words, odd)


def _reason(text: str, total: int, cids: float, mojibake: float, odd: float, latin: int) -> str:
    if cids > _MAX_CID_SHARE:
        return _UNMAPPED_FONTS
    if mojibake > _MAX_MOJIBAKE_SHARE:
        return "its characters were decoded with the wrong encoding (mojibake)"
    unpronounceable = odd > _MAX_UNPRONOUNCEABLE_SHARE and latin >= _MIN_LATIN_WORDS
    if unpronounceable and _common_share(text) < _MIN_COMMON_SHARE:
        return "its letters are not the printed ones"
    if total >= _MIN_SYMBOLS_LENGTH and _is_symbols(text, total):
        return "its letters are mapped to symbols"
    return ""


def _is_symbols(text: str, total: int) -> bool:
    """True if several marks that are rare in any text make up a fifth of it, and letters little.

    A font whose glyphs are numbered from the first printable code on looks like that.
    """
    if sum(map(str.isalpha, text)) > _MAX_LETTER_SHARE * total:
        return False
    marks = Counter(_SYMBOLS.findall(_REPEATED.sub(r"\1", text)))
    frequent = [count for count in marks.values() if count > _FREQUENT_MARK_SHARE * total]
    return len(frequent) >= _MIN_FREQUENT_MARKS and sum(frequent) > _MIN_MARKS_SHARE * total


def _common_share(text: str) -> float:
    """Returns the share of the words that are among the most frequent of some language."""
    tokens = _TOKEN.findall(text.lower())
    common = sum(1 for token in tokens if len(token) > 1 and token in COMMON_WORDS)
    return common / len(tokens) if tokens else 0.0


def _is_dense(lines: Sequence[Line]) -> bool:
    """True if the lines hold about as many characters as they have room for."""
    room = sum((line.x1 - line.x0) / line.size for line in lines if line.size > 0)
    return sum(len(line.text) for line in lines) > _MIN_FILL * room


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What a page draws: the share of its area that pictures cover, the number of paths, and
    whether it has hidden text."""

    pictures: float
    paths: int
    hidden_text: bool


def _drawn(page: Any) -> _Drawn:
    pictures, paths, hidden = 0.0, 0, False
    shown, whole = page.rotation_matrix, page.rect
    for kind, box in page.get_bboxlog():
        if kind in ("fill-image", "fill-imgmask"):
            place = (pymupdf.Rect(box) * shown) & whole
            pictures += 0.0 if place.is_empty else abs(place.get_area())
        elif kind == "ignore-text":
            hidden = True
        elif kind.endswith("-path"):
            paths += 1
    return _Drawn(min(1.0, pictures / max(1.0, whole.get_area())), paths, hidden)
