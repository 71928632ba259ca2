"""The columns of a table, from vertical gaps of white space that run through its rows."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from extraction.geometry import Rect, distinct
from extraction.tables.frame import runs_of
from extraction.tables.glyphs import Word

# Signs between the parts of one value, as in "1.2 ± 0.3"; a lone dash or plus is a value itself.
_OPERATORS = frozenset(["±", "/", "×", "=", "<", ">", "+/-", "+/−", "to", ":", "(", ")", "∼", "~"])
_OPENING = "([±"  # first characters of the second part of a value: "(12.5)", "± 0.3"

# Heuristics, chosen on the sample papers. "Sizes" are multiples of the type size.
_PIECE_GAP = 0.45  # sizes; a wider gap separates the pieces of a line
_COVERAGE_GAP = 0.3  # sizes; a narrower gap counts as printed when columns are looked for
_SAME_LINE, _SAME_LINE_TOTAL = 0.3, 0.5  # sizes from the line's last word, and from its first one
_SMALL_TYPE = 0.82  # of the median size: superscripts and subscripts are smaller
_RAISED_BY = 0.1  # sizes by which marks are raised rather than lowered
_MARK_GAP = 0.2  # sizes between a mark and the word that it belongs to
_MARK_REACH = 0.55  # sizes between the baselines of a mark and of its line
_MANY_PIECES = 0.75  # of the most pieces: header lines that may stand in for missing data lines
_FEW_PIECES_WEIGHT = 0.34  # of a line whose cells may span columns
_FEW_LINES = 8  # in shorter tables every line counts
_EXCEPTION_SHARE = 0.1  # of the lines, that may print over the gap between two columns
_MAX_OVERRUN_SHARE = 0.5  # of the lines, that print over a gap between words of the column
_EPSILON = 0.01  # for comparing sums of weights
_COLUMN_GAP, _COLUMN_GAP_FEW = 0.38, 0.6  # sizes, with four lines or more, and with fewer
_ENOUGH_LINES = 4
_ISOLATED_GAP = 0.8  # sizes of white space on both sides of a piece that is a column of its own
_CORE_GAP = 0.2  # sizes between such a piece and the columns known so far
_EDGE_INSET, _EDGE_STEP = 2.0, 4.0  # points: vertical rules inside the table, and between two
_OPERATOR_SHARE, _OPENING_SHARE = 0.75, 0.8  # of a column's texts that make it part of a value
_HEADING_SLACK = 2.0  # points by which a heading may reach out of its column
_EXTENT_SLACK = 1.5  # points by which a piece may reach into the next column
_FAR = 1e9  # beyond every page


@dataclass(slots=True, eq=False)
class Piece:
    """Words of one printed line without a wide gap between them."""

    words: list[Word]

    @property
    def x0(self) -> float:
        return self.words[0].x0

    @property
    def x1(self) -> float:
        return max(word.x1 for word in self.words)

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(slots=True, eq=False)
class PrintedLine:
    """The words on one baseline across the whole table."""

    words: list[Word]
    pieces: list[Piece] = field(default_factory=list)

    @property
    def base(self) -> float:
        return median(word.base for word in self.words)

    @property
    def top(self) -> float:
        return min(word.top for word in self.words)

    @property
    def bottom(self) -> float:
        return max(word.bottom for word in self.words)


def printed_lines(words: Iterable[Word], gap: float = _PIECE_GAP) -> list[PrintedLine]:
    """The words as printed lines from the top, each split into pieces at gaps of `gap` sizes."""
    runs = runs_of(sorted(words, key=lambda word: word.base), _is_on_line)
    lines = _attach_small_marks([PrintedLine(run) for run in runs])
    for line in lines:
        line.words.sort(key=lambda word: word.x0)
        line.pieces = pieces_of(line.words, gap)
    return lines


def _is_on_line(line: Sequence[Word], word: Word) -> bool:
    return (
        word.base - line[-1].base < _SAME_LINE * word.size
        and word.base - line[0].base < _SAME_LINE_TOTAL * word.size
    )


def _attach_small_marks(lines: list[PrintedLine]) -> list[PrintedLine]:
    """The lines; those of superscripts or subscripts only are merged into the line they touch."""
    if len(lines) < 2:
        return lines
    size = median(word.size for line in lines for word in line.words)
    small = [line for line in lines if all(word.size < _SMALL_TYPE * size for word in line.words)]
    if len(small) >= len(lines) / 2:
        return lines
    full = [line for line in lines if line not in small]
    kept = list(full)
    for line in small:
        near = min(full, key=lambda other: abs(other.base - line.base - _RAISED_BY * size))
        touching = any(
            abs(word.x0 - other.x1) < _MARK_GAP * size or abs(other.x0 - word.x1) < _MARK_GAP * size
            for word in line.words
            for other in near.words
        )
        if abs(near.base - line.base) < _MARK_REACH * size and touching:
            near.words.extend(line.words)
        else:
            kept.append(line)
    return sorted(kept, key=lambda line: line.base)


def pieces_of(words: Sequence[Word], gap: float) -> list[Piece]:
    """The words of a line, split where the gap is wider than `gap` type sizes."""

    def is_near(piece: Sequence[Word], word: Word) -> bool:
        right = max(other.x1 for other in piece)
        return word.x0 - right <= gap * max(word.size, piece[-1].size)

    return [Piece(piece) for piece in runs_of(words, is_near)]


@dataclass(slots=True)
class Columns:
    """The cuts between columns (x, from the left) and each column's printed extent."""

    cuts: list[float]
    extents: list[tuple[float, float]]

    def __len__(self) -> int:
        return len(self.cuts) + 1

    def at(self, x: float) -> int:
        return bisect_right(self.cuts, x)

    def under(self, rule: Rect, slack: float) -> list[int]:
        """The columns whose middle is below the rule or at most `slack` points beside it."""
        return [
            number
            for number, (x0, x1) in enumerate(self.extents)
            if rule.x0 - slack < (x0 + x1) / 2 < rule.x1 + slack
        ]

    def covered(self, x0: float, x1: float, slack: float) -> tuple[int, int]:
        """The first and the last column that x0..x1 reaches into by more than `slack` points."""
        first, last = self.at(min(x0 + slack, x1)), self.at(max(x1 - slack, x0))
        return first, max(first, last)


def find_columns(
    body: Sequence[PrintedLine], header: Sequence[PrintedLine], edges: Sequence[Rect]
) -> Columns:
    """The columns of the body's lines; `edges` are tall vertical rules, which take precedence.

    The header's lines count where the body has too few lines with several pieces.
    """
    data = [line for line in body if len(line.pieces) > 1]
    if len(data) < 2:
        data = [line for line in (*header, *body) if len(line.pieces) > 1]
        most = max((len(line.pieces) for line in data), default=0)
        data = [line for line in data if len(line.pieces) > _MANY_PIECES * most]
    if not data:
        return Columns([], [(-_FAR, _FAR)])
    size = median(word.size for line in data for word in line.words)
    cores = _cores(data, size)
    cores = _with_isolated(cores, data, header, size)
    lines = [*data, *(line for line in header if len(line.pieces) > 1)]
    cuts = [_cut(lines, left[1], right[0]) for left, right in itertools.pairwise(cores)]
    cuts, cores = _without_word_gaps(cuts, cores, lines)
    cuts = _with_edges(cuts, cores, edges, size)
    columns = Columns(_without_split_values(cuts, data, header), [])
    columns.extents = _extents(columns, [*data, *header])
    return columns


def _without_word_gaps(
    cuts: Sequence[float], cores: Sequence[tuple[float, float]], lines: Sequence[PrintedLine]
) -> tuple[list[float], list[tuple[float, float]]]:
    """The cuts and cores without columns that hold only the last words of a few long texts."""
    kept_cuts: list[float] = []
    kept = list(cores[:1])
    for cut, core in zip(cuts, cores[1:], strict=True):
        begins = any(cut < piece.x0 < core[1] for line in lines for piece in line.pieces)
        printed = sum(any(cut < word.x0 < core[1] for word in line.words) for line in lines)
        if begins or printed > _MAX_OVERRUN_SHARE * len(lines):
            kept_cuts.append(cut)
            kept.append(core)
        else:
            kept[-1] = (kept[-1][0], core[1])
    return kept_cuts, kept


def _coverage(lines: Sequence[PrintedLine]) -> list[tuple[float, float, float]]:
    """How many lines print over each interval of x, as (x0, x1, weighted count).

    A line of fewer pieces than most may hold cells that span columns, so it counts for less.
    """
    events: list[tuple[float, float]] = []
    counts = sorted((len(line.pieces) for line in lines), reverse=True)
    # The number of pieces that at least half of the lines have.
    usual = counts[(len(counts) - 1) // 2] if len(counts) >= _ENOUGH_LINES else 0
    for line in lines:
        weight = 1.0 if len(line.pieces) >= usual else _FEW_PIECES_WEIGHT
        for piece in pieces_of(line.words, _COVERAGE_GAP):
            events += [(piece.x0, weight), (piece.x1, -weight)]
    events.sort()
    spans: list[tuple[float, float, float]] = []
    count, at = 0.0, events[0][0]
    for x, change in events:
        if x > at:
            spans.append((at, x, count))
        count, at = count + change, x
    return spans


def _cores(lines: Sequence[PrintedLine], size: float) -> list[tuple[float, float]]:
    """The intervals of x that more than a few lines print over, separated by wide white space."""
    count = len(lines)
    allowed = 0 if count < _FEW_LINES else max(1, int(_EXCEPTION_SHARE * count))
    min_gap = (_COLUMN_GAP if count >= _ENOUGH_LINES else _COLUMN_GAP_FEW) * size
    cores: list[tuple[float, float]] = []
    for x0, x1, printed in _coverage(lines):
        if printed <= allowed + _EPSILON:
            continue
        if cores and x0 - cores[-1][1] < min_gap:
            cores[-1] = (cores[-1][0], x1)
        else:
            cores.append((x0, x1))
    return cores


def _with_isolated(
    cores: list[tuple[float, float]],
    data: Sequence[PrintedLine],
    header: Sequence[PrintedLine],
    size: float,
) -> list[tuple[float, float]]:
    """Adds columns that only a few lines fill: pieces with white space on both sides."""
    isolated: list[tuple[float, float]] = []
    min_gap, margin = _ISOLATED_GAP * size, _CORE_GAP * size
    for line in (line for line in (*header, *data) if len(line.pieces) > 1):
        befores = [-_FAR, *(piece.x1 for piece in line.pieces)]
        afters = [*(piece.x0 for piece in line.pieces[1:]), _FAR]
        for before, piece, after in zip(befores, line.pieces, afters, strict=False):
            if piece.x0 - before >= min_gap and after - piece.x1 >= min_gap:
                isolated.append((piece.x0, piece.x1))
    for x0, x1 in sorted(isolated):
        if all(x1 < left - margin or x0 > right + margin for left, right in cores):
            cores = sorted([*cores, (x0, x1)])
    return cores


def _cut(lines: Sequence[PrintedLine], x0: float, x1: float) -> float:
    """The middle of the widest interval from x0 to x1 that the fewest lines print over."""
    inside = [(max(a, x0), min(b, x1), n) for a, b, n in _coverage(lines) if b > x0 and a < x1]
    if not inside or x1 <= x0:
        return (x0 + x1) / 2
    fewest = min(n for _, _, n in inside)
    left, right, _ = max(
        (span for span in inside if span[2] < fewest + _EPSILON), key=lambda span: span[1] - span[0]
    )
    return (left + right) / 2


def _with_edges(
    cuts: list[float], cores: Sequence[tuple[float, float]], edges: Sequence[Rect], size: float
) -> list[float]:
    """The cuts at vertical rules, and those in white space that have no rule near them."""
    if not cores:
        return cuts
    left, right = cores[0][0] + _EDGE_INSET, cores[-1][1] - _EDGE_INSET
    inside = (edge.center_x for edge in edges if left < edge.center_x < right)
    xs = distinct(inside, _EDGE_STEP)
    kept = [
        cut
        for cut, before, after in zip(cuts, cores, cores[1:], strict=False)
        if not any(before[1] - size < x < after[0] + size for x in xs)
    ]
    return sorted([*xs, *kept])


def _without_split_values(
    cuts: Sequence[float], data: Sequence[PrintedLine], header: Sequence[PrintedLine]
) -> list[float]:
    """The cuts outside values: not at a lone "±", nor before "(12.5)" under one heading."""
    texts: list[list[str]] = [[] for _ in range(len(cuts) + 1)]
    for line in data:
        for piece in line.pieces:
            texts[bisect_right(cuts, (piece.x0 + piece.x1) / 2)].append(piece.text)
    removed: set[int] = set()
    for number, own in enumerate(texts):
        if own and sum(text in _OPERATORS for text in own) > _OPERATOR_SHARE * len(own):
            removed |= {number - 1, number}
        elif (
            number
            and own
            and header
            and sum(text[0] in _OPENING for text in own) > _OPENING_SHARE * len(own)
            and not _has_heading(cuts, number, header)
        ):
            removed.add(number - 1)
    return [cut for number, cut in enumerate(cuts) if number not in removed]


def _has_heading(cuts: Sequence[float], number: int, header: Sequence[PrintedLine]) -> bool:
    left = cuts[number - 1]
    right = cuts[number] if number < len(cuts) else _FAR
    return any(
        left - _HEADING_SLACK < piece.x0 and piece.x1 < right + _HEADING_SLACK
        for line in header
        for piece in line.pieces
    )


def _extents(columns: Columns, lines: Sequence[PrintedLine]) -> list[tuple[float, float]]:
    """The printed extent of each column; between its cuts where nothing is printed."""
    printed: list[list[float]] = [[] for _ in range(len(columns))]
    for line in lines:
        for piece in line.pieces:
            first, last = columns.covered(piece.x0, piece.x1, _EXTENT_SLACK)
            if first == last:
                printed[first] += [piece.x0, piece.x1]
    edges = [-_FAR, *columns.cuts, _FAR]
    return [(min(xs), max(xs)) if xs else (edges[n], edges[n + 1]) for n, xs in enumerate(printed)]
