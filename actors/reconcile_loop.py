"""Periodic maintenance of the stores: identity check, reconciliation, trash, old records."""

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
    """Compares, repairs and cleans up the stores, as long as they belong to the same library.

    Idempotent: several instances may run at once. The state only avoids repeated log lines and
    repeated full comparisons.
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
        self.full_run_done = False
        self.refused: dict[str, str | None] = {}

    async def check_identity(self) -> bool:
        """True if all stores belong to the same library; logs each change once.

        Raises Unavailable.
        """
        self._log_identity(await self.identity.stamp())
        return not self.problems

    async def reconcile(self) -> None:
        """Deletes orphan chunks and queues papers with missing chunks. Raises Unavailable.

        The first run compares all documents; later runs compare counts first.
        """
        if not await self.check_identity():
            return
        done = await self.reconciler.reconcile(counts_only=self.full_run_done)
        self.full_run_done = True
        self._log_refusal("reconciliation of the stores", done)
        if done.chunks_deleted or done.job_ids:
            log.warning(
                "The stores differed: %d orphan chunks were deleted, %d papers are processed again "
                "(%s)",
                done.chunks_deleted,
                done.documents_queued,
                ", ".join(done.job_ids) or "no job",
                extra={"action": "reconcile"},
            )
        if done.job_ids:
            self.wake()

    async def collect_garbage(self) -> None:
        """Moves unused PDFs to the trash; deletes expired PDFs from the trash, orphan artifacts,
        incomplete uploads and old records. Raises Unavailable."""
        if not await self.check_identity():
            return
        done = await self.reconciler.clean_up(self.retention.trash_days)
        self._log_refusal("cleanup of the files", done)
        if not any(self.refused.values()):  # otherwise a store may still hold old versions
            removed = await remove_old_records(
                self.database, self.retention.tombstone_days, self.retention.delivery_days
            )
            if removed.total:
                log.info("Deleted %d old records", removed.total, extra={"action": "retention"})
        if done.pdfs_trashed or done.pdfs_purged or done.blobs_deleted:
            log.info(
                "Moved %d unused PDFs to the trash, purged %d, deleted %d other files",
                done.pdfs_trashed,
                done.pdfs_purged,
                done.blobs_deleted,
                extra={"action": "tidy"},
            )

    def _log_identity(self, found: StoreIdentity) -> None:
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
            log.warning(
                "All stores belong to the same library again", extra={"action": "stores_match"}
            )

    def _log_refusal(self, action: str, done: Repairs) -> None:
        if done.deletion_refused and done.deletion_refused != self.refused.get(action):
            log.error(
                "The %s deleted nothing, because it would delete %s. See `paperworks doctor`; if "
                "that is correct, run `paperworks doctor --repair --delete-orphans`.",
                action,
                done.deletion_refused,
                extra={"action": "deletion_refused"},
            )
        self.refused[action] = done.deletion_refused
