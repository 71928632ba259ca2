"""The type that each block of the first pages is set in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from domain.papers import Block, BlockKind, Paper
from extraction.text.lines import Line, font_family

Style = tuple[float, bool, bool, str]


class Styles:
    """The type of each block, from the lines that print it, and that of the body."""

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
        """Size, bold, italic and family of most of its lines; None for another page's."""
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


def alike(one: Style | None, other: Style | None) -> bool:
    """True when both are one type; sizes may differ by half a point."""
    if one is None or other is None:
        return True
    return abs(one[0] - other[0]) <= 0.5 and one[1:3] == other[1:3]
