"""The dependencies of the routes as one value, built by the deployment and by tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from domain.consistency import DeletionLimits
from domain.jobs import Lane
from serve_app.library.paper_cache import PaperCache
from serve_app.library.rendering import Renderer
from stores.blobs.blob_store import BlobStore
from stores.consistency.store_identity import IdentityGuard, Library
from stores.postgres.notifications import JobSubscriptions
from stores.protocols import (
    CitationStore,
    ConsistencyQueries,
    DocumentStore,
    EventLog,
    JobControl,
    JobStore,
    TaskQueue,
    VectorStore,
)


async def _skip_disk_check() -> None:
    """Disk check that always passes."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Upload limits of one request: bytes per PDF, and number of files."""

    upload_bytes: int = 200 * 1024 * 1024
    files: int = 1000


@dataclass(frozen=True, slots=True)
class Services:
    """The stores, the query encoder, hints to the JobManager, and the checks of /readyz.

    `embed_query` returns one unit vector. `wake`, `cancelled` (with a job id) and `deletions_due`
    are hints to the JobManager and never raise. `guard` reports stores that belong to different
    libraries. Each check returns if its component works and raises Unavailable otherwise.
    `check_disk_space` raises InsufficientStorage if uploads must be rejected.
    """

    jobs: JobStore
    job_control: JobControl
    events: EventLog
    queue: TaskQueue
    documents: DocumentStore
    audit: ConsistencyQueries
    citations: CitationStore
    vectors: VectorStore
    blobs: BlobStore
    library: Library
    guard: IdentityGuard
    embed_query: Callable[[str], Awaitable[np.ndarray]]
    wake: Callable[[Lane], None]
    cancelled: Callable[[str], None]
    deletions_due: Callable[[], None]
    checks: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    check_disk_space: Callable[[], Awaitable[None]] = _skip_disk_check
    limits: UploadLimits = UploadLimits()
    deletion: DeletionLimits = field(default_factory=DeletionLimits)
    paper_cache: PaperCache = field(default_factory=PaperCache)
    renderer: Renderer = field(default_factory=Renderer)
    notifications: JobSubscriptions = field(default_factory=JobSubscriptions)  # polls
