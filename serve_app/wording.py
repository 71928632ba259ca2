"""Words of messages for people, on the command line and on pages."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Returns `1 page` or `1,204 pages`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
