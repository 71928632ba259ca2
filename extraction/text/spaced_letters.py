"""Capitals that are set wide apart ("I NTRO D U C TI ON", as Wiley prints its headings) as words.

Where a word ends cannot be seen from such a text; the words of the paper itself tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from extraction.text.clean import words_of
from extraction.text.lines import Line

_SPACED = re.compile(r"(?P<number>[\d.]*(?:\s?\|)?\s*)(?P<text>[A-ZÀ-Þ&]+(?: [A-ZÀ-Þ&]+){2,})")
_LEAST_LETTERS, _LONGEST_WORD = 6, 24
_FRAGMENT, _LEAST_FRAGMENTS = 2, 0.4  # letters of one; share of the pieces that are so short
_SHORT_WORDS = set(re.findall(r"\S+", "a an as at by de du en et in is la le no of on or to & vs"))
# Headings whose words a text may not use.
_WORDS = set(
    re.findall(
        r"\S+",
        "abbreviations abstract acknowledgements acknowledgments appendix author authors "
        "availability background conclusion conclusions conflict conflicts contribution "
        "contributions data discussion ethics experimental funding interest interests introduction "
        "material materials method methods orcid procedure references result results section "
        "statement summary supporting information",
    )
)


def close_up(lines: Sequence[Line]) -> None:
    """Puts the letters of such lines together, where the words of the others say how."""
    spaced = [line for line in lines if _is_spaced(line.text)]
    if not spaced:
        return
    wide = {id(line) for line in spaced}
    words = words_of(line.text for line in lines if id(line) not in wide) | _WORDS
    for line in spaced:
        line.text = closed_up(line.text, words)


def closed_up(text: str, words: Set[str]) -> str:
    """The text in as few of these (lower case) words as there can be; as it is where its letters
    are not just such words."""
    found = _SPACED.fullmatch(text)
    if found is None:
        return text
    letters = found["text"].replace(" ", "")
    ends = _ends_of_words(letters.lower(), words)
    if not ends or len(ends) >= len(found["text"].split()):
        return text
    starts = [0, *ends[:-1]]
    return found["number"] + " ".join(letters[a:b] for a, b in zip(starts, ends, strict=True))


def _is_spaced(text: str) -> bool:
    found = _SPACED.fullmatch(text)
    if found is None:
        return False
    pieces = found["text"].split()
    short = sum(len(piece) <= _FRAGMENT for piece in pieces)
    letters = sum(map(len, pieces))
    return letters >= _LEAST_LETTERS and short >= _LEAST_FRAGMENTS * len(pieces)


def _ends_of_words(letters: str, words: Set[str]) -> list[int]:
    """Where each word ends, with as few words as there can be; [] when there is no way."""
    best: list[list[int] | None] = [[]]
    for end in range(1, len(letters) + 1):
        ways = [
            [*before, end]
            for start in range(max(0, end - _LONGEST_WORD), end)
            if (before := best[start]) is not None and _is_word(letters[start:end], words)
        ]
        best.append(min(ways, key=len, default=None))
    return best[-1] or []


def _is_word(piece: str, words: Set[str]) -> bool:
    return piece in (_SHORT_WORDS if len(piece) <= _FRAGMENT else words)
