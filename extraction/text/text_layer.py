"""Whether a page's text layer says what is printed on the page, or OCR has to read it.

Judged by what no language does, not by what one does: characters that no font maps to Unicode,
bytes read in another encoding, words that cannot be spoken. Most pages need only a look at their
lines (0.3 ms); what is odd or short is compared with what the page draws (about 3 ms).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from extraction.text.lines import Line
from extraction.text.mupdf import pymupdf

_SHORT = 1200  # characters; a page with fewer is looked at twice
_STAMP = 300  # characters that a library may print on the picture of a page
_MOST_JUDGED = 8000
_FULL_PAGE, _LEAST_PICTURE = 0.85, 0.1  # shares of the page's area
_MANY_PATHS = 150  # letters drawn as shapes

_CID = re.compile(r"\(cid:\d{1,5}\)")
# Private use (symbol fonts), replacement characters, controls: what clean_text removes.
_UNMAPPED = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff\x00-\x08\x0e-\x1f]")
# UTF-8 read as Windows-1252: a lead byte, then a byte that is no letter there.
_MOJIBAKE = re.compile(
    "[ÂÃÄÅÎÏÐÑ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€[\u0080-\u00bf‚ƒ„…†‡ˆ‰‹‘’“”•–—˜™š›œžŸ¢¦]?"
)
# Cyrillic, Greek or Chinese bytes read as Latin-1: no language writes four such letters in a row.
_HIGH_RUN = re.compile("[À-ÖØ-öø-ÿ]{4,}")
_WORD = re.compile(r"[^\W\d_]{3,}|\d+(?:[.,:]\d+)*")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ]{4,}")
_CONSONANTS = "bcdfghjklmnpqrstvwxzß"
_UNSPEAKABLE = re.compile(rf"[{_CONSONANTS}]{{5,}}|^[{_CONSONANTS}]+$")
_SYMBOLS = re.compile(r"[!\"#$%&':;?@\\`~{}]")
_REPEATED = re.compile(r"(\W)\1+")
_TOKEN = re.compile(r"[^\W\d_]+")
# The commonest words of the languages in Latin letters that most papers are written in.
_COMMON_WORDS = (
    "the of and in to is for that with are was on by as at from this be or an we "
    "der die das und ist nicht von mit den ein eine zu auf für "
    "le la les des et est du une dans que pour par sur qui "
    "el los las del una con por para se y no "
    "il di che per non della è sono i o os da do em uma um ao não "
    "het een van op te voor w na nie jest się że z ve bir bu için ile "
    "och att som det på en av er til og ja on ei az egy hogy și la este dan yang untuk"
)
_COMMON = frozenset(_COMMON_WORDS.split())


class TextLayer(StrEnum):
    USABLE = "usable"
    BLANK = "blank"  # nothing is printed on the page
    MISSING = "missing"  # the page is a picture, or its letters are drawn as shapes
    GARBLED = "garbled"  # it does not say what is printed
    POOR = "poor"  # the hidden text of an earlier OCR, with few words in it


@dataclass(frozen=True, slots=True)
class PageHealth:
    """What a page's text layer is worth; `garbled_share` is of its characters, 0 to 1."""

    layer: TextLayer
    reason: str
    characters: int
    garbled_share: float = 0.0

    @property
    def needs_ocr(self) -> bool:
        """True when something is printed that the text layer does not say."""
        return self.layer not in (TextLayer.USABLE, TextLayer.BLANK)


def page_health(page: Any, lines: Sequence[Line]) -> PageHealth:
    """What the text layer of a MuPDF page is worth, given the lines that were read from it."""
    text = "\n".join(line.text for line in lines)
    looks = judge_text(text)
    if len(text) >= _SHORT and looks.is_fine and _is_dense(lines):
        return PageHealth(TextLayer.USABLE, "", len(text), looks.garbled_share)
    unmapped, raw = _unmapped(page)
    share = max(looks.garbled_share, unmapped / raw if raw else 0.0)
    if raw >= 20 and share > 0.2:
        reason = looks.reason or "the fonts do not say which characters they print"
        return PageHealth(TextLayer.GARBLED, reason, raw, share)
    if looks.reason:
        return PageHealth(TextLayer.GARBLED, looks.reason, raw, max(share, looks.garbled_share))
    return _compared_with_drawn(page, len(text), looks, share)


def _compared_with_drawn(page: Any, characters: int, looks: Looks, share: float) -> PageHealth:
    drawn = _drawn(page)
    if drawn.hidden_text and drawn.pictures >= _FULL_PAGE and looks.is_poor:
        reason = "the hidden text of the scan holds few words"
        return PageHealth(TextLayer.POOR, reason, characters, share)
    on_scan = drawn.pictures >= _FULL_PAGE and not drawn.hidden_text
    if characters < _STAMP and on_scan:
        return PageHealth(TextLayer.MISSING, "the page is a picture", characters, share)
    if characters:
        return PageHealth(TextLayer.USABLE, "", characters, share)
    if drawn.pictures >= _LEAST_PICTURE:
        return PageHealth(TextLayer.MISSING, "the page is a picture", 0, share)
    if drawn.paths >= _MANY_PATHS:
        return PageHealth(TextLayer.MISSING, "its letters are drawn as shapes", 0, share)
    return PageHealth(TextLayer.BLANK, "nothing is printed on it", 0, share)


@dataclass(frozen=True, slots=True)
class Looks:
    """What a text looks like: `reason` is why it is garbled, empty when it is not.

    Shares are 0 to 1: `words` of the characters that stand in words or numbers, `unspeakable` of
    the words in Latin letters that nobody could speak.
    """

    reason: str = ""
    garbled_share: float = 0.0
    words: float = 1.0
    unspeakable: float = 0.0

    @property
    def is_fine(self) -> bool:
        """True when a second look is not worth while."""
        return not self.reason and self.garbled_share < 0.02 and not self.is_poor

    @property
    def is_poor(self) -> bool:
        """True when much of it is no words: bad OCR, or much mathematics."""
        return self.words < 0.6 or self.unspeakable > 0.15


def judge_text(text: str) -> Looks:
    """What the text looks like, whatever its language; at most 8,000 characters are judged."""
    text = text[:_MOST_JUDGED]
    total = len(text) - text.count(" ") - text.count("\n")
    if not total:
        return Looks()
    cids = sum(len(found) for found in _CID.findall(text)) / total
    mojibake = 0.0
    if not text.isascii():
        pairs = len(_MOJIBAKE.findall(text))
        runs = sum(map(len, _HIGH_RUN.findall(text))) / total
        mojibake = max(2 * pairs / total if pairs >= 10 else 0.0, runs if runs > 0.3 else 0.0)
    share = min(1.0, max(cids, mojibake))
    words = _words_share(text, total)
    latin = _LATIN_WORD.findall(text.lower())
    odd = sum(1 for word in latin if _UNSPEAKABLE.search(word)) / len(latin) if latin else 0.0
    reason = _reason(text, total, cids, mojibake, odd, len(latin))
    return Looks(reason, 1.0 if reason and not share else share, words, odd)


def _reason(text: str, total: int, cids: float, mojibake: float, odd: float, latin: int) -> str:
    if cids > 0.1:
        return "the fonts do not say which characters they print"
    if mojibake > 0.02:
        return "its characters were read in another encoding (mojibake)"
    if odd > 0.3 and latin >= 40 and _common_share(text) < 0.03:
        return "its letters are not those that are printed"
    if total >= 200 and _is_symbols(text, total):
        return "its letters come out as symbols"
    return ""


def _is_symbols(text: str, total: int) -> bool:
    """True when several marks that are rare in any text make up a fifth of it, and letters little.

    So looks a font whose glyphs are numbered from the first printable code on.
    """
    if sum(map(str.isalpha, text)) > 0.15 * total:
        return False
    marks = Counter(_SYMBOLS.findall(_REPEATED.sub(r"\1", text)))
    often = [number for number in marks.values() if number > 0.03 * total]
    return len(often) >= 3 and sum(often) > 0.2 * total


def _words_share(text: str, total: int) -> float:
    return min(1.0, sum(map(len, _WORD.findall(text))) / total)


def _common_share(text: str) -> float:
    """Share of the words that are among the commonest of some language."""
    tokens = _TOKEN.findall(text.lower())
    common = sum(1 for token in tokens if len(token) > 1 and token in _COMMON)
    return common / len(tokens) if tokens else 0.0


def _is_dense(lines: Sequence[Line]) -> bool:
    """True when the lines hold about as many characters as they have room for."""
    room = sum((line.x1 - line.x0) / line.size for line in lines if line.size > 0)
    return sum(len(line.text) for line in lines) > 0.9 * room


def _unmapped(page: Any) -> tuple[int, int]:
    """How many characters of the page have no Unicode, and how many there are, without spaces."""
    raw = "".join(page.get_text("text", flags=0).split())
    return len(_UNMAPPED.findall(raw)), len(raw)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What a page draws: the share of its area that pictures cover, paths, hidden text."""

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
