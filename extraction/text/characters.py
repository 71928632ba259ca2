"""The characters of a page's text one by one, without those that were taken off the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from extraction.text.drawn import DrawnPage, text_page
from extraction.text.unreadable import readable


def characters_of(drawn: DrawnPage) -> dict[str, Any]:
    """Returns the text of the page as MuPDF's dictionary with characters (`rawdict`).

    It has only the characters that `drawn.text` still has; those of symbol fonts are readable.
    """
    raw = text_page(drawn.display_list).extractRAWDICT()
    for block, kept_block in zip_longest(raw["blocks"], drawn.text["blocks"], fillvalue={}):
        lines = zip_longest(block.get("lines", ()), kept_block.get("lines", ()), fillvalue={})
        for line, kept in lines:
            if line:
                _keep(line, "".join(span["text"] for span in kept.get("spans", ())))
    return raw


def _keep(line: dict[str, Any], text: str) -> None:
    """Leaves in the line the characters that make up the text."""
    count = sum(len(span["chars"]) for span in line["spans"])
    wanted = iter(text) if len(text) < count else None
    for span in line["spans"]:
        if wanted is not None:
            span["chars"] = list(_subsequence(span["chars"], wanted))
        for character in span["chars"]:
            character["c"] = readable(character["c"], span["font"])
    line["spans"] = [span for span in line["spans"] if span["chars"]]


def _subsequence(
    characters: Sequence[dict[str, Any]], wanted: Iterator[str]
) -> Iterator[dict[str, Any]]:
    following = next(wanted, "")
    for character in characters:
        if character["c"] == following:
            yield character
            following = next(wanted, "")
