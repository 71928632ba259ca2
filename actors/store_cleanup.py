"""Works off the queue of deletions: the only place that erases what a commit made obsolete."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from domain.deletions import StoreDeletion, VersionRange
from domain.errors import Unavailable
from stores.blobs.pdf_trash import trash_unused
from stores.protocols import DeletionQueue

log = logging.getLogger(__name__)
ROWS_AT_ONCE = 50
HIDE_SECONDS = 30.0  # a row whose worker died, or whose store was away, is due again after this
PAUSE_SECONDS = 5.0  # after an error


class Eraser(Protocol):
    """The vector store and the blob store; every method may be repeated and raises Unavailable."""

    def delete_versions(self, ranges: Sequence[VersionRange]) -> None: ...
    def trash_pdf(self, sha256: str) -> bool: ...
    def restore_pdf(self, sha256: str) -> bool: ...


class StoreCleanup:
    """A loop beside the lanes: a store that is away leaves rows for later and charges no task.

    Remembers nothing: two of them at once, or one that dies in between, only erase twice.
    """

    def __init__(self, queue: DeletionQueue, eraser: Eraser, poll_seconds: float) -> None:
        self.queue = queue
        self.eraser = eraser
        self.poll_seconds = poll_seconds
        self.woken = asyncio.Event()
        self.may_claim = asyncio.Event()  # cleared while the stores do not belong together
        self.may_claim.set()

    def wake(self) -> None:
        """A hint that something is due; a lost one costs a poll."""
        self.woken.set()

    async def serve(self) -> None:
        """Erases for ever what is due."""
        while True:
            await self.may_claim.wait()
            pause = self.poll_seconds
            try:
                if await self.run_once():
                    continue
            except Unavailable as error:
                log.warning("Deletions wait in the queue: %s", error, extra={"action": "cleanup"})
                pause = PAUSE_SECONDS
            except Exception:
                log.exception("The cleanup failed; its deletions stay in the queue")
                pause = PAUSE_SECONDS
            await self._sleep(pause)

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.woken.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self.woken.clear()

    async def run_once(self) -> int:
        """Number of deletions done. Raises Unavailable; what is not done stays in the queue."""
        due = await self.queue.claim(ROWS_AT_ONCE, HIDE_SECONDS)
        try:
            await self._erase(due)
        except Unavailable:
            raise
        except Exception:
            if len(due) == 1:
                raise
            await self._erase_one_by_one(due)
        return len(due)

    async def _erase(self, due: Sequence[StoreDeletion]) -> None:
        if due:
            await asyncio.to_thread(self.eraser.delete_versions, [one.versions for one in due])
            digests = {one.sha256 for one in due if one.sha256}
            await trash_unused(digests, self.eraser, self.queue.pdfs_in_use)
            await self.queue.complete([one.deletion_id for one in due])

    async def _erase_one_by_one(self, due: Sequence[StoreDeletion]) -> None:
        """A deletion that fails for a reason of its own does not hold the others up."""
        for one in due:
            try:
                await self._erase([one])
            except Unavailable:
                raise
            except Exception:
                log.exception("%s was not erased; it stays in the queue", one)
