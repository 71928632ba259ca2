"""Where the entries of a bibliography begin among its lines: by numbers, labels, hanging or first
line indents, space between them, or by the names they begin with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from extraction.text.lines import Line

# The ways to print a number, each with what must follow it: [12]  (12)  12.  12
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
    rf"(?:[a-z]{{2,3}} ){{0,2}}(?:[dDlLO][’'])?{_CAPITAL}[\w’'‐‑-]+(?: {_CAPITAL}[\w’'‐‑-]+)?,? "
    rf"(?:{_CAPITAL}\b\.?|{_CAPITAL}{{1,3}}\b[,.]|{_CAPITAL}[a-zà-ÿ]+\b)|"
    rf"{_CAPITAL}\.(?:[ -]?{_CAPITAL}\.)* ?{_CAPITAL}[\w’'-]+[,. ]|[—–_-]{{2,}}[.,]"
)
_YEAR_OR_LINK = re.compile(
    r"(?<!\d)(?:1[6-9]|20)\d\d(?!\d)|10\.\d{4,9}/|https?:|arXiv|in press|forthcoming|n\.\s?d\.",
    re.I,
)
LEAST_ENTRIES, SURE_SHARE = 5, 0.8  # of a bibliography without a heading; of them sure ones
_MOST_GAP = 3  # entries whose number was lost
_SURE_RUN = 4  # numbers one after the other, whatever was lost before them
_LEAST_SHARE, _MOST_SHARE = 0.12, 0.7  # of the lines begin an entry, where others are set in


def find_starts(lines: Sequence[Line]) -> list[int]:
    """The indices of the lines that begin an entry, in order; [] when nothing tells them apart."""
    return (
        numbered_starts(lines)
        or _labelled_starts(lines)
        or _indented_starts(lines)
        or _spaced_starts(lines)
        or _author_starts(lines)
    )


def begins_with_author(text: str) -> bool:
    """True for "Smith, J.", "Smith JA,", "J. A. Smith," and "John Smith"."""
    return bool(_AUTHOR.match(text))


def has_year(text: str) -> bool:
    """True when the text has a year, a DOI or an address: nearly every entry does."""
    return bool(_YEAR_OR_LINK.search(text))


def ends_entry(line: Line) -> bool:
    """True when an entry may end with this line."""
    text = line.text.rstrip(" ’”\"'")
    return text.endswith((".", "]", ")", ";")) or bool(
        re.search(r"\d$|10\.\d{4,9}/\S+$|https?://\S+$", text)
    )


def number_of(text: str) -> int | None:
    """The number that the text begins with, printed as bibliographies do."""
    for style in _STYLES:
        found = style.match(text)
        if found is not None:
            return int(found[1])
    return None


def numbered_starts(lines: Sequence[Line]) -> list[int]:
    """Lines that begin with the next number; [] when the entries are not numbered. A number that
    was lost (a page number it was taken for) is made up for where a name begins a line."""
    chains = [_chain(lines, style) for style in _STYLES]
    best = max(chains, key=len)
    if len(best) < 2 or best[0][0] >= 3 or len(lines) > 14 * len(best):
        return []
    starts: list[int] = []
    for (start, number), (end, following) in pairwise([*best, (len(lines), best[-1][1] + 1)]):
        starts.append(start)
        if following - number > 1:
            starts += _lost(lines, start, end)[: following - number - 1]
    return starts


def _chain(lines: Sequence[Line], style: re.Pattern[str]) -> list[tuple[int, int]]:
    """Line and number of each entry. Counting may begin anywhere, and again at 1: a second list."""
    found = [
        (index, int(m[1])) for index, line in enumerate(lines) if (m := style.match(line.text))
    ]
    chain: list[tuple[int, int]] = []
    for place, (index, number) in enumerate(found):
        goes_on = any(number < after <= number + 2 for _, after in found[place + 1 : place + 4])
        if not chain:
            if number <= 3 or goes_on:
                chain.append((index, number))
        elif (
            chain[-1][1] < number <= chain[-1][1] + _MOST_GAP
            or (number == 1 and goes_on and len(chain) > 1 and ends_entry(lines[index - 1]))
            or (number > chain[-1][1] and _counts_on(found[place:]))
        ):
            chain.append((index, number))
    return chain


def _counts_on(found: Sequence[tuple[int, int]]) -> bool:
    """True when the first numbers follow one another without a gap."""
    some = [number for _, number in found[:_SURE_RUN]]
    return some == list(range(some[0], some[0] + _SURE_RUN))


def _lost(lines: Sequence[Line], start: int, end: int) -> list[int]:
    """Lines between that look like beginnings, those after a page or column break first."""
    likely = [
        index
        for index in range(start + 1, end)
        if ends_entry(lines[index - 1]) and begins_with_author(lines[index].text)
    ]
    broken = [i for i in likely if _place(lines[i]) != _place(lines[i - 1])]
    return broken or likely[:1]


def _labelled_starts(lines: Sequence[Line]) -> list[int]:
    """Lines that begin with a label like [Smi01] or [Smith et al., 2001]."""
    starts = [index for index, line in enumerate(lines) if _LABEL.match(line.text)]
    return starts if len(starts) > 1 and starts[0] < 3 and len(lines) <= 14 * len(starts) else []


def _place(line: Line) -> tuple[int, int]:
    return line.page, line.part


def _indented_starts(lines: Sequence[Line]) -> list[int]:
    """Lines at the left border of their column, or those set in from it, whichever begin with
    names, when a good part of the lines stands at each place."""
    outer = _outer_lines(lines)
    inner = [index for index in range(len(lines)) if index not in outer]
    if not _is_fair_share(len(outer), len(lines)) and not _is_fair_share(len(inner), len(lines)):
        return []
    hanging = sorted(outer)
    if _name_share(lines, inner) > 0.5 and _name_share(lines, inner) > 2 * _name_share(
        lines, hanging
    ):
        hanging = inner
    return hanging if _is_fair_share(len(hanging), len(lines)) and len(hanging) > 1 else []


def _is_fair_share(some: int, every: int) -> bool:
    return _LEAST_SHARE * every <= some <= _MOST_SHARE * every


def _name_share(lines: Sequence[Line], some: Sequence[int]) -> float:
    if not some:
        return 0.0
    return sum(begins_with_author(lines[index].text) for index in some) / len(some)


def _outer_lines(lines: Sequence[Line]) -> set[int]:
    """The lines at the border of their column. A column whose lines all begin at one place is
    measured by the others: the rest of an entry may fill it."""
    columns: dict[tuple[int, int], list[int]] = {}
    for index, line in enumerate(lines):
        columns.setdefault(_place(line), []).append(index)
    borders: dict[tuple[int, int], float] = {}
    steps: list[float] = []
    for place, members in columns.items():
        border = _border([lines[index] for index in members])
        further = [x for i in members if (x := lines[i].x0 - border) > 0.4 * lines[i].size]
        if further:
            borders[place] = border
            steps.append(median(further))
    step = median(steps) if steps else 0.0
    outer: set[int] = set()
    for place, members in columns.items():
        border = borders.get(place)
        if border is None:
            border = _border([lines[index] for index in members])
            if any(abs(known + step - border) < 2.0 for known in borders.values()) and not any(
                abs(known - border) < 2.0 for known in borders.values()
            ):
                border -= step
        outer.update(i for i in members if lines[i].x0 < border + 0.4 * lines[i].size)
    return outer


def _border(column: Sequence[Line]) -> float:
    """Where the leftmost lines of a column begin. One that stands further left alone, and does not
    begin with a name, is a rest of something else."""
    ordered = sorted(column, key=lambda line: line.x0)
    for line, further in pairwise(ordered):
        if further.x0 - line.x0 < 2.0 or begins_with_author(line.text):
            return line.x0
    return ordered[0].x0


def _spaced_starts(lines: Sequence[Line]) -> list[int]:
    """Lines with more room above them than is usual, when that holds for a good part of them."""
    distances = [line.base - before.base for before, line in pairwise(lines)]
    usual = sorted(distance for distance in distances if distance > 0)
    if len(usual) < 3:
        return []
    wide = 1.25 * usual[len(usual) // 4]
    starts = [0]
    for index, distance in enumerate(distances, start=1):
        new_column = distance <= 0 and _begins_after_break(lines, index)
        if distance > wide or new_column:
            starts.append(index)
    return starts if _is_fair_share(len(starts), len(lines)) else []


def _begins_after_break(lines: Sequence[Line], index: int) -> bool:
    return ends_entry(lines[index - 1]) and begins_with_author(lines[index].text)


def _author_starts(lines: Sequence[Line]) -> list[int]:
    """Lines that begin with a name, or far below, after a line that ends an entry."""
    starts = [0]
    for index in range(1, len(lines)):
        before, line = lines[index - 1], lines[index]
        if ends_entry(before) and (begins_with_author(line.text) or far_below(before, line)):
            starts.append(index)
    return starts if len(starts) >= 2 else []


def far_below(before: Line, line: Line) -> bool:
    """True when the room between the two lines is more than that of one line."""
    return before.page == line.page and line.base - before.base > 1.6 * line.size
