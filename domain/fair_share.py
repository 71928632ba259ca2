"""Weighted fair sharing by start-time fair queueing (SFQ).

P. Goyal, H. Vin, H. Cheng: "Start-time Fair Queuing", SIGCOMM 1996. While two queues both have
work, their service divided by their weights differs by at most one unit of work of each queue
(theorem 1 of the paper).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from domain.jobs import Lane

Item = TypeVar("Item")
Flow = tuple[str, str]  # collection, name of the flow
WeightOf = Callable[[str], float]

SINGLE_UPLOADS = "interactive"
"""The flow that the single uploads to a collection share. Other jobs are flows of their own. The
name sorts before every job id, so that single uploads are first if shares are equal."""

INTERACTIVE_WEIGHT = 4.0
"""Weight of interactive work against one other job: keeps 80 % of a shared lane or device for it,
and 20 % for the job. A choice: single uploads wait for a response, folders do not."""


@dataclass(frozen=True, slots=True)
class ShareWeights:
    """Weights of collections by name (1 if absent), and of the single uploads of a collection.

    A job that is a flow of its own has the weight 1 in its collection.
    """

    collections: Mapping[str, float] = field(default_factory=dict)
    interactive: float = INTERACTIVE_WEIGHT

    def of_collection(self, name: str) -> float:
        """Returns the weight of a collection in a lane."""
        return self.collections.get(name, 1.0)

    def of_flow(self, name: str) -> float:
        """Returns the weight of a flow in its collection."""
        return self.interactive if name == SINGLE_UPLOADS else 1.0


EQUAL_SHARES = ShareWeights()
"""Collections share a lane equally."""


def flow_of(job_id: str, lane: Lane, papers: int) -> str:
    """Returns the flow of a job that is admitted in one part with this number of papers."""
    return SINGLE_UPLOADS if lane is Lane.INTERACTIVE and papers == 1 else job_id


class VirtualTime:
    """The virtual time of an SFQ server and the finish tags of its queues.

    A finish tag before the virtual time has no effect and is dropped, so that the number of tags is
    that of the queues with recent work.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.finish: dict[str, float] = {}

    def start(self, name: str) -> float:
        """Returns the start tag of the next work of the queue; the smallest is served first."""
        return max(self.now, self.finish.get(name, 0.0))

    def charge(self, name: str, cost: float) -> None:
        """Records that the queue is served. `cost`: the work divided by the weight."""
        start = self.start(name)
        self.finish[name] = start + cost
        if start > self.now:
            self.now = start
            self.finish = {one: tag for one, tag in self.finish.items() if tag >= start}


class FairShares:
    """Shares of the collections of a lane, and of the flows within each collection.

    The state is in memory. Each process serves flows fairly, and so do several. A restart forgets
    by how much a flow was ahead or behind, which is less than one micro-batch.
    """

    def __init__(self, weights: ShareWeights) -> None:
        self.weights = weights
        self._collections = VirtualTime()
        self._flows: dict[str, VirtualTime] = {}

    def select(self, waiting: Mapping[Flow, Sequence[Item]], limit: int) -> list[Item]:
        """Returns at most `limit` items in the order of service. Items of a flow keep their order.

        Charges nothing.
        """
        tasks = {flow: iter(items) for flow, items in waiting.items()}
        order = self._order({flow: len(items) for flow, items in waiting.items()})
        return [next(tasks[flow]) for flow in islice(order, limit)]

    def wanted(self, flows: Sequence[Flow], limit: int) -> Counter[Flow]:
        """Returns how many of the next `limit` tasks are of each flow if no flow runs out."""
        return Counter(islice(self._order(dict.fromkeys(flows, limit)), limit))

    def charge(self, flow: Flow) -> None:
        """Records the service of one task of the flow."""
        collection, name = flow
        self._collections.charge(collection, 1 / self.weights.of_collection(collection))
        flows = self._flows.setdefault(collection, VirtualTime())
        flows.charge(name, 1 / self.weights.of_flow(name))
        known = self._collections.finish
        self._flows = {one: flows for one, flows in self._flows.items() if one in known}

    def _order(self, tasks: Mapping[Flow, int]) -> Iterator[Flow]:
        """Yields the flow of each task in the order of service; ties in the order of `tasks`."""
        names: dict[str, dict[str, int]] = {}
        for (collection, name), count in tasks.items():
            if count:
                names.setdefault(collection, {})[name] = count
        totals = {collection: sum(counts.values()) for collection, counts in names.items()}
        within = {collection: self._within(collection, names[collection]) for collection in names}
        for collection in _served(self._collections, totals, self.weights.of_collection):
            yield collection, next(within[collection])

    def _within(self, collection: str, tasks: Mapping[str, int]) -> Iterator[str]:
        time = self._flows.get(collection) or VirtualTime()
        return _served(time, tasks, self.weights.of_flow)


def _served(time: VirtualTime, tasks: Mapping[str, int], weight: WeightOf) -> Iterator[str]:
    """Yields the queue of each task in the order of start tags; changes no state.

    All queues have work from the beginning, so the virtual time does not exceed their start tags.
    """
    heap = [(time.start(name), place, name) for place, name in enumerate(tasks)]
    heapq.heapify(heap)
    left = dict(tasks)
    while heap:
        start, place, name = heap[0]
        yield name
        left[name] -= 1
        if left[name]:
            heapq.heapreplace(heap, (start + 1 / weight(name), place, name))
        else:
            heapq.heappop(heap)
