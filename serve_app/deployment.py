"""The Ray Serve deployment: `build(args) -> Application`, for deploy files and `up`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
from fastapi import FastAPI
from ray import serve
from ray.serve import Application
from ray.serve.context import _get_global_client

from actors.launch import Addresses, launch, stop
from configs.settings import Settings
from domain.collection_names import naming
from domain.jobs import Lane
from domain.library_search import parsed_search
from domain.names import APPLICATION, METRICS_FOLDER
from domain.search import SearchMode, SearchQuery
from runtime.patches.prometheus import share_metrics
from runtime.patches.ray_serve import log_requests_to_file_only, patch_replica_ports
from runtime.ports import free_port
from runtime.private_files import private_folder
from serve_app.api.app import create_api
from serve_app.api.metrics import Metrics
from serve_app.composition import connect
from serve_app.http.protocol import guarded_protocol
from serve_app.library.search import run_search
from serve_app.process.refusals import refuse_open_door, refuse_secrets
from serve_app.schemas.core import SearchResult
from stores.folders.folder_upload import FolderUpload

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
    is_direct = settings.http.ingress == "direct"
    if not is_direct:
        _check_running_serve(settings.http.port)
    addresses = launch(settings)  # before Serve, so that both start concurrently
    port = free_port() if is_direct else settings.http.port
    options = {"host": settings.http.host, "port": port}
    serve.start(proxy_location="HeadOnly", http_options=options)
    application = _application(settings, addresses)
    serve.run(application, name=APPLICATION, route_prefix="/", blocking=False)


def _check_running_serve(port: int) -> None:
    """Raises RuntimeError if Serve runs on the cluster with another port, which it keeps."""
    client = _get_global_client(raise_if_no_controller_running=False)
    if client and client.http_config.port != port:
        raise RuntimeError(
            f"Serve listens on port {client.http_config.port} of this cluster already, and not on "
            f"{port}. Set http.port to it, or end Serve with `serve shutdown`."
        )


def undeploy(settings_json: str) -> None:
    """Deletes the application, unless Serve has not started, and ends all its actors."""
    if _get_global_client(raise_if_no_controller_running=False):
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
