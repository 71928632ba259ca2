"""Keeps the stores in order while the service runs: identity, comparison, trash, old records."""

from __future__ import annotations

import logging
from collections.abc import Callable

from domain.consistency import Repairs, Retention
from domain.identity import StoreIdentity
from stores.blobs.blob_store import BlobStore
from stores.consistency.consistency_queries import ConsistencyQueries
from stores.consistency.reconcile import Chunks, Reconciler
from stores.consistency.store_identity import IdentityCheck
from stores.postgres.database import Database
from stores.postgres.job_store import JobStore
from stores.postgres.retention import remove_old_records
from stores.protocols import TaskQueue

log = logging.getLogger(__name__)


class ReconcileLoop:
    """Compares, repairs and tidies the stores, as long as they belong to the same library.

    Remembers only what it has said and done already: several at once only find less to do.
    """

    def __init__(
        self,
        database: Database,
        jobs: JobStore,
        queue: TaskQueue,
        chunks: Chunks,
        blobs: BlobStore,
        identity: IdentityCheck,
        retention: Retention,
        wake: Callable[[], None],
    ) -> None:
        self.database = database
        self.identity = identity
        self.retention = retention
        self.reconciler = Reconciler(
            ConsistencyQueries(database), jobs, queue, chunks, blobs, identity, retention.limits
        )
        self.wake = wake
        self.problems: tuple[str, ...] = ()
        self.has_looked = False
        self.refused: dict[str, str | None] = {}

    async def check_identity(self) -> bool:
        """True when the stores belong together; a change is logged once. Raises Unavailable."""
        self._note_identity(await self.identity.stamp())
        return not self.problems

    async def mend(self) -> None:
        """Orphan chunks are gone, papers with missing ones are queued. Raises Unavailable."""
        if not await self.check_identity():
            return
        done = await self.reconciler.mend(at_a_glance=self.has_looked)
        self.has_looked = True
        self._note_refusal("comparison", done)
        if done.chunks_deleted or done.job_ids:
            log.warning(
                "The stores differed: %d orphan chunks are gone, %d papers are read again (%s)",
                done.chunks_deleted,
                done.documents_queued,
                ", ".join(done.job_ids) or "no job",
                extra={"action": "reconcile"},
            )
        if done.job_ids:
            self.wake()

    async def tidy(self) -> None:
        """Unused PDFs are in the trash, expired ones are gone, and so are orphan artifacts, cut-off
        uploads and old records. Raises Unavailable."""
        if not await self.check_identity():
            return
        done = await self.reconciler.tidy(self.retention.trash_days)
        self._note_refusal("upkeep of the files", done)
        if not any(self.refused.values()):  # else old versions may still lie somewhere
            removed = await remove_old_records(self.database, self.retention.tombstone_days)
            if removed.total:
                log.info("%d old records are gone", removed.total, extra={"action": "retention"})
        if done.pdfs_trashed or done.pdfs_purged or done.blobs_deleted:
            log.info(
                "%d unused PDFs were moved to the trash, %d were purged, %d other files deleted",
                done.pdfs_trashed,
                done.pdfs_purged,
                done.blobs_deleted,
                extra={"action": "tidy"},
            )

    def _note_identity(self, found: StoreIdentity) -> None:
        if found.problems == self.problems:
            return
        self.problems = found.problems
        if self.problems:
            log.error(
                "The stores do not belong to the same library: nothing is repaired or deleted, and "
                "no upload is accepted. %s See docs/consistency.md.",
                " ".join(self.problems),
                extra={"action": "stores_do_not_match"},
            )
        else:
            log.warning("The stores belong together again", extra={"action": "stores_match"})

    def _note_refusal(self, what: str, done: Repairs) -> None:
        if done.deletion_refused and done.deletion_refused != self.refused.get(what):
            log.error(
                "The %s deleted nothing: %s would go. See `paperworks doctor`; if that is right, "
                "run `paperworks doctor --repair --delete-orphans`.",
                what,
                done.deletion_refused,
                extra={"action": "deletion_refused"},
            )
        self.refused[what] = done.deletion_refused
