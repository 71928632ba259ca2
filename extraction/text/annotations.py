"""Removes what readers added to a page: notes, highlights, stamps, drawings.

The text of a paper is its page content. The contents of form fields stay: authors and publishers
fill them in. The file itself is not changed.
"""

from __future__ import annotations

from typing import Any

from extraction.text.mupdf import pymupdf

_mupdf = pymupdf.mupdf  # pyright: ignore[reportPrivateImportUsage]
_KEPT = ("Widget", "Link")  # form fields, and links, which draw nothing
_KEPT_KINDS = (int(_mupdf.PDF_ANNOT_WIDGET), int(_mupdf.PDF_ANNOT_LINK))
_MAX_ANNOTATIONS = 2000  # of a page; bounds the run time, a page with more loses all of them


def remove_annotations(document: Any, number: int) -> int:
    """Removes the annotations of page `number` (from 1) in memory, before the page is loaded.

    Returns their number, without the windows that some open. Raises what MuPDF raises for a damaged
    page.
    """
    page = _mupdf.pdf_lookup_page_obj(_mupdf.PdfDocument(document.this), number - 1)
    annotations = _mupdf.pdf_dict_gets(page, "Annots")
    count = _mupdf.pdf_array_len(annotations)
    if count > _MAX_ANNOTATIONS:
        _mupdf.pdf_dict_dels(page, "Annots")
        return count
    if _are_kept(document, number, count):
        return 0
    removed = 0
    for index in reversed(range(count)):
        entry = _mupdf.pdf_dict_gets(_mupdf.pdf_array_get(annotations, index), "Subtype")
        kind = _mupdf.pdf_to_name(entry)
        if kind not in _KEPT:
            _mupdf.pdf_array_delete(annotations, index)
            removed += kind != "Popup"
    return removed


def _are_kept(document: Any, number: int, count: int) -> bool:
    """True if all annotations of the page are kept. MuPDF does not list those of unknown kinds.

    Most pages have links alone, up to hundreds, whose names take 15 µs each to look up.
    """
    try:
        listed = document.page_annot_xrefs(number - 1)
    except Exception:  # an annotation with a name that is no text
        return False
    return len(listed) == count and all(kind in _KEPT_KINDS for _, kind, _ in listed)
