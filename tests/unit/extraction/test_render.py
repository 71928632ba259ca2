"""Rendering of pages and figures as PNG: content, size and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.errors import DamagedPdf, NotFound, PasswordProtected
from domain.papers import Box
from extraction.render import Mark, figure_png, marked_png, page_png
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.papers import make_paper

WHITE, RED = (255, 255, 255), (255, 0, 0)


def _pixels(data: bytes) -> Any:
    assert data.startswith(b"\x89PNG")
    return pymupdf.Pixmap(data)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A white page of 400 x 600 points with a red square of 100 points at (50, 80)."""
    document = pymupdf.open()
    blank = document.new_page(width=400, height=600)
    blank.draw_rect(pymupdf.Rect(50, 80, 150, 180), color=(1, 0, 0), fill=(1, 0, 0))
    path = tmp_path / "page.pdf"
    document.save(path)
    return path


def _changed(path: Path, rotation: int, crop: tuple[float, float, float, float] | None) -> Path:
    document = pymupdf.open(path)
    if crop:
        document[0].set_cropbox(pymupdf.Rect(crop))
    document[0].set_rotation(rotation)
    other = path.with_name("changed.pdf")
    document.save(other)
    return other


def test_render_page_at_requested_resolution(page: Path) -> None:
    pixels = _pixels(page_png(page, 1, dpi=144))
    assert (pixels.width, pixels.height) == (800, 1200)
    assert pixels.pixel(200, 260) == RED
    assert pixels.pixel(600, 900) == WHITE


def test_render_highlights_are_translucent_and_per_page(page: Path) -> None:
    boxes = [Box(1, 100, 80, 300, 180), Box(2, 0, 400, 400, 600)]
    pixels = _pixels(page_png(page, 1, dpi=72, highlights=boxes))
    assert (pixels.width, pixels.height) == (400, 600)
    over_red, over_white = pixels.pixel(125, 130), pixels.pixel(250, 130)
    assert over_red not in (RED, over_white)
    assert over_white != WHITE and over_white[2] < 200 < over_white[0]
    assert pixels.pixel(200, 500) == WHITE


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_render_boxes_match_page_as_shown(page: Path, rotation: int) -> None:
    other = _changed(page, rotation, (20, 30, 380, 580))
    with pymupdf.open(other) as document:
        square = pymupdf.Rect(30, 50, 130, 150) * document[0].rotation_matrix
    shown = Box(1, *square)
    cut = _pixels(figure_png(other, shown, dpi=72))
    assert (cut.width, cut.height) == (100, 100)
    assert cut.is_unicolor and cut.pixel(50, 50) == RED
    marked = _pixels(page_png(other, 1, dpi=72, highlights=[shown]))
    assert marked.color_count(colors=True).get(bytes(RED), 0) < 500


def test_render_figure_is_clipped_to_page(page: Path) -> None:
    pixels = _pixels(figure_png(page, Box(1, 350, 550, 900, 900), dpi=72))
    assert (pixels.width, pixels.height) == (50, 50)


def test_render_huge_page_is_scaled_down(tmp_path: Path) -> None:
    document = pymupdf.open()
    document.new_page(width=14_000, height=14_000)
    document.save(tmp_path / "poster.pdf")
    pixels = _pixels(page_png(tmp_path / "poster.pdf", 1, dpi=600))
    assert pixels.width * pixels.height < 17_000_000


def test_render_marks_have_frames_and_labels(page: Path) -> None:
    mark = Mark(Box(1, 200, 300, 300, 400), (0, 0, 1), 0, 2, "7")
    pixels = _pixels(marked_png(page, 1, [mark], dpi=72))
    assert pixels.pixel(250, 350) == WHITE
    assert pixels.pixel(200, 350)[2] > pixels.pixel(200, 350)[0]
    label = [pixels.pixel(x, y) for x in range(190, 198) for y in range(298, 310)]
    assert any(colour != WHITE for colour in label)


@pytest.mark.parametrize("number", [0, -1, 2])
def test_render_missing_page_raises_not_found(page: Path, number: int) -> None:
    with pytest.raises(NotFound):
        page_png(page, number)
    with pytest.raises(NotFound):
        figure_png(page, Box(number, 0, 0, 10, 10))


def test_render_box_outside_page_raises_not_found(page: Path) -> None:
    with pytest.raises(NotFound):
        figure_png(page, Box(1, 500, 0, 600, 100))


def test_render_rejects_damaged_and_protected_files(tmp_path: Path) -> None:
    damaged, locked = tmp_path / "damaged.pdf", tmp_path / "locked.pdf"
    damaged.write_bytes(b"no pdf at all")
    locked.write_bytes(make_paper(password="secret"))
    with pytest.raises(DamagedPdf):
        page_png(damaged, 1)
    with pytest.raises(DamagedPdf):
        page_png(tmp_path / "missing.pdf", 1)
    with pytest.raises(PasswordProtected):
        page_png(locked, 1)
