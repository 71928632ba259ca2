"""Counts the words that the clipping paths of a page hide; they are not part of its text.

Publishers print a part of a larger page or figure in this way. MuPDF's display list has nothing of
what is clipped away, so the text of a page that may have clipped text is extracted from the page
once more: 2 ms for half of all pages.
"""

from __future__ import annotations

import re
from typing import Any

from extraction.text.drawn import TEXT_FLAGS, DrawnPage
from extraction.text.hidden import words_of
from extraction.text.mupdf import pymupdf

# Operators of ISO 32000-1: the path before `W` becomes a clipping path (8.5.4) until the state that
# `q` has saved is restored by `Q` (8.4.2). Texts (9.4.1) and the data of inline images (8.9.7) are
# skipped as a whole: they may look like operators.
_OPERATORS = re.compile(
    rb"(?<![/\w])(?:(q)\b|(Q)\b|(W)\b|BT\b.*?(?:\bET\b|\Z)|ID\s.*?(?:\bEI\b|\Z))", re.DOTALL
)
_CLIP = re.compile(rb"W\*?[\s%]")  # finds most pages without clipping paths at once
_FLAGS = TEXT_FLAGS & ~pymupdf.TEXT_CLIP


def clipped_words(page: Any, drawn: DrawnPage) -> int:
    """Returns the number of words of the page that only its clipping paths hide.

    `drawn` is what the page draws, with its other hidden text.
    """
    if not _may_clip(page):
        return 0
    try:
        everything = page.get_textpage(flags=_FLAGS).extractText()
    except Exception:  # MuPDF's errors have no base class but Exception; the page has been read
        return 0
    shown = _text_of(drawn)
    if everything.split() == shown.split():
        return 0
    shown_words = set(words_of(shown))
    return sum(word not in shown_words for word in words_of(everything))


def _may_clip(page: Any) -> bool:
    """True if the page shows text in clipping paths, or forms, which clip to their box.

    Also true if that cannot be found out: forms in a circle, contents that need too much memory.
    """
    try:
        has_forms = bool(page.parent.get_page_xobjects(page.number))
        return has_forms or _clips_text(page.read_contents())
    except Exception:  # as above
        return True


def _clips_text(contents: bytes) -> bool:
    """True if the contents of a page show text while a clipping path applies."""
    if not _CLIP.search(contents):
        return False
    is_clipped, saved = False, list[bool]()
    for operator in _OPERATORS.finditer(contents):
        saves, restores, clips = operator.groups()
        if saves:
            saved.append(is_clipped)
        elif restores:
            is_clipped = saved.pop() if saved else is_clipped
        elif clips:
            is_clipped = True
        elif is_clipped and operator[0].startswith(b"BT"):
            return True
    return False


def _text_of(drawn: DrawnPage) -> str:
    lines = (line for block in drawn.text["blocks"] for line in block.get("lines", ()))
    return "\n".join("".join(span["text"] for span in line["spans"]) for line in lines)
