"""What the routes work with, handed to them as one value; built by the deployment and by tests."""

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


async def _no_check() -> None:
    """What is asked before an upload where nobody looks at the disk."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may carry."""

    upload_bytes: int = 200 * 1024 * 1024
    files: int = 1000


@dataclass(frozen=True, slots=True)
class Services:
    """The stores, the query encoder, hints to the JobManager, and the checks behind /readyz.

    `embed_query` gives one unit vector; `wake`, `cancelled` (of a job's id) and `deletions_due`
    are hints and never raise; `guard` says whether the stores belong together; each check returns
    when its part works and raises Unavailable otherwise. `check_room` raises InsufficientStorage
    when uploads must be refused.
    """

    jobs: JobStore
    orders: JobControl
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
    check_room: Callable[[], Awaitable[None]] = _no_check
    limits: Limits = Limits()
    deletion: DeletionLimits = field(default_factory=DeletionLimits)
    shelf: PaperCache = field(default_factory=PaperCache)
    renderer: Renderer = field(default_factory=Renderer)
