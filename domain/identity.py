"""Which library each store belongs to, and whether it is the same one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

POSTGRES, MILVUS, BLOBS = "PostgreSQL", "Milvus", "the blob store"


@dataclass(frozen=True, slots=True)
class Mark:
    """The library id of a store, None as long as it has none.

    `holds_foreign` is True for a store without an id of whose content PostgreSQL knows less than
    half.
    """

    library_id: str | None
    holds_foreign: bool = False


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """The library ids of the three stores."""

    postgres: str
    milvus: Mark
    blobs: Mark

    @property
    def problems(self) -> tuple[str, ...]:
        """Which two stores do not belong together, a sentence for each pair; empty when all do."""
        marks = {POSTGRES: Mark(self.postgres), MILVUS: self.milvus, BLOBS: self.blobs}
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
            if mark.library_id is None and mark.holds_foreign
        )
        return (*differ, *foreign)

    @property
    def matches(self) -> bool:
        """True when nothing says that the stores belong to different libraries."""
        return not self.problems
