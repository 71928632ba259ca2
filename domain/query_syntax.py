"""The syntax of queries: `"exact phrase"` requires a phrase, `-word` and `-"phrase"` exclude.

Everything else is a word to search for. A minus before a digit is a sign, a minus within a word is
a hyphen, and a quotation mark without its partner is ordinary text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTES = str.maketrans("“”„‟«»", '""""""')
_PART = re.compile(
    r'(?P<minus>(?<!\S)-)?"(?P<phrase>[^"]*)"'
    r'|(?<!\S)-(?P<word>[^\W\d_][^\s"]*)'
)


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """`text` is what to search for: the words and the phrases, without what is excluded."""

    text: str
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


def parse_query(query: str) -> ParsedQuery:
    """Returns the parts of a query; `text` is empty if it only excludes."""
    phrases, excluded = list[str](), list[str]()

    def keep(found: re.Match[str]) -> str:
        wording = found["phrase"] or found["word"] or ""
        excludes = bool(found["minus"] or found["word"])
        if any(character.isalnum() for character in wording):
            (excluded if excludes else phrases).append(wording.strip())
        return " " if excludes else f" {wording} "

    text = " ".join(_PART.sub(keep, query.translate(_QUOTES)).split())
    return ParsedQuery(text, tuple(phrases), tuple(excluded))
