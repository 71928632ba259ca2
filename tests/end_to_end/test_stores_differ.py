"""Inconsistent stores: `doctor` reports and repairs each difference, and a starting service repairs
missing and orphan chunks automatically."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from configs.settings import Settings
from embedding.dimension import vector_dimension
from embedding.load import resolve_model
from serve_app.client import Client
from stores.blobs.blob_store import BlobStore, pdf_key
from stores.milvus.vector_store import VectorStore
from tests.addresses import milvus_name, milvus_server
from tests.service import RunningService, ready_service, run_program
from tests.timing import make_older

QUESTION = "When does a lease end, and what does the fencing token of a task do?"
TIMEOUT_SECONDS = 120.0
pytestmark = pytest.mark.timeout(600)
HOUR = 3600


def running(
    home: Path, models: Path, reconcile_minutes: str
) -> AbstractContextManager[RunningService]:
    """Yields a service that compares its stores at this interval; stops it at the end."""
    return ready_service(home, models, PAPERWORKS_JOBS__RECONCILE_MINUTES=reconcile_minutes)


@contextmanager
def vectors_of(service: RunningService) -> Iterator[VectorStore]:
    """Yields the vector store of the service with the parameters of its workers."""
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


def replace_by_orphans(store: VectorStore, document_id: str) -> None:
    """Deletes the chunks of the document and adds copies of them as orphan chunks."""
    [version] = [version for name, version in store.contents() if name == document_id]
    chunks, rows = zip(*store.stored(document_id, version), strict=True)
    store.delete_versions(document_id, version, version)
    foreign = [
        replace(chunk, document_id="doc_unknown", chunk_id=f"foreign {number}")
        for number, chunk in enumerate(chunks)
    ]
    store.upsert(foreign, np.stack(rows), collection="unknown")


def orphan_pdf(home: Path, source: Path) -> Path:
    """Stores a PDF that belongs to no document and is two hours old; returns its path."""
    blob = BlobStore(str(home / "blobs")).put_file(source, 10_000_000)
    path = home / "blobs" / pdf_key(blob.sha256)
    make_older(path, 2 * HOUR)
    return path


def upload(library: Client, *papers: Path) -> list[str]:
    """Uploads papers; returns their ids when all are completed."""
    accepted = [library.upload(paper) for paper in papers]
    assert all(library.wait(one.job_id, 120).status == "completed" for one in accepted)
    return [one.document_id for one in accepted]


def is_found(library: Client, document_id: str) -> bool:
    hits = library.search(QUESTION, limit=20, group_by="document").hits
    return document_id in {hit.document_id for hit in hits}


def doctor(home: Path, *options: str) -> CompletedProcess[str]:
    return run_program("paperworks", "doctor", "--home", home, *options)


def test_doctor_and_start_repair_inconsistent_stores(
    home: Path, converted_models: Path, samples: dict[str, Path], small_papers: list[Path]
) -> None:
    services = partial(running, home, converted_models)
    with services("0") as service, Client(service.url) as library:
        lost, kept = upload(library, samples["durable-leases"], samples["reading-order"])
        assert "ok    Stores" in doctor(home).stdout
        with vectors_of(service) as store:
            replace_by_orphans(store, lost)
        orphan = orphan_pdf(home, small_papers[0])
        assert not is_found(library, lost) and is_found(library, kept)
        assert_doctor_repairs(home, lost, orphan)
        [job] = [one for one in library.jobs().items if one.kind == "repair"]
        assert library.wait(job.job_id, 120).status == "completed"
        assert is_found(library, lost)
        assert library.consistency().consistent
        with vectors_of(service) as store:
            replace_by_orphans(store, kept)
        assert not library.consistency().consistent

    with services("10") as service, Client(service.url) as library:
        wait_until_consistent(library)
        assert is_found(library, kept) and is_found(library, lost)
        with vectors_of(service) as store:
            assert {name for name, _ in store.contents()} == {lost, kept}


def assert_doctor_repairs(home: Path, lost: str, orphan: Path) -> None:
    report = doctor(home)
    assert report.returncode == 1
    assert f"({lost} in default, version 1): 0 of " in report.stdout
    assert "orphan chunks      doc_unknown, version 1: " in report.stdout
    assert f"orphan blobs       pdf/{orphan.parent.name}/{orphan.name}" in report.stdout
    assert orphan.exists(), "doctor without --repair changes nothing"
    repaired = doctor(home, "--repair", "--json")
    repair = json.loads(repaired.stdout)["repair"]
    assert repair["documents_queued"] == repair["pdfs_trashed"] == 1, repaired.stderr
    assert repair["chunks_deleted"] > 0
    assert not orphan.exists()
    assert [path.name for path in (home / "blobs" / "trash").rglob("*.pdf")] == [orphan.name]


def wait_until_consistent(library: Client) -> None:
    """Returns when a second, automatic repair has ended and the stores are consistent."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        repairs = [one for one in library.jobs().items if one.kind == "repair"]
        ended = [one for one in repairs if one.finished_at is not None]
        if len(ended) == 2 and library.consistency().consistent:
            return
        time.sleep(0.2)
    raise AssertionError(library.consistency().model_dump_json(indent=1))
