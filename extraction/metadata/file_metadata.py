"""Reads the metadata stored in a PDF: the information dictionary and the XMP packet."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from extraction.person_names import is_strong_name, split_names
from extraction.text.clean import clean_text

# Characters that are read: of the XMP packet, of one of its elements, of a text. They bound the run
# time for hostile files.
_MAX_XMP_LENGTH, _MAX_ELEMENT_LENGTH, _MAX_TEXT_LENGTH = 300_000, 2000, 5000
_DOI_ELEMENTS = ("prism:doi", "pdfx:doi", "crossmark:DOI", "dc:identifier", "prism:url")
_OTHER_KEYS = ("subject", "title", "keywords", "doi")
_LISTED = re.compile(r"<rdf:li\b[^<>]*>([^<]{0,600})</rdf:li>", re.DOTALL)
_BROKEN_CODE = re.compile(r"#_#x([0-9A-Fa-f]{2,5});")


@dataclass(frozen=True)
class FileMetadata:
    """Metadata from the file; evidence only. `names` are as written there; `doi` is a text that may
    hold a DOI."""

    names: tuple[str, ...] = ()
    doi: str = ""
    other_text: str = ""  # subject, title and keywords, which may hold a DOI
    keywords: str = ""
    date: str = ""
    created: str = ""
    journal: str = ""
    subject: str = ""


def read_file_metadata(raw: Mapping[str, str]) -> FileMetadata:
    """Returns the metadata of the file. Patterns search the XMP, so no XML entity is expanded."""
    xmp = (raw.get("xmp") or "")[:_MAX_XMP_LENGTH]
    names = _creators(xmp)
    author = _text(raw.get("author") or "")
    if len(names) <= 1 and author:
        own = _people(author)
        names = own if len(own) >= len(names) else names
    return FileMetadata(
        names=tuple(names),
        doi=" ".join(_element(xmp, name) for name in _DOI_ELEMENTS),
        other_text=" ".join(_text(raw.get(key) or "") for key in _OTHER_KEYS),
        keywords=_text(raw.get("keywords") or ""),
        date=_element(xmp, "prism:publicationDate") or _element(xmp, "prism:coverDate"),
        created=raw.get("creationDate") or "",
        journal=_element(xmp, "prism:publicationName"),
        subject=_text(raw.get("subject") or ""),
    )


def _text(raw: str) -> str:
    coded = _BROKEN_CODE.sub(lambda found: chr(int(found[1], 16)), raw[:_MAX_TEXT_LENGTH])
    return clean_text(html.unescape(html.unescape(coded)))


def _element(xmp: str, name: str) -> str:
    """Returns the text of the element or attribute of that name, its list items side by side."""
    inside = _inside(xmp, name)
    if inside:
        return _text(re.sub(r"<[^<>]+>", " ", inside[:_MAX_ELEMENT_LENGTH]))
    found = re.search(rf"\b{name}\s*=\s*[\"']([^\"']{{0,500}})", xmp)
    return _text(found[1]) if found else ""


def _inside(xmp: str, name: str) -> str:
    """Returns the text between the first tags of that name; one pass, for hostile input."""
    start = xmp.find(f"<{name}")
    begin = xmp.find(">", start) + 1 if start >= 0 else 0
    end = xmp.find(f"</{name}>", begin) if begin else -1
    return xmp[begin:end] if end >= 0 else ""


def _creators(xmp: str) -> list[str]:
    items = [_text(item) for item in _LISTED.findall(_inside(xmp, "dc:creator"))]
    items = [item for item in items if item]
    return _people(items[0]) if len(items) == 1 else [name for i in items for name in _person(i)]


def _person(item: str) -> list[str]:
    """Returns one name; "Family, Given" stays as it is."""
    if item.count(",") == 1:
        names = [name for part in item.split(",") for name in split_names(part)]
        return [", ".join(names)]
    names = split_names(item)
    return names if len(names) == 1 else [item]


def _people(text: str) -> list[str]:
    """Returns the names in a text that may hold one ("Family, Given" or not) or many."""
    pieces = [piece for piece in text.split(";") if piece.strip()]
    if len(pieces) > 1:
        return [name for piece in pieces for name in _person(piece.strip())]
    if "et al" in text:
        return [text]
    parts = [part.strip() for part in text.split(",")]
    is_one = len(parts) == 2 and not all(map(is_strong_name, parts)) and " and " not in text
    return _person(text) if is_one else split_names(text)
