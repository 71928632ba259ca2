"""The library id of each store, and the check that all stores belong to the same library."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

POSTGRES, MILVUS, BLOBS = "PostgreSQL", "Milvus", "the blob store"


@dataclass(frozen=True, slots=True)
class StoreMark:
    """The library id of a store, None if it has none yet.

    `has_unknown_papers`: the store has no id, and PostgreSQL knows less than half of its content.
    """

    library_id: str | None
    has_unknown_papers: bool = False


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """The library ids of the three stores."""

    postgres: str
    milvus: StoreMark
    blobs: StoreMark

    @property
    def problems(self) -> tuple[str, ...]:
        """Returns one sentence for each mismatch between two stores; empty if all match."""
        marks = {POSTGRES: StoreMark(self.postgres), MILVUS: self.milvus, BLOBS: self.blobs}
        known = {name: mark.library_id for name, mark in marks.items() if mark.library_id}
        differ = (
            f"{one} belongs to library {known[one]}, {other} to library {known[other]}."
            for one, other in combinations(known, 2)
            if known[one] != known[other]
        )
        foreign = (
            f"{name[:1].upper()}{name[1:]} has no library id and holds papers that {POSTGRES} "
            "does not know."
            for name, mark in marks.items()
            if mark.library_id is None and mark.has_unknown_papers
        )
        return (*differ, *foreign)

    @property
    def matches(self) -> bool:
        """True if no mismatch was found."""
        return not self.problems
