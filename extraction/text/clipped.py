"""Counts the words that the clipping paths of a page hide; they are not part of its text.

Publishers print a part of a larger page or figure in this way. MuPDF's display list has nothing of
what is clipped away, so the text of a page that may have clipped text is extracted from the page
once more: 2 ms for a quarter of all pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from extraction.text.drawn import TEXT_FLAGS, DrawnPage
from extraction.text.hidden import words_of
from extraction.text.mupdf import pymupdf

# Operators of ISO 32000-1: the path before `W` becomes a clipping path (8.5.4) until the state that
# `q` has saved is restored by `Q` (8.4.2); `cm` changes the coordinates (8.3.4). Texts (9.4.1) and
# the data of inline images (8.9.7) are skipped as a whole: they may look like operators.
_OPERATORS = re.compile(
    rb"(?<![/\w])(?:(q)\b|(Q)\b|(W)\b|(cm)\b|BT\b.*?(?:\bET\b|\Z)|ID\s.*?(?:\bEI\b|\Z))",
    re.DOTALL,
)
_NUMBER = rb"([-+]?[\d.]+)\s+"
# A rectangle (8.5.2.1) that is the whole path: the operator before it is none of a path.
_RECTANGLE = re.compile(rb"(?:\A|\b(?:[qQnfFSs]|gs|ET|EMC|BDC|BMC)\s+)" + 4 * _NUMBER + rb"re\s*\Z")
_MAX_RECTANGLE = 100  # characters of it
_NEAR = 1.0  # points
_CLIP = re.compile(rb"W\*?[\s%]")  # finds most pages without clipping paths at once
_FLAGS = TEXT_FLAGS & ~pymupdf.TEXT_CLIP


@dataclass(frozen=True, slots=True)
class _State:
    """A part of the graphics state: whether a clipping path hides something, and whether the
    coordinates are other ones than those of the page."""

    is_clipped: bool = False
    is_transformed: bool = False


def clipped_words(page: Any, drawn: DrawnPage) -> int:
    """Returns the number of words of the page that only its clipping paths hide.

    `drawn` is what the page draws, with its other hidden text.
    """
    harmless = page.parent.__dict__.setdefault("harmless_forms", set[int]())
    try:
        forms = _forms_with_text(page) - harmless
        may_clip = bool(forms) or _clips_text(page)
    except Exception:  # MuPDF's errors have no base class: forms in a circle, too large contents
        forms, may_clip = set[int](), True
    if not may_clip:
        return 0
    try:
        everything = page.get_textpage(flags=_FLAGS).extractText()
    except Exception:  # as above; the page has been read
        return 0
    shown = _text_of(drawn)
    if everything.split() == shown.split():
        harmless |= forms
        return 0
    shown_words = set(words_of(shown))
    return sum(word not in shown_words for word in words_of(everything))


def _forms_with_text(page: Any) -> set[int]:
    """Returns the object numbers of the forms with fonts. A form clips its text to its box; one
    that shows all of it on a page, such as a heading, shows it on every page.

    A form without resources uses those of the page.
    """
    document = page.parent
    forms = {form[0] for form in document.get_page_xobjects(page.number)}
    return {
        form
        for form in forms
        if document.xref_get_key(form, "Resources/Font")[0] != "null"
        or document.xref_get_key(form, "Resources")[0] == "null"
    }


def _clips_text(page: Any) -> bool:
    """True if the contents of the page show text while a clipping path smaller than it applies."""
    contents = page.read_contents()
    if not _CLIP.search(contents):
        return False
    state, saved = _State(), list[_State]()
    for operator in _OPERATORS.finditer(contents):
        saves, restores, clips, transforms = operator.groups()
        if saves:
            saved.append(state)
        elif restores:
            state = saved.pop() if saved else state
        elif clips:
            is_whole = not state.is_transformed and _is_page(contents, operator.start(), page)
            state = replace(state, is_clipped=state.is_clipped or not is_whole)
        elif transforms:
            state = replace(state, is_transformed=True)
        elif state.is_clipped and operator[0].startswith(b"BT"):
            return True
    return False


def _is_page(contents: bytes, end: int, page: Any) -> bool:
    """True if the path that ends here is a rectangle around the whole page."""
    found = _RECTANGLE.search(contents, max(0, end - _MAX_RECTANGLE), end)
    if found is None:
        return False
    x, y, width, height = map(float, found.groups())
    box = page.mediabox  # as in the file: its y axis points up
    is_from_origin = x <= box.x0 + _NEAR and y <= box.y0 + _NEAR
    return is_from_origin and x + width >= box.x1 - _NEAR and y + height >= box.y1 - _NEAR


def _text_of(drawn: DrawnPage) -> str:
    lines = (line for block in drawn.text["blocks"] for line in block.get("lines", ()))
    return "\n".join("".join(span["text"] for span in line["spans"]) for line in lines)
