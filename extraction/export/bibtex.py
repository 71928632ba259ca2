"""A paper as a BibTeX entry, and a collection of papers as a bibliography with unique keys.

Written by hand: bibtexparser and pybtex write what they are given and leave LaTeX's special
characters to the caller, which is the whole difficulty here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from domain.papers import Author, Metadata
from extraction.export.escape import for_latex, printable

_SMALL_WORDS = re.compile(
    r"about|after|among|between|does|from|have|into|over|some|than|that|their|these|this|through|"
    r"towards?|under|upon|using|versus|what|when|where|which|with|without"
)


def to_bibtex(metadata: Metadata, key: str | None = None) -> str:
    """One BibTeX entry, ended by a line feed; fields that the paper does not have are left out.

    `key` is `cite_key(metadata)` when not given. The type is @misc: what was read does not tell a
    journal from a book. Text is escaped for LaTeX, in UTF-8 (biber, or bibtex with inputenc);
    words with inner capitals are braced, so that no style lowers them.
    """
    fields = "".join(f"  {name} = {{{value}}},\n" for name, value in _fields(metadata))
    return f"@misc{{{_safe_key(key or cite_key(metadata))},\n{fields}}}\n"


def bibliography(entries: Iterable[Metadata]) -> str:
    """All entries, parted by blank lines; those that would share a key get a, b, c behind it, in
    their order."""
    papers = list(entries)
    return "\n".join(
        to_bibtex(paper, key) for paper, key in zip(papers, _unique_keys(papers), strict=True)
    )


def cite_key(metadata: Metadata) -> str:
    """Family name of the first author, year and first telling word of the title in ASCII letters:
    "lovelace1843notes"; "anon", "nd" and nothing where they are unknown."""
    family = metadata.authors[0].family or metadata.authors[0].name if metadata.authors else ""
    words = re.findall(r"[a-z0-9]+", _ascii(metadata.title or ""))
    word = next((w for w in words if len(w) > 3 and not _SMALL_WORDS.fullmatch(w)), "")
    name = re.sub(r"[^a-z]", "", _ascii(family)) or "anon"
    return f"{name[:40]}{metadata.year or 'nd'}{word[:30]}"


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
    """0 is a, 25 z, 26 aa."""
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
    """The word of a title; braced when it has a capital that is not its first letter."""
    escaped = for_latex(word)
    return f"{{{escaped}}}" if any(char.isupper() for char in word[1:]) else escaped


def _person(author: Author) -> str:
    if not author.family:
        return f"{{{for_latex(author.name)}}}"
    family, given = (_name_part(part) for part in (author.family, author.given or ""))
    return f"{family}, {given}" if given else f"{{{for_latex(author.family)}}}"


def _name_part(part: str) -> str:
    """A part of a name; braced where BibTeX would read a comma or an "and" in it as its own."""
    escaped = for_latex(part)
    return f"{{{escaped}}}" if re.search(r",|\band\b", escaped, re.IGNORECASE) else escaped


def _identifier(text: str) -> str:
    """The identifier with what could end the field, or start a command, percent-encoded."""
    return quote(printable(text), safe="/:;().-_<>+=@!*',")


def _safe_key(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9:_.+-]", "", _ascii(key, lower=False)) or "anon"


def _ascii(text: str, *, lower: bool = True) -> str:
    spelled = text.translate({ord("ß"): "ss", ord("ø"): "o", ord("ł"): "l", ord("æ"): "ae"})
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return plain.lower() if lower else plain
