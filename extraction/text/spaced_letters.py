"""Joins capitals that are set with wide spacing ("I NTRO D U C TI ON", as Wiley prints its
headings) to words.

Such a text does not show where its words end; the vocabulary of the paper does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from extraction.text.clean import words_of
from extraction.text.lines import Line

_SPACED = re.compile(r"(?P<number>[\d.]*(?:\s?\|)?\s*)(?P<text>[A-ZÀ-Þ&]+(?: [A-ZÀ-Þ&]+){2,})")
# Heuristics.
_MIN_LETTERS = 6  # of a spaced line
_MAX_WORD_LETTERS = 24  # bounds the search
# Letters of a fragment, and the share of a line's pieces that are as short.
_FRAGMENT_LETTERS, _MIN_FRAGMENT_SHARE = 2, 0.4
_SHORT_WORDS = set(re.findall(r"\S+", "a an as at by de du en et in is la le no of on or to & vs"))
# Words of headings that need not occur in the text.
_HEADING_WORDS = set(
    re.findall(
        r"\S+",
        "abbreviations abstract acknowledgements acknowledgments appendix author authors "
        "availability background conclusion conclusions conflict conflicts contribution "
        "contributions data discussion ethics experimental funding interest interests introduction "
        "material materials method methods orcid procedure references result results section "
        "statement summary supporting information",
    )
)


def join_spaced_lines(lines: Sequence[Line]) -> None:
    """Joins the letters of such lines where the words of the other lines show how."""
    spaced = [line for line in lines if _is_spaced(line.text)]
    if not spaced:
        return
    wide = {id(line) for line in spaced}
    words = words_of(line.text for line in lines if id(line) not in wide) | _HEADING_WORDS
    for line in spaced:
        line.text = join_spaced_letters(line.text, words)


def join_spaced_letters(text: str, words: Set[str]) -> str:
    """Returns the text divided into as few of these (lower-case) words as possible; unchanged if
    its letters do not consist of such words."""
    found = _SPACED.fullmatch(text)
    if found is None:
        return text
    letters = found["text"].replace(" ", "")
    ends = _word_ends(letters.lower(), words)
    if not ends or len(ends) >= len(found["text"].split()):
        return text
    starts = [0, *ends[:-1]]
    return found["number"] + " ".join(letters[a:b] for a, b in zip(starts, ends, strict=True))


def _is_spaced(text: str) -> bool:
    found = _SPACED.fullmatch(text)
    if found is None:
        return False
    pieces = found["text"].split()
    short = sum(len(piece) <= _FRAGMENT_LETTERS for piece in pieces)
    letters = sum(map(len, pieces))
    return letters >= _MIN_LETTERS and short >= _MIN_FRAGMENT_SHARE * len(pieces)


def _word_ends(letters: str, words: Set[str]) -> list[int]:
    """Returns the ends of the words of the split into the fewest words; [] if there is none."""
    best: list[list[int] | None] = [[]]
    for end in range(1, len(letters) + 1):
        splits = [
            [*before, end]
            for start in range(max(0, end - _MAX_WORD_LETTERS), end)
            if (before := best[start]) is not None and _is_word(letters[start:end], words)
        ]
        best.append(min(splits, key=len, default=None))
    return best[-1] or []


def _is_word(piece: str, words: Set[str]) -> bool:
    return piece in (_SHORT_WORDS if len(piece) <= _FRAGMENT_LETTERS else words)
