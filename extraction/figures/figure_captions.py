"""The captions of figures and tables on a page, told apart from sentences that mention one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from extraction.geometry import Rect, union
from extraction.text.lines import Line, font_family

_LABEL = re.compile(
    r"(?P<label>(?:(?:supplement(?:ary|al)|supporting|extended data|online|appendix)\s+)?"
    r"(?:(?P<figure>fig(?:ure|\.)?|scheme|plate|chart|graph|illustration)|(?P<table>tab(?:le|\.)))"
    r"\s*+[-–]?\s*+(?:[A-Z]{0,2}[.-]?\d{1,3}(?:[.-]\d{1,2})?[A-Za-z]?|[IVX]{1,5}|[A-Z])(?![\w%]))"
    r"(?P<after>\s*+(?:[.:|–—]|-(?=\s)|\)(?=\s)|\((?:cont|see|color|colour)[^)]*+\)[.:]?)*+\s*+)",
    re.IGNORECASE,
)
_MENTION = re.compile(
    r"(?:and|or|to|through|in|of|for|as|is|are|was|were|has|have|can|may|also|below|above|which|"
    r"that|shows?|showed|presents?|presented|illustrates?|depicts?|displays?|provides?|gives?|"
    r"lists?|contains?|compares?|summari[sz]es?|describes?|demonstrates?|indicates?|reports?|"
    r"represents?|reveals?|plots?|details?|outlines?|suggests?|with|we|the same)\b|[,;)\]]"
)
# Heuristics, chosen on the sample papers. "Sizes" are multiples of the type size.
_SIZE_STEP = 0.6  # points by which the type of one paragraph varies
_MAIN_SHARE = 0.08  # of the document's characters: the least that a style of running text prints
_PARAGRAPH_STEP = 1.45  # sizes between baselines of one paragraph
_FULL_LINE_SHARE, _FULL_LINE_POINTS = 0.7, 100.0  # of the line below (at least so wide) covered
_ABOVE_STEP = 2.0  # sizes to the nearest line above
_ABOVE_INDENT = 20.0  # points by which the line above may begin further right
_SAME_BASELINE = 0.5  # sizes by which baselines of one line differ
_LABEL_GAP, _PIECE_GAP = 2.5, 1.0  # sizes: behind a lone label, and between other pieces
_STEP_GROWTH = 1.3  # times the caption's line distance so far
_FIRST_STEP = 1.55  # sizes between the caption's first two baselines
_HANGING_POINTS, _HANGING_SHARE = 12.0, 0.2  # by which a line may begin left of the caption


@dataclass(frozen=True, slots=True)
class CaptionLines:
    """A caption: `label` as printed, and its lines; the text behind the label begins at `start`."""

    label: str
    start: int
    lines: tuple[Line, ...]
    is_table: bool

    @property
    def rect(self) -> Rect:
        return union(self.lines)

    @property
    def texts(self) -> list[str]:
        """The lines' text without the label."""
        first, *others = [line.text for line in self.lines]
        return [text for text in (first[self.start :], *others) if text]


Style = tuple[str, int]


def style_of(line: Line) -> Style:
    """Font family and size in half points."""
    return font_family(line.font), round(2 * line.size)


def main_styles(pages: Iterable[Sequence[Line]]) -> set[Style]:
    """The styles of running text: each has at least 8 % of the document's characters."""
    weights: Counter[Style] = Counter()
    for line in (line for lines in pages for line in lines):
        weights[style_of(line)] += len(line.text)
    total = sum(weights.values())
    return {style for style, count in weights.items() if count >= _MAIN_SHARE * total}


def captions_of(lines: Sequence[Line]) -> list[CaptionLines]:
    """The captions of figures and tables among the lines of a page with one text rotation."""
    ordered = sorted(lines, key=lambda line: (line.y0, line.x0))
    starts = {
        id(line): match
        for line in ordered
        if (match := _LABEL.match(line.text)) and _begins_caption(line, match, ordered)
    }
    return [
        CaptionLines(
            match["label"],
            match.end(),
            tuple(_caption_lines(line, ordered, starts)),
            bool(match["table"]),
        )
        for line in ordered
        if (match := starts.get(id(line)))
    ]


def _begins_caption(line: Line, match: re.Match[str], ordered: Sequence[Line]) -> bool:
    """True when the line with this label begins a caption, not a sentence.

    A line in the middle of a paragraph has a full line right above it in the same type.
    """
    rest, stop = line.text[match.end() :], match["after"].strip()
    label = match["label"]
    if not label[0].isupper() or _MENTION.match(rest) or (rest[:1].islower() and not stop):
        return False
    if re.fullmatch(r".*\s[A-Za-z]", label) and not stop:  # "Figure A", as a sentence begins
        return False
    set_off = line.bold or bool(line.lead) or line.italic
    above = _line_above(line, ordered)
    if above is None or set_off or line.is_upper:
        return True
    width = max(line.x1 - line.x0, _FULL_LINE_POINTS)
    return not (
        style_of(above) == style_of(line)
        and line.base - above.base < _PARAGRAPH_STEP * line.size
        and above.x1 > line.x0 + _FULL_LINE_SHARE * width
        and not above.bold
    )


def _line_above(line: Line, ordered: Sequence[Line]) -> Line | None:
    """The nearest line above this one's beginning, at most two type sizes away."""
    best: Line | None = None
    for other in ordered:
        if other.base >= line.base - _SAME_BASELINE * line.size:
            continue
        near = line.base - other.base < _ABOVE_STEP * line.size
        if near and other.x0 < line.x0 + _ABOVE_INDENT and other.x1 > line.x0:
            best = other if best is None or other.base > best.base else best
    return best


def _caption_lines(first: Line, ordered: Sequence[Line], starts: Container[int]) -> Iterator[Line]:
    """Yields the caption's lines: the first one, and those below it in its type.

    Text beside a lone label may be far from it; any other wide gap leads to the next column.
    """
    yield first
    lines, leading, size = [first], 0.0, 0.0
    is_label_only = _LABEL.fullmatch(first.text) is not None
    left, right = first.x0, first.x1
    for line in ordered:
        last = lines[-1]
        is_higher = line.base < first.base - _SAME_BASELINE * first.size
        if line is first or is_higher or id(line) in starts:
            continue
        beside = abs(line.base - last.base) < _SAME_BASELINE * last.size
        if beside:
            max_gap = _LABEL_GAP if last is first and is_label_only else _PIECE_GAP
            fits = 0 <= line.x0 - last.x1 < max_gap * last.size
        else:
            step = line.base - last.base
            max_step = (
                _STEP_GROWTH * leading if leading else _FIRST_STEP * max(last.size, line.size)
            )
            fits = 0 < step <= max_step and line.x0 < right and line.x1 > left
            fits = fits and line.x0 > left - max(_HANGING_POINTS, _HANGING_SHARE * (right - left))
            fits = fits and _is_same_type(line, size or last.size, first)
        if not fits:
            continue
        if not beside:
            leading, size = leading or line.base - last.base, size or line.size
        left, right = min(left, line.x0), max(right, line.x1)
        lines.append(line)
        yield line


def _is_same_type(line: Line, size: float, first: Line) -> bool:
    return abs(line.size - size) <= _SIZE_STEP or abs(line.size - first.size) <= _SIZE_STEP
