"""Which flows a claim considers, if more flows wait than one claim can look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from domain.fair_share import Flow

MIN_FLOWS = 32
"""Flows that a claim considers, or the size of its micro-batch if that is larger. Each one costs an
index look-up (5 microseconds). Above this number, flows take turns and weights apply within it."""


@dataclass(slots=True)
class FlowWindow:
    """Position in the ring of collections, and in the ring of flows of each collection.

    A ring is ordered by name; there is one position for each collection that had tasks. The next
    window begins after the last name that was served, so that every flow is considered after at
    most one turn.
    """

    collection: str = ""
    flows: dict[str, str] = field(default_factory=dict)

    def advance(self, considered: Sequence[Flow], served: Iterable[Flow]) -> None:
        """Moves behind the served flows. `considered`: the window in ring order."""
        chosen = set(served)
        for collection, flow in considered:
            if (collection, flow) in chosen:
                self.collection = collection
                self.flows[collection] = flow

    @staticmethod
    def size(limit: int) -> int:
        """Returns the number of flows that a claim of at most `limit` tasks considers."""
        return max(MIN_FLOWS, limit)
