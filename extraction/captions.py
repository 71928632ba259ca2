"""The captions of tables and figures on a page: where they begin, and what belongs to them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from extraction.geometry import Rect, union
from extraction.text.clean import join_lines
from extraction.text.lines import Line, font_family
from extraction.vocabulary.captions import CaptionKind, CaptionLabel, caption_label, is_mention

# Heuristics, chosen on the sample papers. "Sizes" are multiples of the type size.
_PARAGRAPH_STEP = 1.45  # sizes between baselines of one paragraph
_FULL_LINE_SHARE, _FULL_LINE_POINTS = 0.7, 100.0  # of the line below (at least so wide) covered
_ABOVE_STEP = 2.0  # sizes to the nearest line above
_ABOVE_INDENT = 20.0  # points by which the line above may begin further right
_SAME_BASELINE = 0.5  # sizes by which baselines of one line differ
_SIZE_STEP = 0.6  # points by which the type of one paragraph varies
_LABEL_GAP, _PIECE_GAP = 2.5, 1.0  # sizes: behind a lone label, and between other pieces
_STEP_GROWTH = 1.3  # times the caption's line distance so far
_FIRST_STEP = 1.55  # sizes between the caption's first two baselines
_HANGING_POINTS, _HANGING_SHARE = 12.0, 0.2  # by which a line may begin left of the caption

Style = tuple[str, int]


def style_of(line: Line) -> Style:
    """Font family and size in half points."""
    return font_family(line.font), round(2 * line.size)


@dataclass(slots=True, eq=False)
class Caption:
    """A caption: its label, its lines, and their bounding box."""

    label: CaptionLabel
    lines: list[Line]
    rect: Rect = field(init=False)

    def __post_init__(self) -> None:
        self.rect = union(self.lines)

    @property
    def is_table(self) -> bool:
        return self.label.kind is CaptionKind.TABLE

    @property
    def is_certain(self) -> bool:
        """True when type or a mark behind the label sets it off from body text."""
        first = self.lines[0]
        return bool(self.label.mark) or first.bold or bool(first.lead)

    def add(self, lines: Iterable[Line]) -> None:
        """Adds lines below those found so far."""
        self.lines.extend(lines)
        self.rect = union(self.lines)

    def text(self, known: Container[str]) -> str | None:
        """The text behind the label; `known` are the document's words, for hyphens."""
        texts = [self.label.rest, *(line.text for line in self.lines[1:])]
        return join_lines([text for text in texts if text], known)[0].strip() or None


def without_caption(lines: Iterable[Line], caption: Caption | None) -> list[Line]:
    own = {id(line) for line in caption.lines} if caption else set[int]()
    return [line for line in lines if id(line) not in own]


def label_at(line: Line, lines: Iterable[Line]) -> CaptionLabel | None:
    """The label of the caption that begins with this line; None for mentions and other text.

    `lines` are all lines of the page. A line in the middle of a paragraph begins no caption: it has
    a full line in the same type right above it that ends no sentence.
    """
    label = caption_label(line.text)
    if label is None or is_mention(label, bool(line.lead)):
        return None
    if line.bold or line.italic or line.lead or label.is_upper:
        return label
    above = _line_above(line, lines)
    return None if above is not None and _is_continued(above, line) else label


def _is_continued(above: Line, line: Line) -> bool:
    width = max(line.x1 - line.x0, _FULL_LINE_POINTS)
    return (
        style_of(above) == style_of(line)
        and line.base - above.base < _PARAGRAPH_STEP * line.size
        and above.x1 > line.x0 + _FULL_LINE_SHARE * width
        and not above.bold
        and not above.text.rstrip().endswith(".")
    )


def _line_above(line: Line, lines: Iterable[Line]) -> Line | None:
    """The nearest line above this one's beginning, at most two type sizes away."""
    near = (
        other
        for other in lines
        if _SAME_BASELINE * line.size < line.base - other.base < _ABOVE_STEP * line.size
        and other.x0 < line.x0 + _ABOVE_INDENT
        and other.x1 > line.x0
    )
    return max(near, key=lambda other: other.base, default=None)


def page_captions(lines: Sequence[Line]) -> dict[int, list[Caption]]:
    """The captions of a page by the rotation of its text."""
    turns = sorted({line.rotation for line in lines})
    return {turn: captions_of([line for line in lines if line.rotation == turn]) for turn in turns}


def captions_of(lines: Sequence[Line]) -> list[Caption]:
    """The captions of figures and tables among the lines of a page with one text rotation."""
    ordered = sorted(lines, key=lambda line: (line.y0, line.x0))
    labels = {id(line): label for line in ordered if (label := label_at(line, ordered))}
    found: list[Caption] = []
    for line in ordered:
        label = labels.get(id(line))
        if label and label.kind is not CaptionKind.OTHER:
            found.append(Caption(label, [*_caption_lines(line, not label.rest, ordered, labels)]))
    return found


def _caption_lines(
    first: Line, is_label_only: bool, ordered: Sequence[Line], starts: Container[int]
) -> Iterator[Line]:
    """Yields the caption's lines: the first one, and those below it in its type.

    Text beside a lone label may be far from it; any other wide gap leads to the next column.
    """
    yield first
    lines, leading, size = [first], 0.0, 0.0
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
