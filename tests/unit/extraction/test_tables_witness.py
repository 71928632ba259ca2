"""Fully ruled tables: the result is compared with that of pdfplumber, an independent reference."""

from __future__ import annotations

from io import BytesIO

import pdfplumber
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extraction.tables.tables import find_tables
from extraction.text.lines import page_lines, page_size
from extraction.text.mupdf import pymupdf

ROW, LEFT, TOP = 18.0, 60.0, 120.0
CELLS = st.from_regex(r"[1-9][0-9]{0,3}\.[0-9]{1,2}|[A-Z][a-z]{2,7}|-[0-9]{1,3}", fullmatch=True)
ROWS = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=3, max_size=9)
)


def ruled(rows: list[list[str]]) -> bytes:
    """A page with a captioned table that has rules around every cell."""
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    page.insert_text((LEFT, TOP - 10), "Table 1. Values by group.", fontsize=9, fontname="tiro")
    width = 90.0
    right, bottom = LEFT + width * len(rows[0]), TOP + ROW * len(rows)
    for number in range(len(rows) + 1):
        page.draw_line((LEFT, TOP + ROW * number), (right, TOP + ROW * number), width=0.6)
    for number in range(len(rows[0]) + 1):
        page.draw_line((LEFT + width * number, TOP), (LEFT + width * number, bottom), width=0.6)
    for down, row in enumerate(rows):
        for across, text in enumerate(row):
            place = (LEFT + 5 + width * across, TOP + 12 + ROW * down)
            page.insert_text(place, text, fontsize=9, fontname="tiro")
    return document.tobytes()


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_tables_cells_match_pdfplumber(rows: list[list[str]]) -> None:
    data = ruled(rows)
    with pdfplumber.open(BytesIO(data)) as pdf:
        [witnessed] = pdf.pages[0].extract_tables()
    assert witnessed == rows
    document = pymupdf.open("pdf", data)
    page = document[0]
    [found] = find_tables(document, [page_lines(page, 1)], [page_size(page, 1)]).tables
    assert [[cell.text for cell in row] for row in found.table.rows] == rows
    assert found.table.label == "Table 1"


def test_tables_box_matches_ruling_lines() -> None:
    data = ruled([["Group", "Mean"], ["First", "1.5"], ["Other", "2.25"]])
    with pdfplumber.open(BytesIO(data)) as pdf:
        [seen] = pdf.pages[0].find_tables()
    document = pymupdf.open("pdf", data)
    page = document[0]
    [found] = find_tables(document, [page_lines(page, 1)], [page_size(page, 1)]).tables
    [box] = found.table.boxes
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx(seen.bbox, abs=2)
