"""The paper's own DOI and arXiv id: witnesses are weighed, cited ones do not count."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from domain.papers import Evidence
from extraction.metadata.file_metadata import Stated
from extraction.text.labels import REFERENCES
from extraction.text.lines import Line

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>“”|]+", re.IGNORECASE)
_SPACED = re.compile(
    r"(?:doi|doi\.org)\s?[:/]?\s*10\.\s?(\d{4,9})\s?/\s?([^\s\"<>|]+(?:\s?[./-]\s?[^\s\"<>|]+)*)",
    re.I,
)
_LABEL = re.compile(r"\bdoi\b|doi\.org|\bd\.o\.i\b|digital object identifier", re.IGNORECASE)
_OF_OTHERS = re.compile(
    r"\b(?:data(?:set)?s?|software|code|archived?|repository|supplement\w*|zenodo|figshare|dryad|osf|"
    r"erratum|correct(?:ion|ed)|corrigendum|retract\w*|preprint|previous|companion|comment on|"
    r"reply to|see also|version of record|this version|review history|related article|"
    r"peer review(?! under))\b",  # "under responsibility of ..." stands above the own one
    re.IGNORECASE,
)
_PARTS_OF_PAPER = re.compile(
    r"(?:\.[gts]\d{3}|/(?:s\d+|suppl\w*|-/dc\d+|full|pdf|abstract|meta|epdf))$"
)
_DATA_PREFIXES = ("10.5281/", "10.6084/", "10.5061/", "10.17605/", "10.17632/", "10.7910/")
_CITES_ITSELF = re.compile(
    r"\b(?:cite|citation|reference format)\b|\b(?:19|20)\d\d\s?;\s?\d+\s?(?:\(\d+\))?\s?:",
    re.IGNORECASE,
)
_STAMP = re.compile(
    r"arXiv:\s?((?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?)(.*)", re.IGNORECASE
)
_CLASS_OR_DATE = re.compile(r"\[[\w.-]+\]|\b\d{1,2} [A-Z][a-z]{2} \d{4}")
_ENTRY = re.compile(r"\[?\d{1,3}[.\])]\s+[^\W\d]")  # of a bibliography
_ENDS = ".,;:'\"”’*†"
_MARGIN = 0.13  # share of the page's height, at either end, of headers and footers
_BRACKETS = {")": "(", "]": "[", "}": "{"}
# With a digit behind its first character and behind its last semicolon.
_DOI_PIECE = re.compile(
    r"[a-z0-9](?:[\w.()/;-]*;)?(?:[^\W\d]|[.()/-])*+\d[\w.()/-]*+",
)


def find_doi(
    lines: Sequence[Line], stated: Stated, near_title: float
) -> tuple[str, Evidence] | None:
    """The paper's own DOI in lower case, with the places that print it; None when none is sure.

    `lines` are all those of the first two pages, headers and footers too; `near_title` is the y
    down to which the front matter of the first page reaches. Confidence: 1 - product of (1 - w)
    over the independent witnesses.
    """
    weights: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for doi, source, weight in (*_from_file(stated), *_from_pages(lines, near_title)):
        weights[doi][source] = max(weight, weights[doi].get(source, 0.0))
    _merge_broken(weights)
    best = max(weights, key=lambda doi: _sure(weights[doi]), default=None)
    if best is None or _sure(weights[best]) < 0.5:
        return None
    return best, Evidence(", ".join(weights[best]), round(min(0.99, _sure(weights[best])), 2))


def _sure(witnesses: dict[str, float]) -> float:
    doubt = 1.0
    for weight in witnesses.values():
        doubt *= 1.0 - weight
    return 1.0 - doubt


def _merge_broken(weights: dict[str, dict[str, float]]) -> None:
    """A DOI cut at a line's end lends its weight to the whole one, unless it is better known."""
    for short in sorted(weights, key=len):
        longer = [doi for doi in weights if doi != short and doi.startswith(short)]
        if longer and _sure(weights[short]) <= max(_sure(weights[doi]) for doi in longer):
            whole = max(longer, key=lambda doi: _sure(weights[doi]))
            weights[whole] = {**weights.pop(short), **weights[whole]}
        elif longer:
            for doi in longer:
                weights[short].update(weights.pop(doi))


def _from_file(stated: Stated) -> Iterator[tuple[str, str, float]]:
    for doi in _dois(stated.doi):
        yield doi, "XMP", 0.85
    for doi in _dois(stated.loose):
        yield doi, "file metadata", 0.8


def _from_pages(lines: Sequence[Line], near_title: float) -> Iterator[tuple[str, str, float]]:
    if not lines:
        return
    first = lines[0].page
    height = max(line.y1 for line in lines)
    cited = references_begin(lines)
    for index, line in enumerate(lines):
        if line.y0 >= cited.get(line.page, height) or _ENTRY.match(line.text):
            continue
        if "10." not in line.text or not (dois := _dois_of_line(lines, index)):
            continue
        about = " ".join(
            other.text for other in lines[max(0, index - 2) : index + 1] if other.page == line.page
        )
        if _OF_OTHERS.search(about[-160:]) and not _LABEL.match(line.text):
            continue
        source, weight = _weighed(line, about, height, near_title, line.page == first)
        for doi in dois:
            if not doi.startswith(_DATA_PREFIXES) or weight > 0.7:
                yield doi, source, weight


def references_begin(lines: Sequence[Line]) -> dict[int, float]:
    """Page -> the y at which a bibliography begins on it."""
    return {line.page: line.y0 for line in reversed(lines) if REFERENCES.fullmatch(line.text)}


def _weighed(
    line: Line, about: str, height: float, near_title: float, on_first: bool
) -> tuple[str, float]:
    labelled = bool(_LABEL.search(about[-len(line.text) - 40 :]))
    in_margin = (
        line.y1 < _MARGIN * height or line.y0 > (1 - _MARGIN) * height or bool(line.rotation)
    )
    if in_margin:
        return (
            ("header or footer", 0.85 if labelled else 0.6)
            if on_first
            else (
                "header of page 2",
                0.8 if labelled else 0.6,
            )
        )
    if not on_first:
        return "page 2", 0.2
    if _CITES_ITSELF.search(about):
        return "citation line", 0.8
    begins = bool(re.match(r"\W*(?:https?://|doi\b|10\.\d{4})", line.text, re.IGNORECASE))
    if labelled and (line.y0 < near_title or begins):
        return "first page", 0.75
    return "first page, in the text", 0.3


def _dois_of_line(lines: Sequence[Line], index: int) -> list[str]:
    """The DOIs that begin on the line; one that reaches its end may go on on the next."""
    line = lines[index]
    found = _dois(line.text)
    if not found:
        spaced = _SPACED.search(line.text)
        return [_tidy("10." + spaced[1] + "/" + re.sub(r"\s", "", spaced[2]))] if spaced else []
    last = list(_DOI.finditer(line.text))[-1]
    following = _next_below(lines, line) if last.end() == len(line.text) else ""
    if not following:
        return found
    open_end = last[0][-1] in "./-_(" or re.search(r"/[a-z]{1,8}$", last[0])
    whole = _tidy(last[0] + following)
    return [*found[:-1], whole] if open_end else [*found, whole]


def _next_below(lines: Sequence[Line], line: Line) -> str:
    """The first word of the line right below, when it may be the rest of a DOI."""
    for other in lines:
        near = 0 < other.base - line.base < 1.8 * line.size and abs(other.size - line.size) < 0.3
        if other.page == line.page and near and abs(other.x0 - line.x0) < 3 * line.size:
            word = other.text.split(" ")[0]
            return word if _DOI_PIECE.fullmatch(word) else ""
    return ""


def _dois(text: str) -> list[str]:
    return [doi for found in _DOI.findall(text) if len(doi := _tidy(found)) > 8 and "/" in doi[:-1]]


def _tidy(raw: str) -> str:
    """The DOI in lower case, without what stands behind it."""
    doi = raw.split("https:")[0].split("http:")[0].lower()
    while doi and (doi[-1] in _ENDS or _is_unopened(doi)):
        doi = doi[:-1]
    while (part := _PARTS_OF_PAPER.search(doi)) is not None:
        doi = doi[: part.start()]
    return doi


def _is_unopened(doi: str) -> bool:
    opening = _BRACKETS.get(doi[-1])
    return opening is not None and doi.count(doi[-1]) > doi.count(opening)


def find_arxiv_id(lines: Sequence[Line], doi: str | None) -> tuple[str, Evidence] | None:
    """The id in the stamp of the first page's margin, without the version; None when none is
    stamped. `lines` are those of the first page."""
    for line in lines:
        found = _STAMP.search(line.text)
        if found is None or line.page != lines[0].page:
            continue
        # A citation of another paper has no class and date behind it.
        if line.rotation or _CLASS_OR_DATE.search(found[2]):
            return _without_version(found[1]), Evidence("stamp on the first page", 0.98)
    if doi and doi.startswith("10.48550/arxiv."):
        return doi.removeprefix("10.48550/arxiv."), Evidence("DOI", 0.9)
    return None


def _without_version(arxiv_id: str) -> str:
    return re.sub(r"v\d+$", "", arxiv_id)
