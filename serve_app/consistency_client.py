"""What both clients offer for whoever keeps the library in order."""

from __future__ import annotations

from abc import abstractmethod

from serve_app.calls import PREFIX, Call, R
from serve_app.consistency_schemas import Consistency, Repair

COMPARE = Call("GET", f"{PREFIX}/consistency", Consistency)
REPAIR = Call("POST", f"{PREFIX}/consistency/repair", Repair)


class Upkeep:
    """The part of `Client` that compares the stores."""

    def consistency(self) -> Consistency:
        """Where PostgreSQL, Milvus and the blobs differ."""
        return self._send(COMPARE)

    def repair_consistency(self) -> Repair:
        """What differed and what was done about it; follow its jobs."""
        return self._send(REPAIR)

    @abstractmethod
    def _send(self, call: Call[R]) -> R: ...


class AsyncUpkeep:
    """The part of `AsyncClient` that compares the stores."""

    async def consistency(self) -> Consistency:
        """As `Client.consistency`."""
        return await self._send(COMPARE)

    async def repair_consistency(self) -> Repair:
        """As `Client.repair_consistency`."""
        return await self._send(REPAIR)

    @abstractmethod
    async def _send(self, call: Call[R]) -> R: ...
