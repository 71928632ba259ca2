"""The dependencies of the routes: services and metrics, built by the deployment and by tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from fastapi import Depends, Request

from domain.consistency import DeletionLimits
from domain.jobs import Lane
from domain.relevance import Calibration
from runtime.http_options import HttpOptions
from runtime.single_flight import SingleFlight
from serve_app.access.gate import Gate
from serve_app.api.metrics import Metrics
from serve_app.library.papers import PaperCache
from serve_app.library.rendering import Renderer
from serve_app.library.reranking import Reranking
from serve_app.system.report import SystemReport
from stores.blobs.blob_store import BlobStore
from stores.consistency.reconcile import stores_do_not_match
from stores.consistency.store_identity import IdentityGuard, Library
from stores.postgres.notifications import JobSubscriptions
from stores.protocols import (
    AuditLog,
    CitationStore,
    CollectionStore,
    ConsistencyQueries,
    DocumentStore,
    EventFeed,
    EventLog,
    FolderJobStore,
    JobControl,
    JobStore,
    KeyStore,
    TaskQueue,
    VectorStore,
    WebhookStore,
)

PREFIX = "/api/v1"
DOCUMENT = f"{PREFIX}/documents/{{document_id}}"


async def no_delays() -> dict[str, str]:
    """Returns an empty mapping: no component is starting."""
    return {}


@dataclass(frozen=True, slots=True)
class Services:
    """The stores, the query encoder, hints to the JobManager, and the checks of /readyz.

    `embed_query` returns one unit vector. `wake`, `cancelled` (with a job id) and `deletions_due`
    are hints to the JobManager and never raise. `guard` reports stores that belong to different
    libraries. Each check returns if its component works and raises Unavailable otherwise.
    `check_disk_space` raises InsufficientStorage if uploads must be rejected. `calibration` gives
    the relevance of hits, None for an embedding model without measured weights. `reranking` is None
    unless a reranker is configured. `delays` returns what components that are not ready do, by the
    name of their check. `gate` decides who sends a request. `system` collects what the System page
    shows.
    """

    jobs: JobStore
    job_control: JobControl
    events: EventLog
    event_feed: EventFeed
    queue: TaskQueue
    documents: DocumentStore
    collections: CollectionStore
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
    checks: dict[str, Callable[[], Awaitable[None]]]
    check_disk_space: Callable[[], Awaitable[None]]
    http: HttpOptions
    deletion: DeletionLimits
    keys: KeyStore
    audit_log: AuditLog
    system: SystemReport
    webhooks: WebhookStore
    folders: FolderJobStore
    calibration: Calibration | None = None
    reranking: Reranking | None = None
    gate: Gate = field(default_factory=Gate)
    delays: Callable[[], Awaitable[dict[str, str]]] = no_delays
    paper_cache: PaperCache = field(default_factory=PaperCache)
    renderer: Renderer = field(default_factory=Renderer)
    notifications: JobSubscriptions = field(default_factory=JobSubscriptions)  # polls
    # The routes of health.py bypass the admission control: frequent calls must not multiply work.
    shared: SingleFlight[Any] = field(default_factory=lambda: SingleFlight(joins_running=True))

    async def require_matching_stores(self) -> None:
        """Raises StoresDoNotMatch unless all stores belong to the same library."""
        if problems := await self.guard.problems():
            raise stores_do_not_match(problems)

    def wake_all_lanes(self) -> None:
        """Hints the JobManager that every lane may have work."""
        for lane in Lane:
            self.wake(lane)


# Coroutines, because FastAPI runs plain functions in its thread pool, which costs 0.1 ms per call.
async def _services(request: Request) -> Services:
    return request.app.state.services


async def _metrics(request: Request) -> Metrics:
    return request.app.state.metrics


ServicesDep = Annotated[Services, Depends(_services)]
MetricsDep = Annotated[Metrics, Depends(_metrics)]
