"""Matches bibliography entries to papers of the library: by identifier, else by title."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from domain.papers import Author, Reference
from domain.same_work import ARXIV_DOI, MIN_LETTERS, MIN_WORDS

# Similarity of titles, 0 to 1, from which they count as equal (heuristics, chosen on the sample
# papers): where the first authors agree, and where an author is unknown.
_MIN_SIMILARITY = 0.92
_MIN_SIMILARITY_WITHOUT_AUTHOR = 0.97
_MAX_YEARS_APART = 1  # published online, printed the year after; a preprint may be older still
_ARTICLES = frozenset({"the", "a", "an"})
_PREPRINT_DOIS = ("10.48550/", "10.1101/", "10.31219/", "10.2139/", "10.21203/", "10.20944/")
_VERSION = re.compile(r"v\d+$", re.IGNORECASE)
_DOI_PREFIX = re.compile(r"^(?:https?://)?(?:dx\.)?(?:doi\.org/|doi:\s*)", re.IGNORECASE)
_ARXIV_PREFIX = re.compile(r"^(?:https?://arxiv\.org/(?:abs|pdf)/|arxiv:\s*)", re.IGNORECASE)


def normalize_title(title: str | None) -> str:
    """Returns the title's letters and digits in lower case with single spaces; "" for None.

    Accents, a leading article, hyphens and punctuation are removed. "Nano-particles: an α-study"
    and "Nanoparticles – An α Study" then differ in spaces only, which comparisons ignore.
    """
    text = unicodedata.normalize("NFKD", title or "").casefold()
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = re.sub(r"(?<=\w)[-‐‑–'’](?=\w)", "", text)
    words = re.sub(r"[\W_]+", " ", text).split()
    return " ".join(words[1:] if words and words[0] in _ARTICLES else words)


def match_key(title: str | None, year: int | None, first_author: Author | None) -> str | None:
    """Returns a lookup key that papers with this title share.

    None when the title is too short or too general to identify a paper ("Introduction",
    "Editorial"). The key is made of the letters and digits of the main title: subtitle, year and
    author often differ between entries for one paper. So a lookup returns candidates, and `matches`
    decides. A short main title ("Deep learning: a survey") keeps its subtitle. If it is still
    short, family name of the first author and year are added; without these there is no key.
    """
    whole = normalize_title(title)
    main = normalize_title(re.split(r"[:?!]\s|\s[–—-]\s", title or "", maxsplit=1)[0])
    for candidate in (main, whole):
        if _is_specific(candidate):
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

    Equal DOIs or arXiv ids (versions ignored) match. Different DOIs do not, unless one is that of a
    preprint. Otherwise the titles must be nearly equal; the years may differ by one and the first
    authors' family names must agree, each where both are known. A short or general title needs
    both year and author.
    """
    decided = _by_identifier(reference, doi, arxiv_id)
    if decided is not None:
        return decided
    cited, stored = normalize_title(reference.title), normalize_title(title)
    if not cited or not stored:
        return False
    same_year = _same_year(reference.year, year)
    same_author = _same_author(reference.authors, authors)
    if same_year is False or same_author is False:
        return False
    if not (_is_specific(cited) and _is_specific(stored)):
        return cited == stored and same_year is True and same_author is True
    similarity = _similarity(cited, stored)
    if same_author is None:
        return similarity >= _MIN_SIMILARITY_WITHOUT_AUTHOR
    is_main_title = _is_without_subtitle(reference.title, title, cited, stored)
    return similarity >= _MIN_SIMILARITY or is_main_title


def _by_identifier(reference: Reference, doi: str | None, arxiv_id: str | None) -> bool | None:
    """True or False where the identifiers decide, else None.

    Two DOIs of which one begins with the other are undecided: a line's end may have cut one off.
    """
    ours, theirs = _plain_doi(reference.doi), _plain_doi(doi)
    our_arxiv = _plain_arxiv(reference.arxiv_id) or _arxiv_of(ours)
    their_arxiv = _plain_arxiv(arxiv_id) or _arxiv_of(theirs)
    if (ours and ours == theirs) or (our_arxiv and our_arxiv == their_arxiv):
        return True
    if not ours or not theirs or any(known.startswith(_PREPRINT_DOIS) for known in (ours, theirs)):
        return None
    cut_off = ours.startswith(theirs) or theirs.startswith(ours)
    return None if cut_off else False


def _plain_doi(doi: str | None) -> str:
    return _DOI_PREFIX.sub("", (doi or "").strip()).rstrip("./").lower()


def _plain_arxiv(arxiv_id: str | None) -> str:
    return _VERSION.sub("", _ARXIV_PREFIX.sub("", (arxiv_id or "").strip())).lower()


def _arxiv_of(doi: str) -> str:
    return _VERSION.sub("", doi.removeprefix(ARXIV_DOI)) if doi.startswith(ARXIV_DOI) else ""


def _same_year(ours: int | None, theirs: int | None) -> bool | None:
    return None if ours is None or theirs is None else abs(ours - theirs) <= _MAX_YEARS_APART


def _same_author(ours: Sequence[Author], theirs: Sequence[Author]) -> bool | None:
    """True when the first authors share a family name, None when either is unknown.

    One name may end with the other, since particles may be missing.
    """
    our_name, their_name = (_family(authors[0]) if authors else "" for authors in (ours, theirs))
    if not our_name or not their_name:
        return None
    return our_name.endswith(their_name) or their_name.endswith(our_name)


def _family(author: Author | None) -> str:
    if author is None:
        return ""
    return normalize_title(author.family or author.name).replace(" ", "")


def _is_specific(normalized: str) -> bool:
    """True for a title that few papers can share."""
    letters = len(normalized.replace(" ", ""))
    return letters >= MIN_LETTERS and len(normalized.split()) >= MIN_WORDS


def _similarity(a: str, b: str) -> float:
    """The similarity of two titles, 0 to 1, ignoring spaces.

    Titles that differ in a number ("Part 2") have 0, as do those certainly below the threshold.
    """
    if a.replace(" ", "") == b.replace(" ", ""):
        return 1.0
    if re.findall(r"\d+", a) != re.findall(r"\d+", b) or _numerals(a) != _numerals(b):
        return 0.0
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if matcher.real_quick_ratio() < _MIN_SIMILARITY or matcher.quick_ratio() < _MIN_SIMILARITY:
        return 0.0
    return matcher.ratio()


def _numerals(normalized: str) -> list[str]:
    return [word for word in normalized.split() if re.fullmatch(r"[ivx]+", word)]


def _is_without_subtitle(ours: str | None, theirs: str | None, cited: str, stored: str) -> bool:
    """True when one title is the main title of the other: the part before its colon.

    `cited` and `stored` are the two titles normalized.
    """
    our_main, their_main = (
        normalize_title(re.split(r"[:?!]\s|\s[–—]\s", title or "", maxsplit=1)[0])
        for title in (ours, theirs)
    )
    is_main_title = our_main == cited or their_main == stored
    return _is_specific(our_main) and our_main == their_main and is_main_title
