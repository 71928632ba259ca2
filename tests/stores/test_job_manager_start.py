"""Start of a JobManager on real stores: choice of the collection, and when it holds back work."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from actors.job_manager import JobManager, JobManagerConfig, JobManagerParts
from actors.job_policy import JobPolicy
from actors.lane_worker import BatchPolicy
from domain.consistency import Retention
from domain.fair_share import EQUAL_SHARES
from domain.jobs import Lane, TaskStatus, Upload
from embedding.embed_options import EmbedOptions
from pipelines.config import PipelineConfig, blob_store, vector_store
from stores.blobs.blob_store import BlobStore
from stores.consistency.store_identity import default_name
from stores.postgres.database import Database
from stores.postgres.library_record import LibraryStore, read_milvus_name
from tests.records import make_chunk
from tests.stores.milvus import DIMENSION, MilvusLite


class IdleRunner:
    """A warm runner that never gets work."""

    async def warm_up(self) -> None:
        return

    async def batch_size(self, lane: Lane) -> None:
        """Does not answer, so that no lane claims a task."""
        await asyncio.Event().wait()

    async def pid(self) -> int:
        return 0

    def close(self) -> None:
        return


class NullStoreDeleter:
    """Never deletes anything."""


def prepare(config: PipelineConfig) -> None:
    vector_store(config).prepare()
    blob_store(config).prepare()


class DirectVectorStore:
    """Accesses the vector store of the collection that the config names at the time of the call."""

    def __init__(self, config: Callable[[], PipelineConfig]) -> None:
        self.config = config

    def __getattr__(self, name: str) -> object:
        return getattr(vector_store(self.config()), name)


@asynccontextmanager
async def started(database_url: str, config: PipelineConfig) -> AsyncIterator[JobManager]:
    """A JobManager that has prepared its stores."""
    policy = JobPolicy(poll_seconds=0.05, reconcile_minutes=0)
    manager = JobManager(
        JobManagerConfig(
            database_url=database_url,
            policy=policy,
            weights=EQUAL_SHARES,
            lanes={lane: BatchPolicy(1) for lane in Lane},
            runner_groups=(tuple(Lane),),
            pipeline=config,
            retention=Retention(),
            info={"release": "test"},
        ),
        JobManagerParts(
            open_runner=lambda _config, _shared: IdleRunner(),  # pyright: ignore
            prepare=prepare,
            eraser=lambda _config: NullStoreDeleter(),  # pyright: ignore
            vectors=DirectVectorStore,  # pyright: ignore
        ),
    )
    try:
        await asyncio.wait_for(manager.started.wait(), 60)
        yield manager
    finally:
        manager.main_task.cancel()
        await asyncio.gather(manager.main_task, return_exceptions=True)
        await manager.database.close()


def config_for(milvus: MilvusLite, folder: Path) -> PipelineConfig:
    token_file = folder.parent / "milvus_token"
    token_file.write_text(milvus.token)
    token_file.chmod(0o600)
    return PipelineConfig(
        blob_uri=f"file://{folder}",
        milvus_uri=milvus.uri,
        milvus_token_file=str(token_file),
        milvus_name=None,
        embed=EmbedOptions(uuid.uuid4().hex),
        dimension=DIMENSION,
    )


def held(manager: JobManager) -> Sequence[bool]:
    return [
        not worker.may_claim.is_set() for worker in (manager.cleanup, *manager.workers.values())
    ]


async def test_job_manager_first_start_chooses_collection_and_writes_library_id(
    database_url: str, database: Database, milvus: MilvusLite, tmp_path: Path
) -> None:
    config = config_for(milvus, tmp_path / "blobs")
    async with started(database_url, config) as manager:
        record = await LibraryStore(database).record()
        assert record.milvus_name == default_name(record.library_id) == manager.config.milvus_name
        assert await asyncio.to_thread(read_milvus_name, database_url) == record.milvus_name
        assert vector_store(manager.config).library_id() == record.library_id
        assert blob_store(config).library_id() == record.library_id
        assert not any(held(manager))
        assert (await manager.describe())["store_problems"] == []


async def test_drain_releases_tasks_once_and_ends_the_release(
    database_url: str, database: Database, milvus: MilvusLite, tmp_path: Path
) -> None:
    config = config_for(milvus, tmp_path / "blobs")
    async with started(database_url, config) as manager:
        [admission] = await manager.jobs.admit("papers", [Upload("a.pdf", "0" * 64, 10)])
        lane = manager.workers[Lane.INTERACTIVE]
        [task] = await lane._claim(1)  # pyright: ignore[reportPrivateUsage]
        assert await manager.release() == "test"
        assert await asyncio.gather(manager.drain(0.1), manager.drain(60)) == [1, 1]
        assert await manager.release() == ""
        [now] = await manager.jobs.tasks(admission.job_id)
        assert (now.task_id, now.status, now.attempt) == (task.task_id, TaskStatus.QUEUED, 0)


async def test_job_manager_with_mismatched_stores_deletes_nothing(
    database_url: str, milvus: MilvusLite, tmp_path: Path
) -> None:
    """It also leases no tasks until the stores match."""
    config = replace(
        config_for(milvus, tmp_path / "blobs"), milvus_name=f"t_{uuid.uuid4().hex[:8]}"
    )
    theirs, blobs = vector_store(config), BlobStore(config.blob_uri)
    prepare(config)
    other = str(uuid.uuid4())
    chunks = [make_chunk("doc_" + "0" * 24, ordinal) for ordinal in range(3)]
    theirs.upsert(chunks, np.ones((3, DIMENSION), np.float32), collection="papers")
    theirs.set_library_id(other)
    blobs.set_library_id(other)
    source = tmp_path / "paper.pdf"
    source.write_bytes(b"%PDF-1.7 theirs")
    blobs.put_file(source, 1000)
    async with started(database_url, config) as manager:
        assert len((await manager.describe())["store_problems"]) == 2
        assert all(held(manager))
        await manager.reconcile_loop.reconcile()
        await manager.reconcile_loop.collect_garbage()
        assert theirs.total() == 3
        assert blobs.exists(f"pdf/{_digest(source)[:2]}/{_digest(source)}.pdf")
        await manager.reconcile_loop.identity.claim()
        await manager._check_identity()
        assert not any(held(manager))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
