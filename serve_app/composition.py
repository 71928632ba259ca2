"""Builds the dependencies of the routes from the settings: stores, actor handles, checks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial

from actors.component_states import ComponentStates
from actors.launch import Addresses, pipeline_config, retention_of
from actors.reranker_handle import RerankerHandle
from actors.workforce import WorkforceReport
from configs.settings import JobSettings, SearchSettings, Settings
from domain.relevance import CALIBRATIONS
from pipelines.config import blob_store, named_vector_store
from runtime.sandbox.confine import check_sandbox
from serve_app.access.gate import Gate
from serve_app.actor_handles import ActorHandles
from serve_app.api.search_check import SearchCheck
from serve_app.api.services import Services
from serve_app.http.disk_space import DiskSpace
from serve_app.library.rendering import Renderer
from serve_app.library.reranking import Reranking
from serve_app.system.compose import system_facts
from serve_app.system.report import SystemReport
from stores.consistency.consistency_queries import ConsistencyQueries
from stores.consistency.store_identity import IdentityCheck, IdentityGuard
from stores.credentials import with_password
from stores.postgres.activity_store import ActivityStore
from stores.postgres.audit_log import AuditLog
from stores.postgres.citation_store import CitationStore
from stores.postgres.collection_store import CollectionStore
from stores.postgres.database import Database
from stores.postgres.document_store import DocumentStore
from stores.postgres.event_feed import EventFeed
from stores.postgres.event_log import EventLog
from stores.postgres.folder_jobs import FolderJobs
from stores.postgres.job_control import JobControl
from stores.postgres.job_store import JobStore
from stores.postgres.key_store import KeyStore
from stores.postgres.library_record import LibraryStore, read_milvus_name
from stores.postgres.notifications import JobNotifications
from stores.postgres.open_connections import open_connections
from stores.postgres.request_counts import RequestCounts
from stores.postgres.system_queries import SystemQueries
from stores.postgres.task_queue import TaskQueue
from stores.postgres.webhook_store import WebhookStore

IDENTITY_CHECK_SECONDS = 10.0  # interval of the checks that the stores belong together


def connect(settings: Settings, addresses: Addresses) -> Services:
    """Returns the dependencies of the routes: clients of the stores, and actor handles."""
    config = pipeline_config(settings, addresses)
    url = with_password(addresses.database_url, "DATABASE_URL")
    database = Database(url, settings.stores.pool_size)
    vectors = named_vector_store(config, config.milvus_name or partial(read_milvus_name, url))
    blobs, library = blob_store(config), LibraryStore(database)
    actors, keys = ActorHandles(settings.model.actors), KeyStore(database)
    disk = DiskSpace(settings.local_folders, settings.http.keep_free_bytes)
    services = Services(
        jobs=_job_store(settings.jobs, database),
        job_control=JobControl(database),
        events=EventLog(database),
        event_feed=EventFeed(database),
        queue=TaskQueue(database),
        notifications=JobNotifications(database),
        documents=DocumentStore(database),
        collections=CollectionStore(database),
        audit=ConsistencyQueries(database),
        citations=CitationStore(database),
        vectors=vectors,
        blobs=blobs,
        library=library,
        guard=IdentityGuard(
            IdentityCheck(library, vectors, blobs), time.monotonic, IDENTITY_CHECK_SECONDS
        ),
        embed_query=actors.encoders.vector,
        wake=actors.wake,
        cancelled=actors.cancelled,
        deletions_due=actors.deletions_due,
        checks={
            "database": database.ping,
            "vector_store": lambda: asyncio.to_thread(vectors.ping),
            "blob_store": lambda: asyncio.to_thread(blobs.ping),
            "disk": disk.check,
            "job_manager": actors.check_job_manager,
            "embedder": actors.check_embedder,
            "parser": lambda: asyncio.to_thread(check_sandbox, config.sandbox),
        },
        check_disk_space=disk.check,
        http=settings.http,
        renderer=Renderer(config.sandbox),
        deletion=retention_of(settings).limits,
        calibration=CALIBRATIONS.get(settings.model.name),
        gate=Gate(keys, RequestCounts(database), settings.http),
        keys=keys,
        audit_log=AuditLog(database),
        delays=ComponentStates(
            settings.model.actors, settings.home / "models", settings.search.reranker
        ).current,
        system=system_report(settings, database),
        webhooks=WebhookStore(database, settings.webhooks),
        folders=FolderJobs(database),
    )
    warm_up = partial(open_connections, database)
    services.checks["search"] = SearchCheck(services, actors.probe_vector, warm_up).check
    return _with_reranker(services, settings.search)


def _job_store(jobs: JobSettings, database: Database) -> JobStore:
    return JobStore(
        database,
        max_attempts=jobs.max_attempts,
        keep_days=jobs.keep_days,
        queue_limit=jobs.queue_limit,
    )


def _with_reranker(services: Services, search: SearchSettings) -> Services:
    """Returns the services with the reranker and its check, where one is configured."""
    if not search.reranker:
        return services
    reranker = RerankerHandle(search.rerank_seconds)
    services.checks["reranker"] = reranker.check
    return replace(services, reranking=Reranking(reranker.scores, search.rerank_candidates))


def system_report(settings: Settings, database: Database) -> SystemReport:
    """Returns what the System page shows."""
    is_local = settings.ray.address is None
    workforce = WorkforceReport(settings.model.actors, on_one_machine=is_local)
    queries, activity = SystemQueries(database), ActivityStore(database)
    return SystemReport(system_facts(settings), queries, activity, workforce.current)
