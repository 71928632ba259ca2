"""PyMuPDF's layout model: loaded lazily, with boxes on the page as shown."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from domain.errors import Unavailable
from domain.papers import Box
from extraction.figures import model
from extraction.figures.model import RegionKind, layout_regions
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.papers import Part, make_paper

pytestmark = pytest.mark.models


def _paper() -> Any:
    parts = [Part("1 Introduction", [LOREM * 3]), Part("2 Methods", [LOREM * 3])]
    return pymupdf.open(stream=make_paper(parts=parts), filetype="pdf")


def _text_boxes(page: Any) -> list[Box]:
    return [region.box for region in layout_regions(page) if region.kind is RegionKind.TEXT]


def test_layout_model_regions_cover_running_text() -> None:
    page = _paper()[0]
    boxes = _text_boxes(page)
    words = page.get_text("words")
    inside = sum(
        any(box.x0 - 2 <= x0 and y0 >= box.y0 - 2 and x1 <= box.x1 + 2 for box in boxes)
        for x0, y0, x1, *_ in words
    )
    assert inside > 0.7 * len(words)
    assert {box.page for box in boxes} == {1}


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_layout_model_maps_regions_of_rotated_page(rotation: int) -> None:
    page = _paper()[0]
    upright = sorted(_text_boxes(page), key=lambda box: box.y0)
    page.set_rotation(rotation)
    shown = [pymupdf.Rect(box.x0, box.y0, box.x1, box.y1) * page.rotation_matrix for box in upright]
    found = _text_boxes(page)
    assert len(found) == len(shown)
    for rect in shown:
        assert any(
            abs(box.x0 - rect.x0) + abs(box.y0 - rect.y0) + abs(box.x1 - rect.x1) < 3
            for box in found
        )


def test_layout_model_makes_rotated_text_upright() -> None:
    source = _paper()
    upright = _text_boxes(source[0])
    height = source[0].rect.height
    document = pymupdf.open()
    page = document.new_page(width=height, height=source[0].rect.width)
    page.show_pdf_page(page.rect, source, 0, rotate=90)
    found = _text_boxes(page)
    assert len(found) == len(upright)
    first = min(upright, key=lambda box: box.y0)
    assert any(abs(box.x0 - first.y0) < 3 and abs(box.x1 - first.y1) < 3 for box in found)


def test_layout_model_is_loaded_lazily() -> None:
    layout_regions(_paper()[0])
    assert pymupdf._get_layout is None  # pyright: ignore[reportAttributeAccessIssue]


def test_layout_model_restores_antialiasing() -> None:
    page = _paper()[0]
    before = page.get_pixmap().samples
    layout_regions(page)
    assert page.get_pixmap().samples == before


def test_layout_model_missing_raises_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    model._model.cache_clear()
    monkeypatch.setitem(sys.modules, "pymupdf.layout.onnx.BoxRFDGNN", None)
    with pytest.raises(Unavailable):
        layout_regions(_paper()[0])
    model._model.cache_clear()
