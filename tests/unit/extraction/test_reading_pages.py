"""Pages that MuPDF silently replaces by empty ones are reported as failed; blank pages are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from extraction.text.mupdf import pymupdf
from extraction.text.pdf import read_pages
from tests.pdf_builder.canvas import LOREM


def three_pages() -> pymupdf.Document:
    document = pymupdf.open()
    for _ in range(3):
        page = document.new_page()
        page.insert_textbox((50, 50, 500, 700), LOREM * 5, fontsize=10, fontname="tiro")
    return pymupdf.open("pdf", document.tobytes())


@pytest.mark.parametrize("value", ["null", "42", "<</Type/Nope>>"])
def test_read_pages_reports_invalid_page_as_failed(value: str, tmp_path: Path) -> None:
    document = three_pages()
    document.update_object(document[1].xref, value)
    path = tmp_path / "damaged.pdf"
    path.write_bytes(document.tobytes())
    reading = read_pages(path)
    assert reading.failed == (2,)
    assert [bool(lines) for lines in reading.pages] == [True, False, True]


def test_read_pages_accepts_blank_page(tmp_path: Path) -> None:
    document = three_pages()
    document.new_page()
    path = tmp_path / "blank.pdf"
    path.write_bytes(document.tobytes())
    assert read_pages(path).failed == ()
