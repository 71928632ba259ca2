"""Tasks with stored PDFs, and lane configurations, for tests of the Ray Data plan."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from domain.documents import document_id
from domain.jobs import Lane, Task
from pipelines.config import PipelineConfig, blob_store
from pipelines.lane_config import LaneConfig
from tests.cluster.fake_embedder import FakeEmbedder
from tests.records import make_task

MAX_BYTES = 10_000_000


def stored_task(
    content: bytes, config: PipelineConfig, folder: Path, collection: str = "plan"
) -> Task:
    """Stores the PDF in the blob store; returns a running task for it."""
    digest = hashlib.sha256(content).hexdigest()
    file = folder / f"{digest}.pdf"
    file.write_bytes(content)
    blob_store(config).put_file(file, MAX_BYTES)
    return make_task(
        job_id="job_0",
        document_id=document_id(collection, digest),
        collection=collection,
        sha256=digest,
        filename=file.name,
    )


def start_embedder(cluster: Any, kind: type[FakeEmbedder] = FakeEmbedder, *given: Any) -> Any:
    """Starts an embedding actor of this class; returns its handle."""
    groups = {str(lane): 2 for lane in Lane}
    return cluster.remote(num_cpus=0, concurrency_groups=groups)(kind).remote(*given)


def lane_config(config: PipelineConfig, embedder: Any, lane: Lane = Lane.BULK) -> LaneConfig:
    """Returns the configuration of a lane with two CPUs that runs each step in one Ray task."""
    return LaneConfig(
        config=config,
        lane=lane,
        num_cpus=1,
        cpus=2,
        split_embed=False,
        can_grow=False,
        statistics=False,
        embedders=(embedder,),
    )
