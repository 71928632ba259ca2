"""The lines of the first pages that stand in headers, footers and margins."""

from __future__ import annotations

from collections.abc import Sequence

from extraction.metadata.paper_identifiers import references_begin
from extraction.text.lines import Line

_MARGIN = 0.14  # share of the page's height, at either end, of headers and footers (heuristic)


def lines_in_margin(lines: Sequence[Line]) -> list[Line]:
    """Returns headers, footers, rotated lines and what stands above the body of the first page,
    without the bibliography of a short paper."""
    height = max(line.y1 for line in lines)
    cited = references_begin(lines)
    return [
        line
        for line in lines
        if line.y1 < _MARGIN * height
        or (line.y0 > (1 - _MARGIN) * height and line.y0 < cited.get(line.page, height))
        or line.rotation
    ]
