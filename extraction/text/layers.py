"""Counts the words of layers (optional content) that are switched off; MuPDF does not draw them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from extraction.text.drawn import display_list, text_page
from extraction.text.hidden import words_of
from extraction.text.mupdf import pymupdf

_mupdf = pymupdf.mupdf  # pyright: ignore[reportPrivateImportUsage]
_MAX_LAYERS = 1000  # bounds the work on a made-up file


def hidden_words_of_layers(page: Any) -> int:
    """Returns the number of words that the page prints only with all layers switched on."""
    document = page.parent
    pdf = _mupdf.PdfDocument(document.this)
    layers = document.__dict__.get("disabled_layers")
    if layers is None:
        layers = document.__dict__["disabled_layers"] = _disabled(pdf)
    if not layers:
        return 0
    shown = _words(page)
    _switch(pdf, layers, on=1)
    try:
        return (_words(page) - shown).total()
    finally:
        _switch(pdf, layers, on=0)


def _disabled(pdf: Any) -> list[int]:
    count = min(_MAX_LAYERS, _mupdf.pdf_count_layers(pdf))
    return [layer for layer in range(count) if not _mupdf.pdf_layer_is_enabled(pdf, layer)]


def _switch(pdf: Any, layers: list[int], on: int) -> None:
    for layer in layers:
        _mupdf.pdf_enable_layer(pdf, layer, on)


def _words(page: Any) -> Counter[str]:
    return Counter(words_of(text_page(display_list(page)).extractText()))
