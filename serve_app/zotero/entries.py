"""The entries of an export, in the terms of this library."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from domain.paper_names import find_doi

_MARKUP = re.compile(r"</?(?:i|b|em|strong|sub|sup|sc|span)(?:\s[^<>]*)?>", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")


class InvalidExport(Exception):
    """The file is no export of Zotero; the message names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A reference of an export. Fields that the export does not contain are None or empty.

    `key` identifies the entry in messages. `authors` are names such as "Lovelace, Ada". `files` are
    the paths of its PDFs as written in the export, the main one first.
    """

    key: str
    title: str | None = None
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str | None = None
    doi: str | None = None
    tags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """The readable entries of an export, and a message for each unreadable one."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()


def single_line(text: str) -> str:
    """Returns the text with single spaces, without the markup that Zotero allows in titles."""
    return " ".join(_MARKUP.sub("", text).split())


def year_in(date: str) -> int | None:
    """Returns the first year in a date such as "2017-06-12", "June 2017" or "2017"."""
    found = _YEAR.search(date)
    return int(found[0]) if found else None


def plain_doi(text: str) -> str | None:
    """Returns the DOI without the address of a resolver and without escapes of LaTeX."""
    return find_doi(text.replace("\\", ""))


def written_name(family: str, given: str) -> str:
    """Returns "family, given", or the only part that is there."""
    return ", ".join(filter(None, (single_line(family), single_line(given))))


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    """Returns the texts with single spaces, each once, without empty ones."""
    return tuple(dict.fromkeys(filter(None, map(single_line, texts))))
