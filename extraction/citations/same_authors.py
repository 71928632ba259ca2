"""Reads the marks that stand for authors of the entry before: "———", "_____", "Idem", "Ders."."""

from __future__ import annotations

import re
from collections.abc import Sequence

from domain.papers import Author
from extraction.citations.cited_names import AND, OTHERS, AuthorList, parse_authors

_DASH = "—―–‒‐─_-"
_WORDS = (
    r"(?:Idem|Eadem|I[ií]dem|Derselbe|Dieselben?|Тот же|Он же|Она же|Они же|Те же)(?=[ ]?[.,:;(])|"
    r"(?:Id|Ead|Ders|Dies)\.(?=[ ]?[,:;(]|[ ])"
)
# A single dash may be a bullet: only punctuation, a year or another name show that it is none.
_MARK = re.compile(
    rf"(?:[{_DASH}][ ]?){{2,40}}|[⸺⸻][ ]?|"
    rf"[—―–][ ]?(?=[.,:;(]|(?:1[6-9]|20)\d\d|(?:{AND})[ ])|{_WORDS}",
    re.IGNORECASE,
)
_NEXT = re.compile(rf"[ ]?[,;][ ]?(?P<last>(?:{AND})[ ])?|[ ]?(?P<joined>(?:{AND})[ ])")
_FAMILY_ALONE = re.compile(r"(?P<name>[^\W\d_][^\W\d_’'-]*\w)(?=[.,]?[ ]\(?(?:1[6-9]|20)\d\d)")
_YEAR_NEXT = re.compile(r"[.,]?[ ]?\(?(?:1[6-9]|20)\d\d")
_SAME = re.compile(r"et[ ]?al\b\.?(?=[ ]?[,;:(]|[ ](?:1[6-9]|20)\d\d)", re.IGNORECASE)
_MAX_MARKS = 50  # of an entry; more are no names


def repeated_authors(text: str, before: Sequence[Author]) -> AuthorList | None:
    """Returns the authors of an entry that begins with a mark, None for other entries.

    `before` are the authors of the entry before. A mark alone stands for all of them, as "et al."
    alone does, each of several marks for one of them: "———, and Anne Coughlin" are the first of
    them and Coughlin.
    """
    end, marks = _marks(text)
    if not marks:
        same = _SAME.match(text) if before else None
        return AuthorList(tuple(before), same.end(), "repeated") if same else None
    others = OTHERS.match(text, end)
    added = None if others else _added(text, end)
    kept = before if marks == 1 and not (others or added) else before[:marks]
    if added is None:
        return AuthorList(tuple(kept), others.end() if others else end, "repeated")
    return AuthorList((*kept, *added.authors), added.end, added.form)


def _marks(text: str) -> tuple[int, int]:
    """Returns the offset behind the marks at the beginning of the text, and their number."""
    end = marks = 0
    found = _MARK.match(text)
    while found is not None and marks < _MAX_MARKS:
        end, marks = found.end(), marks + 1
        separator = _NEXT.match(text, end)
        found = _MARK.match(text, separator.end()) if separator else None
    return end, marks


def _added(text: str, end: int) -> AuthorList | None:
    """Returns the names behind the marks, which end at this offset."""
    separator = _NEXT.match(text, end)
    if separator is None:
        return None
    rest, is_joined = text[separator.end() :], bool(separator["last"] or separator["joined"])
    names = parse_authors(rest)
    if names is None and is_joined and (family := _FAMILY_ALONE.match(rest)):
        name = family["name"]
        names = AuthorList((Author(name, None, name),), family.end(), "family")
    if names is None or not (
        is_joined or names.form != "full" or _YEAR_NEXT.match(rest, names.end)
    ):
        return None
    return AuthorList(names.authors, separator.end() + names.end, names.form)
