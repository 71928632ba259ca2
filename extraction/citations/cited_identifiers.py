"""DOIs, arXiv ids and URLs as printed in bibliographies."""

from __future__ import annotations

import re

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>“”]+")
DOI_ENDS = ".,;:'\"”’"  # punctuation behind a DOI
_BRACKETS = {")": "(", "]": "[", "}": "{"}

_ARXIV = re.compile(
    r"(?:arxiv(?:\.org/(?:abs|pdf|html)/|\s*+(?:preprint|e-prints?)?,?\s*+(?:arxiv)?\s*+[:.]?\s*+)"
    r"|abs/)"
    r"(?P<id>\d{4}\.\d{4,5}(?!\d)|[a-z-]{2,9}(?:\.[A-Z]{2})?/\d{7}(?!\d))(?:v\d+)?",
    re.IGNORECASE,
)

_OPEN_DOI = re.compile(r"(10\.\d{4,9}/\S{0,200}[./_(-])\s([0-9a-z][\w./()_-]*)\s*(?=$|\[|PMID)")
# Repairs of identifiers broken at a line's end. The space is removed only where the next piece
# cannot be anything but the rest.
_BROKEN = (
    (re.compile(r"\b(https?)\s?:\s?/\s?/\s?"), r"\1://"),
    (re.compile(r"\b(doi|arxiv)\.\s?org\s?/\s?(?=\w)", re.IGNORECASE), r"\1.org/"),
    (re.compile(r"\b10\.\s(?=\d{4,9}/)"), "10."),
    (re.compile(r"(10\.\d{4,9})(?:\s/\s?|/\s)(?=\S)"), r"\1/"),
    (_OPEN_DOI, r"\1\2 "),
    (_OPEN_DOI, r"\1\2 "),
    # At the end of the entry: a piece with digits and other characters is no year or page number.
    (
        re.compile(
            r"(10\.\d{4,9}/\S{0,200}[\w)])\s(?=\S{0,200}\d)(?=[.]?\d*(?:[a-z_(-]|\.\w))"
            r"([\da-z.][\w./()_-]*)$"
        ),
        r"\1\2",
    ),
)

_BROKEN_WORD = re.compile(r"(?<=[a-z])\u2011\s(?=[a-z])")

_LINKS = re.compile(
    r"<?\b(?:https?|ftp)://[^\s>]+>?|\bwww\.[^\s]+|"
    r"\bdoi\s?(?:number)?[:.]?\s?10\.\d{4,9}/\S+|\b10\.\d{4,9}/\S+|"
    r"\b(?:arxiv(?:\s(?:preprint|e-prints?))?,?\s?(?:arxiv)?\s?[:.]?\s?|CoRR,?\s?abs/)"
    r"(?:\d{4}\.\d{4,5}|[a-z-]{2,9}(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?(?:\s?\[[\w.-]+\])?",
    re.IGNORECASE,
)
_NOTES = re.compile(
    r"\[\s?(?:cross\s?ref|pub\s?med|pmc free article|pmc|google scholar|medline|web of science|isi|"
    r"cas|green version|doi|links?|full text|free full text)[^\]]{0,20}\]|"
    r"\bPMC?ID\s?:?\s?(?:PMC)?\d+|\bPubMed PMID\b\s?:?\s?\d*|"
    r"(?:[(\[]|\b)(?:last |date |site |web ?page |page )?"
    r"(?:accessed|retrieved|visited|cited|consulted|viewed)\b"
    r"(?:[:,]?\s?(?:on|at)?\s?(?=\d|[A-Z][a-z]{2,8}\.? \d)[^;)\].]{0,24}\d{1,4}[)\].]*)|"
    r"\b(?:available (?:online|from|at|in)|retrieved from|url|online available|disponible en)\b"
    r"\s?(?:at|from)?\s?:?|"
    r"\bISB?S?N\s?:?\s?[\dXx‐-]{8,20}",
    re.IGNORECASE,
)


def repaired(entry: str) -> str:
    """Returns the entry without the spaces that line ends left inside URLs and DOIs."""
    entry = _BROKEN_WORD.sub("", entry)
    if "10." in entry or "://" in entry or ": //" in entry or "org" in entry:
        for pattern, whole in _BROKEN:
            entry = pattern.sub(whole, entry)
    return entry.strip()


def find_doi(text: str) -> str | None:
    """Returns the first DOI in the text in lower case, None if there is none."""
    found = _DOI.search(text)
    if found is None:
        return None
    doi = trimmed_doi(re.sub(r"\[[A-Z][A-Za-z ]+\].*$", "", found[0]))  # 10.1000/1[CrossRef]
    return doi.lower() if "/" in doi and not doi.endswith("/") else None


def trimmed_doi(doi: str, ends: str = DOI_ENDS) -> str:
    """Returns the DOI without punctuation and unopened brackets behind it."""
    while doi and (
        doi[-1] in ends or doi.count(doi[-1]) > doi.count(_BRACKETS.get(doi[-1], doi[-1]))
    ):
        doi = doi[:-1]
    return doi


def find_arxiv_id(text: str) -> str | None:
    """Returns the first arXiv id in the text, without version, None if there is none.

    Examples: "1706.03762", "hep-th/9901001".
    """
    found = _ARXIV.search(text)
    return found["id"] if found else None


def without_links(entry: str) -> str:
    """Returns the entry without URLs, identifiers and link notes ("[CrossRef]", "accessed on")."""
    return " ".join(_NOTES.sub(" ", _LINKS.sub(" ", entry)).split())
