"""Order in which the tasks of a lane are claimed; the same for PostgreSQL and the fake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

from domain.fair_share import FairShares, Flow, ShareWeights
from domain.flow_window import FlowWindow

SPARE = 2
"""A claim of several flows reads this many times as many tasks as it leases, because some flows
have fewer than their share. With 1 it would be as fair, but its batch would often not be full."""


class Candidate(Protocol):
    """A queued task that may be claimed."""

    @property
    def collection(self) -> str: ...
    @property
    def flow(self) -> str: ...
    @property
    def document_id(self) -> str: ...
    @property
    def isolate(self) -> bool: ...


C = TypeVar("C", bound=Candidate)


class LaneSchedule:
    """Fair shares of one lane in this process. A claim goes through the methods in order."""

    def __init__(self, weights: ShareWeights) -> None:
        self.window = FlowWindow()
        self._shares = FairShares(weights)

    def wanted(self, considered: Sequence[Flow], limit: int) -> Counter[Flow]:
        """Returns how many tasks the claim reads of each flow that it considers."""
        return self._shares.wanted(considered, limit * (SPARE if len(considered) > 1 else 1))

    def select_batch(self, candidates: Sequence[C], limit: int) -> list[C]:
        """Returns the tasks that run together: at most `limit`, in the order of their shares.

        The batch ends before a task marked `isolate`, which is returned alone if it is the first.
        Its flow has the smallest start tag at the next claim, so it does not starve. A document
        occurs once. `candidates`: those of each flow in the order of the queue.
        """
        waiting: dict[Flow, list[C]] = {}
        documents = set[str]()
        for task in candidates:
            if task.document_id not in documents:
                documents.add(task.document_id)
                waiting.setdefault((task.collection, task.flow), []).append(task)
        order = self._shares.select(waiting, limit)
        isolated = next((n for n, task in enumerate(order) if task.isolate), len(order))
        return order[: isolated or 1]

    def charge(self, considered: Sequence[Flow], claimed: Sequence[Candidate], limit: int) -> None:
        """Records which tasks were leased, in the order of `select_batch`."""
        flows = [(task.collection, task.flow) for task in claimed]
        for flow in flows:
            self._shares.charge(flow)
        self.window.advance(considered, flows, limit)
