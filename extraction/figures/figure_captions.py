"""The captions on a page: which lines print "Figure 3. ..." below a picture, and which only begin
with these words in the middle of a sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
_SIZE_STEP = 0.6  # points by which the type of one paragraph varies
_MAIN_SHARE = 0.08  # of the document's characters: what a style of running text prints


class Place(NamedTuple):
    """A rectangle in the frame in which a line's text is upright."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0


def around(places: Iterable[Place | Line]) -> Place:
    """The smallest rectangle around all of them."""
    every = list(places)
    return Place(
        min(place.x0 for place in every),
        min(place.y0 for place in every),
        max(place.x1 for place in every),
        max(place.y1 for place in every),
    )


@dataclass(frozen=True, slots=True)
class CaptionLines:
    """A caption: `label` as printed, and its lines; after the label the text begins at `start`."""

    label: str
    start: int
    lines: tuple[Line, ...]
    is_table: bool

    @property
    def place(self) -> Place:
        return around(self.lines)

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
    """The styles of running text: each prints at least a twelfth of the document."""
    weights: Counter[Style] = Counter()
    for line in (line for lines in pages for line in lines):
        weights[style_of(line)] += len(line.text)
    total = sum(weights.values())
    return {style for style, count in weights.items() if count >= _MAIN_SHARE * total}


def captions_of(lines: Sequence[Line]) -> list[CaptionLines]:
    """The captions of figures and tables among the lines of one page that run in one direction."""
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
            tuple(_following(line, ordered, starts)),
            bool(match["table"]),
        )
        for line in ordered
        if (match := starts.get(id(line)))
    ]


def _begins_caption(line: Line, match: re.Match[str], ordered: Sequence[Line]) -> bool:
    rest, stop = line.text[match.end() :], match["after"].strip()
    label = match["label"]
    if not label[0].isupper() or _MENTION.match(rest) or (rest[:1].islower() and not stop):
        return False
    if re.fullmatch(r".*\s[A-Za-z]", label) and not stop:  # "Figure A": rather a sentence's start
        return False
    set_off = line.bold or bool(line.lead) or line.italic
    above = _line_above(line, ordered)
    if above is None or set_off or line.is_upper:
        return True
    # In the middle of a paragraph the line above is full, near, and in the same type.
    return not (
        style_of(above) == style_of(line)
        and line.base - above.base < 1.45 * line.size
        and above.x1 > line.x0 + 0.7 * max(line.x1 - line.x0, 100)
        and not above.bold
    )


def _line_above(line: Line, ordered: Sequence[Line]) -> Line | None:
    """The nearest line above that stands over this one's beginning, at most two lines away."""
    best: Line | None = None
    for other in ordered:
        if other.base >= line.base - 0.5 * line.size:
            continue
        near = line.base - other.base < 2 * line.size
        if near and other.x0 < line.x0 + 20 and other.x1 > line.x0:
            best = other if best is None or other.base > best.base else best
    return best


def _following(first: Line, ordered: Sequence[Line], starts: Container[int]) -> Iterator[Line]:
    """The caption's lines: from the first on, as long as they go on below it in its type."""
    yield first
    lines, leading, size = [first], 0.0, 0.0
    is_label_only = _LABEL.fullmatch(first.text) is not None
    left, right = first.x0, first.x1
    for line in ordered:
        last = lines[-1]
        if line is first or line.base < first.base - 0.5 * first.size or id(line) in starts:
            continue
        beside = abs(line.base - last.base) < 0.5 * last.size
        if beside:
            # Only a lone label stands far from its text; else that is the next column.
            room = 2.5 if last is first and is_label_only else 1.0
            fits = 0 <= line.x0 - last.x1 < room * last.size
        else:
            gap = line.base - last.base
            most = 1.3 * leading if leading else 1.55 * max(last.size, line.size)
            fits = 0 < gap <= most and line.x0 < right and line.x1 > left
            fits = fits and line.x0 > left - max(12.0, 0.2 * (right - left))
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
