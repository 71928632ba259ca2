"""Malformed input gets a helpful client error, on PostgreSQL, Milvus Lite and blobs.

The in-memory fakes accept characters that PostgreSQL rejects, so these tests need real stores.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from domain.jobs import Lane
from domain.webhooks import WebhookEvent
from serve_app.api.problems import MEDIA_TYPE
from stores.postgres.database import Database
from tests.malformed import Malformed, malformed_requests
from tests.stores.milvus import MilvusLite, connect
from tests.stores.postgres_library import PostgresLibrary, open_library
from tests.unit.serve_app.library import DIMENSION, NO_TEXT, pdf

TESTED_AT_LEAST = 1500


@pytest.fixture
async def real(
    tmp_path: Path, database: Database, milvus: MilvusLite
) -> AsyncIterator[PostgresLibrary]:
    """An empty library on real stores."""
    vectors = connect(milvus, dimension=DIMENSION)
    vectors.prepare()
    library = await open_library(tmp_path, database, vectors)
    library.http = library.connect(raise_app_exceptions=False)
    library.assign_library_id()
    yield library
    await library.http.aclose()
    vectors.close()


async def known_ids(library: PostgresLibrary) -> dict[str, str]:
    """Returns path parameters for a searchable document, a job with a failure and a webhook."""
    files = [("good.pdf", pdf("good")), ("bad.pdf", pdf("bad"))]
    job = (await library.upload_many(files)).json()
    for task in await library.claim(Lane.INTERACTIVE):
        if task.filename == "bad.pdf":
            await library.stores.queue.fail(task, NO_TEXT)
        else:
            await library.finish(task, ("A passage.", "Another one."))
    good = job["accepted"][0]["document_id"]
    webhook, _ = await library.services.webhooks.create("https://lab.example", list(WebhookEvent))
    ping = await library.services.webhooks.ping(webhook.webhook_id)
    [chunk] = (await library.get(f"/documents/{good}/chunks?limit=1")).json()["items"]
    return {
        "document_id": good,
        "chunk_id": chunk["chunk_id"],
        "job_id": job["job_id"],
        "name": "default",
        "number": "1",
        "webhook_id": webhook.webhook_id,
        "delivery_id": ping.delivery_id,
    }


async def send(library: PostgresLibrary, one: Malformed) -> httpx.Response:
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
    real: PostgresLibrary,
) -> None:
    known = await known_ids(real)
    requests = list(malformed_requests(real.app.openapi(), known))
    assert len(requests) >= TESTED_AT_LEAST
    failures = [found for one in requests if (found := failure_of(one, await send(real, one)))]
    assert not failures, "\n".join(failures)
    assert (await real.get(f"/documents/{known['document_id']}")).json()["status"] == "ready"
