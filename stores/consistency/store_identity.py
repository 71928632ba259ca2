"""Whether PostgreSQL, Milvus and the blob store belong to the same library.

The id is made by the database's migration. The vector store keeps it as a property of its
collection, the blob store in `library.json`. A store without an id gets it at the first start,
unless it holds papers that PostgreSQL does not know: then the database is a wrong or a lost one,
and whatever compares the stores would delete the other library.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from domain.errors import InternalError, Unavailable
from domain.identity import StoreIdentity, StoreMark
from stores.postgres.library_record import LibraryRecord

log = logging.getLogger(__name__)
LEGACY_NAME = "paperworks_chunks"  # of every installation before libraries had ids

Known = Callable[[Collection[str]], Awaitable[set[str]]]


class Library(Protocol):
    """The library in PostgreSQL; raises DatabaseUnavailable."""

    async def record(self) -> LibraryRecord: ...
    async def set_milvus_name(self, name: str) -> str: ...
    async def known_documents(self, document_ids: Collection[str]) -> set[str]: ...
    async def known_digests(self, digests: Collection[str]) -> set[str]: ...


class MarkedVectors(Protocol):
    """A vector store that can carry the id; raises VectorStoreUnavailable."""

    def exists(self) -> bool: ...
    def library_id(self) -> str | None: ...
    def set_library_id(self, library_id: str) -> None: ...
    def some_documents(self) -> set[str]: ...


class MarkedBlobs(Protocol):
    """A blob store that can carry the id; raises BlobStoreUnavailable."""

    def library_id(self) -> str | None: ...
    def set_library_id(self, library_id: str, *, replace: bool = False) -> None: ...
    def some_pdfs(self) -> set[str]: ...


class IdentityCheck:
    """Compares the library ids of the stores. Any number of processes may do it at once."""

    def __init__(self, library: Library, vectors: MarkedVectors, blobs: MarkedBlobs) -> None:
        self.library = library
        self.vectors = vectors
        self.blobs = blobs

    async def look(self) -> StoreIdentity:
        """The identity of the stores as they are; nothing is written. Raises Unavailable."""
        library_id = (await self.library.record()).library_id
        milvus = await asyncio.to_thread(self.vectors.library_id)
        blobs = await asyncio.to_thread(self.blobs.library_id)
        return StoreIdentity(
            library_id,
            StoreMark(milvus, milvus is None and await self._holds_foreign_chunks()),
            StoreMark(blobs, blobs is None and await self._holds_foreign_pdfs()),
        )

    async def stamp(self) -> StoreIdentity:
        """As `look`; a store without an id that holds nothing foreign gets the database's."""
        found = await self.look()
        if found.milvus == StoreMark(None):
            await self._mark_vectors(found.postgres)
        if found.blobs == StoreMark(None):
            await asyncio.to_thread(self.blobs.set_library_id, found.postgres)
        return await self.look() if StoreMark(None) in (found.milvus, found.blobs) else found

    async def claim(self) -> StoreIdentity:
        """As `look`, once both stores carry the database's id, whatever they belonged to before."""
        library_id = (await self.library.record()).library_id
        await self._mark_vectors(library_id)
        await asyncio.to_thread(self.blobs.set_library_id, library_id, replace=True)
        return await self.look()

    async def _mark_vectors(self, library_id: str) -> None:
        try:
            await asyncio.to_thread(self.vectors.set_library_id, library_id)
        except InternalError as error:  # this server takes no properties
            log.warning("The vector store does not keep the library id: %s", error)

    async def _holds_foreign_chunks(self) -> bool:
        sample = await asyncio.to_thread(self.vectors.some_documents)
        return await _is_foreign(sample, self.library.known_documents)

    async def _holds_foreign_pdfs(self) -> bool:
        sample = await asyncio.to_thread(self.blobs.some_pdfs)
        return await _is_foreign(sample, self.library.known_digests)


class IdentityGuard:
    """Remembers for some seconds whether the stores match, for requests that ask all the time.

    While a store is away the last answer holds; before the first one the stores count as matching.
    """

    def __init__(self, check: IdentityCheck, clock: Callable[[], float], seconds: float) -> None:
        self.check = check
        self._clock = clock
        self._seconds = seconds
        self._looked_at: float | None = None
        self._found: StoreIdentity | None = None

    async def problems(self) -> tuple[str, ...]:
        """As `StoreIdentity.problems`."""
        now = self._clock()
        if self._looked_at is None or now >= self._looked_at + self._seconds:
            self._looked_at = now  # others go on with what is known while this one looks
            try:
                self._found = await self.check.look()
            except Unavailable as error:
                log.info("The identity of the stores was not checked: %s", error)
        return self._found.problems if self._found else ()

    def forget(self) -> None:
        """The next question is answered by looking."""
        self._looked_at = None


def default_name(library_id: str) -> str:
    """The alias of a library's Milvus collection: two libraries never share one."""
    return f"paperworks_{library_id[:8]}"


async def choose_name(library: Library, legacy: MarkedVectors) -> str:
    """The alias of the library's Milvus collection, chosen once and then kept in PostgreSQL.

    `legacy` is the collection `paperworks_chunks` of the same model: an installation from the time
    before libraries had ids keeps it if it is its own. Raises Unavailable.
    """
    record = await library.record()
    if record.milvus_name is not None:
        return record.milvus_name
    mine = await _is_mine(record.library_id, library, legacy)
    return await library.set_milvus_name(LEGACY_NAME if mine else default_name(record.library_id))


async def _is_mine(library_id: str, library: Library, legacy: MarkedVectors) -> bool:
    if not await asyncio.to_thread(legacy.exists):
        return False
    marked = await asyncio.to_thread(legacy.library_id)
    if marked is not None:
        return marked == library_id
    sample = await asyncio.to_thread(legacy.some_documents)
    return bool(sample) and not await _is_foreign(sample, library.known_documents)


async def _is_foreign(sample: Collection[str], known: Known) -> bool:
    """True when the database knows less than half of the sample."""
    return bool(sample) and 2 * len(await known(sample)) < len(sample)
