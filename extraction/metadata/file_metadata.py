"""What the file says of its paper: the information dictionary and the XMP packet."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from extraction.metadata.names import is_strong_name, split_names
from extraction.text.clean import clean_text

_LONGEST = 300_000  # characters of XMP that are looked at
_LISTED = re.compile(r"<rdf:li\b[^<>]*>([^<]{0,600})</rdf:li>", re.DOTALL)
_BROKEN_CODE = re.compile(r"#_#x([0-9A-Fa-f]{2,5});")


@dataclass(frozen=True)
class Stated:
    """Witnesses, not the truth: names as written there; `doi` is the text that may hold one."""

    names: tuple[str, ...] = ()
    doi: str = ""
    loose: str = ""  # subject, title, keywords
    keywords: str = ""
    date: str = ""
    created: str = ""


def read_stated(stated: Mapping[str, str]) -> Stated:
    """The file's own statements; XMP is read by pattern, so that no entity of it is expanded."""
    xmp = (stated.get("xmp") or "")[:_LONGEST]
    names = _creators(xmp)
    author = _text(stated.get("author") or "")
    if len(names) <= 1 and author:
        own = _people(author)
        names = own if len(own) >= len(names) else names
    identifiers = " ".join(
        _element(xmp, name)
        for name in ("prism:doi", "pdfx:doi", "crossmark:DOI", "dc:identifier", "prism:url")
    )
    loose = " ".join(
        _text(stated.get(key) or "") for key in ("subject", "title", "keywords", "doi")
    )
    date = _element(xmp, "prism:publicationDate") or _element(xmp, "prism:coverDate")
    return Stated(
        tuple(names),
        identifiers,
        loose,
        _text(stated.get("keywords") or ""),
        date,
        stated.get("creationDate") or "",
    )


def _text(raw: str) -> str:
    coded = _BROKEN_CODE.sub(lambda found: chr(int(found[1], 16)), raw[:5000])
    return clean_text(html.unescape(html.unescape(coded)))


def _element(xmp: str, name: str) -> str:
    """The text of the element or attribute of that name, its list items side by side."""
    inside = _inside(xmp, name)
    if inside:
        return _text(re.sub(r"<[^<>]+>", " ", inside[:2000]))
    found = re.search(rf"\b{name}\s*=\s*[\"']([^\"']{{0,500}})", xmp)
    return _text(found[1]) if found else ""


def _inside(xmp: str, name: str) -> str:
    """What stands between the first tags of that name; searched in one pass, however hostile."""
    start = xmp.find(f"<{name}")
    begin = xmp.find(">", start) + 1 if start >= 0 else 0
    end = xmp.find(f"</{name}>", begin) if begin else -1
    return xmp[begin:end] if end >= 0 else ""


def _creators(xmp: str) -> list[str]:
    items = [_text(item) for item in _LISTED.findall(_inside(xmp, "dc:creator"))]
    items = [item for item in items if item]
    return _people(items[0]) if len(items) == 1 else [name for i in items for name in _person(i)]


def _person(item: str) -> list[str]:
    """One name, "Family, Given" left as it is."""
    if item.count(",") == 1:
        names = [name for part in item.split(",") for name in split_names(part)]
        return [", ".join(names)]
    names = split_names(item)
    return names[:1] if len(names) == 1 else [item]


def _people(text: str) -> list[str]:
    """The names in a line that may hold one ("Family, Given" or not) or many."""
    pieces = [piece for piece in text.split(";") if piece.strip()]
    if len(pieces) > 1:
        return [name for piece in pieces for name in _person(piece.strip())]
    if "et al" in text:
        return [text]
    parts = [part.strip() for part in text.split(",")]
    if (
        len(parts) == 2
        and not all(map(is_strong_name, map(str.strip, parts)))
        and " and " not in text
    ):
        return _person(text)
    return split_names(text)
