"""The columns of a table: cuts where white space runs down through its rows."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from extraction.tables.frame import Rule
from extraction.tables.glyphs import Word

_JOINERS = frozenset(
    ["±", "+", "-", "–", "—", "/", "×", "=", "<", ">", "+/-", "+/−", "to", ":", "(", ")", "∼", "~"]
) - {"-", "–", "—", "+"}


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
class Printed:
    """The words that stand on one base line across the whole table."""

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


def printed_lines(words: Iterable[Word], gap: float = 0.45) -> list[Printed]:
    """The words in printed lines from the top, each cut into pieces at gaps of `gap` ems."""
    lines: list[Printed] = []
    for word in sorted(words, key=lambda word: word.base):
        if (
            lines
            and word.base - lines[-1].words[-1].base < 0.3 * word.size
            and (word.base - lines[-1].words[0].base < 0.5 * word.size)
        ):
            lines[-1].words.append(word)
        else:
            lines.append(Printed([word]))
    lines = _with_raised(lines)
    for line in lines:
        line.words.sort(key=lambda word: word.x0)
        line.pieces = pieces_of(line.words, gap)
    return lines


def _with_raised(lines: list[Printed]) -> list[Printed]:
    """Lines of nothing but raised or lowered small marks go to the line that they stand at."""
    if len(lines) < 2:
        return lines
    size = median(word.size for line in lines for word in line.words)
    kept: list[Printed] = []
    small = [line for line in lines if all(word.size < 0.82 * size for word in line.words)]
    full = [line for line in lines if line not in small] if len(small) < len(lines) / 2 else lines
    if full is lines:
        return lines
    kept.extend(full)
    for line in small:
        near = min(full, key=lambda other: abs(other.base - line.base - 0.1 * size))
        touching = any(
            abs(word.x0 - other.x1) < 0.2 * size or abs(other.x0 - word.x1) < 0.2 * size
            for word in line.words
            for other in near.words
        )
        if abs(near.base - line.base) < 0.55 * size and touching:
            near.words.extend(line.words)
        else:
            kept.append(line)
    return sorted(kept, key=lambda line: line.base)


def pieces_of(words: Sequence[Word], gap: float) -> list[Piece]:
    pieces: list[Piece] = []
    for word in words:
        if pieces and word.x0 - pieces[-1].x1 <= gap * max(word.size, pieces[-1].words[-1].size):
            pieces[-1].words.append(word)
        else:
            pieces.append(Piece([word]))
    return pieces


@dataclass(slots=True)
class Columns:
    """The cuts between columns (x, from the left) and each column's printed extent."""

    cuts: list[float]
    extents: list[tuple[float, float]]

    def __len__(self) -> int:
        return len(self.cuts) + 1

    def at(self, x: float) -> int:
        return bisect_right(self.cuts, x)

    def covered(self, x0: float, x1: float, slack: float) -> tuple[int, int]:
        """The first and the last column that x0..x1 reaches into by more than `slack`."""
        first, last = self.at(min(x0 + slack, x1)), self.at(max(x1 - slack, x0))
        return first, max(first, last)


def find_columns(
    body: Sequence[Printed], header: Sequence[Printed], edges: Sequence[Rule]
) -> Columns:
    """The columns of the body's lines; the header and lines down the table have a say."""
    data = [line for line in body if len(line.pieces) > 1]
    if len(data) < 2:
        data = [line for line in (*header, *body) if len(line.pieces) > 1]
        most = max((len(line.pieces) for line in data), default=0)
        data = [line for line in data if len(line.pieces) > 0.75 * most]
    if not data:
        return Columns([], [(-1e9, 1e9)])
    size = median(word.size for line in data for word in line.words)
    cores = _cores(data, size)
    cores = _with_isolated(cores, data, header, size)
    both = [*data, *(line for line in header if len(line.pieces) > 1)]
    cuts = [_cut(both, a[1], b[0]) for a, b in itertools.pairwise(cores)]
    cuts = _with_edges(cuts, cores, edges, size)
    columns = Columns(cuts, [])
    columns = _without_joiners(columns, data, header, size)
    columns.extents = _extents(columns, data, header)
    return columns


def _usual_pieces(lines: Sequence[Printed]) -> int:
    """The most pieces that at least half of the lines have."""
    counts = sorted((len(line.pieces) for line in lines), reverse=True)
    return counts[(len(counts) - 1) // 2] if len(counts) > 3 else 0


def _coverage(lines: Sequence[Printed]) -> list[tuple[float, float, float]]:
    """How many lines print over each stretch of x: (x0, x1, count)."""
    events: list[tuple[float, float]] = []
    usual = _usual_pieces(lines)
    for line in lines:
        # A line of fewer pieces than most may hold cells that span columns: it counts for less.
        weight = 1.0 if len(line.pieces) >= usual else 0.34
        for piece in pieces_of(line.words, 0.3):
            events += [(piece.x0, weight), (piece.x1, -weight)]
    events.sort()
    spans: list[tuple[float, float, float]] = []
    count, at = 0.0, events[0][0]
    for x, change in events:
        if x > at:
            spans.append((at, x, count))
        count, at = count + change, x
    return spans


def _cores(lines: Sequence[Printed], size: float) -> list[tuple[float, float]]:
    """Stretches that more than a few lines print over, wide white space between them."""
    count = len(lines)
    allowed = 0 if count < 8 else max(1, int(0.1 * count))
    narrow = 0.38 * size if count >= 4 else 0.6 * size
    cores: list[tuple[float, float]] = []
    for x0, x1, printed in _coverage(lines):
        if printed <= allowed + 0.01:
            continue
        if cores and x0 - cores[-1][1] < narrow:
            cores[-1] = (cores[-1][0], x1)
        else:
            cores.append((x0, x1))
    return cores


def _with_isolated(
    cores: list[tuple[float, float]],
    data: Sequence[Printed],
    header: Sequence[Printed],
    size: float,
) -> list[tuple[float, float]]:
    """Adds columns that only a few lines fill: pieces that stand alone between the others."""
    alone: list[tuple[float, float]] = []
    for line in (*header, *data):
        for number, piece in enumerate(line.pieces):
            before = line.pieces[number - 1].x1 if number else -1e9
            after = line.pieces[number + 1].x0 if number + 1 < len(line.pieces) else 1e9
            if piece.x0 - before < 0.8 * size or after - piece.x1 < 0.8 * size:
                continue
            if len(line.pieces) > 1 and all(
                piece.x1 < x0 - 0.2 * size or piece.x0 > x1 + 0.2 * size for x0, x1 in cores
            ):
                alone.append((piece.x0, piece.x1))
    for x0, x1 in sorted(alone):
        if all(x1 < a - 0.2 * size or x0 > b + 0.2 * size for a, b in cores):
            cores = sorted([*cores, (x0, x1)])
    return cores


def _cut(lines: Sequence[Printed], x0: float, x1: float) -> float:
    """The middle of the widest stretch between x0 and x1 that the fewest lines print over."""
    inside = [(max(a, x0), min(b, x1), n) for a, b, n in _coverage(lines) if b > x0 and a < x1]
    if not inside or x1 <= x0:
        return (x0 + x1) / 2
    least = min(n for _, _, n in inside)
    a, b, _ = max((s for s in inside if s[2] < least + 0.01), key=lambda s: s[1] - s[0])
    return (a + b) / 2


def _with_edges(
    cuts: list[float], cores: Sequence[tuple[float, float]], edges: Sequence[Rule], size: float
) -> list[float]:
    """Cuts that lines down the table make, in place of those that white space makes near them."""
    if not cores:
        return cuts
    left, right = cores[0][0], cores[-1][1]
    xs: list[float] = []
    for edge in edges:
        if left + 2 < edge.x < right - 2 and (not xs or edge.x - xs[-1] > 4):
            xs.append(edge.x)
    kept = [
        cut
        for cut, before, after in zip(cuts, cores, cores[1:], strict=False)
        if not any(before[1] - size < x < after[0] + size for x in xs)
    ]
    return sorted([*xs, *kept])


def _without_joiners(
    columns: Columns, data: Sequence[Printed], header: Sequence[Printed], size: float
) -> Columns:
    """Drops cuts that split one value: at a lone "±", or before "(12.5)" under one heading."""
    cuts = list(columns.cuts)
    texts: list[list[str]] = [[] for _ in range(len(cuts) + 1)]
    for line in data:
        for piece in line.pieces:
            texts[bisect_right(cuts, (piece.x0 + piece.x1) / 2)].append(piece.text)
    gone: set[int] = set()
    for number, own in enumerate(texts):
        if own and sum(text in _JOINERS for text in own) > 0.75 * len(own):
            gone |= {number - 1, number}
        elif (
            number
            and own
            and header
            and sum(text[0] in "([±" for text in own) > 0.8 * len(own)
            and not _has_heading(cuts, number, header)
        ):
            gone.add(number - 1)
    return Columns([cut for number, cut in enumerate(cuts) if number not in gone], [])


def _has_heading(cuts: Sequence[float], number: int, header: Sequence[Printed]) -> bool:
    left = cuts[number - 1]
    right = cuts[number] if number < len(cuts) else 1e9
    return any(
        left - 2 < piece.x0 and piece.x1 < right + 2 for line in header for piece in line.pieces
    )


def _extents(
    columns: Columns, data: Sequence[Printed], header: Sequence[Printed]
) -> list[tuple[float, float]]:
    spans: list[list[float]] = [[] for _ in range(len(columns))]
    for line in (*data, *header):
        for piece in line.pieces:
            first, last = columns.covered(piece.x0, piece.x1, 1.5)
            if first == last:
                spans[first] += [piece.x0, piece.x1]
    edges = [-1e9, *columns.cuts, 1e9]
    return [
        (min(span), max(span)) if span else (edges[n], edges[n + 1]) for n, span in enumerate(spans)
    ]
