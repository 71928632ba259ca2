"""Where sentences end: a small splitter that knows the abbreviations of papers."""

from __future__ import annotations

import re

_END = re.compile(
    r"[.!?][)\]\"'”’]*(?:\s?\[[\d,;–\s-]{1,40}\])?\s+"  # marks, brackets, a citation, space
    r"(?=[\"'“‘(\[]?[^\W_a-zß-öø-ÿ])"  # and what may begin a sentence
)
_LABEL = re.compile(
    r"(?:fig(?:ure)?\.?|table|scheme|box|no\.|step|section|chapter)\s+[A-Z]?\d{1,4}[a-z]?",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(r"[^\s(\[]{1,24}$")
_SHORT = (
    "al fig figs eq eqs eqn eqns ref refs sec sect tab no nos vol vols ch chap pp p ed eds vs cf "
    "approx ca resp dr mr mrs ms prof st jr sr inc ltd co corp dept univ spp sp subsp var e.g i.e "
    "eg ie etc viz i.v i.p s.c a.m p.m u.s u.k jan feb mar apr jun jul aug sep sept oct nov dec "
    "suppl app def thm lem prop cor min max avg temp conc supp nat"
)
_ABBREVIATIONS = frozenset(_SHORT.split())


def sentence_starts(text: str) -> list[int]:
    """Offsets at which the sentences of a paragraph start; the first is 0. Linear in the length of
    the text."""
    ends = (
        found.end()
        for found in _END.finditer(text)
        if text[found.start()] != "." or not _is_abbreviation(text, found.start())
    )
    return [0, *ends]


def _is_abbreviation(text: str, dot: int) -> bool:
    """True when the word before the dot is an abbreviation, an initial ("J. Smith") or the label of
    a caption."""
    if dot < 24 and _LABEL.fullmatch(text[:dot]):
        return True
    found = _LAST_WORD.search(text[max(0, dot - 24) : dot])
    if found is None:
        return False
    word = found[0]
    return (len(word) == 1 and word.isalpha() and word.isupper()) or word.lower() in _ABBREVIATIONS
