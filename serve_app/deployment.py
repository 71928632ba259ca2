"""The service on Ray Serve: `build(args) -> Application`, for deploy files and `up`."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import ray
from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayActorError
from ray.serve import Application
from ray.serve.context import _get_global_client

from actors.launch import Addresses, launch, pipeline_config, retention_of, stop
from actors.registry import embedders, get_actor
from configs.settings import Settings
from domain.errors import ServiceNotReady
from domain.jobs import Lane
from domain.names import APPLICATION, JOB_MANAGER
from domain.search import SearchMode, SearchQuery
from pipelines.config import blob_store, named_vector_store
from runtime.patches.ray_serve import patch_replica_ports
from runtime.ports import free_port
from runtime.sandbox.confine import check_sandbox
from serve_app.api.app import create_api
from serve_app.api.services import Limits, Services
from serve_app.http.disk_space import DiskSpace
from serve_app.http.limits import HttpLimits
from serve_app.http.protocol import guarded_protocol
from serve_app.library.library_identity import require_matching_stores
from serve_app.library.rendering import Renderer
from serve_app.library.search import answer
from serve_app.process.refusals import refuse_open_door, refuse_secrets
from serve_app.schemas.core import SearchResult
from serve_app.uploads.folders import FolderUploads
from stores.consistency.consistency_queries import ConsistencyQueries
from stores.consistency.store_identity import IdentityCheck, IdentityGuard
from stores.credentials import with_password
from stores.postgres.citation_store import CitationStore
from stores.postgres.database import Database
from stores.postgres.document_store import DocumentStore
from stores.postgres.event_log import EventLog
from stores.postgres.job_control import JobControl
from stores.postgres.job_store import JobStore
from stores.postgres.library_record import LibraryStore, read_milvus_name
from stores.postgres.notifications import JobNotifications
from stores.postgres.task_queue import TaskQueue

LOOK_UP_SECONDS = 5.0
WAKE_AFTER_SECONDS = 0.001
IDENTITY_SECONDS = 10.0  # between two looks whether the stores belong together
HEALTH_CHECK_SECONDS = 1  # a replica that was killed is replaced after one to two of these


def build(args: Mapping[str, Any]) -> Application:
    """The application for these arguments of a deploy file, which are settings; the actors behind
    it are started, or found running.

    Raises CannotStart for an address that others can reach, and for a secret among the arguments.
    """
    refuse_secrets(args)
    settings = Settings.model_validate(args)
    refuse_open_door(settings)
    refuse_open_door(settings, _serve_host())
    return _application(settings, launch(settings))


def _serve_host() -> str | None:
    """Where the running Serve listens: a deploy file says so outside of the arguments."""
    client = _get_global_client(raise_if_no_controller_running=False)
    return client.http_config.host if client else None


def _application(args: Settings, addresses: Addresses) -> Application:
    api = Api.options(
        num_replicas=args.http.replicas,
        max_ongoing_requests=args.http.max_ongoing_requests,
    )
    return api.bind(args.without_secrets(), addresses)


def come_up(settings: str) -> None:
    """Returns when Serve runs the API; the actors behind it may still be warming up."""
    wanted = Settings.model_validate_json(settings)
    addresses = launch(wanted)  # first: the actors come up while Serve does
    direct = wanted.http.ingress == "direct"
    port = free_port() if direct else wanted.http.port
    options = {"host": wanted.http.host, "port": port}
    serve.start(proxy_location="HeadOnly", http_options=options)
    application = _application(wanted, addresses)
    serve.run(application, name=APPLICATION, route_prefix="/", blocking=False)


def go_down(settings: str) -> None:
    """Ends the application and every actor that belongs to it."""
    serve.delete(APPLICATION)
    stop(Settings.model_validate_json(settings))


@serve.deployment(
    name="api",
    health_check_period_s=HEALTH_CHECK_SECONDS,
    graceful_shutdown_timeout_s=5,
    graceful_shutdown_wait_loop_s=0.2,
    ray_actor_options={"num_cpus": 0},
)
@serve.ingress()
class Api:
    """The HTTP API, and `submit` and `search` for programs on the cluster.

    `serve.get_app_handle("paperworks")` reaches the same replicas as HTTP does.
    """

    def __init__(self, settings: str, addresses: Addresses) -> None:
        self.settings = Settings.model_validate_json(settings)
        self.http_limits = HttpLimits.of(self.settings.http)
        patch_replica_ports(ray.util.get_node_ip_address(), guarded_protocol(self.http_limits))
        self.services = connect(self.settings, addresses)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return create_api(self.services, limits=self.http_limits, request_id_header=False)

    async def submit(
        self, paths: Sequence[str], collection: str = "default", lane: str = Lane.BULK
    ) -> str:
        """Id of a job for PDFs that this replica can read; refused files are left out.

        Raises RefusedUpload when not one of them is accepted, QueueFull when the collection has
        enough work waiting already, StoresDoNotMatch.
        """
        await require_matching_stores(self.services)
        await self.services.jobs.check_room(collection)
        uploads = FolderUploads(
            self.services.blobs,
            self.services.jobs,
            self.services.limits.upload_bytes,
            self.services.wake,
        )
        return await uploads.register([Path(path) for path in paths], collection, Lane(lane))

    async def search(
        self,
        query: str,
        collection: str | None = None,
        mode: str = SearchMode.HYBRID,
        limit: int = 10,
    ) -> SearchResult:
        """The passages that answer the query, as POST /api/v1/search gives them."""
        asked = SearchQuery(query, collection, SearchMode(mode), limit)
        return await answer(asked, self.services)


def connect(settings: Settings, addresses: Addresses) -> Services:
    """The stores and actors of the running service, as the routes need them."""
    recipe = pipeline_config(settings, addresses)
    url = with_password(addresses.database_url, "DATABASE_URL")
    database = Database(url, settings.stores.pool_size)
    vectors = named_vector_store(recipe, recipe.milvus_name or partial(read_milvus_name, url))
    blobs, library = blob_store(recipe), LibraryStore(database)
    cluster = Cluster(settings.model.actors)
    disk = DiskSpace(local_folders(settings), settings.http.keep_free_bytes)
    return Services(
        jobs=JobStore(
            database,
            max_attempts=settings.jobs.max_attempts,
            keep_days=settings.jobs.keep_days,
            queue_limit=settings.jobs.queue_limit,
        ),
        orders=JobControl(database),
        events=EventLog(database),
        queue=TaskQueue(database),
        notifications=JobNotifications(database),
        documents=DocumentStore(database),
        audit=ConsistencyQueries(database),
        citations=CitationStore(database),
        vectors=vectors,
        blobs=blobs,
        library=library,
        guard=IdentityGuard(
            IdentityCheck(library, vectors, blobs), time.monotonic, IDENTITY_SECONDS
        ),
        embed_query=cluster.embed_query,
        wake=cluster.wake,
        cancelled=cluster.cancelled,
        deletions_due=cluster.deletions_due,
        checks={
            "database": database.ping,
            "vector_store": lambda: asyncio.to_thread(vectors.ping),
            "blob_store": lambda: asyncio.to_thread(blobs.ping),
            "disk": disk.check,
            "job_manager": cluster.check_job_manager,
            "embedder": cluster.check_embedder,
            "parser": lambda: asyncio.to_thread(check_sandbox, recipe.sandbox),
        },
        check_room=disk.check,
        limits=Limits(settings.http.upload_limit_bytes, settings.http.max_files),
        renderer=Renderer(recipe.sandbox),
        deletion=retention_of(settings).limits,
    )


def local_folders(settings: Settings) -> list[Path]:
    """Where the service writes on this machine's file systems: home, and blobs in a folder."""
    scheme, _, path = settings.blob_address.partition("://")
    return [settings.home, *([Path(path)] if scheme in ("file", "local") else [])]


class Cluster:
    """The actors, as the replica reaches them; handles stay valid when an actor restarts."""

    def __init__(self, actors: int) -> None:
        self.embedders = itertools.cycle(embedders(actors))
        self.manager: Any = None
        self.manager_known_until = 0.0
        self.to_wake: set[Lane] = set()

    def job_manager(self) -> Any:
        """The JobManager's handle, None when there is none; looked up anew every few seconds.

        The look-up asks the cluster's control store and must not be in the way of every upload.
        """
        if self.manager is None or time.monotonic() > self.manager_known_until:
            self.manager = get_actor(JOB_MANAGER)
            self.manager_known_until = time.monotonic() + LOOK_UP_SECONDS
        return self.manager

    async def embed_query(self, text: str) -> np.ndarray:
        """The unit vector of a query, (dimension,). Raises ServiceNotReady."""
        call = next(self.embedders).encode_query.options(concurrency_group=str(Lane.INTERACTIVE))
        try:
            return await asyncio.wait_for(asyncio.shield(_await(call.remote(text))), 20)
        except (RayActorError, TimeoutError) as error:
            raise ServiceNotReady from error

    def wake(self, lane: Lane) -> None:
        """A hint to the JobManager, sent when the answer is on its way; a lost one costs a poll.

        Uploads that come close together share one.
        """
        if not self.to_wake:
            asyncio.get_running_loop().call_later(WAKE_AFTER_SECONDS, self._wake)
        self.to_wake.add(lane)

    def _wake(self) -> None:
        lanes, self.to_wake = sorted(self.to_wake), set()
        if (manager := self.job_manager()) is not None:
            manager.wake.remote(lanes)

    def cancelled(self, job_id: str) -> None:
        """A hint to the JobManager; without it the work ends with its lease."""
        if (manager := self.job_manager()) is not None:
            manager.cancelled.remote(job_id)

    def deletions_due(self) -> None:
        """A hint to the JobManager; without it deletions wait for its next look at the queue."""
        if (manager := self.job_manager()) is not None:
            manager.deletions_due.remote()

    async def check_job_manager(self) -> None:
        """Returns when the JobManager takes work. Raises ServiceNotReady with what keeps it."""
        manager = self.job_manager()
        if manager is None or not await manager.ready.remote():
            state = await manager.describe.remote() if manager else {}
            raise ServiceNotReady(state.get("problem") or "The workers are still warming up.")

    async def check_embedder(self) -> None:
        """Returns when the model answers. Raises ServiceNotReady."""
        await self.embed_query("ready?")


async def _await(reference: Any) -> Any:
    return await reference
