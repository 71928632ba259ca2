"""The styles in which the blocks of a paper are printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from domain.papers import Block, BlockKind, Paper
from extraction.text.lines import Line, font_family

_SIZE_TOLERANCE_POINTS = 0.5  # of one style; sizes are rounded to half points


@dataclass(frozen=True, slots=True)
class Style:
    """Type size in points, rounded to half points, bold, italic and font family."""

    size: float
    bold: bool
    italic: bool
    family: str

    def is_like(self, other: Style) -> bool:
        """True for the same size, weight and slant; the families may differ."""
        is_same_size = abs(self.size - other.size) <= _SIZE_TOLERANCE_POINTS
        return is_same_size and (self.bold, self.italic) == (other.bold, other.italic)


def alike(style: Style | None, other: Style | None) -> bool:
    """True if the styles are equal, or one of them is unknown."""
    return style is None or other is None or style.is_like(other)


class Styles:
    """The style of each block, from the lines that print it, and that of the body."""

    def __init__(self, paper: Paper, front: Sequence[Line]) -> None:
        self._lines = {(line.page, line.box.x0, line.box.y0): line for line in front}
        weights: Counter[Style] = Counter()
        for block in paper.blocks:
            if block.kind is BlockKind.TEXT and (style := self.of(block)):
                weights[style] += len(block.text)
        self.body: Style | None = weights.most_common(1)[0][0] if weights else None

    def of(self, block: Block) -> Style | None:
        """Returns the style of most letters of the block; None for a block of another page."""
        styles: Counter[Style] = Counter()
        for _, box in block.lines:
            if line := self._lines.get((box.page, box.x0, box.y0)):
                size = round(line.size * 2) / 2
                style = Style(size, line.bold, line.italic, font_family(line.font))
                styles[style] += len(line.text)
        return styles.most_common(1)[0][0] if styles else None
