"""Corrections of metadata as the database stores them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from extraction.person_names import as_author


def stored_value(name: str, value: Any) -> Any:
    """Returns the value of a corrected field: `authors` are names as printed."""
    match name:
        case "authors":
            return tuple(as_author(" ".join(author.split())) for author in value)
        case "title":
            return " ".join(value.split())
        case "doi":
            return value.lower()  # DOIs are case-insensitive
        case _:
            return value


def stored_tags(tags: Iterable[str]) -> list[str]:
    """Returns the tags, each once with single spaces."""
    return list(dict.fromkeys(" ".join(tag.split()) for tag in tags))
