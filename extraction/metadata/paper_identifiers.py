"""Finds the paper's own DOI and arXiv id: evidence is weighed, cited identifiers do not count."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import prod

from domain.papers import Evidence
from extraction.citations.cited_identifiers import DOI_ENDS, trimmed_doi
from extraction.metadata.file_metadata import FileMetadata
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
    r"peer review(?! under))\b",  # "under responsibility of ..." precedes the own DOI
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
_ENDS = f"{DOI_ENDS}*†"
# Heuristics. Distances are in type sizes, lengths in characters.
_MARGIN = 0.13  # share of the page's height, at either end, of headers and footers
_LINES_BEFORE, _CONTEXT_LENGTH = 2, 160  # text before a DOI that may assign it to another work
_LABEL_REACH = 40  # before the line of a DOI, where its label is searched
_MIN_DOI_LENGTH = 9
# The next line, which may continue a DOI: distance, difference of type size and of left border.
_MAX_LINE_DISTANCE, _SIZE_TOLERANCE_POINTS, _MAX_INDENT = 1.8, 0.3, 3
# Confidence (0 to 1) of each source of a DOI; independent sources are combined.
_WEIGHT_XMP, _WEIGHT_FILE = 0.85, 0.8
_WEIGHT_MARGIN, _WEIGHT_MARGIN_UNLABELLED = 0.85, 0.6
_WEIGHT_MARGIN_2, _WEIGHT_MARGIN_2_UNLABELLED = 0.8, 0.6  # of the second page
_WEIGHT_PAGE_2, _WEIGHT_TEXT = 0.2, 0.3  # in the text of the second and of the first page
_WEIGHT_CITATION, _WEIGHT_FRONT = 0.8, 0.75  # in "cite this", in the labelled front matter
_MIN_DATA_WEIGHT = 0.7  # for a DOI of a data repository
_MIN_CONFIDENCE, _MAX_CONFIDENCE = 0.5, 0.99
_CONFIDENCE_STAMP, _CONFIDENCE_ARXIV_DOI = 0.98, 0.9  # of an arXiv id
# The rest of a DOI, with a digit after its first character and after its last semicolon.
_DOI_PIECE = re.compile(r"[a-z0-9](?:[\w.()/;-]*;)?(?:[^\W\d]|[.()/-])*\d[\w.()/-]*+")


def find_doi(
    lines: Sequence[Line], file_metadata: FileMetadata, front_bottom: float
) -> tuple[str, Evidence] | None:
    """Returns the paper's own DOI in lower case, with the sources that print it; None if none is
    certain.

    `lines` are all lines of the first two pages with headers and footers. `front_bottom` is the y
    down to which the front matter of the first page reaches. Confidence: 1 - product of (1 - w)
    over the weights w of the independent sources.
    """
    weights: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for doi, source, weight in (*_from_file(file_metadata), *_from_pages(lines, front_bottom)):
        weights[doi][source] = max(weight, weights[doi].get(source, 0.0))
    _merge_broken(weights)
    best = max(weights, key=lambda doi: _confidence(weights[doi]), default="")
    confidence = min(_MAX_CONFIDENCE, _confidence(weights[best]))
    if confidence < _MIN_CONFIDENCE:
        return None
    return best, Evidence(", ".join(weights[best]), round(confidence, 2))


def _confidence(sources: dict[str, float]) -> float:
    return 1.0 - prod(1.0 - weight for weight in sources.values())


def _merge_broken(weights: dict[str, dict[str, float]]) -> None:
    """Joins a DOI cut at a line's end with the whole one, unless it has more confidence."""
    for short in sorted(weights, key=len):
        longer = [doi for doi in weights if doi != short and doi.startswith(short)]
        whole = max(longer, key=lambda doi: _confidence(weights[doi]), default=short)
        if whole != short and _confidence(weights[short]) <= _confidence(weights[whole]):
            weights[whole] = {**weights.pop(short), **weights[whole]}
        else:
            for doi in longer:
                weights[short].update(weights.pop(doi))


def _from_file(file_metadata: FileMetadata) -> Iterator[tuple[str, str, float]]:
    for doi in _dois(file_metadata.doi):
        yield doi, "XMP", _WEIGHT_XMP
    for doi in _dois(file_metadata.other_text):
        yield doi, "file metadata", _WEIGHT_FILE


def _from_pages(lines: Sequence[Line], front_bottom: float) -> Iterator[tuple[str, str, float]]:
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
            other.text
            for other in lines[max(0, index - _LINES_BEFORE) : index + 1]
            if other.page == line.page
        )
        if _OF_OTHERS.search(about[-_CONTEXT_LENGTH:]) and not _LABEL.match(line.text):
            continue
        source, weight = _weighed(line, about, height, front_bottom, line.page == first)
        for doi in dois:
            if not doi.startswith(_DATA_PREFIXES) or weight > _MIN_DATA_WEIGHT:
                yield doi, source, weight


def references_begin(lines: Sequence[Line]) -> dict[int, float]:
    """Returns page number -> y at which a bibliography begins on it."""
    return {line.page: line.y0 for line in reversed(lines) if REFERENCES.fullmatch(line.text)}


def _weighed(
    line: Line, about: str, height: float, front_bottom: float, on_first: bool
) -> tuple[str, float]:
    """Returns the source of a DOI on this line, and the weight of the source."""
    labelled = bool(_LABEL.search(about[-len(line.text) - _LABEL_REACH :]))
    is_in_margin = line.y1 < _MARGIN * height or line.y0 > (1 - _MARGIN) * height
    if (is_in_margin or line.rotation) and on_first:
        return "header or footer", _WEIGHT_MARGIN if labelled else _WEIGHT_MARGIN_UNLABELLED
    if is_in_margin or line.rotation:
        return "header of page 2", _WEIGHT_MARGIN_2 if labelled else _WEIGHT_MARGIN_2_UNLABELLED
    if not on_first:
        return "page 2", _WEIGHT_PAGE_2
    if _CITES_ITSELF.search(about):
        return "citation line", _WEIGHT_CITATION
    begins = bool(re.match(r"\W*(?:https?://|doi\b|10\.\d{4})", line.text, re.IGNORECASE))
    if labelled and (line.y0 < front_bottom or begins):
        return "first page", _WEIGHT_FRONT
    return "first page, in the text", _WEIGHT_TEXT


def _dois_of_line(lines: Sequence[Line], index: int) -> list[str]:
    """Returns the DOIs that begin on the line, also one that may continue on the next line."""
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
    """Returns the first word of the line right below, if it may be the rest of a DOI."""
    for other in lines:
        is_below = 0 < other.base - line.base < _MAX_LINE_DISTANCE * line.size
        same_size = abs(other.size - line.size) < _SIZE_TOLERANCE_POINTS
        is_flush = abs(other.x0 - line.x0) < _MAX_INDENT * line.size
        if other.page == line.page and is_below and same_size and is_flush:
            word = other.text.split(" ")[0]
            return word if _DOI_PIECE.fullmatch(word) else ""
    return ""


def _dois(text: str) -> list[str]:
    dois = [_tidy(found) for found in _DOI.findall(text)]
    return [doi for doi in dois if len(doi) >= _MIN_DOI_LENGTH and "/" in doi[:-1]]


def _tidy(raw: str) -> str:
    """Returns the DOI in lower case, without what follows it."""
    doi = trimmed_doi(raw.split("https:")[0].split("http:")[0].lower(), _ENDS)
    while (part := _PARTS_OF_PAPER.search(doi)) is not None:
        doi = doi[: part.start()]
    return doi


def find_arxiv_id(lines: Sequence[Line], doi: str | None) -> tuple[str, Evidence] | None:
    """Returns the id in the stamp in the margin of the first page, without the version; None if
    there is none. `lines` are those of the first page."""
    for line in lines:
        found = _STAMP.search(line.text)
        if found is None or line.page != lines[0].page:
            continue
        # The arXiv id of a cited paper is not followed by class and date.
        if line.rotation or _CLASS_OR_DATE.search(found[2]):
            evidence = Evidence("stamp on the first page", _CONFIDENCE_STAMP)
            return re.sub(r"v\d+$", "", found[1]), evidence
    if doi and doi.startswith("10.48550/arxiv."):
        return doi.removeprefix("10.48550/arxiv."), Evidence("DOI", _CONFIDENCE_ARXIV_DOI)
    return None
