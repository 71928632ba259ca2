"""A service whose stores were made to differ: `doctor` names each difference and mends it, and a
service that starts mends what nobody may find, unasked."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from configs.settings import Settings
from pipelines.encoders.dimension import vector_dimension
from pipelines.encoders.load import resolve_model
from serve_app.client import Client
from stores.blobs.blob_store import BlobStore, pdf_key
from stores.milvus.vector_store import VectorStore
from tests.addresses import milvus_name, milvus_server
from tests.service import READY, RunningService, run_program

QUESTION = "When does a lease end, and what does the fencing token of a task do?"
WITHIN_SECONDS = 120.0
pytestmark = pytest.mark.timeout(600)
HOUR = 3600


@contextmanager
def running(home: Path, models: Path, reconcile_minutes: str) -> Iterator[RunningService]:
    """A service that compares its stores so often, stopped at the end."""
    service = RunningService(
        home, models=models, PAPERWORKS_JOBS__RECONCILE_MINUTES=reconcile_minutes
    )
    try:
        service.wait_for(READY)
        yield service
        service.stop()
    finally:
        service.kill()


@contextmanager
def vectors_of(service: RunningService) -> Iterator[VectorStore]:
    """The vector store of the service, as its workers see it."""
    model = Settings().model.name
    uri, token = milvus_server(service.process.pid, service.home)
    store = VectorStore(
        uri,
        token,
        name=milvus_name(uri, token),
        dimension=vector_dimension(resolve_model(model)),
        model=model,
    )
    yield store
    store.close()


@pytest.fixture(scope="module")
def home(homes: Path) -> Path:
    return homes / "differ"


@pytest.fixture(scope="module")
def models(service: RunningService) -> Path:
    """The converted model of the session's service."""
    return service.home / "models"


def lose(store: VectorStore, document_id: str) -> None:
    """The vector store has lost the paper, and kept chunks of it that nobody asked for."""
    [version] = [version for name, version in store.contents() if name == document_id]
    chunks, rows = zip(*store.stored(document_id, version), strict=True)
    store.delete_versions(document_id, version, version)
    foreign = [
        replace(chunk, document_id="doc_of_nobody", chunk_id=f"foreign {number}")
        for number, chunk in enumerate(chunks)
    ]
    store.upsert(foreign, np.stack(rows), collection="nowhere")


def forgotten_pdf(home: Path, source: Path) -> Path:
    """An old PDF in the blob store that belongs to no document."""
    blob = BlobStore(str(home / "blobs")).put_file(source, 10_000_000)
    path = home / "blobs" / pdf_key(blob.sha256)
    then = time.time() - 2 * HOUR
    os.utime(path, (then, then))
    return path


def upload(library: Client, *papers: Path) -> list[str]:
    """The ids of the papers, which can be searched."""
    sent = [library.upload(paper) for paper in papers]
    assert all(library.wait(one.job_id, 120).status == "completed" for one in sent)
    return [one.document_id for one in sent]


def is_found(library: Client, document_id: str) -> bool:
    hits = library.search(QUESTION, limit=20, group_by="document").hits
    return document_id in {hit.document_id for hit in hits}


def doctor(home: Path, *options: str) -> CompletedProcess[str]:
    return run_program("paperworks", "doctor", "--home", home, *options)


def test_doctor_and_start_repair_inconsistent_stores(
    home: Path, models: Path, samples: dict[str, Path], crowd: list[Path]
) -> None:
    with running(home, models, reconcile_minutes="0") as service, Client(service.url) as library:
        lost, kept = upload(library, samples["durable-leases"], samples["reading-order"])
        assert "ok    Stores" in doctor(home).stdout
        with vectors_of(service) as store:
            lose(store, lost)
        forgotten = forgotten_pdf(home, crowd[0])
        assert not is_found(library, lost) and is_found(library, kept)
        check_that_doctor_mends(home, lost, forgotten)
        [job] = [one for one in library.jobs().items if one.kind == "repair"]
        assert library.wait(job.job_id, 120).status == "completed"
        assert is_found(library, lost)
        assert library.consistency().consistent
        with vectors_of(service) as store:
            lose(store, kept)
        assert not library.consistency().consistent

    with running(home, models, reconcile_minutes="10") as service, Client(service.url) as library:
        wait_until_consistent(library)
        assert is_found(library, kept) and is_found(library, lost)
        with vectors_of(service) as store:
            assert {name for name, _ in store.contents()} == {lost, kept}


def check_that_doctor_mends(home: Path, lost: str, forgotten: Path) -> None:
    said = doctor(home)
    assert said.returncode == 1
    assert f"({lost} in default, version 1): 0 of " in said.stdout
    assert "orphan chunks      doc_of_nobody, version 1: " in said.stdout
    assert f"orphan blobs       pdf/{forgotten.parent.name}/{forgotten.name}" in said.stdout
    assert forgotten.exists(), "doctor changes nothing unless it is told to"
    mended = doctor(home, "--repair", "--json")
    repair = json.loads(mended.stdout)["repair"]
    assert repair["documents_queued"] == repair["pdfs_trashed"] == 1, mended.stderr
    assert repair["chunks_deleted"] > 0
    assert not forgotten.exists()
    assert [path.name for path in (home / "blobs" / "trash").rglob("*.pdf")] == [forgotten.name]


def wait_until_consistent(library: Client) -> None:
    """Returns when a repair that nobody asked for has ended and the stores agree."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        repairs = [one for one in library.jobs().items if one.kind == "repair"]
        ended = [one for one in repairs if one.finished_at is not None]
        if len(ended) == 2 and library.consistency().consistent:
            return
        time.sleep(0.2)
    raise AssertionError(library.consistency().model_dump_json(indent=1))
