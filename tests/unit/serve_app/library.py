"""Test harness: the real API over in-memory stores, and a worker that tests run on demand."""

from __future__ import annotations

import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np

from actors.store_cleanup import StoreCleanup
from domain.consistency import DeletionLimits
from domain.deletions import VersionRange
from domain.documents import Chunk
from domain.errors import Failure
from domain.jobs import Lane, StepResult, Task
from domain.papers import Block, BlockKind, Box, Metadata, PageSize, Paper, Reference, Section
from domain.relevance import CALIBRATIONS
from embedding.embed_options import EmbedOptions
from extraction.serialization import dump_paper
from runtime.http_options import HttpOptions
from serve_app.access.gate import Gate
from serve_app.api.app import create_api
from serve_app.api.services import Services
from serve_app.client import AsyncClient
from serve_app.system.facts import LaneFacts, StoreFacts, SystemFacts
from serve_app.system.report import SystemReport
from stores.blobs.blob_store import BlobStore, artifact_key
from stores.consistency.store_identity import IdentityCheck, IdentityGuard
from stores.protocols import ConsistencyQueries
from tests.fakes.in_memory_collections import InMemoryCollectionStore
from tests.fakes.in_memory_jobs import InMemoryStores
from tests.fakes.in_memory_keys import InMemoryAuditLog, InMemoryKeyStore, InMemoryRequestCounts
from tests.fakes.in_memory_library import InMemoryLibrary
from tests.fakes.in_memory_system import InMemoryActivityStore, InMemorySystemQueries
from tests.fakes.in_memory_vectors import InMemoryVectorStore
from tests.fakes.in_memory_webhooks import InMemoryWebhookStore
from tests.records import make_chunk
from tests.timing import wait_until

DIMENSION = 32
API = "/api/v1"
NO_TEXT = Failure("no_text", "document", "No page has text.", retryable=False, page=2)


def pdf(text: str = "paper", filler: int = 0) -> bytes:
    """Bytes with a PDF header that pass the upload check; the tests do not parse them."""
    return b"%PDF-1.7\n" + text.encode() + b"\n" + b"x" * filler


def vector_of(text: str) -> np.ndarray:
    """Returns a unit vector, shape (DIMENSION,), from the words of a text."""
    vector = np.full(DIMENSION, 1e-3, dtype=np.float32)
    for word in text.lower().split():
        vector[zlib.crc32(word.encode()) % DIMENSION] += 1
    return vector / np.linalg.norm(vector)


async def _disk_has_space() -> None:
    """Disk check that always passes."""


class NoCitations:
    """A citation store without citations: they are tested on PostgreSQL."""

    async def links(self, document_id: str) -> dict[int, str]:
        return {}

    async def cited_by(self, document_id: str) -> list[str]:
        return []


class Library:
    """The API over in-memory stores; records the hints to the JobManager and the embedded texts.

    Citations and consistency checks have no in-memory store: `tests.stores.postgres_library` serves
    the API over PostgreSQL.
    """

    def __init__(
        self,
        folder: Path,
        queue_limit: int | None = None,
        http: HttpOptions | None = None,
        upload_bytes: int = 100_000,
        files: int = 5,
        check_disk_space: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.folder = folder
        self.stores = InMemoryStores(queue_limit=queue_limit)
        self.vectors = InMemoryVectorStore(DIMENSION)
        self.blobs = BlobStore(str(folder / "blobs"))
        self.blobs.prepare()
        self.library = InMemoryLibrary(self.stores.state)
        self.library_id = self.library.current.library_id
        self.wake_calls = 0
        self.worker_paused = False  # pauses the worker of `served`
        self.worker_busy = False
        self.embedded: list[str] = []
        self.cancelled: list[str] = []  # ids of the jobs with a cancel hint
        self.checks: dict[str, Any] = {}
        given = http or HttpOptions(hosts=["library"])
        upload_limits = {"upload_limit_bytes": upload_bytes, "max_files": files}
        self.limits = given.model_copy(update=upload_limits)
        self.keys, self.counts = InMemoryKeyStore(), InMemoryRequestCounts()
        self.services = Services(
            jobs=self.stores.jobs,
            job_control=self.stores.job_control,
            events=self.stores.events,
            event_feed=self.stores.event_feed,
            queue=self.stores.queue,
            documents=self.stores.documents,
            collections=InMemoryCollectionStore(self.stores.state, self.stores.documents),
            audit=cast(ConsistencyQueries, None),
            citations=NoCitations(),
            vectors=self.vectors,
            blobs=self.blobs,
            library=self.library,
            guard=self.identity_guard(),
            embed_query=self._embed,
            wake=self._wake,
            cancelled=self.cancelled.append,
            deletions_due=self._deletions_due,
            checks=self.checks,
            check_disk_space=check_disk_space or _disk_has_space,
            http=self.limits,
            deletion=DeletionLimits(),
            keys=self.keys,
            audit_log=InMemoryAuditLog(),
            system=self.system_report(folder),
            webhooks=InMemoryWebhookStore(),
            folders=self.stores.folders,
            gate=Gate(self.keys, self.counts, self.limits),
            calibration=CALIBRATIONS[EmbedOptions().name],
        )
        self.cleanup = StoreCleanup(self.stores.deletions, self, poll_seconds=1)
        self.deletion_hints = 0
        self.app = create_api(self.services)
        self.http = self.connect()

    def system_report(self, home: Path) -> SystemReport:
        """Returns the report of a service whose home is this folder."""
        facts = SystemFacts(
            home,
            StoreFacts("PostgreSQL", folder=home / "stores" / "postgres"),
            StoreFacts("Milvus", address="http://milvus:19530"),
            StoreFacts("Blob store", folder=home / "blobs"),
            lanes={Lane.BULK: LaneFacts(16, 2, 0.75)},
            shares={"physics": 2},
            folders=(home,),
        )
        self.system_queries = InMemorySystemQueries(self.stores.state)
        self.activity = InMemoryActivityStore(self.stores.state)
        return SystemReport(facts, self.system_queries, self.activity)

    def identity_guard(self) -> IdentityGuard:
        """Returns a guard that checks the library ids on every request."""
        check = IdentityCheck(self.library, self.vectors, self.blobs)
        return IdentityGuard(check, time.monotonic, seconds=0)

    def connect(
        self, address: str = "http://library", *, raise_app_exceptions: bool = True
    ) -> httpx.AsyncClient:
        """Returns a client of the app, without a server."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=raise_app_exceptions)
        return httpx.AsyncClient(transport=transport, base_url=address)

    def async_client(self) -> AsyncClient:
        """Returns the Python client of the app, without a server."""
        return AsyncClient("http://library", transport=httpx.ASGITransport(self.app))

    def close(self) -> None:
        """Ends the rendering processes."""
        self.services.renderer.close()

    def assign_library_id(self) -> None:
        """Marks all stores with the id of one library, like the first start of a service."""
        self.vectors.set_library_id(self.library_id)
        self.blobs.set_library_id(self.library_id)

    def pause_worker(self) -> None:
        """Pauses the worker of `served`; returns when it is idle."""
        self.worker_paused = True
        wait_until(lambda: not self.worker_busy)

    async def get(self, path: str, **arguments: Any) -> httpx.Response:
        """Returns the response to a GET under /api/v1."""
        return await self.http.get(API + path, **arguments)

    async def upload(
        self, content: bytes, name: str = "paper.pdf", **fields: str
    ) -> httpx.Response:
        """Returns the response to an upload of one file."""
        files = {"file": (name, content, "application/pdf")}
        return await self.http.post(f"{API}/upload-async", files=files, data=fields)

    async def upload_many(
        self,
        files: Sequence[tuple[str, bytes]],
        headers: dict[str, str] | None = None,
        **fields: str,
    ) -> httpx.Response:
        """Returns the response to an upload of many files."""
        sent = [("files", (name, content, "application/pdf")) for name, content in files]
        return await self.http.post(f"{API}/documents", files=sent, data=fields, headers=headers)

    async def search(self, query: str, **options: Any) -> httpx.Response:
        """Returns the response to a search."""
        return await self.http.post(f"{API}/search", json={"query": query, **options})

    async def read_papers(
        self, *texts: str, refuse: str | None = None, metadata: Metadata | None = None
    ) -> list[Task]:
        """Completes all queued tasks with these passages, one per page, and returns the tasks.

        Tasks whose filename contains `refuse` fail. The papers have this metadata, else a title.
        """
        tasks = [task for lane in Lane for task in await self.claim(lane)]
        for task in tasks:
            if refuse is not None and refuse in task.filename:
                await self.stores.queue.fail(task, NO_TEXT)
            else:
                await self.finish(task, texts or (f"A passage of {task.filename}",), metadata)
        return tasks

    async def claim(self, lane: Lane = Lane.INTERACTIVE) -> list[Task]:
        """Claims and returns the queued tasks of a lane."""
        return await self.stores.queue.claim(lane, 100, worker="test", lease_seconds=60)

    async def fail_papers(self) -> None:
        """Fails all queued tasks."""
        await self.read_papers(refuse="")

    def index(self, task: Task, texts: Sequence[str]) -> list[Chunk]:
        """Indexes passages in the vector store, like a worker before it completes a task."""
        chunks = [_chunk(task, n, text) for n, text in enumerate(texts)]
        vectors = np.stack([vector_of(chunk.text) for chunk in chunks])
        self.vectors.upsert(chunks, vectors, collection=task.collection)
        return chunks

    async def finish(
        self, task: Task, texts: Sequence[str], metadata: Metadata | None = None
    ) -> None:
        """Indexes these passages and completes the task."""
        chunks = self.index(task, texts)
        key = artifact_key(task.document_id, task.version, "test")
        self.blobs.put_artifact(key, dump_paper(paper_of(texts)))
        await self.stores.queue.finish(
            task,
            StepResult(
                metadata=metadata or Metadata(title=f"On {task.filename}"),
                pages=len(texts),
                chunks=len(chunks),
                sections=1,
                references=1,
                artifact_key=key,
            ),
        )

    async def erase(self) -> None:
        """Processes the whole deletion queue, like the JobManager."""
        while await self.cleanup.run_once():
            pass

    def delete_versions(self, ranges: Sequence[VersionRange]) -> None:
        """Deletes the chunks and artifacts of these versions."""
        for versions in ranges:
            self.vectors.delete_versions(versions.document_id, versions.first, versions.last)
            self.blobs.delete_artifacts(versions.document_id, versions.first, versions.last)

    def trash_pdf(self, sha256: str) -> bool:
        """Moves the PDF to the trash. True if it existed."""
        return self.blobs.trash_pdf(sha256)

    def restore_pdf(self, sha256: str) -> bool:
        """Restores the PDF from the trash. True if it was there."""
        return self.blobs.restore_pdf(sha256)

    def _deletions_due(self) -> None:
        self.deletion_hints += 1

    async def _embed(self, text: str) -> np.ndarray:
        self.embedded.append(text)
        return vector_of(text)

    def _wake(self, _lane: Lane) -> None:
        self.wake_calls += 1


def paper_of(texts: Sequence[str]) -> Paper:
    """Returns the extracted content of a paper with these paragraphs."""
    box = Box(1, 50, 100, 250, 120)
    return Paper(
        title="A paper",
        pages=tuple(PageSize(n, 595, 842) for n in range(1, len(texts) + 1)),
        blocks=tuple(Block(BlockKind.TEXT, text, (box,)) for text in texts),
        sections=(Section(0, 1, "1", "Introduction", 1, box),),
        references=(Reference(0, "Knuth, D. Literate programming. 1984.", 1, "10.1000/1"),),
    )


def _chunk(task: Task, ordinal: int, text: str) -> Chunk:
    return make_chunk(
        task.document_id,
        ordinal,
        text,
        version=task.version,
        section="Introduction",
        boxes=(Box(ordinal + 1, 50, 100, 250, 120),),
    )
