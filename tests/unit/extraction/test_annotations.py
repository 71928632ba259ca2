"""What readers add to a page is no text of the paper; its form fields are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from extraction.options import ExtractOptions, OcrEngine
from extraction.quality import quality_report
from extraction.steps import read_text
from extraction.text.annotations import remove_annotations
from extraction.text.mupdf import pymupdf
from extraction.text.pdf import read_pages
from tests.pdf_builder.losses import prose_page

_TEXT_FIELD = 7  # MuPDF's number
OPTIONS = ExtractOptions(ocr=OcrEngine.OFF)
NOTE = "Xylophage is my own remark"


def text_of(document: pymupdf.Document, tmp_path: Path) -> str:
    path = tmp_path / "paper.pdf"
    path.write_bytes(document.tobytes())
    return " ".join(line.text for lines in read_pages(path).pages for line in lines)


def free_text(page: pymupdf.Page) -> None:
    page.add_freetext_annot((72, 400, 400, 430), NOTE)


def stamp(page: pymupdf.Page) -> None:
    page.add_stamp_annot((72, 400, 300, 460), stamp=0)


def note(page: pymupdf.Page) -> None:
    page.add_text_annot((72, 400), NOTE)


def highlight(page: pymupdf.Page) -> None:
    page.add_highlight_annot(page.search_for("flasks")[0]).set_info(content=NOTE)


def unknown(page: pymupdf.Page) -> None:
    note = page.add_freetext_annot((72, 400, 400, 430), NOTE)
    owner: Any = page.parent
    owner.xref_set_key(note.xref, "Subtype", "/Scribble")
    page.insert_link({"kind": 2, "from": pymupdf.Rect(72, 72, 99, 99), "uri": "https://doi.org/1"})


def misnamed(page: pymupdf.Page) -> None:
    note = page.add_freetext_annot((72, 400, 400, 430), NOTE)
    owner: Any = page.parent
    owner.xref_set_key(note.xref, "NM", "<EFBBBFFF80>")  # no UTF-8


@pytest.mark.parametrize("annotate", [free_text, stamp, note, highlight, unknown, misnamed])
def test_annotations_are_no_text(annotate, tmp_path: Path) -> None:
    document = pymupdf.open()
    annotate(prose_page(document))
    found = text_of(document, tmp_path)
    assert "Xylophage" not in found and "APPROVED" not in found.upper()
    assert found.count("Larger flasks") == 3
    notes = quality_report(read_text(tmp_path / "paper.pdf", OPTIONS).paper)["notes"]
    assert notes == ["page 1: 1 annotation of readers"]


def test_form_fields_are_text(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    field: Any = pymupdf.Widget()
    field.field_name, field.field_type = "answer", _TEXT_FIELD
    field.rect, field.field_value = pymupdf.Rect(72, 400, 400, 430), "Seven nests were found"
    page.add_widget(field)
    free_text(page)
    found = text_of(document, tmp_path)
    assert "Seven nests were found" in found and "Xylophage" not in found


@pytest.mark.parametrize("entry", ["5", "[null 7 (x)]", "<</Subtype/FreeText>>", "[99999 0 R]"])
def test_malformed_annotations_are_tolerated(entry: str, tmp_path: Path) -> None:
    document = pymupdf.open()
    document.xref_set_key(prose_page(document).xref, "Annots", entry)
    assert text_of(document, tmp_path).count("Larger flasks") == 3


def test_many_annotations_are_removed_at_once() -> None:
    document = pymupdf.open()
    page = prose_page(document)
    document.xref_set_key(page.xref, "Annots", "[" + "<</Subtype/Square>>" * 5000 + "]")
    remove_annotations(document, 1)
    assert document.xref_get_key(page.xref, "Annots")[0] == "null"
