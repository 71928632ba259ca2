"""Mends what a crash has left behind, while the service runs."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pipelines.reconcile import Chunks, Reconciler
from stores.database import Database
from stores.job_store import JobStore
from stores.library_audit import LibraryAudit
from stores.task_queue import TaskQueue

log = logging.getLogger(__name__)


class Upkeep:
    """Compares documents and chunks; blobs, which nobody finds by searching, are left to `doctor`.

    Remembers only whether it has looked thoroughly once: several at once only find less to do.
    """

    def __init__(
        self,
        database: Database,
        jobs: JobStore,
        queue: TaskQueue,
        chunks: Chunks,
        wake: Callable[[], None],
    ) -> None:
        self.reconciler = Reconciler(LibraryAudit(database), jobs, queue, chunks)
        self.wake = wake
        self.has_looked = False

    async def mend(self) -> None:
        """Orphan chunks are gone, papers with missing ones are queued. Raises Unavailable."""
        done = await self.reconciler.mend(at_a_glance=self.has_looked)
        self.has_looked = True
        if done.is_empty:
            return
        log.warning(
            "The stores differed: %d orphan chunks are gone, %d papers are read again (%s)",
            done.chunks_deleted,
            done.documents_queued,
            ", ".join(done.job_ids) or "no job",
            extra={"action": "reconcile"},
        )
        if done.job_ids:
            self.wake()
