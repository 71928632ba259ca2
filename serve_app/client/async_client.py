"""The asyncio client of the HTTP API; `sync_client.py` is generated from this module."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx

from domain.jobs import WaitFor
from serve_app.client import requests
from serve_app.client.errors import PaperworksProblem, problem_from, unreachable_from
from serve_app.client.event_stream import EventStream
from serve_app.client.requests import ApiRequest, Body, PdfFile
from serve_app.client.retry import Attempt, Deadline, RetryPolicy
from serve_app.schemas import core as schemas
from serve_app.schemas import papers as paper_schemas
from serve_app.schemas.consistency import Adoption, Consistency, Repair

Source = Path | str | bytes
DEFAULT_URL = "http://127.0.0.1:8000"
LONG_POLL_SECONDS = 25.0  # of `wait` without progress reports; the service answers at the end
PROGRESS_POLL_SECONDS = 0.5


class AsyncClient:
    """The library over HTTP for asyncio code. Close it, or use it in an `async with` block."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        retries: int = 4,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.retries = retries
        self._has_answered = False
        self._http = httpx.AsyncClient(
            base_url=url, timeout=requests.timeout(), transport=transport
        )

    # Uploads and jobs

    async def upload(
        self,
        source: Source,
        collection: str = "default",
        *,
        filename: str | None = None,
        on_duplicate: str = "return",
    ) -> schemas.UploadAccepted:
        """Uploads one PDF (a path, or bytes named `filename`); returns its job."""
        file = PdfFile.of(source, filename)
        return await self._send(requests.upload(file, collection, on_duplicate))

    async def upload_many(
        self,
        sources: Iterable[Source],
        collection: str = "default",
        *,
        on_duplicate: str = "return",
        idempotency_key: str | None = None,
    ) -> schemas.UploadsAccepted:
        """Uploads many PDFs as one job; returns the job and the result of each file."""
        files = [PdfFile.of(source) for source in sources]
        request = requests.upload_many(files, collection, on_duplicate, idempotency_key)
        return await self._send(request)

    async def job(
        self, job_id: str, wait_seconds: float = 0, until: WaitFor = WaitFor.DONE
    ) -> schemas.Job:
        """Returns the job once it has ended, or once all its papers are searchable.

        After `wait_seconds` (60 at most) it returns the current state.
        """
        return await self._send(requests.job(job_id, wait_seconds, until))

    async def wait(
        self,
        job_id: str,
        timeout_seconds: float | None = None,
        on_progress: Callable[[schemas.Job], object] | None = None,
    ) -> schemas.Job:
        """Returns the job when it has ended; calls `on_progress` with it twice a second.

        Raises TimeoutError.
        """
        deadline = Deadline.after(timeout_seconds)
        poll_seconds = PROGRESS_POLL_SECONDS if on_progress else LONG_POLL_SECONDS
        while True:
            job = await self.job(job_id, deadline.cap(poll_seconds))
            if on_progress:
                on_progress(job)
            if job.is_final:
                return job
            if deadline.has_passed:
                raise TimeoutError(f"{job_id} is still {job.status} after {timeout_seconds:g} s.")

    async def jobs(
        self,
        *,
        status: str | None = None,
        collection: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> schemas.Listed[schemas.JobSummary]:
        """Returns a page of jobs, newest first."""
        request = requests.jobs(status=status, collection=collection, cursor=cursor, limit=limit)
        return await self._send(request)

    async def events(self, job_id: str, after: int = 0) -> AsyncIterator[schemas.Event]:
        """Yields every state change of a job and of its tasks after event number `after`, live.

        Ends with the job. A connection that breaks is resumed after the last event received.
        """
        stream = EventStream(job_id, self.retries, after)
        while not stream.is_closed:
            try:
                path, headers = stream.path, stream.headers
                async with self._http.stream("GET", path, headers=headers) as response:
                    if response.is_error:
                        await response.aread()
                        raise problem_from(response)
                    async for line in response.aiter_lines():
                        if event := stream.parse_line(line):
                            yield event
            except (httpx.TransportError, PaperworksProblem) as error:
                stream.check_reconnect(error, self._http.base_url)
            await asyncio.sleep(stream.reconnect_seconds)

    async def cancel(self, job_id: str, *, keep_chunks: bool = False) -> schemas.CancelAccepted:
        """Cancels a job.

        Searchable passages of partially processed papers are deleted, or kept with `keep_chunks`.
        """
        return await self._send(requests.cancel(job_id, keep_chunks))

    async def retry(self, job_id: str) -> schemas.RetryAccepted:
        """Queues the failed and cancelled papers of a job again, under the same job id."""
        return await self._send(requests.retry(job_id))

    async def failures(
        self, job_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> schemas.Listed[schemas.IncompleteTask]:
        """Returns a page of the papers that failed or have unreadable pages, latest first."""
        return await self._send(requests.failures(job_id, cursor=cursor, limit=limit))

    # Search, documents and collections

    async def search(
        self,
        query: str,
        *,
        collection: str | None = None,
        mode: str | None = None,
        filters: dict[str, Any] | None = None,
        limit: int | None = None,
        group_by: str | None = None,
    ) -> schemas.SearchResult:
        """Returns the best passages of one collection or of all; `filters` as `SearchFilters`."""
        request = requests.search(
            query,
            collection=collection,
            mode=mode,
            filters=filters,
            limit=limit,
            group_by=group_by,
        )
        return await self._send(request)

    async def documents(
        self,
        *,
        collection: str | None = None,
        status: str | None = None,
        needs_review: bool | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> schemas.Listed[schemas.Document]:
        """Returns a page of documents, newest first."""
        request = requests.documents(
            collection=collection,
            status=status,
            needs_review=needs_review,
            cursor=cursor,
            limit=limit,
        )
        return await self._send(request)

    async def document(self, document_id: str) -> schemas.Document:
        """Returns a document."""
        return await self._send(requests.document(document_id))

    async def chunks(
        self, document_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> schemas.Listed[schemas.Chunk]:
        """Returns a page of the passages of a document in reading order."""
        return await self._send(requests.chunks(document_id, cursor=cursor, limit=limit))

    async def reingest(self, document_id: str) -> schemas.UploadAccepted:
        """Processes a document again as a new version; returns its job."""
        return await self._send(requests.reingest(document_id))

    async def delete(self, document_id: str) -> None:
        """Deletes a document with its passages and its PDF."""
        await self._send(requests.delete(document_id))

    async def collections(self) -> list[schemas.Collection]:
        """Returns every collection, sorted by name."""
        return (await self._send(requests.collections())).items

    async def delete_collection(self, name: str) -> None:
        """Deletes a collection with every document in it."""
        await self._send(requests.delete_collection(name))

    async def download(self, document_id: str, target: Path | str) -> Path:
        """Writes the PDF of a document to `target`; returns that path."""
        target = Path(target)
        path = requests.document_path(document_id, "/original")
        try:
            async with self._http.stream("GET", path) as response:
                if response.is_error:
                    await response.aread()
                    raise problem_from(response)
                with target.open("wb") as file:  # noqa: ASYNC230 - fast: writes to the page cache
                    async for chunk in response.aiter_bytes():
                        file.write(chunk)
        except httpx.TransportError as error:
            raise unreachable_from(self._http.base_url, error) from error
        return target

    # Contents of a paper

    async def text(self, document_id: str) -> str:
        """Returns the text of a document in reading order, paragraphs separated by blank lines."""
        return await self._send(requests.text(document_id))

    async def markdown(self, document_id: str) -> str:
        """Returns a document as GitHub-flavored Markdown."""
        return await self._send(requests.markdown(document_id))

    async def sections(self, document_id: str) -> list[paper_schemas.Section]:
        """Returns the section headings of a document in reading order."""
        return (await self._send(requests.sections(document_id))).sections

    async def tables(self, document_id: str) -> list[paper_schemas.Table]:
        """Returns the tables; `counts.tables` is None until table detection has run."""
        return (await self._send(requests.tables(document_id))).tables

    async def table_csv(self, document_id: str, number: int) -> str:
        """Returns a table as CSV."""
        return await self._send(requests.table_file(document_id, number, "csv"))

    async def table_html(self, document_id: str, number: int) -> str:
        """Returns a table as an HTML <table>."""
        return await self._send(requests.table_file(document_id, number, "html"))

    async def figures(self, document_id: str) -> list[paper_schemas.Figure]:
        """Returns the figures; `counts.figures` is None until figure detection has run."""
        return (await self._send(requests.figures(document_id))).figures

    async def figure_png(self, document_id: str, number: int, *, dpi: int | None = None) -> bytes:
        """Returns the image of a figure as PNG."""
        return await self._send(requests.figure_png(document_id, number, dpi))

    async def page_png(
        self,
        document_id: str,
        number: int,
        *,
        highlights: Sequence[str] = (),
        dpi: int | None = None,
    ) -> bytes:
        """Returns the image of a page as PNG; passages with these `chunk_id`s are highlighted."""
        return await self._send(requests.page_png(document_id, number, highlights, dpi))

    async def references(self, document_id: str) -> list[paper_schemas.Reference]:
        """Returns the bibliography of a document, as printed and parsed into fields."""
        return (await self._send(requests.references(document_id))).references

    async def cites(self, document_id: str) -> list[schemas.Document]:
        """Returns the documents of the same collection that this one cites."""
        return (await self._send(requests.cites(document_id))).documents

    async def cited_by(self, document_id: str) -> list[schemas.Document]:
        """Returns the documents of the same collection that cite this one."""
        return (await self._send(requests.cited_by(document_id))).documents

    async def similar(
        self, document_id: str, limit: int = 10
    ) -> list[paper_schemas.SimilarDocument]:
        """Returns the most similar documents of the same collection, best first."""
        return (await self._send(requests.similar(document_id, limit))).documents

    async def export(self, document_id: str, format: str = "markdown") -> str:
        """Returns a document as `markdown`, `json` (everything), `bibtex` or `csl`."""
        return await self._send(requests.export(document_id, format))

    async def export_collection(self, name: str, format: str = "bibtex") -> str:
        """Returns the bibliography of a collection as `bibtex`."""
        return await self._send(requests.export_collection(name, format))

    # Consistency of the stores

    async def consistency(self) -> Consistency:
        """Returns the differences between PostgreSQL, Milvus and the blob store."""
        return await self._send(requests.consistency())

    async def repair_consistency(self, *, delete_orphans: bool = False) -> Repair:
        """Repairs the differences; returns them with the actions taken and the jobs started.

        `delete_orphans` deletes orphans even above the configured deletion limits.
        """
        return await self._send(requests.repair_consistency(delete_orphans))

    async def adopt(self, collection: str, *, claim_stores: bool = False) -> Adoption:
        """Adds orphaned PDFs to a collection; returns the jobs that process them.

        `claim_stores` first assigns Milvus and the blob store to the database of the service.
        """
        return await self._send(requests.adopt(collection, claim_stores))

    # Connection

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _send(self, request: ApiRequest[Body]) -> Body:
        policy = RetryPolicy(self.retries, self._has_answered)
        while True:
            attempt = await self._attempt(request)
            backoff_seconds = policy.backoff_seconds(attempt)
            self._has_answered = policy.has_answered
            if backoff_seconds is None:
                return request.parse(attempt)
            await asyncio.sleep(backoff_seconds)

    async def _attempt(self, request: ApiRequest[Any]) -> Attempt:
        try:
            with request.arguments() as arguments:
                return await self._http.request(request.method, request.path, **arguments)
        except httpx.TransportError as error:
            return unreachable_from(self._http.base_url, error)
