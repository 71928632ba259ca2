"""Exports a paper as a BibTeX entry, and several papers as a bibliography with unique keys.

No library is used: bibtexparser and pybtex do not escape LaTeX's special characters, which is the
only difficult part.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from domain.papers import Author, Metadata
from extraction.export.escape import for_latex, printable
from extraction.export.publication import is_proceedings

_MIN_KEY_WORD = 4  # letters of a title's word in the key
_MAX_KEY_NAME, _MAX_KEY_WORD = 40, 30  # characters of the key's parts
_STOP_WORDS = re.compile(
    r"about|after|among|between|does|from|have|into|over|some|than|that|their|these|this|through|"
    r"towards?|under|upon|using|versus|what|when|where|which|with|without"
)


def to_bibtex(metadata: Metadata, key: str | None = None) -> str:
    """Returns one BibTeX entry that ends with a line feed; missing fields are left out.

    `key` defaults to `cite_key(metadata)`. The type is @article with a journal, @inproceedings with
    proceedings, else @misc, because the metadata does not tell an article from a book. Text is
    escaped for LaTeX, in UTF-8 (biber, or bibtex with inputenc). Words with inner capitals are
    braced, so that no style lower-cases them.
    """
    fields = "".join(f"  {name} = {{{value}}},\n" for name, value in _fields(metadata))
    return f"@{_type(metadata)}{{{_safe_key(key or cite_key(metadata))},\n{fields}}}\n"


def _type(metadata: Metadata) -> str:
    if not metadata.venue:
        return "misc"
    return "inproceedings" if is_proceedings(metadata.venue) else "article"


def bibliography(entries: Iterable[Metadata]) -> str:
    """Returns all entries, separated by blank lines.

    Entries with equal keys get the suffixes a, b, c in their order.
    """
    papers = list(entries)
    return "\n".join(
        to_bibtex(paper, key) for paper, key in zip(papers, _unique_keys(papers), strict=True)
    )


def cite_key(metadata: Metadata) -> str:
    """Returns a key in ASCII letters, such as "lovelace1843notes".

    Its parts are the first author's family name ("anon" if unknown), the year ("nd") and the first
    word of the title with four letters or more that is no stop word (nothing if there is none).
    """
    family = metadata.authors[0].family or metadata.authors[0].name if metadata.authors else ""
    words = re.findall(r"[a-z0-9]+", _ascii(metadata.title or ""))
    word = next((w for w in words if len(w) >= _MIN_KEY_WORD and not _STOP_WORDS.fullmatch(w)), "")
    name = re.sub(r"[^a-z]", "", _ascii(family)) or "anon"
    return f"{name[:_MAX_KEY_NAME]}{metadata.year or 'nd'}{word[:_MAX_KEY_WORD]}"


def _unique_keys(papers: list[Metadata]) -> Iterator[str]:
    bases = [cite_key(paper) for paper in papers]
    count = Counter(bases)
    used = {base for base, times in count.items() if times == 1}
    next_number = Counter[str]()
    for base in bases:
        key = base
        while count[base] > 1 and (key == base or key in used):
            key = base + _letters(next_number[base])
            next_number[base] += 1
        used.add(key)
        yield key


def _letters(number: int) -> str:
    """The suffix with this number: 0 is "a", 25 "z", 26 "aa"."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def _fields(metadata: Metadata) -> Iterator[tuple[str, str]]:
    if metadata.title:
        yield "title", " ".join(map(_word, printable(metadata.title).split()))
    if metadata.authors:
        yield "author", " and ".join(map(_person, metadata.authors))
    if metadata.year is not None:
        yield "year", str(metadata.year)
    if metadata.venue:
        field = "booktitle" if is_proceedings(metadata.venue) else "journal"
        yield field, for_latex(metadata.venue)
    if metadata.doi:
        yield "doi", _identifier(metadata.doi)
    if metadata.arxiv_id:
        yield "eprint", _identifier(metadata.arxiv_id)
        yield "archiveprefix", "arXiv"
    if metadata.keywords:
        yield "keywords", ", ".join(map(for_latex, metadata.keywords))
    if metadata.abstract:
        yield "abstract", for_latex(metadata.abstract)


def _word(word: str) -> str:
    """The word of a title, in braces when it has a capital behind its first letter."""
    escaped = for_latex(word)
    return f"{{{escaped}}}" if any(char.isupper() for char in word[1:]) else escaped


def _person(author: Author) -> str:
    family, given = (_name_part(part or "") for part in (author.family, author.given))
    if family and given:
        return f"{family}, {given}"
    return f"{{{for_latex(author.family or '') or for_latex(author.name)}}}"


def _name_part(part: str) -> str:
    """A part of a name, in braces when BibTeX would parse a comma or an "and" in it."""
    escaped = for_latex(part)
    return f"{{{escaped}}}" if re.search(r",|\band\b", escaped, re.IGNORECASE) else escaped


def _identifier(text: str) -> str:
    """The identifier; characters with a meaning in BibTeX or LaTeX are percent-encoded."""
    return quote(printable(text), safe="/:;().-_<>+=@!*',")


def _safe_key(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9:_.+-]", "", _ascii(key, lower=False)) or "anon"


def _ascii(text: str, *, lower: bool = True) -> str:
    spelled = text.translate({ord("ß"): "ss", ord("ø"): "o", ord("ł"): "l", ord("æ"): "ae"})
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return plain.lower() if lower else plain
