"""Finds the lines at which the entries of a bibliography begin: by numbers, labels, hanging or
first-line indents, the space between entries, or the names at their beginning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from math import inf
from statistics import median

from extraction.person_names import ELIDED_PARTICLE
from extraction.text.lines import Line

# The formats of a number, each with what must follow it: [12]  (12)  12.  12
_STYLES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\[(\d{1,4})\][.:]?\s*(?=\S)",
        r"\((\d{1,4})\)\s*(?=\S)",
        r"(\d{1,4})[.)](?:\s+|(?=[^\W\d_]))(?=\S)",
        r"(\d{1,3})(?:\s+(?=[A-ZÀ-Þ“\"‘])|(?=[A-ZÀ-Þ][A-Za-zÀ-ÿ.’-]))",
    )
)
_LABEL = re.compile(r"\[[A-Z][^\[\]]{0,40}\d{2}[a-z]?\]\s*\S")
_CAPITAL = r"[A-ZÀ-ÞĀ-Ž]"
_AUTHOR = re.compile(
    rf"(?:[a-z]{{2,3}} ){{0,2}}{ELIDED_PARTICLE}?{_CAPITAL}[\w’'‐‑-]+(?: {_CAPITAL}[\w’'‐‑-]+)?,? "
    rf"(?:{_CAPITAL}\b\.?|{_CAPITAL}{{1,3}}\b[,.]|{_CAPITAL}[a-zà-ÿ]+\b)|"
    rf"{_CAPITAL}\.(?:[ -]?{_CAPITAL}\.)* ?{_CAPITAL}[\w’'-]+[,. ]|"
    r"(?:[—―–‒_─-][ ]?){2,}|[⸺⸻]|[—―–] ?(?:[.,:(]|and |& )|(?:Idem|Id\.|Ders\.|Dies\.)[ ,:]"
)
_YEAR_OR_LINK = re.compile(
    r"(?<!\d)(?:1[6-9]|20)\d\d(?!\d)|10\.\d{4,9}/|https?:|arXiv|in press|forthcoming|n\.\s?d\.",
    re.I,
)
# Heuristics.
# Entries of a bibliography without a heading, and the share of them that must look like entries.
MIN_ENTRIES, MIN_SURE_SHARE = 5, 0.8
_MAX_LINES_PER_ENTRY = 14  # of a numbered or labelled bibliography
_MAX_LINES_BEFORE_FIRST = 2  # number or label
_MAX_NUMBER_GAP = 3  # from one number to the next, where numbers between were lost
_MAX_FIRST_NUMBER = 3
_NEXT_NUMBERS, _MAX_STEP = 3, 2  # numbers that are searched for the next one; its distance
_SURE_RUN = 4  # consecutive numbers that are trusted after any gap
_MIN_SHARE, _MAX_SHARE = 0.12, 0.7  # of the lines that begin an entry
_MIN_NAME_SHARE = 0.5  # of the indented lines that begin with a name, where these begin entries
_INDENT = 0.4  # type sizes from the border
_SAME_BORDER_POINTS = 2.0
# A gap between entries is wider than this multiple of the lower quartile of line distances; the
# quartile needs so many distances.
_WIDE_GAP, _MIN_DISTANCES = 1.25, 3
_FAR_BELOW = 1.6  # type sizes from base line to base line


def find_starts(lines: Sequence[Line]) -> list[int]:
    """Returns the indexes of the lines that begin an entry; [] if nothing separates the entries."""
    return (
        numbered_starts(lines)
        or _labelled_starts(lines)
        or _indented_starts(lines)
        or _one_line_starts(lines)
        or _spaced_starts(lines)
        or _author_starts(lines)
    )


def begins_with_author(text: str) -> bool:
    """True for "Smith, J.", "Smith JA,", "J. A. Smith," and "John Smith"."""
    return bool(_AUTHOR.match(text))


def has_year(text: str) -> bool:
    """True if the text has a year, a DOI or a web address: nearly every entry does."""
    return bool(_YEAR_OR_LINK.search(text))


def ends_entry(line: Line) -> bool:
    """True if an entry may end with this line."""
    text = line.text.rstrip(" ’”\"'")
    return text.endswith((".", "]", ")", ";")) or bool(
        re.search(r"\d$|10\.\d{4,9}/\S+$|https?://\S+$", text)
    )


def number_of(text: str) -> int | None:
    """Returns the number that begins the text as in a bibliography, None if there is none."""
    found = next(filter(None, (style.match(text) for style in _STYLES)), None)
    return int(found[1]) if found else None


def numbered_starts(lines: Sequence[Line]) -> list[int]:
    """Returns the indexes of the lines that begin with the next number; [] if the entries are not
    numbered.

    A lost number (one that was taken for a page number) is replaced by a line that begins with a
    name.
    """
    chains = [_chain(lines, style) for style in _STYLES]
    best = max(chains, key=len)
    if not _are_plausible([index for index, _ in best], lines):
        return []
    starts: list[int] = []
    for (start, number), (end, following) in pairwise([*best, (len(lines), best[-1][1] + 1)]):
        starts.append(start)
        if following - number > 1:
            starts += _unnumbered_starts(lines, start, end)[: following - number - 1]
    return starts


def _chain(lines: Sequence[Line], style: re.Pattern[str]) -> list[tuple[int, int]]:
    """Returns line and number of each entry; a second list may begin at 1 again."""
    found = [
        (index, int(m[1])) for index, line in enumerate(lines) if (m := style.match(line.text))
    ]
    chain: list[tuple[int, int]] = []
    for position, (index, number) in enumerate(found):
        next_numbers = found[position + 1 : position + 1 + _NEXT_NUMBERS]
        continues = any(number < after <= number + _MAX_STEP for _, after in next_numbers)
        if not chain:
            if number <= _MAX_FIRST_NUMBER or continues:
                chain.append((index, number))
        elif (
            chain[-1][1] < number <= chain[-1][1] + _MAX_NUMBER_GAP
            or (number == 1 and continues and len(chain) > 1 and ends_entry(lines[index - 1]))
            or (number > chain[-1][1] and _is_consecutive(found[position:]))
        ):
            chain.append((index, number))
    return chain


def _is_consecutive(found: Sequence[tuple[int, int]]) -> bool:
    """True if the first numbers follow one another without a gap."""
    first = [number for _, number in found[:_SURE_RUN]]
    return first == list(range(first[0], first[0] + _SURE_RUN))


def _unnumbered_starts(lines: Sequence[Line], start: int, end: int) -> list[int]:
    """Returns the lines between that look like the beginning of an entry; those after a page or
    column break take precedence."""
    likely = [index for index in range(start + 1, end) if _looks_like_start(lines, index)]
    after_break = [i for i in likely if _column(lines[i]) != _column(lines[i - 1])]
    return after_break or likely[:1]


def _labelled_starts(lines: Sequence[Line]) -> list[int]:
    """Returns the lines that begin with a label like [Smi01] or [Smith et al., 2001]."""
    starts = [index for index, line in enumerate(lines) if _LABEL.match(line.text)]
    return starts if _are_plausible(starts, lines) else []


def _are_plausible(starts: Sequence[int], lines: Sequence[Line]) -> bool:
    """True if numbered or labelled entries may begin at these lines."""
    is_early = len(starts) > 1 and starts[0] <= _MAX_LINES_BEFORE_FIRST
    return is_early and len(lines) <= _MAX_LINES_PER_ENTRY * len(starts)


def _column(line: Line) -> tuple[int, int]:
    return line.page, line.part


def _indented_starts(lines: Sequence[Line]) -> list[int]:
    """Returns the lines at the left border of their column, or those indented from it, whichever
    begin with names. [] unless the share of such lines is plausible."""
    outer = sorted(_outer_lines(lines))
    inner = sorted(set(range(len(lines))) - set(outer))
    if not any(_is_plausible_share(len(starts), len(lines)) for starts in (outer, inner)):
        return []
    inner_names = _name_share(lines, inner)
    is_inner = inner_names > max(_MIN_NAME_SHARE, 2 * _name_share(lines, outer))
    starts = inner if is_inner else outer
    return starts if _is_plausible_share(len(starts), len(lines)) and len(starts) > 1 else []


def _is_plausible_share(starts: int, lines: int) -> bool:
    return _MIN_SHARE * lines <= starts <= _MAX_SHARE * lines


def _name_share(lines: Sequence[Line], indexes: Sequence[int]) -> float:
    names = sum(begins_with_author(lines[index].text) for index in indexes)
    return names / max(1, len(indexes))


def _outer_lines(lines: Sequence[Line]) -> set[int]:
    """Returns the indexes of the lines at the border of their column.

    The border of a column whose lines all begin at one x follows from the other columns: all of its
    lines may continue an entry.
    """
    columns: dict[tuple[int, int], list[int]] = {}
    for index, line in enumerate(lines):
        columns.setdefault(_column(line), []).append(index)
    borders: dict[tuple[int, int], float] = {}
    steps: list[float] = []
    for column, members in columns.items():
        border = _border([lines[index] for index in members])
        further = [x for i in members if (x := lines[i].x0 - border) > _INDENT * lines[i].size]
        if further:
            borders[column] = border
            steps.append(median(further))
    step = median(steps) if steps else 0.0
    outer: set[int] = set()
    for column, members in columns.items():
        border = borders.get(column)
        if border is None:
            border = _border([lines[index] for index in members])
            is_indented = any(_is_same(known + step, border) for known in borders.values())
            if is_indented and not any(_is_same(known, border) for known in borders.values()):
                border -= step
        outer.update(i for i in members if lines[i].x0 < border + _INDENT * lines[i].size)
    return outer


def _is_same(border: float, other: float) -> bool:
    return abs(border - other) < _SAME_BORDER_POINTS


def _border(column: Sequence[Line]) -> float:
    """Returns the x at which the leftmost lines of a column begin. A single line further left that
    does not begin with a name is ignored."""
    ordered = sorted(column, key=lambda line: line.x0)
    for line, further in pairwise(ordered):
        if further.x0 - line.x0 < _SAME_BORDER_POINTS or begins_with_author(line.text):
            return line.x0
    return ordered[0].x0


def _spaced_starts(lines: Sequence[Line]) -> list[int]:
    """Returns the lines with much space above them; [] unless their share is plausible."""
    distances = [line.base - before.base for before, line in pairwise(lines)]
    usual = sorted(distance for distance in distances if distance > 0)
    if len(usual) < _MIN_DISTANCES:
        return []
    wide = _WIDE_GAP * usual[len(usual) // 4]
    starts = [
        index
        for index, distance in enumerate([inf, *distances])
        if distance > wide or (distance <= 0 and _looks_like_start(lines, index))  # new column
    ]
    return starts if _is_plausible_share(len(starts), len(lines)) and len(starts) > 1 else []


def _looks_like_start(lines: Sequence[Line], index: int) -> bool:
    return ends_entry(lines[index - 1]) and begins_with_author(lines[index].text)


def _author_starts(lines: Sequence[Line]) -> list[int]:
    """Returns the lines after the end of an entry that begin with a name or are far below it."""
    starts = [0]
    for index in range(1, len(lines)):
        before, line = lines[index - 1], lines[index]
        if ends_entry(before) and (begins_with_author(line.text) or far_below(before, line)):
            starts.append(index)
    return starts if len(starts) >= 2 else []


def _one_line_starts(lines: Sequence[Line]) -> list[int]:
    """Returns the lines that begin an entry if nearly every line does; else []."""
    starts = _author_starts(lines)
    return starts if len(starts) > _MAX_SHARE * len(lines) else []


def far_below(before: Line, line: Line) -> bool:
    """True if the space between the two lines exceeds that of one line."""
    return before.page == line.page and line.base - before.base > _FAR_BELOW * line.size
