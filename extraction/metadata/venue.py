"""Finds the journal or the proceedings in which a paper appeared: in the file, in running headers
and footers, and in the line that says how to cite the paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from domain.papers import Evidence
from extraction.metadata.file_metadata import FileMetadata
from extraction.metadata.margins import lines_in_margin
from extraction.text.lines import Line
from extraction.vocabulary.front_matter import DOWNLOADED, MONTHS

# Heuristics: confidence (0 to 1) by source, and bounds of a name.
_WEIGHTS = {"XMP": 0.95, "file subject": 0.85, "volume line": 0.85, "citation": 0.8}
_MIN_LETTERS, _MAX_WORDS = 4, 16
_MAX_LINE_LENGTH = 400  # characters of a line that are searched; bounds the run time

_YEAR = r"(?:19|20)\d\d"
_NAME = r"([A-Z][^\d\n|;:()\[\]{}@/]{2,110}?)"
_PAGES = r"\d{1,6}\s?[–-]\s?\d{1,6}"
_ISSUE = r"\d{1,4}\s?(?:\(\w{1,8}(?:[–-]\w{1,4})?\))?"
# "Molecules 2018, 23, 2268"; "BMC Genomics (2018) 8:3"; "Neuron 95 (2017) 12"; "Cell, 46, 52–59"
_NUMBERS = (
    rf"(?:{_YEAR},\s?{_ISSUE},\s?\w?\d|,?\s\({_YEAR}\)\s?{_ISSUE}\s?[:,]\s?\w?\d|"
    rf"\s\|\s\({_YEAR}\)\s{_ISSUE}|,?\s{_ISSUE}\s?\({_YEAR}\)\s?\w?\d|"
    rf"[.,]?\s{_YEAR}\s?(?:{MONTHS})?[\w ]{{0,8}};\s?{_ISSUE}\s?:|"
    rf"[,.]?\s{_ISSUE}[:,]\s?{_PAGES}|[,.]?\s{_ISSUE}:\s?e?\d|,\s\d{{1,4}}\s?\(\d{{1,4}}\),\s?\w?\d|"
    rf"[,.]?\s(?:[Vv]ol(?:ume)?|VOL(?:UME)?)\b\.?\s?\d)"
)
_IN_MARGIN = (
    re.compile(rf"^(?:.{{0,80}}\bet al\.,?\s)?{_NAME}\s?{_NUMBERS}"),
    re.compile(rf"^{_NAME}\s\|\s(?:www\.|https?:)"),
)
_PROCEEDINGS = re.compile(
    r"\b((?:Proceedings|Proc\.) of (?:the )?.{5,120}?)(?=[,.(]|\s\d{4}|$)|"
    r"^((?:\d{1,3}(?:st|nd|rd|th) |[A-Z][\w-]+ )(?:Annual |International |European )?"
    r"(?:Conference|Symposium|Workshop) (?:on|of|for) .{4,100}?)(?=[,.(]|\s\d{4}|$)"
)
# From each end of a sentence: "A title. Journal of Things, 1(2), 16."; "Things 12(3): e123".
_CITED = re.compile(rf"(?<=[.?!])(?=\s{_NAME}\s?{_NUMBERS})")
_CITED_PROCEEDINGS = re.compile(
    r"(?<=[.?!]) In ((?:[A-Z0-9][\w’&/-]*|of|the|on|and|for|in|[ ]){3,40})"
)
_SUBJECT = re.compile(rf"^{_NAME},\s(?:{_YEAR}\b|doi\b|https?:|vol\b|\d)", re.IGNORECASE)
_ISSUE_LINE = re.compile(rf"^Volume {_YEAR}, Article ID")
_CITATION_LABEL = re.compile(r"\b(?:cite this|citation|how to cite|reference format)\b", re.I)
_SMALL = re.compile(
    r"a|an|and|as|at|by|da|das|de|del|della|der|des|di|do|dos|du|e|el|en|et|für|for|i|in|la|las|le|"
    r"les|of|on|os|per|sur|the|to|und|van|y|zu|zur|&",
    re.IGNORECASE,
)
_NOT_A_NAME = re.compile(
    r"\b(?:received|accepted|published|revised|available|copyright|article|volume|issue|page|"
    r"pages|correspondence|e-?mail|university|department|licen[sc]e|open access|et al|figure|table|"
    rf"downloaded|original|research paper|review paper|doi|arxiv|preprint|version|{MONTHS})\b|©",
    re.IGNORECASE,
)


def find_venue(lines: Sequence[Line], file_metadata: FileMetadata) -> tuple[str, Evidence] | None:
    """Returns the name of the journal or proceedings as stated, None if none is stated.

    `lines` are all lines of the first two pages. What the file states takes precedence over
    printed lines, whose names are often abbreviated.
    """
    votes = list(_votes(lines, file_metadata))
    if not votes:
        return None
    source, name = max(votes, key=lambda vote: _WEIGHTS[vote[0]])
    return name, Evidence(source, _WEIGHTS[source])


def _votes(lines: Sequence[Line], file_metadata: FileMetadata) -> Iterator[tuple[str, str]]:
    """Yields names with their sources."""
    if file_metadata.journal:
        yield "XMP", file_metadata.journal
    subject = _SUBJECT.match(file_metadata.subject)
    for name in _names([subject[1]] if subject else []):
        yield "file subject", name
    lines = [line for line in lines if not DOWNLOADED.match(line.text)]
    margins = [line.text[:_MAX_LINE_LENGTH] for line in lines_in_margin(lines)] if lines else []
    for name in _names(_in_margins(margins)):
        yield "volume line", name
    for name in _names(_in_citation(lines, margins)):
        yield "citation", name


def _in_margins(texts: Sequence[str]) -> Iterator[str]:
    for pattern in _IN_MARGIN:
        for text in texts:
            if found := pattern.search(text):
                yield found[1]
    for before, text in pairwise(texts):
        if _ISSUE_LINE.match(text):
            yield before
    for text in texts:
        if found := _PROCEEDINGS.search(text):
            yield found[1] or found[2]


def _in_citation(lines: Sequence[Line], margins: Sequence[str]) -> Iterator[str]:
    """Yields the names in lines that say how to cite the paper, and in running footers."""
    texts = [line.text[:_MAX_LINE_LENGTH] for line in lines]
    labelled = [at for at, text in enumerate(texts) if _CITATION_LABEL.search(text)]
    cited = [" ".join(texts[at : at + 8]) for at in labelled[:3]]
    for text in (*cited, *margins, " ".join(margins)[: 4 * _MAX_LINE_LENGTH]):
        for pattern in (_CITED, _CITED_PROCEEDINGS):
            for found in pattern.finditer(text):
                yield found[1]


def _names(found: Iterable[str]) -> Iterator[str]:
    """Yields those that are names, without marks around them."""
    for text in found:
        name = " ".join(text.split()).strip(" ,;-–—|")
        name = name.rstrip(".") if name.count(".") == 1 else name
        if _is_name(name):
            yield name


def _is_name(name: str) -> bool:
    """True if no word begins with a small letter, except small words that names have."""
    words = name.split()
    letters = sum(map(str.isalpha, name))
    return (
        letters >= _MIN_LETTERS
        and len(words) <= _MAX_WORDS
        and not _NOT_A_NAME.search(name)
        and all(not word[0].islower() or _SMALL.fullmatch(word) for word in words)
        and not _SMALL.fullmatch(words[-1])
    )
