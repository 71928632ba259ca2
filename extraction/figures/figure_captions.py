"""The captions of figures and tables on a page, as the pairing with pictures needs them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from extraction.captions import SAME_BASELINE, Caption, label_at
from extraction.text.lines import Line
from extraction.vocabulary.captions import CaptionKind

# Heuristics, chosen on the sample papers. "Sizes" are multiples of the type size.
_SIZE_STEP = 0.6  # points by which the type of one paragraph varies
_LABEL_GAP, _PIECE_GAP = 2.5, 1.0  # sizes: behind a lone label, and between other pieces
_STEP_GROWTH = 1.3  # times the caption's line distance so far
_FIRST_STEP = 1.55  # sizes between the caption's first two baselines
_HANGING_POINTS, _HANGING_SHARE = 12.0, 0.2  # by which a line may begin left of the caption


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
        is_higher = line.base < first.base - SAME_BASELINE * first.size
        if line is first or is_higher or id(line) in starts:
            continue
        beside = abs(line.base - last.base) < SAME_BASELINE * last.size
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
