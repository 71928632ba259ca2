"""Finds the year in which a paper was published, from its dates, citation and copyright lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from domain.papers import Evidence
from extraction.metadata.file_metadata import FileMetadata
from extraction.metadata.margins import lines_in_margin
from extraction.text.lines import Line
from extraction.vocabulary.front_matter import DOWNLOADED, MONTHS, SEASONS

_YEAR = r"((?:19|20)\d\d)"
_MONTH = f"(?:{MONTHS}|{SEASONS})"
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
# The same with the label on a line of its own.
_CITED_BELOW = re.compile(
    rf"(?:\bcite this (?:article|paper) as|\b(?:how )?to cite\b|reference format)[^\n]{{0,80}}\n"
    rf".{{0,400}}?\b{_YEAR}\b",
    re.IGNORECASE | re.DOTALL,
)
_AS_JOURNAL_OF_SOFTWARE = re.compile(
    rf"\bet al\.,? \({_YEAR}\)\.|^[A-Z][\w’'-]+(?:,? (?:&|and) [A-Z][\w’'-]+)?,? \({_YEAR}\)\. "
)
# Anchored at the line and its first identifier, so that each line is scanned once.
_STAMP = re.compile(
    rf"^(?:(?!arXiv:\S).)*arXiv:.*\b\d{{1,2}} {_MONTH} {_YEAR}", re.IGNORECASE | re.MULTILINE
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
_EARLIER = ("accepted", "available online", "arXiv stamp")  # often a year before publication
# Heuristics.
_MAX_LINE_LENGTH = 600  # characters of a line that are searched; bounds the run time
# Confidence (0 to 1) by source.
_WEIGHTS = {
    "published": 0.95,
    "volume line": 0.88,
    "citation": 0.86,
    "citation in footer": 0.86,
    "XMP": 0.85,
    "copyright": 0.8,
    "available online": 0.78,
    "accepted": 0.7,
    "arXiv stamp": 0.66,
    "date line": 0.6,
    "file creation": 0.3,
}
# Each source that agrees adds to the confidence of the best; one against it, if its own confidence
# is higher than this, subtracts from it.
_AGREEMENT_BONUS, _MAX_CONFIDENCE = 0.04, 0.99
_CONTRADICTION_PENALTY, _MIN_CONTRADICTION = 0.1, 0.6


def find_year(lines: Sequence[Line], file_metadata: FileMetadata) -> tuple[int, Evidence] | None:
    """Returns the year, None if nothing dates the paper; `lines` are all lines of the first two
    pages.

    Publication dates take precedence over volume and citation lines, these over copyright,
    acceptance, the arXiv stamp and the creation date of the file. The date of submission only
    excludes earlier years, the date of a download counts for nothing. Sources that agree raise the
    confidence.
    """
    lines = [line for line in lines if not DOWNLOADED.match(line.text)]
    if not lines:
        return None
    first = [line for line in lines if line.page == lines[0].page]
    votes = _votes(first, lines, file_metadata)
    if not votes:
        return None
    year, source, confidence = max(votes, key=lambda vote: vote[2])
    agreeing = {name for other, name, _ in votes if other == year and name != source}
    against = any(
        other != year and weight > _MIN_CONTRADICTION and not (name in _EARLIER and other < year)
        for other, name, weight in votes
    )
    confidence = min(_MAX_CONFIDENCE, confidence + _AGREEMENT_BONUS * len(agreeing))
    confidence -= _CONTRADICTION_PENALTY if against else 0.0
    return year, Evidence(", ".join([source, *sorted(agreeing)]), round(confidence, 2))


def _votes(
    first: Sequence[Line], lines: Sequence[Line], file_metadata: FileMetadata
) -> list[tuple[int, str, float]]:
    text = _joined(first)
    dated = _RECEIVED.sub(" ", text)
    margins = _DATED.sub(" ", _joined(lines_in_margin(lines)))
    stamps = _joined([line for line in first if "arxiv" in line.text.lower()])
    votes = [
        *_first_match(_PUBLISHED, dated, "published"),
        *(_first_match(_CITED, text, "citation") or _first_match(_CITED_BELOW, text, "citation")),
        *_first_match(_AS_JOURNAL_OF_SOFTWARE, margins, "citation in footer"),
        *_first_match(_COPYRIGHT, text, "copyright"),
        *_first_match(_ONLINE, dated, "available online"),
        *_first_match(_ACCEPTED, dated, "accepted"),
        *_first_match(_STAMP, stamps, "arXiv stamp"),
    ]
    alone = [found for line in first if (found := _ALONE.fullmatch(line.text))]
    votes += [_vote(found[1] or found[2], "date line") for found in alone]
    votes += [_vote(f"20{year}", "copyright") for year in _IEEE.findall(text)]
    for pattern in _VOLUMES:
        votes += _first_match(pattern, margins, "volume line")
    votes += _first_match(re.compile(rf"\b{_YEAR}\b"), file_metadata.date, "XMP")
    if found := _CREATED.match(file_metadata.created):
        votes.append(_vote(found[1], "file creation"))
    submitted = min(map(int, _RECEIVED.findall(text)), default=0)
    return [vote for vote in votes if vote[0] >= submitted]


def _vote(year: str, source: str) -> tuple[int, str, float]:
    return int(year), source, _WEIGHTS[source]


def _first_match(pattern: re.Pattern[str], text: str, source: str) -> list[tuple[int, str, float]]:
    found = pattern.search(text)  # one of its groups matches, the year
    return [_vote(next(filter(None, found.groups())), source)] if found else []


def _joined(lines: Iterable[Line]) -> str:
    return "\n".join(line.text[:_MAX_LINE_LENGTH] for line in lines)
