"""Finds the lines of a page that a font garbles while the other fonts of the page are sound.

A font whose codes are not the printed letters shifts them all by one distance ("WKH" for "THE").
Where one distance turns words of no language into the most frequent words of one, the lines are
garbled; a table of gene names does not turn into sentences. Lines whose words have no spaces
between them are found by the length of the words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from extraction.text.common_words import COMMON_WORDS
from extraction.text.lines import Line

# Heuristics. Shares are 0 to 1, of words unless another unit is given.
_MIN_WORDS, _MIN_COMMON, _MIN_DISTINCT_COMMON, _MIN_COMMON_SHARE = 12, 4, 3, 0.1
_COMMON = frozenset(word for word in COMMON_WORDS if len(word) >= 3)  # shorter ones arise by chance
# Of the letters of a shifted text: words of Latin letters have 0.38 to 0.48 vowels; if all letters
# are moved by one distance, at most 0.3 of those of an English text are.
_VOWELS, _MAX_VOWEL_SHARE = "aeiou", 0.33
_MAX_SAMPLE = 3000  # characters of a font; bounds the run time
_CODE_SHIFTS = (29, 3, -3, 31, 1, -1, 2, -2)  # between glyph numbers and characters
_TOKEN = re.compile(r"[^\W\d_]+")
_MIN_JOINED, _MIN_DISTINCT, _MIN_JOINED_SHARE = 28, 9, 0.4  # letters, letters, of a line's length
_MIN_JOINED_LINES = 3
_JOINED = re.compile(rf"[a-z]{{{_MIN_JOINED},}}")


def garbled_lines(lines: Sequence[Line]) -> list[Line]:
    """Returns the lines whose letters are not the printed ones or whose words have no spaces."""
    joined = [line for line in lines if _lacks_spaces(line.text)]
    shifted = [line for of_font in _by_font(lines) if _is_shifted(of_font) for line in of_font]
    return shifted or (joined if len(joined) >= _MIN_JOINED_LINES else [])


def _by_font(lines: Sequence[Line]) -> Iterator[list[Line]]:
    fonts: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        fonts[line.font].append(line)
    yield from fonts.values()


def _is_shifted(lines: Sequence[Line]) -> bool:
    text = "\n".join(line.text for line in lines)[:_MAX_SAMPLE]
    tokens = _TOKEN.findall(text.lower())
    if len(tokens) < _MIN_WORDS or _COMMON.intersection(tokens):
        return False
    letters = "".join(tokens)
    if sum(map(letters.count, _VOWELS)) > _MAX_VOWEL_SHARE * len(letters):
        return False
    return any(map(_is_prose, _shifts(text)))


def _is_prose(text: str) -> bool:
    """True if the text has several of the most frequent words, as often as prose has them."""
    tokens = _TOKEN.findall(text.lower())
    common = [token for token in tokens if token in _COMMON]
    is_various = len(common) >= _MIN_COMMON and len(set(common)) >= _MIN_DISTINCT_COMMON
    return is_various and len(common) >= _MIN_COMMON_SHARE * len(tokens)


def _shifts(text: str) -> Iterator[str]:
    """Yields the text with its letters moved along the alphabet, and with its codes moved."""
    lower = text.lower()
    for step in range(1, 26):
        moved = {ord("a") + at: ord("a") + (at + step) % 26 for at in range(26)}
        yield lower.translate(moved)
    for step in _CODE_SHIFTS:
        codes = {code: code + step for code in range(33 - min(0, step), 127)}
        yield text.translate({**codes, 32: 32, 10: 10})


def _lacks_spaces(text: str) -> bool:
    """True if much of the line is one word of many different lower-case letters."""
    longest = max(_JOINED.findall(text), key=len, default="")
    return len(set(longest)) >= _MIN_DISTINCT and len(longest) >= _MIN_JOINED_SHARE * len(text)
