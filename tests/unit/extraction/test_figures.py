"""Figure extraction from generated pages: pairs of caption and picture, and what is no figure."""

from __future__ import annotations

from typing import Any

import pytest

from domain.papers import Box
from extraction.figures.figures import FoundFigure, find_figures
from extraction.figures.model import Region, RegionKind
from extraction.text.lines import page_lines, page_size
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import LOREM

WIDTH, HEIGHT = 612.0, 792.0
LEFT, RIGHT, FULL = (60.0, 294.0), (318.0, 552.0), (60.0, 552.0)
Rect = tuple[float, float, float, float]


def _new(pages: int = 1) -> Any:
    document = pymupdf.open()
    for _ in range(pages):
        document.new_page(width=WIDTH, height=HEIGHT)
    return document


def _prose(page: Any, column: tuple[float, float], y0: float, y1: float, text: str = LOREM) -> None:
    """Prints running text of 10 points from y0 to y1."""
    y = y0 + 10
    words = (text * 12).split()
    while y < y1:
        line = ""
        while words and pymupdf.get_text_length(f"{line} {words[0]}", "tiro", 10) < (
            column[1] - column[0]
        ):
            line = f"{line} {words.pop(0)}".strip()
        page.insert_text((column[0], y), line, fontsize=10, fontname="tiro")
        y += 12


def _image(page: Any, place: Rect) -> None:
    pixels = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 20, 20))
    pixels.clear_with(120)
    page.insert_image(pymupdf.Rect(place), pixmap=pixels, keep_proportion=False)


def _caption(page: Any, x: float, y: float, *lines: str) -> None:
    for number, line in enumerate(lines):
        page.insert_text((x, y + 8 + 10 * number), line, fontsize=8, fontname="helv")


def _chart(page: Any, place: Rect) -> None:
    """Draws axes and bars, with tick labels and an axis title outside them."""
    x0, y0, x1, y1 = place
    page.draw_line((x0, y0), (x0, y1))
    page.draw_line((x0, y1), (x1, y1))
    for number in range(5):
        left = x0 + 5 + number * (x1 - x0) / 5
        page.draw_rect(pymupdf.Rect(left, y1 - 15 * number - 8, left + 12, y1), fill=(0, 0, 1))
        page.insert_text((left, y1 + 9), str(number), fontsize=6)
        page.insert_text((x0 - 12, y1 - 20 * number), str(number), fontsize=6)
    page.insert_text(((x0 + x1) / 2 - 15, y1 + 18), "Time (s)", fontsize=7)


def _found(document: Any, regions: dict[int, list[Region]] | None = None) -> list[FoundFigure]:
    reopened = pymupdf.open(stream=document.tobytes(), filetype="pdf")
    numbers = range(1, reopened.page_count + 1)
    pages = [page_lines(reopened[number - 1], number) for number in numbers]
    sizes = [page_size(reopened[number - 1], number) for number in numbers]
    return find_figures(reopened, pages, sizes, regions or {})


def _close(box: Box, place: Rect, points: float = 2.0) -> bool:
    pairs = zip((box.x0, box.y0, box.x1, box.y1), place, strict=True)
    return all(abs(actual - expected) <= points for actual, expected in pairs)


def _holds(box: Box, place: Rect) -> bool:
    x0, y0, x1, y1 = place
    return box.x0 <= x0 and box.y0 <= y0 and x1 <= box.x1 and y1 <= box.y1


def test_figures_pairs_image_with_caption_below() -> None:
    document = _new()
    page = document[0]
    _prose(page, LEFT, 60, 300)
    _image(page, (70, 330, 280, 480))
    _caption(page, 60, 490, "Figure 1. Absorption of light by silver, meas-", "ured for one hour.")
    _prose(page, LEFT, 530, 730)
    _prose(page, RIGHT, 60, 730)
    [found] = _found(document)
    assert _close(found.figure.box, (70, 330, 280, 480))
    assert (found.figure.number, found.figure.label) == (1, "Figure 1")
    assert found.figure.caption == "Absorption of light by silver, measured for one hour."
    assert found.taken[0] == found.figure.box
    assert _holds(found.taken[1], (60, 494, 100, 507))
    assert found.taken[1].y1 < 530


@pytest.mark.parametrize("label", ["Fig. 2.", "FIGURE 3 |", "Scheme 1:", "Plate 4.", "Chart 5."])
def test_figure_captions_accepts_other_label_words(label: str) -> None:
    document = _new()
    _image(document[0], (70, 100, 280, 250))
    _caption(document[0], 70, 260, f"{label} Flasks in the light.")
    [found] = _found(document)
    assert found.figure.label == label.rstrip(" .:|")
    assert found.figure.caption == "Flasks in the light."


def test_figures_includes_axis_labels() -> None:
    document = _new()
    page = document[0]
    _prose(page, LEFT, 60, 200)
    _chart(page, (90, 230, 270, 350))
    _caption(page, 60, 380, "Fig. 1 Seconds until the colour changed.")
    _prose(page, LEFT, 420, 700)
    [found] = _found(document)
    assert _holds(found.figure.box, (78, 230, 270, 367))
    assert found.figure.box.y0 > 200 and found.figure.box.y1 < 384


def test_figures_heading_above_chart_is_no_label() -> None:
    document = _new()
    page = document[0]
    _prose(page, LEFT, 60, 180)
    page.insert_text((60, 215), "3. Results", fontsize=10, fontname="hebo")
    _chart(page, (90, 222, 270, 350))
    _caption(page, 60, 380, "Fig. 1 Seconds until the colour changed.")
    _prose(page, LEFT, 420, 700)
    [found] = _found(document)
    assert _holds(found.figure.box, (78, 222, 270, 367))
    assert found.figure.box.y0 > 216


def test_figures_pairs_captions_above_images() -> None:
    document = _new(3)
    for number, page in enumerate(document, 1):
        _caption(page, 60, 100, f"Figure {number}. The flasks of run {number}.")
        _image(page, (60, 120, 300, 260))
        _caption(page, 60, 300, f"Figure {number + 3}. The leaves of run {number}.")
        _image(page, (60, 330, 300, 460))
    found = _found(document)
    assert len(found) == 6
    for item in found:
        is_upper = int(str(item.figure.label).split()[-1]) <= 3
        assert _close(item.figure.box, (60, 120, 300, 260) if is_upper else (60, 330, 300, 460))


def test_figures_pairs_caption_beside_image() -> None:
    document = _new()
    _image(document[0], (60, 100, 300, 260))
    _caption(document[0], 315, 150, "Figure 1. A caption that", "stands at the side", "of it.")
    _prose(document[0], FULL, 300, 700)
    [found] = _found(document)
    assert _close(found.figure.box, (60, 100, 300, 260))


def test_figures_joins_panels_across_columns() -> None:
    document = _new()
    page = document[0]
    _image(page, (60, 60, 290, 180))
    _image(page, (322, 60, 552, 180))
    _image(page, (60, 200, 290, 320))
    page.insert_text((170, 191), "(a) leaves", fontsize=7)
    page.insert_text((430, 191), "(b) flasks", fontsize=7)
    _caption(page, 230, 335, "Figure 1. Leaves (a, c) and flasks (b).")
    _prose(page, LEFT, 370, 730)
    _prose(page, RIGHT, 370, 730)
    [found] = _found(document)
    assert _close(found.figure.box, (60, 60, 552, 320))


def test_figures_side_by_side_keep_own_captions() -> None:
    document = _new()
    for x, number in ((60, 1), (320, 2)):
        _image(document[0], (x, 60, x + 230, 180))
        _caption(document[0], x, 190, f"Figure {number}. The leaves of plant {number}.")
    _prose(document[0], FULL, 240, 700)
    first, second = _found(document)
    assert _close(first.figure.box, (60, 60, 290, 180))
    assert _close(second.figure.box, (320, 60, 550, 180))


def test_figure_captions_rejects_sentence_that_begins_with_figure() -> None:
    document = _new()
    page = document[0]
    _image(page, (60, 60, 290, 160))
    for number, line in enumerate(
        (
            "The absorption rose for twenty minutes, as one sees in",
            "Figure 1. It then stayed the same in every flask of all",
            "Figure 2 shows how that was done for the larger flasks",
        )
    ):
        page.insert_text((60, 200 + 12 * number), line, fontsize=10, fontname="tiro")
    _prose(page, LEFT, 230, 600)
    assert not [item for item in _found(document) if item.figure.label]


def test_figures_rejects_caption_without_picture() -> None:
    document = _new()
    _prose(document[0], LEFT, 60, 300)
    _caption(document[0], 60, 320, "Figure 1. What was meant to stand here.")
    _prose(document[0], LEFT, 350, 600)
    assert _found(document) == []


def test_page_scene_drops_repeated_margin_graphics() -> None:
    document = _new(4)
    for page in document:
        _image(page, (60, 20, 120, 55))
        page.draw_line((60, 58), (552, 58))
    _image(document[2], (60, 62, 300, 200))
    _caption(document[2], 60, 210, "Figure 1. Leaves.")
    [found] = _found(document)
    assert _close(found.figure.box, (60, 62, 300, 200))


def test_figures_rejects_ruled_table() -> None:
    document = _new()
    page = document[0]
    _caption(page, 60, 60, "Table 1. Runs of the experiment.")
    for number in range(5):
        y = 80 + 20 * number
        page.draw_line((60, y), (290, y))
        page.insert_text((65, y + 14), f"run {number}", fontsize=8)
    for x in (60, 175, 290):
        page.draw_line((x, 80), (x, 160))
    _image(page, (60, 200, 290, 300))
    _caption(page, 60, 310, "Figure 1. Leaves.")
    [found] = _found(document)
    assert _close(found.figure.box, (60, 200, 290, 300))


def test_figures_rejects_frame_around_text() -> None:
    document = _new()
    page = document[0]
    page.draw_rect(pymupdf.Rect(56, 50, 300, 330), fill=(0.9, 0.9, 0.9))
    _prose(page, LEFT, 60, 300)
    _image(page, (60, 350, 290, 450))
    _caption(page, 60, 460, "Figure 1. Leaves.")
    [found] = _found(document)
    assert _close(found.figure.box, (60, 350, 290, 450))


@pytest.mark.parametrize("draw", [_image, _chart])
def test_graphics_ignores_clipped_parts(draw: Any) -> None:
    inner = _new()
    draw(inner[0], (0, 0, 612, 400))
    draw(inner[0], (100, 100, 330, 200))
    document = _new()
    page = document[0]
    _prose(page, LEFT, 60, 180)
    page.show_pdf_page(
        pymupdf.Rect(60, 200, 290, 300), inner, 0, clip=pymupdf.Rect(100, 100, 330, 200)
    )
    _caption(page, 60, 310, "Figure 1. A part of a larger picture.")
    _prose(page, LEFT, 340, 700)
    [found] = _found(document)
    assert _close(found.figure.box, (60, 200, 290, 300))


def test_figures_accepts_large_image_without_caption_and_rejects_logo() -> None:
    document = _new(2)
    _image(document[0], (60, 30, 400, 150))
    _image(document[1], (60, 300, 100, 340))
    _image(document[1], (60, 400, 400, 650))
    [found] = _found(document)
    assert (found.figure.label, found.figure.caption) == (None, None)
    assert _close(found.figure.box, (60, 400, 400, 650))
    assert found.taken == (found.figure.box,)


def test_figures_pairs_caption_at_top_of_next_page() -> None:
    document = _new(2)
    _image(document[0], (60, 60, 552, 740))
    _caption(document[1], 60, 60, "Figure 1. The picture of the page before.")
    _prose(document[1], FULL, 100, 700)
    [found] = _found(document)
    assert found.figure.page == 1 and found.figure.label == "Figure 1"
    assert [box.page for box in found.taken] == [1, 2]


def _drawing(page: Any, place: Rect) -> None:
    x0, y0, x1, y1 = place
    page.draw_polyline([(x0, y1), (x0 + 40, y0), (x1, y1), (x1, y0)], width=2)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("draw", [_image, _drawing])
def test_figure_boxes_follow_page_rotation(rotation: int, draw: Any) -> None:
    document = _new()
    page = document[0]
    _prose(page, LEFT, 60, 200)
    draw(page, (60, 230, 290, 330))
    _caption(page, 60, 340, "Figure 1. Leaves.")
    page.set_cropbox(pymupdf.Rect(30, 40, 600, 780))
    page.set_rotation(rotation)
    [found] = _found(document)
    shown = pymupdf.Rect(30, 190, 260, 290) * page.rotation_matrix
    assert _close(found.figure.box, tuple(shown))


def test_figures_pairs_rotated_caption() -> None:
    """The caption is rotated and to the right of the picture."""
    document = _new()
    _image(document[0], (100, 100, 400, 700))
    document[0].insert_text((420, 690), "Figure 1. Leaves of all plants.", fontsize=8, rotate=90)
    [found] = _found(document)
    assert _close(found.figure.box, (100, 100, 400, 700))
    assert found.figure.caption == "Leaves of all plants."


def test_figures_uses_picture_region_of_layout_model() -> None:
    document = _new()
    page = document[0]
    _prose(page, LEFT, 60, 200)
    for number in range(3):
        page.insert_text((90, 240 + 30 * number), f"step {number}", fontsize=9, fontname="cour")
    _caption(page, 60, 340, "Figure 1. The steps.")
    _prose(page, LEFT, 370, 700)
    assert _found(document) == []
    region = Region(RegionKind.PICTURE, Box(1, 80, 225, 290, 330))
    [found] = _found(document, {1: [region]})
    assert _close(found.figure.box, (80, 225, 290, 330))


def test_graphics_clusters_many_drawings_in_bounded_time() -> None:
    document = _new()
    page = document[0]
    shape = page.new_shape()
    for x in range(100):
        for y in range(100):
            shape.draw_rect(pymupdf.Rect(60 + 2 * x, 60 + 2 * y, 61 + 2 * x, 61 + 2 * y))
            shape.finish(width=0.2)
    shape.commit()
    _caption(page, 60, 270, "Figure 1. Ten thousand cells.")
    [found] = _found(document)
    assert _close(found.figure.box, (60, 60, 259, 259))
