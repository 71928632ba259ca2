"""The typed Python client: `Client`, and `AsyncClient` for code that awaits. Both wait out
a full queue, a store that is away, and an API that was there and is being replaced.

    with Client("http://127.0.0.1:8000") as library:
        job = library.wait(library.upload("paper.pdf").job_id)
        for hit in library.search("sparse attention").hits:
            print(hit.title, hit.page_first, hit.text)

Every method raises PaperworksProblem with the service's `code` and `detail`, or ServiceUnreachable.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx

from serve_app.client import calls
from serve_app.client.calls import (
    ApiRequest,
    PaperworksProblem,
    PdfFile,
    RetryPolicy,
    ServiceUnreachable,
)
from serve_app.client.consistency_client import AsyncConsistencyMixin, ConsistencyMixin
from serve_app.client.event_stream import Listener
from serve_app.client.job_client import AsyncJobs, Jobs
from serve_app.client.paper_client import AsyncPapers, Papers
from serve_app.schemas import core as schemas

__all__ = ["AsyncClient", "Client", "PaperworksProblem", "ServiceUnreachable"]

Source = Path | str | bytes
DEFAULT_URL = "http://127.0.0.1:8000"


class Client(Jobs, Papers, ConsistencyMixin):
    """The library over HTTP. Thread-safe; close it, or use it in a `with` block."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        retries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.retries = retries
        self._has_answered = False
        self._http = httpx.Client(base_url=url, timeout=calls.timeout(), transport=transport)

    def upload(
        self,
        source: Source,
        collection: str = "default",
        *,
        filename: str | None = None,
        on_duplicate: str = "return",
    ) -> schemas.UploadAccepted:
        """One PDF (a path, or bytes under `filename`), accepted; follow its job."""
        return self._send(calls.upload(PdfFile.of(source, filename), collection, on_duplicate))

    def upload_many(
        self,
        sources: Iterable[Source],
        collection: str = "default",
        *,
        on_duplicate: str = "return",
        idempotency_key: str | None = None,
    ) -> schemas.UploadsAccepted:
        """Many PDFs as one job, with what became of each."""
        files = [PdfFile.of(source) for source in sources]
        return self._send(calls.upload_many(files, collection, on_duplicate, idempotency_key))

    def search(
        self,
        query: str,
        *,
        collection: str | None = None,
        mode: str | None = None,
        filters: dict[str, Any] | None = None,
        limit: int | None = None,
        group_by: str | None = None,
    ) -> schemas.SearchResult:
        """The best passages of a collection or of all; `filters` as in `SearchFilters`."""
        call = calls.search(
            query,
            collection=collection,
            mode=mode,
            filters=filters,
            limit=limit,
            group_by=group_by,
        )
        return self._send(call)

    def events(self, job_id: str, after: int = 0) -> Iterator[schemas.Event]:
        """Every move of a job and of its tasks after that number, as it happens, to its end.

        A stream that breaks off is taken up where it ended.
        """
        listener = Listener(job_id, self.retries, after)
        while not listener.is_closed:
            try:
                with self._http.stream("GET", listener.path, headers=listener.headers) as response:
                    if response.is_error:
                        response.read()
                        raise calls.problem_of(response)
                    yield from filter(None, map(listener.hear, response.iter_lines()))
            except (httpx.TransportError, PaperworksProblem) as error:
                listener.broke_off(error, self._http.base_url)
            time.sleep(listener.pause_seconds)

    def documents(
        self,
        *,
        collection: str | None = None,
        status: str | None = None,
        needs_review: bool | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> schemas.Listed[schemas.Document]:
        """Documents, newest first."""
        return self._send(
            calls.documents(
                collection=collection,
                status=status,
                needs_review=needs_review,
                cursor=cursor,
                limit=limit,
            )
        )

    def document(self, document_id: str) -> schemas.Document:
        """A document."""
        return self._send(calls.document(document_id))

    def chunks(
        self, document_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> schemas.Listed[schemas.Chunk]:
        """The passages of a document in reading order."""
        return self._send(calls.chunks(document_id, cursor=cursor, limit=limit))

    def collections(self) -> list[schemas.Collection]:
        """Every collection, by name."""
        return self._send(calls.collections()).items

    def delete(self, document_id: str) -> None:
        """Deletes a document with its passages and its PDF."""
        self._send(calls.delete(document_id))

    def delete_collection(self, name: str) -> None:
        """Deletes a collection and every document in it."""
        self._send(calls.delete_collection(name))

    def download(self, document_id: str, target: Path | str) -> Path:
        """The path of the document's PDF, written to `target`."""
        target = Path(target)
        path = calls.document_path(document_id, "/original")
        try:
            with self._http.stream("GET", path) as response:
                if response.is_error:
                    response.read()
                    raise calls.problem_of(response)
                with target.open("wb") as file:
                    file.writelines(response.iter_bytes())
        except httpx.TransportError as error:
            raise calls.unreachable(self._http.base_url, error) from error
        return target

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, call: ApiRequest[calls.R]) -> calls.R:
        patience = RetryPolicy(self.retries, self._has_answered)
        while True:
            outcome = self._once(call)
            pause = patience.pause_seconds(outcome)
            self._has_answered = patience.has_answered
            if pause is None:
                return call.read(outcome)
            time.sleep(pause)

    def _once(self, call: ApiRequest[Any]) -> calls.Reply:
        try:
            with call.arguments() as arguments:
                return self._http.request(call.method, call.path, **arguments)
        except httpx.TransportError as error:
            return calls.unreachable(self._http.base_url, error)


class AsyncClient(AsyncJobs, AsyncPapers, AsyncConsistencyMixin):
    """`Client` for code that awaits; close it, or use it in an `async with` block."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        retries: int = 4,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.retries = retries
        self._has_answered = False
        self._http = httpx.AsyncClient(base_url=url, timeout=calls.timeout(), transport=transport)

    async def upload(
        self,
        source: Source,
        collection: str = "default",
        *,
        filename: str | None = None,
        on_duplicate: str = "return",
    ) -> schemas.UploadAccepted:
        """As `Client.upload`."""
        call = calls.upload(PdfFile.of(source, filename), collection, on_duplicate)
        return await self._send(call)

    async def upload_many(
        self,
        sources: Iterable[Source],
        collection: str = "default",
        *,
        on_duplicate: str = "return",
        idempotency_key: str | None = None,
    ) -> schemas.UploadsAccepted:
        """As `Client.upload_many`."""
        files = [PdfFile.of(source) for source in sources]
        return await self._send(calls.upload_many(files, collection, on_duplicate, idempotency_key))

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
        """As `Client.search`."""
        call = calls.search(
            query,
            collection=collection,
            mode=mode,
            filters=filters,
            limit=limit,
            group_by=group_by,
        )
        return await self._send(call)

    async def events(self, job_id: str, after: int = 0) -> AsyncIterator[schemas.Event]:
        """As `Client.events`."""
        listener = Listener(job_id, self.retries, after)
        while not listener.is_closed:
            try:
                path, headers = listener.path, listener.headers
                async with self._http.stream("GET", path, headers=headers) as response:
                    if response.is_error:
                        await response.aread()
                        raise calls.problem_of(response)
                    async for line in response.aiter_lines():
                        if event := listener.hear(line):
                            yield event
            except (httpx.TransportError, PaperworksProblem) as error:
                listener.broke_off(error, self._http.base_url)
            await asyncio.sleep(listener.pause_seconds)

    async def documents(
        self,
        *,
        collection: str | None = None,
        status: str | None = None,
        needs_review: bool | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> schemas.Listed[schemas.Document]:
        """As `Client.documents`."""
        return await self._send(
            calls.documents(
                collection=collection,
                status=status,
                needs_review=needs_review,
                cursor=cursor,
                limit=limit,
            )
        )

    async def document(self, document_id: str) -> schemas.Document:
        """As `Client.document`."""
        return await self._send(calls.document(document_id))

    async def chunks(
        self, document_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> schemas.Listed[schemas.Chunk]:
        """As `Client.chunks`."""
        return await self._send(calls.chunks(document_id, cursor=cursor, limit=limit))

    async def collections(self) -> list[schemas.Collection]:
        """As `Client.collections`."""
        return (await self._send(calls.collections())).items

    async def delete(self, document_id: str) -> None:
        """As `Client.delete`."""
        await self._send(calls.delete(document_id))

    async def delete_collection(self, name: str) -> None:
        """As `Client.delete_collection`."""
        await self._send(calls.delete_collection(name))

    async def download(self, document_id: str, target: Path | str) -> Path:
        """As `Client.download`."""
        target = Path(target)
        path = calls.document_path(document_id, "/original")
        try:
            async with self._http.stream("GET", path) as response:
                if response.is_error:
                    await response.aread()
                    raise calls.problem_of(response)
                with target.open("wb") as file:  # noqa: ASYNC230 - page cache, not worth a thread per chunk
                    async for chunk in response.aiter_bytes():
                        file.write(chunk)
        except httpx.TransportError as error:
            raise calls.unreachable(self._http.base_url, error) from error
        return target

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _send(self, call: ApiRequest[calls.R]) -> calls.R:
        patience = RetryPolicy(self.retries, self._has_answered)
        while True:
            outcome = await self._once(call)
            pause = patience.pause_seconds(outcome)
            self._has_answered = patience.has_answered
            if pause is None:
                return call.read(outcome)
            await asyncio.sleep(pause)

    async def _once(self, call: ApiRequest[Any]) -> calls.Reply:
        try:
            with call.arguments() as arguments:
                return await self._http.request(call.method, call.path, **arguments)
        except httpx.TransportError as error:
            return calls.unreachable(self._http.base_url, error)
