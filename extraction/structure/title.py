"""Finds the title of a paper by the type on its first page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from domain.papers import PageSize
from extraction.text.clean import clean_text
from extraction.text.labels import ARTICLE_KIND
from extraction.text.lines import Line
from extraction.vocabulary.front_matter import MASTHEAD

# Text below the name of a journal, and after it in a citation.
_BELOW_MASTHEAD = re.compile(
    r"home ?page|\bissn\b|www\.|https?:|\bvol(?:ume|\.)? ?\d", re.IGNORECASE
)
_VOLUME = re.compile(r"\W{0,3}(?:vol(?:ume)?\b|issn\b|no\. ?\d|\(?\d)", re.IGNORECASE)
_TRAILING_MARKS = re.compile(r"(?<=[^\W\d])\s?[*†‡§¶⁎∗]+$|\s[*†‡§¶⁎∗]+$")
# Heuristics. Lengths are in characters, distances in type sizes.
_MAX_TOP = 0.72  # share of the page's height above which a title begins
_MIN_LETTERS, _MIN_LETTER_SHARE, _MAX_LENGTH = 6, 0.5, 400
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
    groups = [group for group in all_groups if _may_be_title(group, size)]
    others = [
        group for group in groups if not _is_masthead(group, all_groups, [*lines, *front_lines])
    ]
    groups = others or groups
    stated_words = _words((stated or "")[:_MAX_LENGTH])
    has_stated = len(stated_words) >= _MIN_STATED_WORDS
    if not groups:
        return (clean_text(stated or "") if has_stated else None), []
    best = max(groups, key=lambda group: _score(group, size))
    if has_stated:
        confirmed = [group for group in groups if _is_similar(stated_words, _words(_text(group)))]
        best = max(confirmed, key=lambda group: group[0].size) if confirmed else best
    return _TRAILING_MARKS.sub("", _text(best)), best


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
    return same_style and is_near and before.rotation == line.rotation


def _text(group: Sequence[Line]) -> str:
    joined = ""
    for line in group:
        hyphenated = joined.endswith(("-", "\u2010", "/"))
        joined += line.text if hyphenated or not joined else " " + line.text
    return joined.replace("\u00ad ", "")


def _may_be_title(group: Sequence[Line], size: PageSize) -> bool:
    text = _text(group)
    letters = sum(map(str.isalpha, text))
    if letters < max(_MIN_LETTERS, _MIN_LETTER_SHARE * len(text)) or len(text) > _MAX_LENGTH:
        return False
    is_low = not group[0].rotation and group[0].y0 > _MAX_TOP * size.height
    if is_low or ARTICLE_KIND.fullmatch(text):
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
    if near and len(below[0]) <= _MAX_LINES_BELOW and _BELOW_MASTHEAD.search(below[0][0].text):
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
