"""Parses a bibliography entry into authors, year, title, venue and identifiers, by rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.papers import Author, Reference
from extraction.citations.cited_identifiers import find_arxiv_id, find_doi, repaired, without_links
from extraction.citations.cited_names import ORGANISATION, AuthorList, parse_authors
from extraction.citations.cited_title import title_and_venue
from extraction.citations.same_authors import repeated_authors

_LABEL = re.compile(
    r"\s*(?:\[\d{1,4}[a-z]?\]|\(\d{1,4}\)|\d{1,4}[.)](?=\s|[A-ZÀ-Þ“\"])|\d{1,4}\s+(?=[A-ZÀ-Þ“\"])|"
    r"\d{1,3}(?=[A-ZÀ-Þ][a-zß-ÿ.’-])|\[[A-Z][\w+.,&’' -]{1,40}\]\s)\s*"
)
_BULLET = re.compile(r"[•∙·–-]\s+")
_ROLE = re.compile(
    r"[,.]?\s?[(\[]?\b(?:[Ee]d(?:itor)?s?|Hrsg|[Tt]rans(?:lators?)?)\b\.?[)\]]?"
    r"(?=[\s.,:(]|$)\.?"
)
_YEAR = r"(1[6-9]\d\d|20[0-4]\d)"
_DATE = re.compile(
    rf"[\s.,;:]*(?:[(\[]\s?{_YEAR}\s?[a-z]?(?:[,;/ –-][^()\[\]]{{0,30}})?[)\]]|"
    rf"{_YEAR}\s?[a-z]?(?=\s?[.,:;]\s|\s[“\"‘]|\s[A-ZÀ-Þ]))"
)
_NO_DATE = re.compile(
    r"[\s.,;:]*[(\[](?:n\.\s?d\.|in press|forthcoming|submitted|to appear|undated|under review|"
    r"accepted|in preparation)[)\]]",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"(?P<name>[^“”\"]{{2,160}}?)[.,]?\s?\(\s?{_YEAR}[a-z]?(?:,[^()]{{0,20}})?\)")
_NAMED_BARE = re.compile(rf"(?P<name>[A-Z][^.,:;\d“”]{{2,80}}?)[,.]?\s{_YEAR}(?=[.,]?\s[A-Z])[.,]?")
_QUOTES_NEXT = re.compile(r"(?P<name>[^“”\"]{2,90}?)[,.:]\s(?=[“\"])")
_YEARS = re.compile(rf"(?<![\d–—/:‐-])(?<!\d\.){_YEAR}(?:[a-z](?![\w]))?(?![\d/–—‐]|-\d|\.\d)")
_BEFORE_NUMBER = re.compile(r"(?:\bpp?\.?|\bno\.?|\bart(?:icle)?\.?|#|§)\s?$", re.IGNORECASE)
_INITIAL = re.compile(r"\b[A-Z]\.|\b[A-Z]{1,3},")
_US_PATENT = re.compile(r"\bU\. ?S\. ?(?=Pat)")  # its periods are those of no initials
_MAX_CHARACTERS = 4000  # of an entry that are parsed; bounds the time of the patterns
_MAX_DATED_NAME_WORDS, _MAX_NAME_WORDS = 14, 10  # of an organisation (heuristic)
_MIN_TITLE_WORDS = 3  # lower-case words of a title without authors (heuristic)
_NUMBER_CONTEXT = 9  # characters before a year that may show that it is a page or number


@dataclass(frozen=True, slots=True)
class _Head:
    """The part before the title: authors, and the year if it is printed there.

    `rest` begins with the title; `by_commas` is True when a comma separates it from the authors.
    """

    authors: tuple[Author, ...]
    year: int | None
    rest: str
    by_commas: bool = False


def parse_reference(
    ordinal: int, raw: str, page: int, authors_before: Sequence[Author] = ()
) -> Reference:
    """Returns the fields of the entry; missing or uncertain ones are None.

    `raw` is the entry as printed, with its label, and is kept unchanged. `authors_before` are those
    of the entry before, for which "———" stands. Supports the styles of
    APA, Vancouver, IEEE, ACM, ACL, Chicago, MLA, AMS, BibTeX's plain and alpha, and of the journals
    of Springer, Elsevier, Nature, MDPI, Frontiers, ACS and APS. Never raises.
    """
    whole = repaired(raw[:_MAX_CHARACTERS])
    text = _US_PATENT.sub("US ", without_links(_without_label(whole)))
    repeated = repeated_authors(text, authors_before)
    if repeated is None:
        text = _BULLET.sub("", text, count=1) if _BULLET.match(text) else text
        head = _listed_head(text) or _named_head(text) or _titled_head(text, whole)
    else:
        head = _behind_authors(text, repeated)
    title, venue = title_and_venue(head.rest, by_commas=head.by_commas)
    return Reference(
        ordinal,
        raw,
        page,
        doi=find_doi(whole),
        arxiv_id=find_arxiv_id(whole),
        authors=head.authors,
        title=title,
        venue=venue,
        year=head.year if head.year is not None else _year(text, title),
    )


def _without_label(entry: str) -> str:
    label = _LABEL.match(entry)
    return entry[label.end() :] if label else entry.lstrip()


def _listed_head(text: str) -> _Head | None:
    """The head of an entry that begins with its authors, None for other entries."""
    listed = parse_authors(text)
    if listed is None:
        dated = _DATE.match(text)
        return _after(text, (), 0) if dated else None
    return _behind_authors(text, listed)


def _behind_authors(text: str, listed: AuthorList) -> _Head:
    role = _ROLE.match(text, listed.end)
    return _after(text, listed.authors, role.end() if role else listed.end)


def _after(text: str, authors: tuple[Author, ...], end: int) -> _Head:
    dated = _DATE.match(text, end)
    undated = None if dated else _NO_DATE.match(text, end)
    year = int(dated[1] or dated[2]) if dated else None
    if dated and _is_date_of_journal(text, dated):
        dated, year = None, None
    found = dated or undated
    rest = text[found.end() if found else end :]
    return _Head(authors, year, rest, rest.lstrip().startswith(","))


def _is_date_of_journal(text: str, dated: re.Match[str]) -> bool:
    """True when only numbers follow the year: "A. Author, 2010, 12, 3" has no title."""
    return not re.search(r"[^\W\d_]{3}", text[dated.end() :])


def _named_head(text: str) -> _Head | None:
    """The head of an entry by an organisation, None for other entries.

    The evidence is a year in brackets or a quoted title behind the name, or a word in the name.
    """
    named = _NAMED.match(text)
    if (
        named
        and len(named["name"].split()) <= _MAX_DATED_NAME_WORDS
        and not re.search(r"[.?]\s", named["name"])
    ):
        rest = text[named.end() :]
        if not re.search(r"[^\W\d_]{3}", rest) or re.match(r"[.,]?\s?In[: ]", rest):
            # Without an author APA puts the title first.
            return _Head((), int(named[2]), named["name"] + rest)
        return _Head((Author(named["name"].strip()),), int(named[2]), rest, rest.startswith(","))
    bare = _NAMED_BARE.match(text)
    if bare and ORGANISATION.search(bare["name"].title()):
        return _after(text, (Author(bare["name"].strip()),), bare.end("name"))
    quoted = _QUOTES_NEXT.match(text)
    if quoted and len(quoted["name"].split()) <= _MAX_NAME_WORDS:
        return _Head((Author(quoted["name"].strip()),), None, text[quoted.end() :])
    first = re.match(r"([^.:;,“\"\d]{2,90}?)[.:,]\s", text)
    if (
        first
        and len(first[1].split()) <= _MAX_NAME_WORDS
        and (ORGANISATION.search(first[1]) or re.fullmatch(r"[A-Z]{2,8}", first[1]))
    ):
        return _after(text, (Author(first[1].strip()),), first.end())
    return None


def _titled_head(text: str, whole: str) -> _Head:
    """The head of an entry without authors; its rest is empty unless it certainly is a title."""
    first = re.split(r"[.?!]\s", text, maxsplit=1)[0]
    plain = len(re.findall(r"\b[a-z]{3,}", first))
    is_page = "http" in whole or "www." in whole
    is_title = text[:1] in '“"‘' or (
        text[:1].isupper()
        and not _INITIAL.search(first)
        and plain >= (1 if is_page else _MIN_TITLE_WORDS)
    )
    return _Head((), None, text if is_title else "")


def _year(text: str, title: str | None) -> int | None:
    """The year of publication, outside the title.

    In this order: a year alone in brackets, one before a semicolon, the last one for a chapter or
    a talk (the name of the book may have one too), else the first one.
    """
    if title:
        text = text.replace(title, " ", 1)
    found = [
        match
        for match in _YEARS.finditer(text)
        if not _BEFORE_NUMBER.search(text[max(0, match.start() - _NUMBER_CONTEXT) : match.start()])
    ]
    if not found:
        return None
    bracketed = [m for m in found if text[m.start() - 1 :].startswith(f"({m[0]})")]
    closed = [m for m in found if text[m.end() : m.end() + 1] == ";"]
    if bracketed or closed:
        return int((bracketed or closed)[0][1])
    return int(found[-1 if re.search(r"\b[Ii]n:?\s|\bProc", text) else 0][1])
