"""Finds the title of a paper by the type on its first page, and by the authors below it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from domain.papers import PageSize
from extraction.geometry import overlap_x
from extraction.person_names import is_strong_name, split_names, without_contacts
from extraction.text.clean import clean_text
from extraction.text.labels import ARTICLE_KIND, KNOWN_HEADING, split_number
from extraction.text.lines import Line
from extraction.text.marks import SUPERSCRIPT_MARK
from extraction.vocabulary.front_matter import (
    CITE_THIS,
    EMAIL,
    FUNCTION_WORDS,
    MASTHEAD,
    begins_abstract,
    is_address,
)

# Text below the name of a journal, and after it in a citation.
_BELOW_MASTHEAD = re.compile(
    r"home ?page|\bissn\b|www\.|https?:|\bvol(?:ume|\.)? ?\d", re.IGNORECASE
)
_VOLUME = re.compile(r"\W{0,3}(?:vol(?:ume)?\b|issn\b|no\. ?\d|\(?\d)", re.IGNORECASE)
_TRAILING_MARKS = re.compile(r"(?<=[^\W\d])\s?[*†‡§¶⁎∗]+$|\s[*†‡§¶⁎∗]+$")
# Signs of authors in a row of names: marks, initials.
_MARKED = re.compile(rf"[{SUPERSCRIPT_MARK}*†‡§]|[^\W\d_]\d|\b[A-Z]\.")
_ENDS_OPEN = re.compile(r"[,:;–—-]$")
_BEFORE_SUBTITLE = re.compile(r"[:–—-]$")
# Heuristics. Lengths are in characters, distances in type sizes.
_MAX_TOP = 0.72  # share of the page's height above which a title begins
_MIN_LETTERS, _MIN_LETTER_SHARE, _MAX_LENGTH = 6, 0.5, 400
_MIN_LETTERS_ABOVE_AUTHORS = 3
_MAX_GROUPS_BESIDE = 6  # groups that a box beside a title may hold
_MAX_LINES = 300  # of the first page that are searched
_MIN_STATED_WORDS = 4  # of a title in the metadata that is used
_MIN_SIMILARITY = 0.75  # of the words of the printed and the stated title (difflib ratio, 0 to 1)
# Lines of one group: difference of type sizes as a share, and distance of the base lines.
_SIZE_TOLERANCE, _MIN_DISTANCE, _MAX_DISTANCE = 0.06, -0.2, 2.0
# A journal's masthead: words of a line with its address; length of its name, distance and number of
# the lines below it.
_MAX_MASTHEAD_WORDS, _MAX_NAME_LENGTH = 11, 90
_MAX_MASTHEAD_DISTANCE, _MAX_LINES_BELOW = 3, 2
# Score of a group, as factors of its type size: for up to three words, which mastheads have, for
# bold type, and for each page height below the upper part of the page.
_FEW_WORDS, _FEW_WORDS_FACTOR, _FACTOR_PER_WORD = 3, 0.62, 0.08
_BOLD_FACTOR = 1.04
_UPPER_PART, _LOW_PENALTY = 0.3, 0.15
# Further factors: right above the authors, named where the paper says how to cite it, the authors
# themselves, and below the label of the abstract.
_ABOVE_AUTHORS_FACTOR, _CITED_FACTOR, _AUTHORS_FACTOR, _BELOW_ABSTRACT_FACTOR = 1.7, 1.5, 0.5, 0.6
_MIN_NAME_SHARE = 0.75  # of the pieces of a row of names
_MAX_AUTHORS_DISTANCE = 7  # from the last line of a title to the first of its authors
_MAX_SUBTITLE_DISTANCE = 1.5  # from the last line of a title to its subtitle
_MAX_CITATION_LINES, _CITATION_LENGTH = 8, 700  # behind "Cite this article as:"


def find_title(
    lines: Sequence[Line], size: PageSize, stated: str | None, front_lines: Sequence[Line] = ()
) -> tuple[str | None, list[Line]]:
    """Returns the title and the lines that print it: the largest type on the upper part of the
    page.

    `stated` (from the file's metadata) is evidence only: it decides between groups of lines, and
    replaces a title that is not printed as text. `front_lines` are all lines of the first pages
    with headers and footers: a text before a volume number in them is the journal's name. Returns
    (None, []) if nothing looks like a title.
    """
    upright = [line for line in lines if line.rotation == lines[0].rotation] if lines else []
    all_groups = _groups(upright[:_MAX_LINES])
    drawn = [line for line in front_lines if lines and _is_on_page(line, lines[0])]
    citation = " ".join(_citation(front_lines or lines))
    page = _FrontPage(all_groups, size, _groups(drawn[:_MAX_LINES]) or all_groups, citation)
    groups = [group for group in all_groups if page.may_be_title(group)]
    others = [
        group for group in groups if not _is_masthead(group, all_groups, [*lines, *front_lines])
    ]
    groups = others or groups
    stated_words = _words((stated or "")[:_MAX_LENGTH])
    has_stated = len(stated_words) >= _MIN_STATED_WORDS
    if not groups:
        return (clean_text(stated or "") if has_stated else None), []
    best = page.with_subtitle(max(groups, key=page.score))
    if has_stated:
        confirmed = [group for group in groups if _is_similar(stated_words, _words(_text(group)))]
        best = max(confirmed, key=lambda group: group[0].size) if confirmed else best
    return _TRAILING_MARKS.sub("", _text(best)), best


class _FrontPage:
    """The groups of lines on the first page, and how likely each of them is the title."""

    def __init__(
        self,
        groups: Sequence[list[Line]],
        size: PageSize,
        drawn: Sequence[list[Line]],
        citation: str,
    ) -> None:
        """`drawn` are the groups as the file draws them, where nothing beside a name joins it;
        `citation` the words behind "Cite this article as:"."""
        self._groups, self._size, self._citation = groups, size, citation
        ordered = sorted(drawn, key=lambda group: group[0].base)
        self._of_names = [
            group
            for group, below in zip(ordered, [*ordered[1:], None], strict=True)
            if _is_of_names(group, below)
        ]
        self._above_authors, self._subtitle = self._find_above_authors()
        labels = [line.y1 for group in groups for line in group if _is_abstract_label(line)]
        self._abstract = min(labels, default=size.height)

    def may_be_title(self, group: Sequence[Line]) -> bool:
        min_letters = _MIN_LETTERS_ABOVE_AUTHORS if group is self._above_authors else _MIN_LETTERS
        return _may_be_title(group, self._size, min_letters)

    def score(self, group: Sequence[Line]) -> float:
        """Returns the type size, with factors for the length, the position and the neighbours."""
        score = _score(group, self._size)
        if group is self._above_authors:
            score *= _ABOVE_AUTHORS_FACTOR
        elif self._above_authors and self._is_of_authors(group):
            score *= _AUTHORS_FACTOR
        words = _words(_text(group))
        if len(words) >= _MIN_STATED_WORDS and " ".join(words) in self._citation:
            score *= _CITED_FACTOR
        is_below = not group[0].rotation and group[0].y0 > self._abstract
        return score * _BELOW_ABSTRACT_FACTOR if is_below else score

    def with_subtitle(self, title: list[Line]) -> list[Line]:
        """Returns the title with the smaller lines below it if it ends with a colon or a dash."""
        is_open = self._subtitle and _BEFORE_SUBTITLE.search(title[-1].text)
        return [*title, *self._subtitle] if is_open and title is self._above_authors else title

    def _find_above_authors(self) -> tuple[list[Line] | None, list[Line]]:
        """Returns the group right above the authors and no subtitle, or the larger group above it
        with that group as its subtitle."""
        for names in self._of_names:
            if (above := self._nearest_above(names, _MAX_AUTHORS_DISTANCE)) is None:
                continue
            title = self._nearest_above(above, _MAX_SUBTITLE_DISTANCE)
            if title is not None and title[0].size > above[0].size:
                return title, above
            return above, []
        return None, []

    def _is_of_authors(self, group: Sequence[Line]) -> bool:
        first = group[0]
        return any(
            abs(names[0].base - first.base) < 1 and overlap_x(names[0], first) > 0
            for names in self._of_names
        )

    def _nearest_above(self, group: Sequence[Line], max_distance: float) -> list[Line] | None:
        top = group[0]
        above = [
            other
            for other in self._groups
            if 0 < top.base - other[-1].base < max_distance * max(other[-1].size, top.size)
            and any(overlap_x(line, top) > 0 for line in other)
            and _may_be_title(other, self._size, _MIN_LETTERS_ABOVE_AUTHORS)
            and not self._is_of_authors(other)
            and not is_address(_text(other))
        ]
        return max(above, key=lambda other: other[-1].base, default=None)


def _is_on_page(line: Line, first: Line) -> bool:
    return (line.page, line.rotation) == (first.page, first.rotation)


def _is_of_names(group: Sequence[Line], below: Sequence[Line] | None) -> bool:
    """True for rows of names with marks or initials, or above an address."""
    text = " ".join(line.marked_text for line in group)
    if len(text) > _MAX_LENGTH or is_address(without_contacts(text)):
        return False
    pieces = [name for line in group for name in split_names(line.marked_text)]
    strong = sum(map(is_strong_name, pieces))
    if not pieces or strong < _MIN_NAME_SHARE * len(pieces):
        return False
    return bool(_MARKED.search(text)) or (below is not None and is_address(_text(below)))


def _is_abstract_label(line: Line) -> bool:
    return begins_abstract(line.text) and line.text[:1].isupper()


def _citation(lines: Sequence[Line]) -> list[str]:
    """Returns the words behind "Cite this article as:", empty if the paper does not say it."""
    for number, line in enumerate(lines[: 2 * _MAX_LINES]):
        if CITE_THIS.match(line.text):
            text = " ".join(other.text for other in lines[number : number + _MAX_CITATION_LINES])
            return _words(text[:_CITATION_LENGTH])
    return []


def _groups(lines: Sequence[Line]) -> list[list[Line]]:
    """Returns the groups of neighbouring lines in one style, also around lines beside them."""
    groups: list[list[Line]] = []
    for line in lines:
        group = next((g for g in _open_groups(groups) if _continues(g[-1], line)), [])
        group.append(line)
        if len(group) == 1:
            groups.append(group)
    return groups


def _open_groups(groups: Sequence[list[Line]]) -> Iterator[list[Line]]:
    """Yields the last group, and earlier ones that only have lines beside them since."""
    since: list[Line] = []
    for group in reversed(groups[-_MAX_GROUPS_BESIDE:]):
        if since and not all(stands_beside(group, line) for line in since):
            return
        yield group
        since += group


def stands_beside(group: Sequence[Line], line: Line) -> bool:
    """True if the line is wholly left or right of the whole group."""
    return all(line.x0 >= other.x1 or line.x1 <= other.x0 for other in group)


def _continues(before: Line, line: Line) -> bool:
    if ARTICLE_KIND.fullmatch(before.text):  # "Research Article" may have the style of the title
        return False
    distance = line.base - before.base
    same_style = abs(before.size - line.size) < _SIZE_TOLERANCE * line.size and (
        before.bold == line.bold or before.family == line.family
    )
    is_near = _MIN_DISTANCE * line.size < distance < _MAX_DISTANCE * line.size
    return (
        same_style
        and is_near
        and before.rotation == line.rotation
        and not _begins_authors(before, line)
    )


def _begins_authors(before: Line, line: Line) -> bool:
    """True for two or more names with marks in the type of the title above them."""
    if not _MARKED.search(line.marked_text):
        return False
    words = before.text.split()
    if _ENDS_OPEN.search(before.text) or words[-1] in FUNCTION_WORDS:
        return False
    names = split_names(line.marked_text[:_MAX_LENGTH])
    are_names = len(names) > 1 and all(map(is_strong_name, names))
    is_first = not _is_of_names([before], None)
    return are_names and is_first


def _text(group: Sequence[Line]) -> str:
    joined = ""
    for line in group:
        hyphenated = joined.endswith(("-", "\u2010", "/"))
        joined += line.text if hyphenated or not joined else " " + line.text
    return joined.replace("\u00ad ", "")


def _may_be_title(group: Sequence[Line], size: PageSize, min_letters: int) -> bool:
    text = _text(group)
    letters = sum(map(str.isalpha, text))
    if letters < max(min_letters, _MIN_LETTER_SHARE * len(text)) or len(text) > _MAX_LENGTH:
        return False
    is_low = not group[0].rotation and group[0].y0 > _MAX_TOP * size.height
    is_heading = KNOWN_HEADING.fullmatch(split_number(text)[1]) or ARTICLE_KIND.fullmatch(text)
    if is_low or is_heading or EMAIL.search(text):
        return False
    return not (MASTHEAD.search(text) and len(text.split()) <= _MAX_MASTHEAD_WORDS)


def _is_masthead(
    group: Sequence[Line], groups: Sequence[Sequence[Line]], lines: Sequence[Line]
) -> bool:
    """True for the name of a journal: its address or volume stands below, or a line cites it."""
    name = _text(group)
    if len(name) > _MAX_NAME_LENGTH:
        return False
    below = groups[groups.index(group) + 1 :][:1]
    max_distance = _MAX_MASTHEAD_DISTANCE * group[-1].size
    near = below and 0 < below[0][0].base - group[-1].base < max_distance
    is_short = near and len(below[0]) <= _MAX_LINES_BELOW
    if is_short and _BELOW_MASTHEAD.search(without_contacts(below[0][0].text)):
        return True
    lower = name.lower()
    return any(
        line.text.lower().startswith(lower) and _VOLUME.match(line.text, len(name))
        for line in lines
    )


def _score(group: Sequence[Line], size: PageSize) -> float:
    """Returns the type size, reduced for few words (mastheads), low position, light type."""
    words = len(_text(group).split())
    factor = _FEW_WORDS_FACTOR + _FACTOR_PER_WORD * words if words <= _FEW_WORDS else 1.0
    score = group[0].size * factor * (_BOLD_FACTOR if group[0].bold else 1.0)
    below_upper_part = max(0.0, group[0].y0 / max(1.0, size.height) - _UPPER_PART)
    return score * (1.0 - _LOW_PENALTY * below_upper_part)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _is_similar(left: Sequence[str], right: Sequence[str]) -> bool:
    return SequenceMatcher(None, left, right, autojunk=False).ratio() > _MIN_SIMILARITY
