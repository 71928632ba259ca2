"""Words of messages for people, on the command line and on pages."""

from __future__ import annotations


def outcome_of_files(new: int, known: int, refused: int) -> str:
    """Returns what became of the files that were sent to a collection."""
    return f"{new} new, {known} already in the library, {refused} refused"


def plural(count: int, noun: str) -> str:
    """Returns `1 page` or `1,204 pages`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
