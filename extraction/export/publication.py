"""How a paper was published, as far as its metadata tells: reference managers have types for it."""

from __future__ import annotations

import re
from enum import Enum, auto

from domain.papers import Metadata

_PROCEEDINGS = re.compile(
    r"\b(?:Conference|Symposium|Workshop|Proceedings of the \d)", re.IGNORECASE
)


class Publication(Enum):
    """What a paper is part of. A DOI without a venue counts as that of a journal article."""

    PROCEEDINGS = auto()
    JOURNAL = auto()
    PREPRINT = auto()
    UNKNOWN = auto()


def publication_of(metadata: Metadata) -> Publication:
    """Returns how the paper was published."""
    if is_proceedings(metadata.venue):
        return Publication.PROCEEDINGS
    if metadata.venue or metadata.doi:
        return Publication.JOURNAL
    return Publication.PREPRINT if metadata.arxiv_id else Publication.UNKNOWN


def is_proceedings(venue: str | None) -> bool:
    """Returns whether the name of a venue is that of proceedings, not of a journal."""
    return bool(venue and _PROCEEDINGS.search(venue))
