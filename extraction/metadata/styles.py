"""The style (type size and font) of each block of the first pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from domain.papers import Block, BlockKind, Paper
from extraction.text.lines import Line, font_family

Style = tuple[float, bool, bool, str]
_SIZE_TOLERANCE_POINTS = 0.5  # sizes are rounded to half points


class Styles:
    """The style of each block, from the lines that print it, and that of the body."""

    def __init__(self, paper: Paper, front: Sequence[Line]) -> None:
        self._lines: Mapping[tuple[int, float, float], Line] = {
            (line.page, line.box.x0, line.box.y0): line for line in front
        }
        weights: Counter[Style] = Counter()
        for block in paper.blocks:
            if block.kind is BlockKind.TEXT and (style := self.of(block)):
                weights[style] += len(block.text)
        self.body: Style | None = weights.most_common(1)[0][0] if weights else None

    def of(self, block: Block) -> Style | None:
        """Returns size, bold, italic and family of most lines of the block; None for a block of
        another page."""
        found = [
            line for _, box in block.lines if (line := self._lines.get((box.page, box.x0, box.y0)))
        ]
        if not found:
            return None
        styles: Counter[Style] = Counter()
        for line in found:
            key = (round(line.size * 2) / 2, line.bold, line.italic, font_family(line.font))
            styles[key] += len(line.text)
        return styles.most_common(1)[0][0]


def alike(style: Style | None, other: Style | None) -> bool:
    """True if both styles agree; sizes may differ by half a point."""
    if style is None or other is None:
        return True
    return abs(style[0] - other[0]) <= _SIZE_TOLERANCE_POINTS and style[1:3] == other[1:3]
