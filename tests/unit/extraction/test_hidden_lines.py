"""Hidden text stays out of lines that are put together from characters: shuffled or repeated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from extraction.options import ExtractOptions, OcrEngine
from extraction.steps import read_text
from extraction.text.mupdf import pymupdf
from extraction.text.pieces import pieces_of
from tests.pdf_builder import drawings
from tests.pdf_builder.canvas import ROMAN

LINES = (
    "The lapwing breeds on wet meadows, and its nests were counted twice each",
    "spring from the dyke; the second count found fewer birds than the first,",
    "because the grass was high and the chicks had left the open places then.",
)
HIDDEN = "Quagga numbers doubled before the fence"
DRAWINGS = (
    drawings.in_order,
    drawings.words_shuffled,
    drawings.letters_shuffled,
    drawings.repeated(drawings.words_apart, (0.3, 0.0)),
)
IDS = ("in order", "words", "letters", "twice")


def under_box(page: pymupdf.Page) -> None:
    page.insert_text((60, 400), HIDDEN, fontsize=10, fontname=ROMAN)
    page.draw_rect(pymupdf.Rect(50, 385, 560, 410), fill=(1, 1, 1), color=None)


def white(page: pymupdf.Page) -> None:
    page.insert_text((60, 400), HIDDEN, fontsize=10, fontname=ROMAN, color=(1, 1, 1))


@pytest.mark.parametrize("hide", [under_box, white])
@pytest.mark.parametrize("draw", DRAWINGS, ids=IDS)
def test_hidden_text_stays_out_of_rebuilt_lines(
    draw: drawings.Drawing, hide: Callable[[pymupdf.Page], None], tmp_path: Path
) -> None:
    runs = [drawings.runs_of(60.0, 100 + 14 * row, line) for row, line in enumerate(LINES)]
    path = tmp_path / "paper.pdf"
    with pymupdf.open(stream=drawings.drawn_pdf(runs, draw), filetype="pdf") as document:
        hide(document[0])
        document.save(path)
    paper = read_text(path, ExtractOptions(ocr=OcrEngine.OFF)).paper
    assert " ".join(block.text for block in paper.blocks) == " ".join(LINES)
    assert [loss.count for loss in paper.quality.hidden_words] == [len(HIDDEN.split()) - 1]


def test_piece_with_an_empty_span_is_read() -> None:
    span = {"font": ROMAN, "size": 10.0, "color": 0, "flags": 0, "origin": (60.0, 100.0)}
    line = {
        "spans": [{**span, "text": "The lapwing"}, {**span, "text": ""}],
        "bbox": (60.0, 90.0, 110.0, 102.0),
        "dir": (1.0, 0.0),
    }
    [piece] = pieces_of({"blocks": [{"lines": [line]}]})
    assert piece.text == "The lapwing"
