"""The authors of a paper: the names printed with its title, checked against other witnesses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from domain.papers import Author, Evidence
from extraction.metadata.front import Place, Row, columns_below, rows_above, rows_below
from extraction.metadata.names import (
    as_author,
    is_group,
    is_strong_name,
    looks_like_name,
    plain,
    recased,
    split_names,
    without_contacts,
)
from extraction.metadata.vocabulary import FRONT_ENDS, FUNCTION_WORDS, is_address
from extraction.text.labels import ARTICLE_KIND
from extraction.text.lines import SUPERSCRIPT_MARK, Line

_ENDS_OPEN = re.compile(rf"(?:[{SUPERSCRIPT_MARK},;&·•|]|\band|\bund|\bet|\by)\s*+[*†‡§]*+\s*+$")
_OPENS = re.compile(rf"\s*(?:[{SUPERSCRIPT_MARK},;&·•|]|and\b|und\b|et\b|&)")
_MOST_AUTHORS = 3000
_FAR = 2.6  # times the type size between base lines: another block


@dataclass(frozen=True)
class Found:
    """Authors in printed order, and where they were found."""

    authors: tuple[Author, ...]
    evidence: Evidence | None


NOBODY = Found((), None)


def find_authors(
    place: Place | None, lines: Sequence[Line], stated: Sequence[str], near: str
) -> Found:
    """The authors, in the order printed.

    `place` is the title's, `lines` those of the first two pages, `stated` the names in the file's
    metadata, `near` the text of these pages: a stated name counts only when it is printed too.
    """
    names = _printed(place, lines) if place else []
    known = _believable(stated, plain(near))
    chosen, evidence = _decided(names, known)
    if evidence is None:
        return NOBODY
    authors = tuple(_with_witness(as_author(_case(name, names)), known, near) for name in chosen)
    return Found(_without_doubles(authors), evidence)


def _decided(names: list[str], known: list[str]) -> tuple[list[str], Evidence | None]:
    """The printed or the stated names, by how they agree."""
    printed, stated = _families(names), _families(known)
    if not names:
        sure = 0.7 if len(known) > 1 else 0.5
        return (known, Evidence("file metadata", sure)) if known else ([], None)
    if printed == stated:
        return names, Evidence("below title, file metadata", 0.99)
    if len(known) > 1 and printed < stated:
        return known, Evidence("file metadata, printed", 0.85)
    if len(known) > 2 and len(printed & stated) < len(stated) and len(stated) >= 0.8 * len(printed):
        return known, Evidence("file metadata, printed", 0.75)
    return names, Evidence("below title", 0.9 if printed & stated else 0.8)


def _families(names: Sequence[str]) -> frozenset[str]:
    return frozenset(plain(as_author(name).family or name).split(" ")[-1] for name in names)


def _believable(stated: Sequence[str], near: str) -> list[str]:
    """The stated names, if every family name is printed on the first pages; else none."""
    if any(re.search(r"\bet\.? al\b", name) for name in stated):
        return []
    words = {word.rstrip("0123456789") for word in near.split()}
    for name in stated:
        author = as_author(name)
        family = plain(author.family or author.name)
        if not family or not set(family.split()) <= words or not is_strong_name(author.name):
            return []
    return list(stated)


def _printed(place: Place, lines: Sequence[Line]) -> list[str]:
    """The names below the title, be it in a column of their own, else those right above it."""
    rows = _front_rows(rows_below(place, lines))
    names = _names_in(rows) or _names_before_addresses(rows)
    columns = [_names_in(_front_rows(column)) for column in columns_below(place, lines)]
    longest = max(columns, key=len, default=[])
    if len(longest) > max(1, len(names)) and set(names) <= set(longest):
        return longest  # what stands beside them hid the others
    if names:
        return names
    above = [row for row in rows_above(place, lines) if not ARTICLE_KIND.fullmatch(row.text)][-4:]
    names = _names_in([row for row in above if place.y0 - row.base < 6 * row.size])
    return names if len(names) > 1 or (names and len(names[0].split()) > 1) else []


def _names_before_addresses(rows: Sequence[Row]) -> list[str]:
    """Names that begin rows which go on with an address ("Jane Doe, University of Oslo")."""
    found: list[str] = []
    first: Row | None = None
    for row in rows:
        pieces = split_names(row.text)
        people = list(takewhile(lambda p: is_strong_name(p) and not is_address(p), pieces))
        goes_on = len(people) < len(pieces) and is_address(pieces[len(people)])
        if people and goes_on and (first is None or row.same_style(first)):
            first = first or row
            found.extend(people)
    return found


def _front_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows up to the abstract, the introduction, or the first running text after names."""
    front: list[Row] = []
    named = False
    for row in rows:
        if FRONT_ENDS.match(row.text) or (named and _is_prose(row)):
            break
        front.append(row)
        named = named or _is_of_names(row, named)
    return front


def _is_prose(row: Row) -> bool:
    words = row.text.replace(SUPERSCRIPT_MARK, " ").split()
    function = sum(word in FUNCTION_WORDS for word in words)
    return len(words) >= 7 and function >= 2 and not is_address(row.text)


def _is_of_names(row: Row, named: bool) -> bool:
    """True when (nearly) all pieces of the row may be names, and one is whole."""
    if ARTICLE_KIND.fullmatch(row.text) or re.search(r"\d{3}", without_contacts(row.text)):
        return False
    pieces = split_names(row.text)
    people = [piece for piece in pieces if not is_group(piece)]
    if not pieces or any(is_address(piece) for piece in people):
        return False
    good = sum(looks_like_name(piece) or is_group(piece) for piece in pieces)
    whole = any(is_strong_name(piece) or is_group(piece) for piece in pieces)
    return good >= 0.75 * len(pieces) and (whole or (named and good == len(pieces)))


def _names_in(rows: Sequence[Row]) -> list[str]:
    """Names of the first run of rows that print some, and of later ones in the same style."""
    runs = _runs(rows)
    if not runs:
        return []
    first = max(runs[:3], key=lambda run: _promise(run, runs[0], rows))
    names = _split_run(first)
    for run in runs[runs.index(first) + 1 :]:
        if run[0].same_style(first[0]) and all(map(is_strong_name, more := _split_run(run))):
            names.extend(more)
    return [name for name in names[:_MOST_AUTHORS] if looks_like_name(name) or is_group(name)]


def _promise(run: Sequence[Row], first: Sequence[Row], rows: Sequence[Row]) -> float:
    """How likely these rows print the authors: place, marks and an address below speak for it."""
    below = rows[rows.index(run[-1]) + 1 :][:1]
    addressed = bool(below) and is_address(below[0].text)
    names = _split_run(run)
    strong = sum(map(is_strong_name, names))
    marked = any(SUPERSCRIPT_MARK in row.text or "," in row.text or "*" in row.text for row in run)
    return (2 if run is first else 0) + min(strong, 4) * 0.5 + 1.5 * marked + 2.5 * addressed


def _runs(rows: Sequence[Row]) -> list[list[Row]]:
    """Neighbouring rows of names in one type."""
    runs: list[list[Row]] = []
    open_run = False
    for row in rows:
        follows = bool(
            open_run
            and runs[-1][-1].same_type(row)
            and row.base - runs[-1][-1].base < _FAR * row.size
        )
        if not _is_of_names(row, follows):
            open_run = False
            continue
        if follows:
            runs[-1].append(row)
        else:
            runs.append([row])
        open_run = True
    return runs


def _split_run(run: Sequence[Row]) -> list[str]:
    """The names of the rows; one that is broken at a row's end is put together."""
    text = run[0].text
    lists = any(len(split_names(row.text)) > 1 for row in run)
    for before, row in pairwise(run):
        open_end = _ENDS_OPEN.search(before.text) or _OPENS.match(row.text)
        broken = lists and not open_end and before.x1 >= 0.75 * max(one.x1 for one in run)
        text += (" " if open_end or broken else f" {SUPERSCRIPT_MARK} ") + row.text
    pieces = text.split(";")
    if len(pieces) > 1 and all(piece.count(",") == 1 for piece in pieces if piece.strip()):
        turned = [" ".join(reversed(piece.split(","))) for piece in pieces]
        return split_names(";".join(turned))
    return split_names(text)


def _case(name: str, names: Sequence[str]) -> str:
    """The name in mixed case where all are printed in capitals."""
    if all(other.upper() == other for other in names) and len(name) > 3:
        return recased(name)
    return name


def _with_witness(author: Author, known: Sequence[str], near: str) -> Author:
    """The author with the family name that the stated form or a citation of this paper shows."""
    for name in known:
        stated = as_author(name)
        if "," in name and stated.family and plain(stated.name) == plain(author.name):
            return Author(author.name, *_cut_at(author.name, stated.family, author))
    words = author.name.split()
    if not author.given or len(words) < 3:
        return author
    for size in range(min(3, len(words) - 1), 1, -1):
        tail = " ".join(words[-size:])
        cited = re.search(
            rf"(?<![^\W\d_] ){re.escape(tail)},? ({words[0][0]})(?:[A-Z]|\.|,|\b)", near
        )
        if cited and plain(tail) != plain(author.family or ""):
            return Author(author.name, " ".join(words[:-size]), tail)
    return author


def _cut_at(name: str, family: str, author: Author) -> tuple[str | None, str | None]:
    count = len(family.split())
    words = name.split()
    if plain(" ".join(words[-count:])) == plain(family) and len(words) > count:
        return " ".join(words[:-count]), " ".join(words[-count:])
    if plain(" ".join(words[:count])) == plain(family) and len(words) > count:
        return " ".join(words[count:]), " ".join(words[:count])
    return author.given, author.family


def _without_doubles(authors: Sequence[Author]) -> tuple[Author, ...]:
    return tuple({plain(author.name) or author.name: author for author in authors}.values())
