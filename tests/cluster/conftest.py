"""A Ray cluster in this process, and the stores that the plan writes to."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from embedding.embed_options import EmbedOptions
from extraction.options import ReadOptions
from pipelines.config import PipelineConfig, vector_store
from stores.embedded.embedded_milvus import EmbeddedMilvus
from tests.cluster.fake_embedder import DIMENSION
from tests.shared_servers import until_last_use

# Ray reads these variables at import: no tokens, and a cluster on loopback only.
os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Any]:
    """Ray with two CPUs and a logical GPU."""
    with until_last_use(pytestconfig, "cluster", _started_ray()) as ray:
        yield ray


@contextmanager
def _started_ray() -> Iterator[Any]:
    import ray
    from ray.data import DataContext

    ray.init(
        address="local",
        num_cpus=2,
        num_gpus=1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=100 * 1024 * 1024,
    )
    DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


@pytest.fixture(scope="session")
def config(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PipelineConfig]:
    """A configuration with a separate blob folder and Milvus Lite server."""
    stores = _started_stores(tmp_path_factory.mktemp("cluster"))
    with until_last_use(pytestconfig, "cluster", stores) as made:
        yield made


@contextmanager
def _started_stores(folder: Path) -> Iterator[PipelineConfig]:
    milvus = EmbeddedMilvus(folder / "milvus")
    milvus.start()
    made = PipelineConfig(
        blob_uri=f"file://{folder / 'blobs'}",
        milvus_uri=milvus.url,
        milvus_token_file=str(milvus.token_file),
        milvus_name="plan",
        dimension=DIMENSION,
        embed=EmbedOptions(batch_tokens=2048),
        read=ReadOptions(max_pages=100),
    )
    vector_store(made).prepare()
    yield made
    vector_store(made).close()
    milvus.stop()
