"""Decides which papers of a collection are copies of one work, and which are versions of it.

Copies have the same DOI or arXiv id, or title, authors and year. An identifier alone is not enough:
the DOI of a journal or of a proceedings volume may be printed on every paper. Versions are a
preprint and its publication: title and authors agree, year or DOI differ.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import Any

from domain.documents import Document
from domain.papers import MIN_CONFIDENCE, Author, Metadata
from domain.text_folding import fold

ARXIV_DOI = "10.48550/arxiv."
PREPRINT_DOIS = (ARXIV_DOI, "10.1101/", "10.20944/", "10.2139/", "10.21203/", "10.31219/")
MIN_LETTERS, MIN_WORDS = 16, 3  # of a specific title; shorter ones are shared by many papers
MAX_CANDIDATES = 50
"""Papers that are compared with one paper by the same key; more share only a key read wrongly."""
_MIN_SHARE = 0.9  # of two titles under one DOI, of which one was not read exactly; a choice
_NOTICE_CHARACTERS = 300  # of a title, to find out whether it is that of a notice
# Longer titles that many papers have, by their letters.
_GENERIC_TITLES = frozenset(
    {
        "lettertotheeditor",
        "letterstotheeditor",
        "letterfromtheeditor",
        "letterstotheeditors",
        "notefromtheeditor",
        "notesfromtheeditor",
        "fromtheeditorsdesk",
        "messagefromtheeditor",
        "messagefromthechair",
        "messagefromthepresident",
        "instructionsforauthors",
        "informationforauthors",
        "guidelinesforauthors",
        "notesoncontributors",
        "listofcontributors",
        "notesforcontributors",
        "abouttheauthors",
        "notesandcomments",
        "newsandannouncements",
        "booksreceivedforreview",
        "bookreviewsandnotices",
        "introductiontothespecialissue",
        "introductiontothisspecialissue",
        "introductiontotheissue",
        "prefacetothespecialissue",
        "prefacetothefirstedition",
        "prefacetothesecondedition",
        "editorialforthespecialissue",
        "acknowledgementofreviewers",
        "acknowledgmentofreviewers",
        "thankstoourreviewers",
        "reportofthepresident",
        "reportofthetreasurer",
        "reportofthesecretary",
    }
)
# Beginnings and ends of titles of papers about another paper, by the letters of their kind.
_NOTICES = {
    "correction": r"errat(?:um|a)|corrigend(?:um|a)|(?:author |publisher )?correction",
    "addendum": r"addendum|supplement(?:ary|al)?(?: (?:information|materials?|data|text))?"
    r"|supporting (?:information|materials?)|online appendix",
    "comment": r"comments?|commentary|discussion",
    "reply": r"reply|response to (?:comments?|reply|discussion)|rejoinder"
    r"|authors?'? (?:reply|response)",
    "retraction": r"retract(?:ion|ed)(?: (?:notice|note|article))?|expression of concern"
    r"|withdrawn",
}
_BEGINS = {
    kind: re.compile(rf"(?:{words})(?:\s*[:.\-–—]|\s+(?:to|on|of|for|by|regarding)\b|$)")
    for kind, words in _NOTICES.items()
}
_ENDS = {
    kind: re.compile(rf"[:.\-–—(\[]\s*(?:(?:a|an|the)\s)?(?:{words})[)\].]?$")
    for kind, words in _NOTICES.items()
}


@dataclass(frozen=True)
class Work:
    """What identifies the work of a document. `doi` and `arxiv_id` are in lower case.

    `year`: None if only the file states it. Two copies may be files of different years.
    """

    document_id: str
    collection: str
    title: str | None
    authors: tuple[Author, ...]
    year: int | None
    doi: str | None
    arxiv_id: str | None
    abstract: str | None

    @staticmethod
    def of(document_id: str, collection: str, described: Document | Metadata) -> Work:
        """Returns the work of a document with this metadata."""
        doi, arxiv_id = ((one or "").lower() or None for one in (described.doi, described.arxiv_id))
        if arxiv_id is None and doi and doi.startswith(ARXIV_DOI):
            arxiv_id = doi.removeprefix(ARXIV_DOI)
        return Work(
            document_id,
            collection,
            described.title,
            tuple(described.authors),
            described.year if _has_sure_year(described) else None,
            doi,
            re.sub(r"v\d+$", "", arxiv_id) if arxiv_id else None,
            described.abstract,
        )

    @property
    def is_preprint(self) -> bool:
        """True if the document is known to be a preprint."""
        if self.doi:
            return self.doi.startswith(PREPRINT_DOIS)
        return self.arxiv_id is not None

    @cached_property
    def letters(self) -> str:
        """The letters and digits of the folded title."""
        return letters_of(self.title or "")

    @cached_property
    def abstract_letters(self) -> str:
        """The letters and digits of the folded abstract."""
        return letters_of(self.abstract or "")

    @cached_property
    def families(self) -> frozenset[str]:
        """The letters of the family names of the authors."""
        names = (letters_of(one.family or one.name.split(" ")[-1]) for one in self.authors)
        return frozenset(filter(None, names))

    @cached_property
    def notice(self) -> str | None:
        """The kind of a paper about another paper (`correction`, `reply`), None for others."""
        title = " ".join(fold(self.title or "").split())[:_NOTICE_CHARACTERS]
        for kind in _NOTICES:
            if _BEGINS[kind].match(title) or _ENDS[kind].search(title):
                return kind
        return None

    @cached_property
    def numbers(self) -> list[str]:
        """The numbers in the title, which tell parts apart."""
        return re.findall(r"\d+|\b[ivx]+\b", fold(self.title or ""))

    @property
    def has_specific_title(self) -> bool:
        """True for a title that few papers can share."""
        words = (self.title or "").split()
        has_spaces = all(len(word) < MIN_LETTERS for word in words)  # Chinese has none
        has_words = len(words) >= MIN_WORDS or not has_spaces
        is_long = len(self.letters) >= MIN_LETTERS
        return is_long and has_words and self.letters not in _GENERIC_TITLES

    @property
    def keys(self) -> Iterator[tuple[str, str, str]]:
        """Yields the keys of which copies and versions share at least one."""
        if self.doi:
            yield self.collection, "doi", self.doi
        if self.arxiv_id:
            yield self.collection, "arxiv_id", self.arxiv_id
        if self.has_specific_title:
            yield self.collection, "title", self.letters


@dataclass(frozen=True, slots=True)
class WorkLinks:
    """Ids of documents: copies of the same work, and other versions of it.

    `title`: that of the first copy.
    """

    same_work_as: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    title: str | None = field(default=None, compare=False)


NO_LINKS = WorkLinks()


def letters_of(text: str) -> str:
    """Returns the letters and digits of the folded text."""
    return re.sub(r"[\W_]+", "", fold(text))


def is_same_work(one: Work, other: Work) -> bool:
    """Returns whether two documents are copies of one work."""
    if one.collection != other.collection or one.notice != other.notice:
        return False
    if _share_identifier(one, other):
        return _is_plausible(one, other)
    return (
        not _identifiers_differ(one, other)
        and _share_title_and_authors(one, other)
        and _share_time(one, other)
    )


def is_year_sure(quality: Mapping[str, Any], corrections: Mapping[str, Any]) -> bool:
    """Returns whether the paper states the year of this document, or a person: not the file."""
    found = quality.get("confidence", {}).get("year", {})
    return "year" in corrections or found.get("confidence", 1) >= MIN_CONFIDENCE


def _has_sure_year(described: Document | Metadata) -> bool:
    if isinstance(described, Document):
        return is_year_sure(described.quality, described.corrections)
    evidence = described.evidence.get("year")
    return evidence is None or evidence.confidence >= MIN_CONFIDENCE


def is_version(one: Work, other: Work) -> bool:
    """Returns whether two documents are versions of one work, but not copies.

    The same title in another year is that of a report that appears every year, unless one of both
    is a preprint.
    """
    return not is_same_work(one, other) and _are_versions(one, other)


def links_of(work: Work, others: Iterable[Work]) -> WorkLinks:
    """Returns the ids of those of the other documents that are copies or versions, in order."""
    unique = {one.document_id: one for one in others if one.document_id != work.document_id}
    found = [unique[name] for name in sorted(unique)]
    same = [one for one in found if is_same_work(work, one)]
    names = tuple(one.document_id for one in same)
    others = [one for one in found if one.document_id not in names]
    return WorkLinks(
        names,
        tuple(one.document_id for one in others if _are_versions(work, one)),
        title=next((one.title for one in same), None),
    )


def group_copies(works: Sequence[Work]) -> dict[str, str]:
    """Returns for each document the id of the first document in the sequence of the same work."""
    first: dict[str, str] = {}
    by_key = defaultdict[tuple[str, str, str], list[Work]](list)
    for work in works:
        known = (other for key in work.keys for other in by_key[key])
        same = next((other for other in known if is_same_work(work, other)), work)
        first[work.document_id] = first.get(same.document_id, work.document_id)
        for key in work.keys:
            if len(by_key[key]) < MAX_CANDIDATES:
                by_key[key].append(work)
    return first


def _are_versions(one: Work, other: Work) -> bool:
    return (
        one.collection == other.collection
        and one.notice == other.notice
        and _share_title_and_authors(one, other)
        and (one.is_preprint or other.is_preprint or not _years_differ(one, other))
    )


def _share_identifier(one: Work, other: Work) -> bool:
    pairs = ((one.doi, other.doi), (one.arxiv_id, other.arxiv_id))
    return any(ours is not None and ours == theirs for ours, theirs in pairs)


def _identifiers_differ(one: Work, other: Work) -> bool:
    """Returns whether both have identifiers of the same kind, or one is a published preprint."""
    pairs = ((one.doi, other.doi), (one.arxiv_id, other.arxiv_id))
    both_known = any(ours and theirs for ours, theirs in pairs)
    is_published = one.is_preprint != other.is_preprint and bool(
        (other if one.is_preprint else one).doi
    )
    return both_known or is_published


def _is_plausible(one: Work, other: Work) -> bool:
    """Returns whether title or authors allow an identifier that both documents have."""
    same_authors = _share_authors(one, other)
    if not one.letters or not other.letters:
        return same_authors is not False
    if one.letters == other.letters:
        return one.has_specific_title or same_authors is not False
    if same_authors is False:
        return False
    is_one_preprint = one.arxiv_id is not None and one.arxiv_id == other.arxiv_id
    has_new_title = same_authors is True and is_one_preprint  # of a later version
    return has_new_title or _share_abstract(one, other) or _have_similar_titles(one, other)


def _have_similar_titles(one: Work, other: Work) -> bool:
    """Returns whether the titles differ in one short place, and not in a number."""
    if one.numbers != other.numbers:
        return False
    ours, theirs = one.letters, other.letters
    begin = _count_shared(ours, theirs)
    end = _count_shared(ours[begin:][::-1], theirs[begin:][::-1])
    return begin + end >= _MIN_SHARE * max(len(ours), len(theirs))


def _count_shared(one: str, other: str) -> int:
    """Returns the number of characters at the beginning that both have."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _share_title_and_authors(one: Work, other: Work) -> bool:
    return (
        one.letters == other.letters
        and one.has_specific_title
        and _share_authors(one, other) is True
    )


def _share_authors(one: Work, other: Work) -> bool | None:
    """Returns whether all authors of one are authors of the other; None if unknown."""
    if not one.families or not other.families:
        return None
    return one.families <= other.families or other.families <= one.families


def _share_time(one: Work, other: Work) -> bool:
    """Returns whether the years agree, or the abstracts where a year is unknown."""
    if one.year is None or other.year is None:
        return _share_abstract(one, other)
    return one.year == other.year


def _years_differ(one: Work, other: Work) -> bool:
    return one.year is not None and other.year is not None and one.year != other.year


def _share_abstract(one: Work, other: Work) -> bool:
    return bool(one.abstract_letters) and one.abstract_letters == other.abstract_letters
