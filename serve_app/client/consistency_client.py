"""What both clients offer for whoever keeps the library in order."""

from __future__ import annotations

from abc import abstractmethod

from serve_app.client.calls import PREFIX, ApiRequest, R
from serve_app.schemas.consistency import Adoption, Consistency, Repair

COMPARE = ApiRequest("GET", f"{PREFIX}/consistency", Consistency)


def repair_call(delete_orphans: bool) -> ApiRequest[Repair]:
    """Repairs what differs."""
    params = {"delete_orphans": delete_orphans or None}
    return ApiRequest("POST", f"{PREFIX}/consistency/repair", Repair, params=params)


def adopt_call(collection: str, claim_stores: bool) -> ApiRequest[Adoption]:
    """Makes papers of PDFs that belong to none."""
    body = {"collection": collection, "claim_stores": claim_stores}
    return ApiRequest("POST", f"{PREFIX}/consistency/adopt", Adoption, json=body)


class ConsistencyMixin:
    """The part of `Client` that compares the stores."""

    def consistency(self) -> Consistency:
        """Where PostgreSQL, Milvus and the blobs differ."""
        return self._send(COMPARE)

    def repair_consistency(self, *, delete_orphans: bool = False) -> Repair:
        """What differed and what was done about it; follow its jobs.

        With `delete_orphans` orphans are deleted also where they are many.
        """
        return self._send(repair_call(delete_orphans))

    def adopt(self, collection: str, *, claim_stores: bool = False) -> Adoption:
        """PDFs that belong to no document become papers of the collection; follow the jobs.

        With `claim_stores` Milvus and the blob store become those of the service's database first.
        """
        return self._send(adopt_call(collection, claim_stores))

    @abstractmethod
    def _send(self, call: ApiRequest[R]) -> R: ...


class AsyncConsistencyMixin:
    """The part of `AsyncClient` that compares the stores."""

    async def consistency(self) -> Consistency:
        """As `Client.consistency`."""
        return await self._send(COMPARE)

    async def repair_consistency(self, *, delete_orphans: bool = False) -> Repair:
        """As `Client.repair_consistency`."""
        return await self._send(repair_call(delete_orphans))

    async def adopt(self, collection: str, *, claim_stores: bool = False) -> Adoption:
        """As `Client.adopt`."""
        return await self._send(adopt_call(collection, claim_stores))

    @abstractmethod
    async def _send(self, call: ApiRequest[R]) -> R: ...
