"""Finds the page on which a paper begins, behind the cover sheets of repositories."""

from __future__ import annotations

from collections.abc import Sequence

from domain.same_work import letters_of
from extraction.text.labels import KNOWN_HEADING, split_number
from extraction.text.lines import Line
from extraction.vocabulary.front_matter import COVER_SHEET, COVER_SHEET_HINT, begins_abstract

# Heuristics.
_MAX_COVERS = 3  # pages in front of the paper
_MAX_LINES = 300  # of a page that are searched
_MIN_HINTS = 2  # phrases that any paper may print; so many of them make a cover sheet
_MAX_COVER_LETTERS = 3500  # of a cover sheet
_MIN_PAPER_LETTERS = 800  # of a page that can be the first of a paper
_MIN_TITLE_LETTERS = 20  # of a title that identifies the paper
_SAME_TYPE = 0.95  # of the largest type size of a page; the lines of a title share it


def first_paper_page(pages: Sequence[Sequence[Line]]) -> int:
    """Returns the index of the page on which the paper begins, 0 if no page is a cover sheet.

    A cover sheet is a page of little text without an abstract or a section. It has phrases of a
    repository, or it prints the title that stands above the abstract of one of the next pages. A
    file that consists of cover sheets begins with the first of them.
    """
    with_text = [number for number, page in enumerate(pages[: 2 * _MAX_COVERS]) if page]
    for place, number in enumerate(with_text[: _MAX_COVERS + 1]):
        following = [pages[other] for other in with_text[place + 1 : place + 1 + _MAX_COVERS]]
        if not _is_cover(pages[number], following):
            is_first = number == with_text[0]
            return number if is_first or _letters(pages[number]) >= _MIN_PAPER_LETTERS else 0
    return 0


def _letters(page: Sequence[Line]) -> int:
    return sum(len(line.text) for line in page)


def _is_cover(page: Sequence[Line], following: Sequence[Sequence[Line]]) -> bool:
    texts = [line.text for line in page[:_MAX_LINES]]
    if _letters(page) > _MAX_COVER_LETTERS or any(map(_is_of_paper, texts)):
        return False
    hints = {found[0].lower() for text in texts for found in COVER_SHEET_HINT.finditer(text)}
    return (
        len(hints) >= _MIN_HINTS
        or any(map(COVER_SHEET.search, texts))
        or any(_prints_title(page, other) for other in following)
    )


def _prints_title(page: Sequence[Line], paper: Sequence[Line]) -> bool:
    """True if the page prints what a page with an abstract or a section has in its largest type."""
    if _letters(paper) < _MIN_PAPER_LETTERS or not any(_is_of_paper(line.text) for line in paper):
        return False
    largest = max(line.size for line in paper)
    title = letters_of(" ".join(line.text for line in paper if line.size >= _SAME_TYPE * largest))
    whole = letters_of(" ".join(line.text for line in page[:_MAX_LINES]))
    return len(title) >= _MIN_TITLE_LETTERS and title in whole


def _is_of_paper(text: str) -> bool:
    """True for the label of an abstract and for a numbered heading."""
    number, title = split_number(text)
    is_section = bool(number) and KNOWN_HEADING.fullmatch(title) is not None
    return is_section or (begins_abstract(text) and text[:1].isupper())
