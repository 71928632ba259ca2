"""Malformed input gets a helpful client error, on PostgreSQL, Milvus Lite and blobs.

The in-memory fakes accept characters that PostgreSQL rejects, so these tests need real stores.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from domain.jobs import Lane
from serve_app.api.app import create_api
from serve_app.api.problems import MEDIA_TYPE
from stores.consistency.consistency_queries import ConsistencyQueries
from stores.milvus.vector_store import VectorStore
from stores.postgres.citation_store import CitationStore
from stores.postgres.database import Database
from tests.malformed import Malformed, malformed_requests
from tests.stores.postgres import postgres_stores
from tests.unit.serve_app.library import DIMENSION, NO_TEXT, Library, pdf

if TYPE_CHECKING:
    from tests.stores.conftest import MilvusLite

TESTED_AT_LEAST = 1500


class RealLibrary(Library):
    """The API over PostgreSQL and Milvus Lite."""

    def __init__(self, folder: Path, database: Database, vectors: VectorStore) -> None:
        super().__init__(folder)
        made = postgres_stores(database)
        self.stores = cast(Any, SimpleNamespace(queue=made.queue, jobs=made.jobs))
        self.vectors = cast(Any, vectors)
        self.services = dataclasses.replace(
            self.services,
            jobs=made.jobs,
            job_control=made.job_control,
            events=made.events,
            queue=made.queue,
            documents=made.documents,
            audit=ConsistencyQueries(database),
            citations=CitationStore(database),
            vectors=vectors,
        )
        self.app = create_api(self.services)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://library")


@pytest.fixture
async def real(
    tmp_path: Path, database: Database, milvus: MilvusLite
) -> AsyncIterator[RealLibrary]:
    """An empty library on real stores."""
    name = f"test_{uuid.uuid4().hex[:8]}"
    vectors = VectorStore(milvus.uri, milvus.token, name=name, dimension=DIMENSION, model="test")
    vectors.prepare()
    library = RealLibrary(tmp_path, database, vectors)
    library.assign_library_id()
    yield library
    await library.http.aclose()
    vectors.close()


async def known_ids(library: RealLibrary) -> dict[str, str]:
    """Returns path parameters for a searchable document and a finished job with a failure."""
    files = [("good.pdf", pdf("good")), ("bad.pdf", pdf("bad"))]
    job = (await library.upload_many(files)).json()
    for task in await library.claim(Lane.INTERACTIVE):
        if task.filename == "bad.pdf":
            await library.stores.queue.fail(task, NO_TEXT)
        else:
            await library.finish(task, ("A passage.", "Another one."))
    good = job["accepted"][0]["document_id"]
    return {"document_id": good, "job_id": job["job_id"], "name": "default", "number": "1"}


async def send(library: RealLibrary, one: Malformed) -> httpx.Response:
    request = library.http.build_request(
        one.method, one.path, headers=cast(Any, one.headers), content=one.body or None
    )
    return await library.http.send(request)


def failure_of(one: Malformed, answer: httpx.Response) -> str | None:
    """Describes a wrong response; None for a success or a client error."""
    if answer.status_code >= 500:
        return f"{one.label}: {answer.status_code}"
    if answer.status_code < 400:
        return None
    kind = answer.headers.get("content-type")
    if kind != MEDIA_TYPE:
        return f"{one.label}: {answer.status_code} as {kind}"
    body = answer.json()
    whole = body["status"] == answer.status_code and body["code"] and body["detail"]
    return None if whole else f"{one.label}: an incomplete problem, {body}"


@pytest.mark.timeout(240)
async def test_malformed_parameters_return_client_errors(
    real: RealLibrary,
) -> None:
    known = await known_ids(real)
    requests = list(malformed_requests(real.app.openapi(), known))
    assert len(requests) >= TESTED_AT_LEAST
    failures = [found for one in requests if (found := failure_of(one, await send(real, one)))]
    assert not failures, "\n".join(failures)
    assert (await real.get(f"/documents/{known['document_id']}")).json()["status"] == "ready"
