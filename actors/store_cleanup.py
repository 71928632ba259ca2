"""Consumer of the deletion queue: the only place that deletes obsolete chunks and files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from actors.wake_signal import WakeSignal
from domain.deletions import StoreDeletion, VersionRange
from domain.errors import Unavailable
from stores.blobs.pdf_trash import trash_unused
from stores.protocols import DeletionQueue

log = logging.getLogger(__name__)
BATCH_ROWS = 50
VISIBILITY_TIMEOUT_SECONDS = 30.0  # after a claim without completion a row is due again
RETRY_SECONDS = 5.0  # pause after an error


class Eraser(Protocol):
    """Deletes from the vector store and the blob store. All methods are idempotent and raise
    Unavailable."""

    def delete_versions(self, ranges: Sequence[VersionRange]) -> None: ...
    def trash_pdf(self, sha256: str) -> bool: ...
    def restore_pdf(self, sha256: str) -> bool: ...


class StoreCleanup:
    """A loop independent of the lanes: an unavailable store delays deletions and affects no task.

    At-least-once: two instances at once, or a crash in between, only repeat a deletion.
    """

    def __init__(self, queue: DeletionQueue, eraser: Eraser, poll_seconds: float) -> None:
        self.queue = queue
        self.eraser = eraser
        self.poll_seconds = poll_seconds
        self.signal = WakeSignal()
        self.may_claim = asyncio.Event()  # cleared while the stores belong to different libraries
        self.may_claim.set()

    def wake(self) -> None:
        """Hint: a deletion is due. A lost hint costs one poll interval."""
        self.signal.wake()

    async def run(self) -> None:
        """Processes due deletions until cancelled."""
        while True:
            await self.may_claim.wait()
            try:
                if not await self.run_once():
                    await self.signal.sleep(self.poll_seconds)
                continue
            except Unavailable as error:
                log.warning(
                    "Deletions are postponed and stay in the queue: %s",
                    error,
                    extra={"action": "cleanup"},
                )
            except Exception:
                log.exception("The cleanup failed; its deletions stay in the queue")
            await asyncio.sleep(RETRY_SECONDS)

    async def run_once(self) -> int:
        """Processes one batch; returns the number of claimed deletions.

        Raises Unavailable; deletions that were not completed stay in the queue.
        """
        due = await self.queue.claim(BATCH_ROWS, VISIBILITY_TIMEOUT_SECONDS)
        try:
            await self._delete(due)
        except Unavailable:
            raise
        except Exception:
            if len(due) == 1:
                raise
            await self._delete_individually(due)
        return len(due)

    async def _delete(self, due: Sequence[StoreDeletion]) -> None:
        if due:
            ranges = [deletion.versions for deletion in due]
            await asyncio.to_thread(self.eraser.delete_versions, ranges)
            digests = {deletion.sha256 for deletion in due if deletion.sha256}
            await trash_unused(digests, self.eraser, self.queue.pdfs_in_use)
            await self.queue.complete([deletion.deletion_id for deletion in due])

    async def _delete_individually(self, due: Sequence[StoreDeletion]) -> None:
        """Isolates a deletion that always fails, so that it does not block the others."""
        for deletion in due:
            try:
                await self._delete([deletion])
            except Unavailable:
                raise
            except Exception:
                log.exception("%s failed; it stays in the queue", deletion)
