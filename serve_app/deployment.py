"""The Ray Serve deployment: `build(args) -> Application`, for deploy files and `up`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import ray
from fastapi import FastAPI
from ray import serve
from ray.serve import Application
from ray.serve.context import _get_global_client

from actors.component_states import ComponentStates
from actors.launch import Addresses, launch, pipeline_config, retention_of, stop
from actors.query_encoder import QueryEncoders
from actors.registry import embedders, get_actor
from actors.reranker_handle import RerankerHandle
from actors.workforce import WorkforceReport
from configs.settings import JobSettings, SearchSettings, Settings
from domain.collection_names import naming
from domain.errors import ServiceNotReady
from domain.jobs import Lane
from domain.library_search import parsed_search
from domain.names import APPLICATION, JOB_MANAGER, METRICS_FOLDER
from domain.relevance import CALIBRATIONS
from domain.search import SearchMode, SearchQuery
from pipelines.config import blob_store, named_vector_store
from runtime.patches.prometheus import share_metrics
from runtime.patches.ray_serve import log_requests_to_file_only, patch_replica_ports
from runtime.ports import free_port
from runtime.private_files import private_folder
from runtime.sandbox.confine import check_sandbox
from runtime.single_flight import SingleFlight
from serve_app.access.gate import Gate
from serve_app.api.app import create_api
from serve_app.api.metrics import Metrics
from serve_app.api.search_check import PROBE, SearchCheck
from serve_app.api.services import Services
from serve_app.http.disk_space import DiskSpace
from serve_app.http.protocol import guarded_protocol
from serve_app.library.rendering import Renderer
from serve_app.library.reranking import Reranking
from serve_app.library.search import run_search
from serve_app.process.refusals import refuse_open_door, refuse_secrets
from serve_app.schemas.core import SearchResult
from serve_app.system.compose import system_facts
from serve_app.system.report import SystemReport
from stores.consistency.consistency_queries import ConsistencyQueries
from stores.consistency.store_identity import IdentityCheck, IdentityGuard
from stores.credentials import with_password
from stores.folders.folder_upload import FolderUpload
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

LOOKUP_TTL_SECONDS = 5.0
WAKE_DELAY_SECONDS = 0.001
WAKE_INTERVAL_SECONDS = 0.02
IDENTITY_CHECK_SECONDS = 10.0  # interval of the checks that the stores belong together
HEALTH_CHECK_SECONDS = 1  # a replica that was killed is replaced after one to two of these


def build(args: Mapping[str, Any]) -> Application:
    """Returns the application for the settings in `args` (the arguments of a deploy file).

    Starts the actors of the service unless they are running. Raises CannotStart for an address
    that other machines can reach, and for secrets in `args`.
    """
    refuse_secrets(args)
    settings = Settings.model_validate(args)
    refuse_open_door(settings)
    refuse_open_door(settings, _serve_host())
    return _application(settings, launch(settings))


def _serve_host() -> str | None:
    """Returns the host of the running Serve; a deploy file sets it outside of `args`."""
    client = _get_global_client(raise_if_no_controller_running=False)
    return client.http_config.host if client else None


def _application(settings: Settings, addresses: Addresses) -> Application:
    api = Api.options(
        num_replicas=settings.api_processes,
        max_ongoing_requests=settings.http.max_ongoing_requests,
    )
    return api.bind(settings.without_secrets(), addresses)


def deploy(settings_json: str) -> None:
    """Starts the actors and deploys the API. The actors may still be warming up afterwards."""
    settings = Settings.model_validate_json(settings_json)
    addresses = launch(settings)  # before Serve, so that both start concurrently
    is_direct = settings.http.ingress == "direct"
    port = free_port() if is_direct else settings.http.port
    options = {"host": settings.http.host, "port": port}
    serve.start(proxy_location="HeadOnly", http_options=options)
    application = _application(settings, addresses)
    serve.run(application, name=APPLICATION, route_prefix="/", blocking=False)


def undeploy(settings_json: str) -> None:
    """Deletes the application and ends all its actors."""
    serve.delete(APPLICATION)
    stop(Settings.model_validate_json(settings_json))


@serve.deployment(
    name="api",
    health_check_period_s=HEALTH_CHECK_SECONDS,
    graceful_shutdown_timeout_s=5,
    graceful_shutdown_wait_loop_s=0.2,
    ray_actor_options={"num_cpus": 0},
)
@serve.ingress()
class Api:
    """The HTTP API, and the methods `submit` and `search` for programs on the cluster.

    `serve.get_app_handle("paperworks")` reaches the same replicas as HTTP.
    """

    def __init__(self, settings: str, addresses: Addresses) -> None:
        self.settings = Settings.model_validate_json(settings)
        protocol = guarded_protocol(self.settings.http)
        patch_replica_ports(ray.util.get_node_ip_address(), protocol)
        log_requests_to_file_only()
        self.services = connect(self.settings, addresses)

    def __serve_build_asgi_app__(self) -> FastAPI:
        folder = private_folder(self.settings.home / METRICS_FOLDER)
        share_metrics(folder)
        return create_api(self.services, metrics=Metrics(folder), request_id_header=False)

    async def submit(
        self, paths: Sequence[str], collection: str = "default", lane: str = Lane.BULK
    ) -> str:
        """Registers PDFs that this replica can read, and returns the id of their job.

        Rejected files are skipped. Raises RefusedUpload if no file is accepted, QueueFull if the
        queue of the collection is full, StoresDoNotMatch.
        """
        await self.services.require_matching_stores()
        collection = (await self.services.collections.names()).id_of(collection)
        await self.services.jobs.check_queue_limit(collection)
        upload = FolderUpload(
            self.services.blobs,
            self.services.jobs,
            self.services.http.upload_limit_bytes,
            self.services.wake,
            collection,
            Lane(lane),
        )
        return await upload.register(list(map(Path, paths)))

    async def search(
        self,
        query: str,
        collection: str | None = None,
        mode: str = SearchMode.HYBRID,
        limit: int = 10,
    ) -> SearchResult:
        """Returns the same result as POST /api/v1/search."""
        names = await self.services.collections.names()
        chosen = None if collection is None else names.id_of(collection)
        search_query = SearchQuery(query, chosen, SearchMode(mode), limit)
        with naming(names):
            result = await run_search(parsed_search(search_query), self.services)
            return SearchResult.model_validate(result.model_dump())  # with present names


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


class ActorHandles:
    """Handles of the actors in a replica. A handle stays valid when its actor restarts."""

    def __init__(self, actors: int) -> None:
        self.encoders = QueryEncoders(embedders(actors))
        self.manager: Any = None
        self.manager_cached_until = 0.0
        self.lanes_to_wake: set[Lane] = set()
        self.woken_at = 0.0
        self.probes = SingleFlight[np.ndarray](joins_running=True)

    def job_manager(self) -> Any:
        """Returns the handle of the JobManager, None if it does not run. Cached for 5 seconds.

        The lookup calls Ray's GCS (global control service), which must not slow down uploads.
        """
        if self.manager is None or time.monotonic() > self.manager_cached_until:
            self.manager = get_actor(JOB_MANAGER)
            self.manager_cached_until = time.monotonic() + LOOKUP_TTL_SECONDS
        return self.manager

    def wake(self, lane: Lane) -> None:
        """Hints the JobManager that a lane has work; without it, the next poll finds the work.

        Is sent 1 ms later, when the response is on its way, but at most once per
        WAKE_INTERVAL_SECONDS: a call takes as much CPU time as a tenth of an upload.
        """
        if not self.lanes_to_wake:
            loop = asyncio.get_running_loop()
            due_at = self.woken_at + WAKE_INTERVAL_SECONDS
            loop.call_later(max(WAKE_DELAY_SECONDS, due_at - time.monotonic()), self._wake)
        self.lanes_to_wake.add(lane)

    def _wake(self) -> None:
        lanes, self.lanes_to_wake = sorted(self.lanes_to_wake), set()
        self.woken_at = time.monotonic()
        if (manager := self.job_manager()) is not None:
            manager.wake.remote(lanes)

    def cancelled(self, job_id: str) -> None:
        """Hints the JobManager to stop a job; without it, the work ends with its lease."""
        if (manager := self.job_manager()) is not None:
            manager.cancelled.remote(job_id)

    def deletions_due(self) -> None:
        """Hints the JobManager to erase deleted data; without it, the next poll does."""
        if (manager := self.job_manager()) is not None:
            manager.deletions_due.remote()

    async def check_job_manager(self) -> None:
        """Raises ServiceNotReady with the reason unless the JobManager accepts work."""
        manager = self.job_manager()
        if manager is None or not await manager.ready.remote():
            state = await manager.describe.remote() if manager else {}
            raise ServiceNotReady(state.get("problem") or "The workers are still warming up.")

    async def check_embedder(self) -> None:
        """Raises ServiceNotReady unless the embedder answers a query."""
        await self.probe_vector()

    async def probe_vector(self) -> np.ndarray:
        """Returns the vector of PROBE; concurrent checks share one call. Raises ServiceNotReady."""
        return await self.probes.run(PROBE, partial(self.encoders.encode, PROBE))
