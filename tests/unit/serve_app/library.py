"""A library in memory behind the real API, and a worker that reads papers when it is told to."""

from __future__ import annotations

import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from actors.store_cleanup import StoreCleanup
from domain.deletions import VersionRange
from domain.documents import Chunk, ChunkKind, chunk_id
from domain.errors import Failure
from domain.jobs import Lane, StepResult, Task
from domain.papers import Block, BlockKind, Box, Metadata, PageSize, Paper, Reference, Section
from extraction.serialization import dump_paper
from serve_app.api.app import create_api
from serve_app.api.services import Limits, Services
from serve_app.http.limits import HttpLimits
from stores.blobs.blob_store import BlobStore, artifact_key
from stores.consistency.store_identity import IdentityCheck, IdentityGuard
from tests.fakes.in_memory_audit import InMemoryLibrary, InMemoryLibraryAudit
from tests.fakes.in_memory_citations import InMemoryCitationStore
from tests.fakes.in_memory_jobs import InMemoryStores
from tests.fakes.in_memory_vectors import InMemoryVectorStore

DIMENSION = 32
API = "/api/v1"
NO_TEXT = Failure("no_text", "document", "No page has text.", retryable=False, page=2)


def pdf(text: str = "paper", filler: int = 0) -> bytes:
    """Bytes that the door takes for a PDF; nobody parses them here."""
    return b"%PDF-1.7\n" + text.encode() + b"\n" + b"x" * filler


def vector_of(text: str) -> np.ndarray:
    """A unit vector of the words of a text."""
    vector = np.full(DIMENSION, 1e-3, dtype=np.float32)
    for word in text.lower().split():
        vector[zlib.crc32(word.encode()) % DIMENSION] += 1
    return vector / np.linalg.norm(vector)


async def _always_room() -> None:
    """The disk has room."""


class Library:
    """The API over in-memory stores, with counters of what was woken and embedded."""

    def __init__(
        self,
        folder: Path,
        limits: Limits | None = None,
        queue_limit: int | None = None,
        http: HttpLimits | None = None,
        check_room: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.folder = folder
        self.stores = InMemoryStores(queue_limit=queue_limit)
        self.vectors = InMemoryVectorStore(DIMENSION)
        self.blobs = BlobStore(str(folder / "blobs"))
        self.blobs.prepare()
        self.library = InMemoryLibrary(self.stores.state)
        self.woken = 0
        self.worker_rests = False  # that of a served library, while a test reads papers itself
        self.embedded: list[str] = []
        self.cancelled: list[str] = []  # jobs whose work was told to stop
        self.checks: dict[str, Any] = {}
        self.limits = http or HttpLimits(hosts=("library",))
        self.services = Services(
            jobs=self.stores.jobs,
            orders=self.stores.orders,
            events=self.stores.events,
            queue=self.stores.queue,
            documents=self.stores.documents,
            audit=InMemoryLibraryAudit(self.stores.state),
            citations=InMemoryCitationStore(self.stores.state),
            vectors=self.vectors,
            blobs=self.blobs,
            library=self.library,
            guard=IdentityGuard(
                IdentityCheck(self.library, self.vectors, self.blobs), time.monotonic, seconds=0
            ),
            embed_query=self._embed,
            wake=self._wake,
            cancelled=self.cancelled.append,
            deletions_due=self._deletions_due,
            checks=self.checks,
            check_room=check_room or _always_room,
            limits=limits or Limits(upload_bytes=100_000, files=5),
        )
        self.cleanup = StoreCleanup(self.stores.deletions, self, poll_seconds=1)
        self.hints = 0
        self.app = create_api(self.services, limits=self.limits)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://library"
        )

    def close(self) -> None:
        """Ends the processes that drew pictures."""
        self.services.renderer.close()

    def stamp(self) -> None:
        """The stores belong together from now on, as after the first start of a service."""
        library_id = self.library.current.library_id
        self.vectors.set_library_id(library_id)
        self.blobs.set_library_id(library_id)

    async def get(self, path: str, **arguments: Any) -> httpx.Response:
        """The answer to a GET below /api/v1."""
        return await self.http.get(API + path, **arguments)

    async def upload(
        self, content: bytes, name: str = "paper.pdf", **fields: str
    ) -> httpx.Response:
        """The answer to a single upload."""
        files = {"file": (name, content, "application/pdf")}
        return await self.http.post(f"{API}/upload-async", files=files, data=fields)

    async def upload_many(
        self,
        files: Sequence[tuple[str, bytes]],
        headers: dict[str, str] | None = None,
        **fields: str,
    ) -> httpx.Response:
        """The answer to an upload of many files."""
        sent = [("files", (name, content, "application/pdf")) for name, content in files]
        return await self.http.post(f"{API}/documents", files=sent, data=fields, headers=headers)

    async def search(self, query: str, **wishes: Any) -> httpx.Response:
        """The answer to a search."""
        return await self.http.post(f"{API}/search", json={"query": query, **wishes})

    async def read_papers(self, *texts: str, refuse: str | None = None) -> list[Task]:
        """Does the queued work: every paper gets these passages, one on each page.

        Papers whose name holds `refuse` fail.
        """
        tasks = [task for lane in Lane for task in await self.claim(lane)]
        for task in tasks:
            if refuse is not None and refuse in task.filename:
                await self.stores.queue.fail(task, NO_TEXT)
            else:
                await self.finish(task, texts or (f"A passage of {task.filename}",))
        return tasks

    async def claim(self, lane: Lane = Lane.INTERACTIVE) -> list[Task]:
        """The queued tasks of a lane, now running."""
        return await self.stores.queue.claim(lane, 100, worker="test", lease_seconds=60)

    async def fail_papers(self) -> None:
        """Fails the queued work."""
        await self.read_papers(refuse="")

    def index(self, task: Task, texts: Sequence[str]) -> list[Chunk]:
        """Puts passages into the vector store, as a worker does before it completes a task."""
        chunks = [_chunk(task, n, text) for n, text in enumerate(texts)]
        vectors = np.stack([vector_of(chunk.text) for chunk in chunks])
        self.vectors.upsert(chunks, vectors, collection=task.collection)
        return chunks

    async def finish(self, task: Task, texts: Sequence[str]) -> None:
        """Completes a task with these passages."""
        chunks = self.index(task, texts)
        key = artifact_key(task.document_id, task.version, "test")
        self.blobs.put_artifact(key, dump_paper(paper_of(texts)))
        await self.stores.queue.finish(
            task,
            StepResult(
                metadata=Metadata(title=f"On {task.filename}"),
                pages=len(texts),
                chunks=len(chunks),
                sections=1,
                references=1,
                artifact_key=key,
            ),
        )

    async def erase(self) -> None:
        """Works off the deletion queue, as the JobManager does."""
        while await self.cleanup.run_once():
            pass

    def delete_versions(self, ranges: Sequence[VersionRange]) -> None:
        """Chunks and artifacts of these versions are gone."""
        for one in ranges:
            self.vectors.delete_versions(one.document_id, one.first, one.last)
            self.blobs.delete_artifacts(one.document_id, one.first, one.last)

    def trash_pdf(self, sha256: str) -> bool:
        """True when the PDF was there; it is in the trash."""
        return self.blobs.trash_pdf(sha256)

    def restore_pdf(self, sha256: str) -> bool:
        """True when the PDF is back from the trash."""
        return self.blobs.restore_pdf(sha256)

    def _deletions_due(self) -> None:
        self.hints += 1

    async def _embed(self, text: str) -> np.ndarray:
        self.embedded.append(text)
        return vector_of(text)

    def _wake(self, _lane: Lane) -> None:
        self.woken += 1


def paper_of(texts: Sequence[str]) -> Paper:
    """What a reader might have found in a paper of these paragraphs."""
    box = Box(1, 50, 100, 250, 120)
    return Paper(
        title="A paper",
        pages=tuple(PageSize(n, 595, 842) for n in range(1, len(texts) + 1)),
        blocks=tuple(Block(BlockKind.TEXT, text, (box,)) for text in texts),
        sections=(Section(0, 1, "1", "Introduction", 1, box),),
        references=(Reference(0, "Knuth, D. Literate programming. 1984.", 1, "10.1000/1"),),
    )


def _chunk(task: Task, ordinal: int, text: str) -> Chunk:
    page = ordinal + 1
    return Chunk(
        chunk_id=chunk_id(task.document_id, task.version, ordinal, "text", text),
        document_id=task.document_id,
        version=task.version,
        ordinal=ordinal,
        kind=ChunkKind.TEXT,
        text=text,
        section="Introduction",
        boxes=(Box(page, 50, 100, 250, 120),),
    )
