"""The service on several Ray nodes with external stores, deployed with `configs/cluster.yaml`.

A head without CPUs, a CPU worker and a GPU worker run on this machine. Each test uses its own
collection, and leaves a CPU worker and a GPU worker behind.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from serve_app.client import Client, PaperworksProblem
from tests.chaos.ingest import retry_while_unavailable
from tests.chaos.losses import find_losses
from tests.cluster.several_nodes import INCOMING, DeployedCluster, deployed_cluster
from tests.programs import Driver
from tests.service import run_program
from tests.small_papers import expected_chunks
from tests.timing import wait_until

# The first test starts the cluster: 58 s of CPU time, and 180 s on two cores with a load of 20.
pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(600)]

COMPLETED_BEFORE_KILL = 3
TIMEOUT_SECONDS = 200.0  # for a folder with a kill: 40 s on two busy cores
# Ray tasks of the two stages of a paper.
READ, EMBED_INDEX = "Map(read)", "Map(embed_index)"


@pytest.fixture(scope="module")
def deployed(homes: Path, converted_models: Path) -> Iterator[DeployedCluster]:
    """The ready service on three nodes."""
    folder = homes / "nodes"
    folder.mkdir()
    with deployed_cluster(folder, converted_models) as cluster:
        yield cluster


@pytest.fixture
def library(deployed: DeployedCluster) -> Iterator[Client]:
    """An HTTP client of the service, through Serve's proxy."""
    with Client(deployed.url) as client:
        yield client


@pytest.fixture
def collection() -> str:
    """A unique collection name."""
    return f"test-{uuid.uuid4().hex[:12]}"


def assert_complete(
    deployed: DeployedCluster,
    library: Client,
    collection: str,
    jobs: Sequence[str],
    papers: Sequence[Path],
) -> None:
    """Asserts that tasks, events, documents, chunks, hits and blobs of the papers are there."""
    expected = expected_chunks(papers, collection)
    stores = deployed.stores
    assert find_losses(stores.addresses, library, collection, jobs, expected) == []
    pdfs = {f"{hashlib.sha256(paper.read_bytes()).hexdigest()}.pdf" for paper in papers}
    assert pdfs <= stores.blobs("pdf")
    artifacts = [name.partition("-")[0] for name in stores.blobs("artifacts")]
    assert [artifacts.count(document) for document in expected] == [1] * len(expected)


def test_deploy_file_starts_service_on_several_nodes(
    deployed: DeployedCluster, library: Client, small_papers: list[Path], collection: str
) -> None:
    ready = httpx.get(f"{deployed.url}/readyz", timeout=10)
    assert set(ready.json()["checks"].values()) == {"ok"}
    job = library.wait(library.upload(small_papers[0], collection).job_id, TIMEOUT_SECONDS)
    assert job.status == "completed"
    assert_complete(deployed, library, collection, [job.job_id], small_papers[:1])


def test_readers_run_on_cpu_workers_embedders_on_gpu_worker_control_on_head(
    deployed: DeployedCluster, library: Client, small_papers: list[Path], collection: str
) -> None:
    job = library.upload_many(small_papers, collection).job_id
    assert library.wait(job, TIMEOUT_SECONDS).counts.completed == len(small_papers)
    readers = deployed.nodes_of_tasks(READ)
    assert set(readers) <= deployed.cpu_workers
    assert readers[deployed.cpu_worker] >= len(small_papers)
    assert deployed.nodes_of_actors("Embedder") == {deployed.gpu_worker}
    for actor in ("JobManager", "Runner"):
        assert deployed.nodes_of_actors(actor) == {deployed.head}


def test_submitted_bulk_job_fills_every_store(
    deployed: DeployedCluster, library: Client, small_papers: list[Path], collection: str
) -> None:
    submit = ["ray", "job", "submit", "--address", deployed.dashboard, "--working-dir", "."]
    bulk = ["python", "-m", "serve_app.bulk", small_papers[0].parent, "--collection", collection]
    done = run_program(*submit, "--", *bulk, environment=deployed.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(small_papers)} searchable, 0 failed" in done.stdout
    jobs = [job.job_id for job in library.jobs(collection=collection).items]
    assert_complete(deployed, library, collection, jobs, small_papers)


def test_prefix_of_a_bucket_is_registered_by_the_service(
    deployed: DeployedCluster, library: Client, small_papers: list[Path], collection: str
) -> None:
    prefix = f"{INCOMING}/{collection}"
    for paper in small_papers:
        deployed.stores.put(f"{prefix}/{paper.name}", paper.read_bytes())
    deployed.stores.put(f"{prefix}/notes.pdf", b"no PDF")
    deployed.stores.put(f"{prefix}/read me.txt", b"no paper")
    job = library.wait(library.register_folder(prefix, collection).job_id, TIMEOUT_SECONDS)
    assert job.folder and job.folder.error is None
    assert (job.folder.registered, job.counts.completed) == (len(small_papers),) * 2
    assert [(one.filename, one.code) for one in job.folder.refused] == [("notes.pdf", "not_a_pdf")]
    assert_complete(deployed, library, collection, [job.job_id], small_papers)
    again = library.wait(library.register_folder(prefix, collection).job_id, TIMEOUT_SECONDS)
    assert again.folder and again.folder.known == len(small_papers)
    with pytest.raises(PaperworksProblem) as outside:
        library.register_folder(f"{INCOMING}/../library/pdf", collection)
    assert outside.value.code == "folder_not_allowed"


def test_serve_handle_submits_and_searches_on_several_nodes(
    deployed: DeployedCluster, library: Client, small_papers: list[Path], collection: str
) -> None:
    with closing(Driver(deployed.ray_address, deployed.environment)) as driver:
        paths = [str(path) for path in small_papers[:4]]
        job = library.wait(driver.call("submit", paths=paths, collection=collection), 120)
        assert job.counts.completed == len(paths)
        answer = driver.call("search", query="marker2", collection=collection)
    assert answer["hits"][0]["filename"] == small_papers[2].name


def test_killed_cpu_worker_loses_nothing_and_new_worker_reads(
    deployed: DeployedCluster, library: Client, small_papers: list[Path], collection: str
) -> None:
    job = start_folder(library, small_papers, collection)
    deployed.kill(deployed.cpu_worker)
    assert completed(library, job) < len(small_papers)
    deployed.cpu_worker = deployed.add_cpu_worker()
    joined_at = time.time()
    assert_completes(library, job)
    assert {task.attempt for task in library.job(job).tasks} == {1}, "Ray Data repeats the work"
    assert_complete(deployed, library, collection, [job], small_papers)
    assert set(deployed.nodes_of_tasks(READ, EMBED_INDEX, since=joined_at)) == {deployed.cpu_worker}


def test_killed_gpu_worker_loses_nothing_and_new_worker_embeds(
    deployed: DeployedCluster, library: Client, small_papers: list[Path], collection: str
) -> None:
    job = start_folder(library, small_papers, collection)
    deployed.kill(deployed.gpu_worker)
    assert completed(library, job) < len(small_papers)
    deployed.gpu_worker = deployed.add_gpu_worker()
    assert_completes(library, job)
    assert_complete(deployed, library, collection, [job], small_papers)
    assert deployed.nodes_of_actors("Embedder") == {deployed.gpu_worker}


def start_folder(library: Client, papers: Sequence[Path], collection: str) -> str:
    """Uploads a folder; returns the id of its job when some papers are completed."""
    job = library.upload_many(papers, collection).job_id
    wait_until(lambda: completed(library, job) >= COMPLETED_BEFORE_KILL)
    return job


def completed(library: Client, job: str) -> int:
    """Returns the number of completed papers; repeats a request that a killed node interrupts."""
    return retry_while_unavailable(lambda: library.job(job)).counts.completed


def assert_completes(library: Client, job: str) -> None:
    """Asserts that every paper of the job completes; repeats interrupted requests."""
    ended = retry_while_unavailable(lambda: library.wait(job, TIMEOUT_SECONDS))
    assert ended.counts.completed == ended.counts.total
