"""Starts the actors of the service, or finds them running.

This module decides names, restarts and shares of CPU and GPU; the actor classes do not import Ray.
All actors except the runners are detached: they outlive the process that started them and end with
`stop`.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError

from actors.embedded_stores import EmbeddedStores
from actors.embedder import Embedder
from actors.embedder_plan import EmbedderPlan, check_plan, check_reranker, plan_embedders
from actors.folder_registration import FolderOptions
from actors.job_manager import JobManager, JobManagerConfig, JobManagerParts
from actors.job_policy import DRAIN_SECONDS, JobPolicy
from actors.lane_worker import BatchPolicy
from actors.registry import ON_HEAD, detached_actor, get_actor
from actors.reranker import STATE_CALLS, Reranker
from actors.runner_handle import RayRunner
from actors.store_tasks import RemoteEraser, RemoteVectorStore, prepare_stores, run_remote
from configs.settings import LaneSettings, Settings
from domain.addresses import without_password
from domain.consistency import Retention
from domain.fair_share import ShareWeights
from domain.jobs import Lane
from domain.names import EMBEDDED_STORES, EMBEDDER, JOB_MANAGER, METRICS_FOLDER, RERANKER
from domain.options import select_options
from embedding.dimension import vector_dimension
from embedding.embed_options import EmbedOptions
from embedding.load import OPENVINO_ENGINES, resolve_model
from embedding.reranker_files import resolve_reranker
from embedding.token_format import token_format
from extraction.options import ReadOptions
from pipelines.config import PipelineConfig
from runtime.ports import free_port
from runtime.private_files import private_folder
from runtime.sandbox.limits import Limits
from stores.embedded.embedded_milvus import EmbeddedMilvus
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.local_key import LOCAL_KEY

log = logging.getLogger(__name__)

# The interactive lane has a runner process of its own; the background lanes share one.
RUNNERS = ((Lane.INTERACTIVE,), tuple(lane for lane in Lane if lane is not Lane.INTERACTIVE))

# Concurrent calls of an embedding actor: on a GPU, several papers fill one batch.
CALLS_PER_LANE = 16
OPTIONS_SECONDS = 10.0  # a reranker that does not answer is replaced


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the stores, without passwords, because Ray stores them."""

    database_url: str
    milvus_uri: str
    blob_uri: str
    milvus_token_file: str | None = None


def launch(settings: Settings) -> Addresses:
    """Starts the actors and returns the addresses of the stores.

    Idempotent, also from several processes: running actors are found by name. Raises RuntimeError
    if a store on one machine would have to serve several nodes, or if the cluster has no space for
    the embedding actors or the reranker; ValueError for an unknown model.
    """
    check_shared_stores(settings)
    check_models(settings)
    addresses = start_stores(settings)
    start_embedders(settings)
    start_reranker(settings)
    start_job_manager(settings, addresses)
    return addresses


def pipeline_config(settings: Settings, addresses: Addresses) -> PipelineConfig:
    """Returns the configuration of the pipelines."""
    model_dir = resolve_model(settings.model.name)
    return PipelineConfig(
        blob_uri=addresses.blob_uri,
        milvus_uri=addresses.milvus_uri,
        milvus_token_file=addresses.milvus_token_file,
        milvus_name=settings.stores.milvus_name,
        milvus_database=settings.stores.milvus_database,
        milvus_ca=settings.stores.milvus_ca,
        dimension=vector_dimension(model_dir),
        tokens=token_format(model_dir),
        embed=select_options(EmbedOptions, settings.model),
        read=select_options(ReadOptions, settings.read),
        limits=select_options(Limits, settings.read.limits, max_parts=settings.read.max_pages),
        sandbox=settings.read.sandbox,
    )


def retention_of(settings: Settings) -> Retention:
    """Returns the deletion thresholds and the retention times."""
    return Retention(
        limits=settings.stores.deletion,
        trash_days=settings.stores.trash_days,
        record_days=settings.stores.record_days,
        delivery_days=settings.webhooks.keep_deliveries_days,
    )


def check_shared_stores(settings: Settings) -> None:
    """Raises RuntimeError if several nodes would each use a local folder as the store."""
    nodes = len(_nodes())
    local = [
        name
        for name, address in (
            ("DATABASE_URL", settings.database_url),
            ("MILVUS_URI", settings.milvus_uri),
            ("BLOB_URI", settings.blob_address),
        )
        if not address or (address.startswith("file://") and not settings.stores.shared)
    ]
    if nodes > 1 and local:
        raise RuntimeError(
            f"The cluster has {nodes} nodes, but {', '.join(local)} would lie on one of them. Set "
            "them to servers that every node reaches, or stores.shared: true for a folder that "
            "is mounted on all nodes."
        )


def check_models(settings: Settings) -> None:
    """Raises RuntimeError if the cluster has no space for the models, ValueError for a reranker
    that is none."""
    embedders = embedder_plan(settings)
    check_plan(embedders, _nodes(), can_grow=settings.ray.can_grow)
    if settings.search.reranker:
        plan = reranker_plan(settings)
        check_reranker(plan, embedders, _nodes(), can_grow=settings.ray.can_grow)
        resolve_reranker(settings.search.reranker)


def start_stores(settings: Settings) -> Addresses:
    """Returns the addresses of the stores; starts embedded servers where none is configured."""
    given = Addresses(
        without_password(settings.database_url or ""),
        without_password(settings.milvus_uri or ""),
        without_password(settings.blob_address),
    )
    private_folder(settings.home)
    if given.database_url and given.milvus_uri:
        return given
    root = settings.home / "stores"
    ports = _embedded_ports(settings)
    detached_actor(EmbeddedStores, EMBEDDED_STORES, num_cpus=0, max_concurrency=4).remote(
        str(root), *ports
    )
    if ports[0]:
        given = replace(given, database_url=EmbeddedPostgres(root / "postgres", ports[0]).url)
    if ports[1]:
        milvus = EmbeddedMilvus(root / "milvus", ports[1])
        given = replace(given, milvus_uri=milvus.url, milvus_token_file=str(milvus.token_file))
    return given


def _embedded_ports(settings: Settings) -> tuple[int | None, int | None]:
    """Returns the ports of the embedded servers: those of the running actor, or free ones."""
    running = get_actor(EMBEDDED_STORES)
    if running is not None:
        postgres, milvus = cast(Any, ray.get(running.ports.remote()))
        return postgres, milvus
    return (
        None if settings.database_url else free_port(),
        None if settings.milvus_uri else free_port(),
    )


def start_embedders(settings: Settings) -> list[ActorHandle]:
    """Returns the embedding actors; they load the model in the background."""
    model = settings.model
    plan = embedder_plan(settings)
    groups = {str(lane): CALLS_PER_LANE for lane in Lane}
    return [
        detached_actor(
            Embedder,
            f"{EMBEDDER}_{number}",
            max_task_retries=3,
            max_concurrency=4,
            concurrency_groups=groups,
            num_cpus=plan.num_cpus,
            num_gpus=plan.num_gpus,
        ).remote(
            model.name,
            engine=model.engine,
            cache=str(settings.home / "models"),
            threads=model.threads,
            device="cuda" if model.num_gpus else "auto",
            batch_tokens=model.batch_tokens,
            interactive_weight=settings.jobs.interactive_weight,
        )
        for number in range(plan.actors)
    ]


def embedder_plan(settings: Settings) -> EmbedderPlan:
    """Returns the CPUs and GPUs of the embedding actors on the nodes of the cluster."""
    model = settings.model
    return plan_embedders(
        model.actors,
        model.num_cpus,
        model.num_gpus,
        on_gpu=_may_use_gpu(settings),
        nodes=_nodes(),
        others=int(_shares_gpus(settings)),
    )


def start_reranker(settings: Settings) -> ActorHandle | None:
    """Returns the actor that reranks, None without one; it loads the model in the background.

    Ends a running one that was started with other options.
    """
    search, running = settings.search, get_actor(RERANKER)
    options = (search.reranker, search.reranker_threads, _reranker_device(settings))
    if running is not None and _options_of(running) != options:
        ray.kill(running)
    if not search.reranker:
        return None
    plan, (name, threads, device) = reranker_plan(settings), options
    return detached_actor(
        Reranker,
        RERANKER,
        max_concurrency=4,
        concurrency_groups={STATE_CALLS: 1},
        num_cpus=plan.num_cpus,
        num_gpus=plan.num_gpus,
    ).remote(name, threads=threads, device=device)


def reranker_plan(settings: Settings) -> EmbedderPlan:
    """Returns the CPUs and GPUs of the reranker on the nodes of the cluster."""
    search = settings.search
    is_beside = settings.model.num_gpus and search.reranker_num_gpus is None
    return plan_embedders(
        1,
        search.reranker_num_cpus,
        0 if is_beside else search.reranker_num_gpus,
        on_gpu=True,
        nodes=_nodes(),
        others=settings.model.actors if _may_use_gpu(settings) else 0,
    )


def _options_of(reranker: ActorHandle) -> object:
    try:
        answer = cast(Any, reranker).options_given.options(concurrency_group=STATE_CALLS).remote()
        return ray.get(answer, timeout=OPTIONS_SECONDS)
    except RayError:  # its model could not be loaded, or it does not answer in time
        return None


def _reranker_device(settings: Settings) -> str:
    return "cuda" if settings.search.reranker_num_gpus else "auto"


def _shares_gpus(settings: Settings) -> bool:
    """True if the reranker gets a share of the GPUs like an embedding actor."""
    return bool(settings.search.reranker) and settings.search.reranker_num_gpus is None


def _may_use_gpu(settings: Settings) -> bool:
    return settings.model.engine not in OPENVINO_ENGINES


def _nodes() -> list[dict[str, float]]:
    """The resources of each node that is alive."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def start_job_manager(settings: Settings, addresses: Addresses) -> ActorHandle:
    """Returns the JobManager. Replaces one with other code or settings; its tasks are kept."""
    release = release_of(settings)
    running = get_actor(JOB_MANAGER)
    if running is not None and ray.get(running.release.remote()) != release:
        ray.get(running.drain.remote())
        ray.kill(running)
    actor = detached_actor(
        JobManager, JOB_MANAGER, num_cpus=0, max_task_retries=-1, max_concurrency=64, **ON_HEAD
    )
    config = _job_manager_config(settings, addresses, release)
    return actor.remote(config, _job_manager_parts(settings))


def _job_manager_config(settings: Settings, addresses: Addresses, release: str) -> JobManagerConfig:
    http, jobs = settings.http, settings.jobs
    return JobManagerConfig(
        database_url=addresses.database_url,
        policy=select_options(JobPolicy, jobs),
        weights=ShareWeights(jobs.collection_weights, jobs.interactive_weight),
        lanes={
            lane: BatchPolicy(wanted.runs, lane is not Lane.INTERACTIVE)
            for lane, wanted in _lanes(settings).items()
        },
        runner_groups=RUNNERS,
        pipeline=pipeline_config(settings, addresses),
        retention=retention_of(settings),
        info={
            "database_url": addresses.database_url,
            "blob_uri": addresses.blob_uri,
            "release": release,
            "settings": settings.without_secrets(),  # for programs such as serve_app.bulk
        },
        local_key=str(settings.home / LOCAL_KEY) if http.auth == "required" else None,
        webhooks=settings.webhooks,
        metrics=settings.home / METRICS_FOLDER,
        folders=FolderOptions(http.folders, http.upload_limit_bytes, jobs.queue_limit),
    )


def _job_manager_parts(settings: Settings) -> JobManagerParts:
    lanes, actors = _lanes(settings), settings.model.actors
    return JobManagerParts(
        open_runner=partial(RayRunner, lanes=lanes, actors=actors, cluster=settings.ray),
        prepare=partial(run_remote, prepare_stores),
        eraser=RemoteEraser,
        vectors=RemoteVectorStore,
    )


def _lanes(settings: Settings) -> dict[Lane, LaneSettings]:
    return {lane: getattr(settings.jobs, lane) for lane in Lane}


def release_of(settings: Settings) -> str:
    """Returns a digest of code and settings; a running JobManager with another one is replaced."""
    digest = hashlib.sha256(settings.without_secrets().encode())
    root = Path(__file__).parent.parent
    for folder in ("domain", "runtime", "extraction", "stores", "pipelines", "actors"):
        for source in sorted((root / folder).rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def stop(settings: Settings) -> None:
    """Returns running tasks to the queue and ends every actor, the embedded stores last."""
    manager, stores = get_actor(JOB_MANAGER), get_actor(EMBEDDED_STORES)
    if manager is not None:
        try:
            ray.get(manager.drain.remote(DRAIN_SECONDS), timeout=2 * DRAIN_SECONDS)
        except Exception as error:
            log.warning(
                "The JobManager did not drain (%s); its tasks wait for their leases.", error
            )
        ray.kill(manager)
    for number in range(settings.model.actors):
        if (embedder := get_actor(f"{EMBEDDER}_{number}")) is not None:
            ray.kill(embedder)
    if (reranker := get_actor(RERANKER)) is not None:
        ray.kill(reranker)
    if stores is not None:
        try:
            ray.get(stores.stop.remote(), timeout=10)
        finally:
            ray.kill(stores)  # ends the servers, too
