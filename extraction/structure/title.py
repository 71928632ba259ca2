"""The title of a paper, from the type on its first page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from domain.papers import PageSize
from extraction.text.clean import clean_text
from extraction.text.labels import ARTICLE_KIND
from extraction.text.lines import Line, font_family

_MASTHEAD = re.compile(
    r"\b(?:journal of|issn|vol(?:ume)?\.? ?\d|www\.|https?:|doi\b|proceedings of|"
    r"international journal|contents lists|"
    r"sciencedirect|homepage|available online|(?:published|received|accepted)\b.{0,20}\d|"
    r"copyright \d|creative commons|arxiv:|preprint)|©",
    re.IGNORECASE,
)
# What stands below the name of a journal, and behind it where it is cited.
_BELOW_MASTHEAD = re.compile(
    r"home ?page|\bissn\b|www\.|https?:|\bvol(?:ume|\.)? ?\d", re.IGNORECASE
)
_VOLUME = re.compile(r"\W{0,3}(?:vol(?:ume)?\b|issn\b|no\. ?\d|\(?\d)", re.IGNORECASE)
_RAISED = re.compile(r"(?<=[^\W\d])\s?[*†‡§¶⁎∗]+$|\s[*†‡§¶⁎∗]+$")
_ABOVE = 0.72  # share of the page's height in which a title may begin
_MOST_LETTERS = 400
_BESIDE = 6  # groups that a box beside a title may hold
_MOST_LINES = 300  # of the first page; a title stands among its first


def find_title(
    lines: Sequence[Line], size: PageSize, stated: str | None, around: Sequence[Line] = ()
) -> tuple[str | None, list[Line]]:
    """The title and the lines that print it: the largest type on the upper part of the page.

    `stated` (the file's metadata) is only a witness: it decides between groups of lines, and stands
    in for a title that is not printed as text. `around` are all lines of the first pages, headers
    too: what they print before a volume's number is the journal's name. Returns (None, []) when
    nothing looks like a title.
    """
    upright = [line for line in lines if line.turn == lines[0].turn] if lines else []
    every = _groups(upright[:_MOST_LINES])
    groups = [group for group in every if _may_be_title(group, size)]
    others = [group for group in groups if not _is_masthead(group, every, [*lines, *around])]
    groups = others or groups
    witness = _words((stated or "")[:_MOST_LETTERS])
    if not groups:
        return (clean_text(stated or "") if len(witness) > 3 else None), []
    best = max(groups, key=lambda group: _score(group, size))
    if len(witness) > 3:
        confirmed = [group for group in groups if _same(witness, _words(_text(group)))]
        best = max(confirmed, key=lambda group: group[0].size) if confirmed else best
    return _RAISED.sub("", _text(best)), best


def _groups(lines: Sequence[Line]) -> list[list[Line]]:
    """Neighbouring lines of the same type; what stands beside them may come in between."""
    groups: list[list[Line]] = []
    for line in lines:
        group = next((one for one in _open_groups(groups) if _goes_on(one[-1], line)), None)
        if group is not None:
            group.append(line)
        else:
            groups.append([line])
    return groups


def _open_groups(groups: Sequence[list[Line]]) -> Iterator[list[Line]]:
    """The last group, and those before it which only have others beside them since."""
    since: list[Line] = []
    for group in reversed(groups[-_BESIDE:]):
        if since and not all(stands_beside(group, line) for line in since):
            return
        yield group
        since += group


def stands_beside(group: Sequence[Line], line: Line) -> bool:
    """True when the line is wholly left or right of all of the group."""
    return all(line.x0 >= one.x1 or line.x1 <= one.x0 for one in group)


def _goes_on(before: Line, line: Line) -> bool:
    if ARTICLE_KIND.fullmatch(before.text):  # "Research Article", in the type of the title
        return False
    distance = line.base - before.base
    same_type = abs(before.size - line.size) < 0.06 * line.size and (
        before.bold == line.bold or font_family(before.font) == font_family(line.font)
    )
    return same_type and -0.2 * line.size < distance < 2.0 * line.size and before.turn == line.turn


def _text(group: Sequence[Line]) -> str:
    joined = ""
    for line in group:
        hyphenated = joined.endswith(("-", "\u2010", "/"))
        joined += line.text if hyphenated or not joined else " " + line.text
    return joined.replace("\u00ad ", "")


def _may_be_title(group: Sequence[Line], size: PageSize) -> bool:
    text = _text(group)
    letters = sum(map(str.isalpha, text))
    if letters < 6 or len(text) > _MOST_LETTERS or letters < 0.5 * len(text):
        return False
    if not group[0].turn and group[0].y0 > _ABOVE * size.height:
        return False
    return not (ARTICLE_KIND.fullmatch(text) or (_MASTHEAD.search(text) and len(text.split()) < 12))


def _is_masthead(
    group: Sequence[Line], every: Sequence[Sequence[Line]], lines: Sequence[Line]
) -> bool:
    """True for the name of a journal: its address or volume stands below, or a line cites it."""
    name = _text(group)
    if len(name) > 90:
        return False
    below = every[every.index(group) + 1 :][:1]
    near = below and 0 < below[0][0].base - group[-1].base < 3 * group[-1].size
    if near and len(below[0]) < 3 and _BELOW_MASTHEAD.search(below[0][0].text):
        return True
    lower = name.lower()
    return any(
        line.text.lower().startswith(lower) and _VOLUME.match(line.text, len(name))
        for line in lines
    )


def _score(group: Sequence[Line], size: PageSize) -> float:
    """Type size in points, less for one or two words (mastheads), for a low place and for light
    type."""
    words = len(_text(group).split())
    score = group[0].size * (1.0 if words > 3 else 0.62 + 0.08 * words)
    if group[0].bold:
        score *= 1.04
    return score * (1.0 - 0.15 * max(0.0, group[0].y0 / max(1.0, size.height) - 0.3))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _same(left: Sequence[str], right: Sequence[str]) -> bool:
    return SequenceMatcher(None, left, right, autojunk=False).ratio() > 0.75
