"""Finds the authors of a paper: the names printed with its title, checked against other sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from domain.papers import Author, Evidence
from extraction.metadata.front import (
    columns_below,
    rows_above,
    rows_below,
    same_style,
    same_type,
)
from extraction.person_names import (
    as_author,
    given_first,
    has_capital_family_first,
    is_group,
    is_strong_name,
    looks_like_name,
    plain,
    recased,
    split_names,
    without_contacts,
)
from extraction.text.labels import ARTICLE_KIND
from extraction.text.lines import Line
from extraction.text.marks import SUPERSCRIPT_MARK
from extraction.vocabulary.front_matter import FRONT_ENDS, FUNCTION_WORDS, is_address

_ENDS_OPEN = re.compile(rf"(?:[{SUPERSCRIPT_MARK},;&·•|]|\band|\bund|\bet|\by)\s*+[*†‡§]*+\s*+$")
_OPENS = re.compile(rf"\s*(?:[{SUPERSCRIPT_MARK},;&·•|]|and\b|und\b|et\b|&)")
_INITIAL = re.compile(r"\s*[^\W\d_]\.")
_LIGHT_MARKS = re.compile(rf"[^\W_]{SUPERSCRIPT_MARK}|{SUPERSCRIPT_MARK}\s*$|[\d*†‡§]")
# Heuristics.
_MAX_AUTHORS = 3000  # bounds the work; physics collaborations have about that many
_MAX_ROW_DISTANCE = 2.6  # type sizes between the base lines of one block of names
_MAX_ROWS_ABOVE, _MAX_DISTANCE_ABOVE = 4, 6  # rows above the title, and type sizes up to it
_MIN_PROSE_WORDS, _MIN_FUNCTION_WORDS = 7, 2  # of a row of running text
_MIN_NAME_SHARE = 0.75  # of the pieces of a row of names
_FULL_ROW = 0.75  # of the widest row: a name may break at the end of a wider one
_CANDIDATE_RUNS = 3  # blocks of names that are compared
_MIN_RECASED_LENGTH = 4  # characters; shorter names in capitals are initials
_MAX_FAMILY_WORDS = 3  # of a family name confirmed by a citation
_MIN_AGREEMENT = 0.8  # number of names in the metadata per printed one, to prefer the former
# Score of a block of names: first block, each whole name up to a limit, marks, address below.
_SCORE_FIRST, _SCORE_NAME, _MAX_SCORED_NAMES, _SCORE_MARKED, _SCORE_ADDRESS = 2, 0.5, 4, 1.5, 2.5
# Confidence (0 to 1) by source: file metadata alone with several names or one; printed and file
# metadata equal; more names in the metadata; other names there; printed, with a common name or not.
_CONFIDENCE_FILE, _CONFIDENCE_FILE_SINGLE = 0.7, 0.5
_CONFIDENCE_EQUAL, _CONFIDENCE_FILE_MORE, _CONFIDENCE_FILE_OTHER = 0.99, 0.85, 0.75
_CONFIDENCE_CONFIRMED, _CONFIDENCE_PRINTED = 0.9, 0.8


@dataclass(frozen=True)
class AuthorsFound:
    """Authors in printed order, and the evidence."""

    authors: tuple[Author, ...]
    evidence: Evidence | None


def find_authors(
    title_box: Line | None, lines: Sequence[Line], stated: Sequence[str], front_text: str
) -> AuthorsFound:
    """Returns the authors in printed order.

    `title_box` is the bounding box of the title, `lines` those of the first two pages, `stated` the
    names in the file's metadata, `front_text` the text of these pages. A stated name counts only if
    it is also printed.
    """
    names = _printed(title_box, lines) if title_box else []
    known = _confirmed(stated, plain(front_text))
    chosen, evidence = _choose(names, known)
    in_capitals = all(name.upper() == name for name in names)
    if _have_family_first(chosen):
        chosen = [recased(given_first(name)) for name in chosen]
    authors: dict[str, Author] = {}
    for name in chosen:
        if in_capitals and len(name) >= _MIN_RECASED_LENGTH:
            name = recased(name)
        author = _with_confirmed_family(as_author(name), known, front_text)
        authors[plain(author.name) or author.name] = author
    return AuthorsFound(tuple(authors.values()), evidence)


def _choose(names: list[str], known: list[str]) -> tuple[list[str], Evidence | None]:
    """Returns the printed or the stated names, depending on how they agree."""
    printed, stated = _families(names), _families(known)
    if not names:
        confidence = _CONFIDENCE_FILE if len(known) > 1 else _CONFIDENCE_FILE_SINGLE
        return (known, Evidence("file metadata", confidence)) if known else ([], None)
    if printed == stated:
        return names, Evidence("below title, file metadata", _CONFIDENCE_EQUAL)
    if len(known) > 1 and printed < stated:
        return known, Evidence("file metadata, printed", _CONFIDENCE_FILE_MORE)
    enough = len(known) > 2 and len(stated) >= _MIN_AGREEMENT * len(printed)
    if enough and len(printed & stated) < len(stated):
        return known, Evidence("file metadata, printed", _CONFIDENCE_FILE_OTHER)
    confidence = _CONFIDENCE_CONFIRMED if printed & stated else _CONFIDENCE_PRINTED
    return names, Evidence("below title", confidence)


def _have_family_first(names: Sequence[str]) -> bool:
    """True for "DOE Jane, MILLER John": one family name is too long for initials."""
    first_words = [name.split()[0] for name in names]
    is_long = max(map(len, first_words), default=0) >= _MIN_RECASED_LENGTH
    return is_long and all(map(has_capital_family_first, names))


def _families(names: Sequence[str]) -> frozenset[str]:
    return frozenset(plain(as_author(name).family or name).split(" ")[-1] for name in names)


def _confirmed(stated: Sequence[str], front_text: str) -> list[str]:
    """Returns the stated names if every family name is printed on the first pages, else none."""
    if any(re.search(r"\bet\.? al\b", name) for name in stated):
        return []
    words = {word.rstrip("0123456789") for word in front_text.split()}
    for name in stated:
        author = as_author(name)
        family = plain(author.family or author.name)
        if not family or not set(family.split()) <= words or not is_strong_name(author.name):
            return []
    return list(stated)


def _printed(title_box: Line, lines: Sequence[Line]) -> list[str]:
    """Returns the names below the title or in a column below it, else those right above it."""
    rows = _front_rows(rows_below(title_box, lines))
    names = _names_in(rows) or _names_before_addresses(rows)
    columns = [_names_in(_front_rows(column)) for column in columns_below(title_box, lines)]
    longest = max(columns, key=len, default=[])
    if len(longest) > max(1, len(names)) and set(names) <= set(longest):
        return longest  # text beside the column interrupted the rows
    if names:
        return names
    rows = [row for row in rows_above(title_box, lines) if not ARTICLE_KIND.fullmatch(row.text)]
    near = [
        row
        for row in rows[-_MAX_ROWS_ABOVE:]
        if title_box.y0 - row.base < _MAX_DISTANCE_ABOVE * row.size
    ]
    names = _names_in(near)
    return names if len(names) > 1 or (names and len(names[0].split()) > 1) else []


def _names_before_addresses(rows: Sequence[Line]) -> list[str]:
    """Returns the names that begin rows with an address: "Jane Doe, University of Oslo"."""
    found: list[str] = []
    first: Line | None = None
    for row in rows:
        pieces = split_names(row.text)
        people = list(takewhile(lambda p: is_strong_name(p) and not is_address(p), pieces))
        has_address = len(people) < len(pieces) and is_address(pieces[len(people)])
        if people and has_address and (first is None or same_style(row, first)):
            first = first or row
            found.extend(people)
    return found


def _front_rows(rows: Sequence[Line]) -> list[Line]:
    """Returns the rows up to the abstract, the introduction, or running text after names."""
    front: list[Line] = []
    named = False
    for row in rows:
        if FRONT_ENDS.match(row.text) or (named and _is_prose(row)):
            break
        front.append(row)
        named = named or _is_of_names(row, named)
    return front


def _is_prose(row: Line) -> bool:
    words = row.text.replace(SUPERSCRIPT_MARK, " ").split()
    function = sum(word in FUNCTION_WORDS for word in words)
    is_prose = len(words) >= _MIN_PROSE_WORDS and function >= _MIN_FUNCTION_WORDS
    return is_prose and not is_address(row.text)


def _is_of_names(row: Line, named: bool) -> bool:
    """True if (nearly) all pieces of the row may be names, and at least one is whole."""
    if ARTICLE_KIND.fullmatch(row.text) or re.search(r"\d{3}", without_contacts(row.text)):
        return False
    pieces = _pieces(row.text)
    people = [piece for piece in pieces if not is_group(piece)]
    if not pieces or any(is_address(piece) for piece in people):
        return False
    good = sum(looks_like_name(piece) or is_group(piece) for piece in pieces)
    whole = any(is_strong_name(piece) or is_group(piece) for piece in pieces)
    return good >= _MIN_NAME_SHARE * len(pieces) and (whole or (named and good == len(pieces)))


def _names_in(rows: Sequence[Line]) -> list[str]:
    """Returns the names of the most likely block of rows, and of later blocks in the same style."""
    runs = _runs(rows)
    if not runs:
        return []
    candidates = [run for run in runs[:_CANDIDATE_RUNS] if not _is_of_columns(run, rows)]
    first = max(candidates or runs[:1], key=lambda run: _score(run, runs[0], rows))
    names = _split_run(first)
    for run in runs[runs.index(first) + 1 :]:
        if same_style(run[0], first[0]) and all(map(is_strong_name, more := _split_run(run))):
            names.extend(more)
    return [name for name in names[:_MAX_AUTHORS] if looks_like_name(name) or is_group(name)]


def _is_of_columns(run: Sequence[Line], rows: Sequence[Line]) -> bool:
    """True for affiliations right below names that stand side by side: as many, in other type."""
    columns = _columns(run[0])
    if columns < 2 or run[0] is rows[0]:
        return False
    above = rows[rows.index(run[0]) - 1]
    is_near = run[0].base - above.base < _MAX_ROW_DISTANCE * above.size
    return is_near and _columns(above) == columns and _is_of_names(above, False)


def _columns(row: Line) -> int:
    return row.text.count(f" {SUPERSCRIPT_MARK} ") + 1


def _score(run: Sequence[Line], first: Sequence[Line], rows: Sequence[Line]) -> float:
    """Returns how likely these rows print the authors: by position, marks and an address below."""
    below = rows[rows.index(run[-1]) + 1 :][:1]
    addressed = bool(below) and is_address(below[0].text)
    names = _split_run(run)
    strong = sum(map(is_strong_name, names))
    marked = any(SUPERSCRIPT_MARK in row.text or "," in row.text or "*" in row.text for row in run)
    return (
        (_SCORE_FIRST if run is first else 0)
        + min(strong, _MAX_SCORED_NAMES) * _SCORE_NAME
        + _SCORE_MARKED * marked
        + _SCORE_ADDRESS * addressed
    )


def _runs(rows: Sequence[Line]) -> list[list[Line]]:
    """Returns the blocks of neighbouring rows of names in one style."""
    runs: list[list[Line]] = []
    last: Line | None = None  # the row before, if it is of names
    for row in rows:
        if last is not None and _is_contact(row) and row.base - last.base < row.size:
            continue  # the e-mail address at the end of the row
        is_near = last is not None and row.base - last.base < _MAX_ROW_DISTANCE * row.size
        follows = last is not None and is_near and same_type(last, row) and _as_bold(last, row)
        last = row if _is_of_names(row, follows) else None
        if last is not None and follows:
            runs[-1].append(row)
        elif last is not None:
            runs.append([row])
    return runs


def _begins_name(before: Line, row: Line) -> bool:
    """True if the row begins with initials and the row before ends with a whole name."""
    last = split_names(before.text)[-1:]
    return bool(_INITIAL.match(row.text)) and all(map(is_strong_name, last))


def _as_bold(row: Line, other: Line) -> bool:
    """True if both rows are bold or light; the marks of a row may make it count as light."""
    light = [line for line in (row, other) if not line.bold]
    return len(light) != 1 or bool(_LIGHT_MARKS.search(light[0].text))


def _is_contact(row: Line) -> bool:
    return not without_contacts(row.text).strip(f" ,;{SUPERSCRIPT_MARK}")


def _split_run(run: Sequence[Line]) -> list[str]:
    """Returns the names of the rows; a name that is broken at the end of a row is joined."""
    text = run[0].text
    widest = max(row.x1 for row in run)
    lists = any(len(_pieces(row.text)) > 1 for row in run)
    for before, row in pairwise(run):
        open_end = _ENDS_OPEN.search(before.text) or _OPENS.match(row.text)
        is_full = before.x1 >= _FULL_ROW * widest
        broken = lists and not open_end and is_full and not _begins_name(before, row)
        text += (" " if open_end or broken else f" {SUPERSCRIPT_MARK} ") + row.text
    return _pieces(text)


def _pieces(text: str) -> list[str]:
    """Returns the names in the text; "Doe, Jane; Roe, John" has the family names first."""
    pieces = [piece for piece in text.split(";") if piece.strip()]
    if len(pieces) > 1 and all(piece.count(",") == 1 and not is_address(piece) for piece in pieces):
        text = ";".join(" ".join(reversed(piece.split(","))) for piece in pieces)
    return split_names(text)


def _with_confirmed_family(author: Author, known: Sequence[str], front_text: str) -> Author:
    """Returns the author with the family name that file metadata or a citation confirms."""
    for name in known:
        stated = as_author(name)
        if "," in name and stated.family and plain(stated.name) == plain(author.name):
            return Author(author.name, *_cut_at(author.name, stated.family, author))
    words = author.name.split()
    if not author.given or len(words) < 3:
        return author
    for size in range(min(_MAX_FAMILY_WORDS, len(words) - 1), 1, -1):
        tail = " ".join(words[-size:])
        cited = re.search(
            rf"(?<![^\W\d_] ){re.escape(tail)},? ({words[0][0]})(?:[A-Z]|\.|,|\b)", front_text
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
