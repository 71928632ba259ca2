"""The functions that the renderer's sandbox runs: a page or a figure of a PDF as PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.papers import Box
from extraction.render import figure_png, page_png
from extraction.warmup_pdf import write_warmup_pdf

Tell = Callable[[int, int], None]


def warm() -> None:
    """Loads everything that rendering needs, by rendering a page with a highlight."""
    with TemporaryDirectory(prefix="paperworks-") as folder:
        path = Path(folder) / "warmup.pdf"
        write_warmup_pdf(path)
        page_png(path, 1, dpi=36, highlights=[Box(1, 10, 10, 20, 20)])


def draw_page(
    path: Path, number: int, dpi: int, highlights: Sequence[Box], _tell: Tell | None = None
) -> bytes:
    """Returns the result of `page_png`."""
    return page_png(path, number, dpi=dpi, highlights=highlights)


def draw_figure(path: Path, box: Box, dpi: int, _tell: Tell | None = None) -> bytes:
    """Returns the result of `figure_png`."""
    return figure_png(path, box, dpi)
