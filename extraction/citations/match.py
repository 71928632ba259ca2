"""Which paper of the library a bibliography entry cites: by identifier, else by title."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from domain.papers import Author, Reference

_NEAR = 0.92
_NEAR_WITHOUT_WITNESS = 0.97
_LEAST_LETTERS, _LEAST_WORDS = 16, 3
_YEARS_APART = 1  # online first, printed the year after; a preprint may be older still
_OPENINGS = frozenset({"the", "a", "an"})
_VERSION = re.compile(r"v\d+$", re.IGNORECASE)
_DOI_PREFIX = re.compile(r"^(?:https?://)?(?:dx\.)?(?:doi\.org/|doi:\s*)", re.IGNORECASE)
_ARXIV_PREFIX = re.compile(r"^(?:https?://arxiv\.org/(?:abs|pdf)/|arxiv:\s*)", re.IGNORECASE)
_ARXIV_DOI = "10.48550/arxiv."


def normal_title(title: str | None) -> str:
    """The title's letters and digits in lower case with single spaces: no accents, no articles in
    front, hyphens and other marks gone; "" for None.

    "Nano-particles: an α-study" and "Nanoparticles – An α Study" come out alike but for spaces,
    which comparing ignores.
    """
    text = unicodedata.normalize("NFKD", title or "").casefold()
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = re.sub(r"(?<=\w)[-‐‑–'’](?=\w)", "", text)
    words = re.sub(r"[\W_]+", " ", text).split()
    return " ".join(words[1:] if words and words[0] in _OPENINGS else words)


def match_key(title: str | None, year: int | None, first_author: Author | None) -> str | None:
    """A key that papers with this title share, None when the title is too short or too general to
    tell papers apart ("Introduction", "Editorial").

    Letters and digits of the main title alone: subtitle, year and author often differ between
    entries for one paper, so a look-up finds candidates and `matches` decides. A short main title
    ("Deep learning: a survey") keeps its subtitle; one that is short even then takes the family
    name of the first author, and the year, to be a key at all.
    """
    whole = normal_title(title)
    main = normal_title(re.split(r"[:?!]\s|\s[–—-]\s", title or "", maxsplit=1)[0])
    for candidate in (main, whole):
        if _is_telling(candidate):
            return candidate.replace(" ", "")
    family = _family(first_author)
    if whole and family and year is not None:
        return f"{whole.replace(' ', '')}|{family}|{year}"
    return None


def matches(
    reference: Reference,
    title: str | None,
    authors: Sequence[Author],
    year: int | None,
    doi: str | None,
    arxiv_id: str | None,
) -> bool:
    """True when the entry cites the paper described by the other arguments.

    Equal DOIs or arXiv ids (versions ignored) decide, and so do different DOIs, unless one is the
    preprint's. Otherwise the titles must be nearly equal, a year may differ by one, and the first
    author's family name must agree, each where both are known. A short or general title needs
    year and author both.
    """
    decided = _by_identifier(reference, doi, arxiv_id)
    if decided is not None:
        return decided
    one, other = normal_title(reference.title), normal_title(title)
    if not one or not other:
        return False
    same_year = _same_year(reference.year, year)
    same_author = _same_author(reference.authors, authors)
    if same_year is False or same_author is False:
        return False
    if not (_is_telling(one) and _is_telling(other)):
        return one == other and same_year is True and same_author is True
    likeness = _likeness(one, other)
    if same_author is None:
        return likeness >= _NEAR_WITHOUT_WITNESS
    return likeness >= _NEAR or _is_without_subtitle(reference.title, title, one, other)


def _by_identifier(reference: Reference, doi: str | None, arxiv_id: str | None) -> bool | None:
    """What the identifiers say, None when they say nothing."""
    ours, theirs = _plain_doi(reference.doi), _plain_doi(doi)
    our_arxiv = _plain_arxiv(reference.arxiv_id) or _arxiv_of(ours)
    their_arxiv = _plain_arxiv(arxiv_id) or _arxiv_of(theirs)
    if (ours and ours == theirs) or (our_arxiv and our_arxiv == their_arxiv):
        return True
    preprints = ("10.48550/", "10.1101/", "10.31219/", "10.2139/", "10.21203/", "10.20944/")
    if not ours or not theirs or any(one.startswith(preprints) for one in (ours, theirs)):
        return None
    cut_off = ours.startswith(theirs) or theirs.startswith(ours)  # at a line's end
    return None if cut_off else False


def _plain_doi(doi: str | None) -> str:
    return _DOI_PREFIX.sub("", (doi or "").strip()).rstrip("./").lower()


def _plain_arxiv(arxiv_id: str | None) -> str:
    return _VERSION.sub("", _ARXIV_PREFIX.sub("", (arxiv_id or "").strip())).lower()


def _arxiv_of(doi: str) -> str:
    return _VERSION.sub("", doi.removeprefix(_ARXIV_DOI)) if doi.startswith(_ARXIV_DOI) else ""


def _same_year(one: int | None, other: int | None) -> bool | None:
    return None if one is None or other is None else abs(one - other) <= _YEARS_APART


def _same_author(ours: Sequence[Author], theirs: Sequence[Author]) -> bool | None:
    """True when the first authors share a family name, None when either is unknown."""
    one, other = (_family(some[0]) if some else "" for some in (ours, theirs))
    if not one or not other:
        return None
    return one == other or one.endswith(other) or other.endswith(one)


def _family(author: Author | None) -> str:
    if author is None:
        return ""
    return normal_title(author.family or author.name).replace(" ", "")


def _is_telling(normal: str) -> bool:
    """True for a title that few papers can share."""
    letters = len(normal.replace(" ", ""))
    return letters >= _LEAST_LETTERS and len(normal.split()) >= _LEAST_WORDS


def _likeness(one: str, other: str) -> float:
    """0 to 1, spaces ignored; titles that differ in a number ("Part 2") are not near."""
    if one.replace(" ", "") == other.replace(" ", ""):
        return 1.0
    if re.findall(r"\d+", one) != re.findall(r"\d+", other) or _numerals(one) != _numerals(other):
        return 0.0
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < _NEAR or matcher.quick_ratio() < _NEAR:
        return 0.0
    return matcher.ratio()


def _numerals(normal: str) -> list[str]:
    return [word for word in normal.split() if re.fullmatch(r"[ivx]+", word)]


def _is_without_subtitle(ours: str | None, theirs: str | None, one: str, other: str) -> bool:
    """True when one title is the other's main title: what stands before its colon."""
    mains = [
        normal_title(re.split(r"[:?!]\s|\s[–—]\s", title or "", maxsplit=1)[0])
        for title in (ours, theirs)
    ]
    return _is_telling(mains[0]) and mains[0] == mains[1] and (mains[0] == one or mains[1] == other)
