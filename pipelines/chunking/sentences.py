"""A small sentence splitter that knows the abbreviations of scientific papers."""

from __future__ import annotations

import re

_END = re.compile(
    r"[.!?][)\]\"'”’]*(?:\s?\[[\d,;–\s-]{1,40}\])?\s+"  # marks, brackets, a citation, space
    r"(?=[\"'“‘(\[]?[^\W_a-zß-öø-ÿ])"  # and a character that may begin a sentence
)
_LABEL = re.compile(
    r"(?:fig(?:ure)?\.?|table|scheme|box|no\.|step|section|chapter)\s+[A-Z]?\d{1,4}[a-z]?",
    re.IGNORECASE,
)
_MAX_ABBREVIATION = 24  # characters before a dot that are compared
_LAST_WORD = re.compile(rf"[^\s(\[]{{1,{_MAX_ABBREVIATION}}}$")
_SHORT = (
    "al fig figs eq eqs eqn eqns ref refs sec sect tab no nos vol vols ch chap pp p ed eds vs cf "
    "approx ca resp dr mr mrs ms prof st jr sr inc ltd co corp dept univ spp sp subsp var e.g i.e "
    "eg ie etc viz i.v i.p s.c a.m p.m u.s u.k jan feb mar apr jun jul aug sep sept oct nov dec "
    "suppl app def thm lem prop cor min max avg temp conc supp nat"
)
_ABBREVIATIONS = frozenset(_SHORT.split())


def sentence_starts(text: str) -> list[int]:
    """Returns the offsets at which the sentences of a paragraph start; the first one is 0.

    Takes time linear in the length of the text.
    """
    ends = (
        found.end()
        for found in _END.finditer(text)
        if text[found.start()] != "." or not _is_abbreviation(text, found.start())
    )
    return [0, *ends]


def _is_abbreviation(text: str, dot: int) -> bool:
    """True for a dot behind an abbreviation, an initial ("J. Smith") or a caption's label."""
    if dot < _MAX_ABBREVIATION and _LABEL.fullmatch(text[:dot]):
        return True
    found = _LAST_WORD.search(text[max(0, dot - _MAX_ABBREVIATION) : dot])
    if found is None:
        return False
    word = found[0]
    return (len(word) == 1 and word.isalpha() and word.isupper()) or word.lower() in _ABBREVIATIONS
