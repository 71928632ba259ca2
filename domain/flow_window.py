"""Which flows a claim considers, if more flows wait than one claim can look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.fair_share import Flow

MIN_FLOWS = 16
"""Flows that a claim considers, or the size of its micro-batch if that is larger. Each one costs an
index look-up (15 microseconds, record 15). If more flows wait, they take turns, and weights apply
among those that are considered."""


@dataclass(slots=True)
class FlowWindow:
    """Position in the ring of collections, and in the ring of flows of each collection.

    A ring is ordered by name; there is one position for each collection that had tasks. The next
    window begins after the last name that was served, so that every flow is considered after at
    most one turn.
    """

    collection: str = ""
    flows: dict[str, str] = field(default_factory=dict)

    def advance(self, considered: Sequence[Flow], served: Sequence[Flow], limit: int) -> None:
        """Moves behind the served flows. `considered`: the window in ring order.

        A batch that is not full has no task of the other flows, which have none that is due: then
        it moves behind all of them, so that flows in backoff do not hide others.
        """
        chosen = set(served if len(served) >= limit else considered)
        for collection, flow in considered:
            if (collection, flow) in chosen:
                self.collection = collection
                self.flows[collection] = flow

    @staticmethod
    def is_full(considered: Sequence[Flow], limit: int) -> bool:
        """True if more flows may wait than those that were considered."""
        return len(considered) >= FlowWindow.size(limit)

    @staticmethod
    def size(limit: int) -> int:
        """Returns the number of flows that a claim of at most `limit` tasks considers."""
        return max(MIN_FLOWS, limit)
