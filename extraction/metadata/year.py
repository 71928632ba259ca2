"""The year in which a paper was published, from its dates, citation and copyright lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from domain.papers import Evidence
from extraction.metadata.file_metadata import Stated
from extraction.metadata.paper_identifiers import references_begin
from extraction.text.lines import Line

_YEAR = r"((?:19|20)\d\d)"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|spring|summer|autumn|fall|winter)"
)
_DATE = rf"[^\n]{{0,28}}?\b{_YEAR}\b"
_PUBLISHED = re.compile(
    rf"(?<!first )(?<!access )\b(?:publi(?:shed|cado|é)|publication date|date of publication)"
    rf"(?! online| on line| first)(?: on| in)?\s{{0,3}}:?\s{{0,3}}(?!by\b){_DATE}",
    re.IGNORECASE,
)
_ONLINE = re.compile(
    rf"\b(?:published (?:online|on line|first)|first published(?: online)?|available online|"
    rf"advance access publication(?: date)?|online since|e-?pub(?:lished)?|posted)\b\s*:?{_DATE}",
    re.IGNORECASE,
)
_ACCEPTED = re.compile(
    rf"\b(?:accepted|aceptado|aceito|akzeptiert)\b\s{{0,3}}(?:for publication)?\s{{0,3}}:?{_DATE}",
    re.IGNORECASE,
)
_RECEIVED = re.compile(
    rf"\b(?:received|submitted|revised|recibido|recebido|in revised form)\b\s*:?{_DATE}",
    re.IGNORECASE,
)
_COPYRIGHT = re.compile(
    rf"(?:©|\bcopyright\b|\(c\)|\bc○|\bⓒ)[^\d\n]{{0,60}}?\b{_YEAR}\b(?!\s?[–-]\s?(?:19|20)\d\d)",
    re.IGNORECASE,
)
_IEEE = re.compile(r"97[89][\d-]{10,16}/(\d\d)/\$\s?\d")
# "Molecules 2018, 23, 2268"; "(2018) 8:3547"; "46, 52-59, January 2010"; "24 (2020) 100852"
_VOLUMES = (
    re.compile(rf"\b{_YEAR} {_MONTH}\.?(?: \d{{1,2}})?\s?; ?\d", re.IGNORECASE),
    re.compile(rf"[A-Za-z.)]\s+{_YEAR}\s?[,;:]\s?\d{{1,4}}\s?(?:\(\w{{1,6}}\))?\s?[,:(]\s?\w?\d+"),
    re.compile(
        rf"\({_YEAR}\)\s?,?\s?(?:\d{{1,4}}\s?(?:\(\d{{1,3}}\))?\s?[:,]|vol|\d{{5,6}}\b|[A-Za-z]?\d+\s?[–-])"
    ),
    re.compile(rf"\b\d{{1,4}}\s?\({_YEAR}\)"),
    re.compile(rf"\bvol(?:ume|\.)?\s?\d+[^\n]{{0,40}}?\b{_YEAR}\b", re.IGNORECASE),
    re.compile(
        rf"\b{_YEAR}\s?(?:{_MONTH}\.?)?\s?[|,;:/–-]\s?vol(?:ume)?\b[.-]?\s?\d", re.IGNORECASE
    ),
    re.compile(rf"\bvolume {_YEAR}, article", re.IGNORECASE),
    re.compile(rf"\b\d+\s?\(\d+\)[^\n]{{0,30}}?\b{_YEAR}\b"),
    re.compile(rf"\bpp?\.?\s?\d+\s?[–-]\s?\d+,?[^\n]{{0,50}}?\b{_YEAR}\b"),
    re.compile(
        rf"\b(?:proceedings|conference|workshop|symposium)\b[^\n]{{0,120}}?\b{_YEAR}\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b{_MONTH}\.?(?: \d{{1,2}}(?:\s?[–-]\s?(?:{_MONTH} )?\d{{1,2}})?,)? {_YEAR}\b",
        re.IGNORECASE,
    ),
)
_CITED = re.compile(
    rf"(?:\bcite (?:this|as)|\bcitation\b|reference format)[^\n]{{0,400}}?\(?\b{_YEAR}\b",
    re.IGNORECASE,
)
_AS_JOURNAL_OF_SOFTWARE = re.compile(
    rf"\bet al\.,? \({_YEAR}\)\.|^[A-Z][\w’'-]+(?:,? (?:&|and) [A-Z][\w’'-]+)?,? \({_YEAR}\)\. "
)
# Begins with the line, and with its first identifier: each line is looked through once.
_STAMP = re.compile(
    rf"^(?:(?!arXiv:\S).)*+arXiv:.*\b\d{{1,2}} {_MONTH} {_YEAR}", re.IGNORECASE | re.MULTILINE
)
_ALONE = re.compile(
    rf"\W*(?:(?:\d{{1,2}}(?:st|nd|rd|th)? )?{_MONTH}\.?,?(?: \d{{1,2}}(?:st|nd|rd|th)?)?,? {_YEAR}|"
    rf"{_YEAR}-\d\d-\d\d)\W*",
    re.IGNORECASE,
)
_DATED = re.compile(
    "|".join(pattern.pattern for pattern in (_RECEIVED, _ACCEPTED, _ONLINE, _PUBLISHED)),
    re.IGNORECASE,
)
_CREATED = re.compile(r"D?:?((?:19|20)\d\d)")
_EARLIER = ("accepted", "available online", "arXiv stamp")  # dates that may well lie before
_MARGIN = 0.14


def find_year(lines: Sequence[Line], stated: Stated) -> tuple[int, Evidence] | None:
    """The year, None when nothing dates the paper; `lines` are all of the first two pages.

    Published counts before volume and citation lines, these before copyright, accepted, the arXiv
    stamp and the day the file was made; never received. Witnesses that agree raise the confidence.
    """
    if not lines:
        return None
    first = [line for line in lines if line.page == lines[0].page]
    votes = _votes(first, lines, stated)
    if not votes:
        return None
    year, source, sure = max(votes, key=lambda vote: vote[2])
    agreeing = {name for other, name, _ in votes if other == year and name != source}
    against = any(
        other != year and weight > 0.6 and not (name in _EARLIER and other < year)
        for other, name, weight in votes
    )
    sure = min(0.99, sure + 0.04 * len(agreeing)) - (0.1 if against else 0.0)
    return year, Evidence(", ".join([source, *sorted(agreeing)]), round(sure, 2))


def _votes(
    first: Sequence[Line], lines: Sequence[Line], stated: Stated
) -> list[tuple[int, str, float]]:
    text = _joined(first)
    dated = _without_received(text)
    margins = _DATED.sub(" ", _joined(_in_margin(lines)))
    votes = [
        *_all(_PUBLISHED, dated, "published", 0.95),
        *_all(_CITED, text, "citation", 0.86),
        *_all(_AS_JOURNAL_OF_SOFTWARE, margins, "citation in footer", 0.86),
        *_all(_COPYRIGHT, text, "copyright", 0.8),
        *_all(_ONLINE, dated, "available online", 0.78),
        *_all(_ACCEPTED, dated, "accepted", 0.7),
        *_all(
            _STAMP,
            _joined([line for line in first if "arxiv" in line.text.lower()]),
            "arXiv stamp",
            0.66,
        ),
    ]
    alone = [found for line in first if (found := _ALONE.fullmatch(line.text))]
    votes += [(int(found[1] or found[2]), "date line", 0.6) for found in alone]
    votes += [(2000 + int(y) % 100, "copyright", 0.8) for y in _IEEE.findall(text)]
    for pattern in _VOLUMES:
        votes += _all(pattern, margins, "volume line", 0.88)
    if found := re.search(rf"\b{_YEAR}\b", stated.date):
        votes.append((int(found[1]), "XMP", 0.85))
    if found := _CREATED.match(stated.created):
        votes.append((int(found[1]), "file creation", 0.3))
    return _not_before_received(votes, text)


def _all(
    pattern: re.Pattern[str], text: str, source: str, weight: float
) -> list[tuple[int, str, float]]:
    """A vote for the first match; the patterns have one group that took part, the year."""
    found = pattern.search(text)
    years = [group for group in found.groups() if group] if found else []
    return [(int(years[0]), source, weight)] if years else []


def _not_before_received(
    votes: list[tuple[int, str, float]], text: str
) -> list[tuple[int, str, float]]:
    """Without years before the one in which the paper was handed in."""
    received = [int(year) for year in _RECEIVED.findall(text)]
    earliest = min(received, default=0)
    return [vote for vote in votes if vote[0] >= earliest]


def _without_received(text: str) -> str:
    return _RECEIVED.sub(" ", text)


def _joined(lines: Iterable[Line]) -> str:
    return "\n".join(line.text[:600] for line in lines)


def _in_margin(lines: Sequence[Line]) -> list[Line]:
    """Headers and footers, and what stands above the body of the first page, but for the
    bibliography of a short paper."""
    height = max(line.y1 for line in lines)
    cited = references_begin(lines)
    return [
        line
        for line in lines
        if line.y1 < _MARGIN * height
        or (line.y0 > (1 - _MARGIN) * height and line.y0 < cited.get(line.page, height))
        or line.rotation
    ]
