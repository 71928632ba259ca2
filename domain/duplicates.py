"""The choice of a collection between several files of one work (domain/duplicate_rule.py)."""

from __future__ import annotations

from enum import StrEnum


class Duplicates(StrEnum):
    """What a collection does with an upload that is another file of a work it has."""

    KEEP = "keep"  # keeps both
    NEWEST = "newest"  # the newest upload replaces the others
    REFUSE = "refuse"  # the upload fails
