"""The synchronous client of the HTTP API, generated from `async_client.py`.

Do not edit it: run `python -m tests.generate_sync_client`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from serve_app.client.endpoints import Endpoints, path_of
from serve_app.client.errors import PaperworksProblem, RetryPolicy, ServiceUnreachable
from serve_app.client.many_files import FilesUpload, FilesUploaded, OnPart
from serve_app.client.requests import ApiRequest, Body, EventStream, PdfFile, SomeEvent
from serve_app.process.address import DEFAULT_URL
from serve_app.schemas.core import CollectionEvent, Event, Job
from serve_app.uploads.pdf_paths import PdfPath, pdfs_below

CONNECT_SECONDS, RESPONSE_SECONDS = 5.0, 90.0  # the longest long poll takes 60 s
LONG_POLL_SECONDS = 25.0  # of `wait` without progress reports; the service answers at the end
PROGRESS_POLL_SECONDS = 0.5
RECONNECT_SECONDS = 1.0  # after an event stream that the service ended early


class Client(Endpoints):
    """The library over HTTP for asyncio code. Close it, or use it in an `async with` block.

    `key`: an API key, if the service requires one.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        key: str | None = None,
        *,
        retries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.retries = retries
        self._has_answered = False
        timeout = httpx.Timeout(RESPONSE_SECONDS, connect=CONNECT_SECONDS)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=timeout, transport=transport
        )

    def upload_folder(
        self,
        folder: Path | str,
        collection: str = "default",
        *,
        on_duplicate: str = "return",
        on_part: OnPart | None = None,
    ) -> FilesUploaded:
        """Uploads the PDFs of a folder and its subfolders; returns what became of each file.

        Files are named by their paths below the folder. Raises NotADirectoryError, and otherwise
        as `upload_files`.
        """
        files = list(pdfs_below(Path(folder)))
        return self.upload_files(files, collection, on_duplicate=on_duplicate, on_part=on_part)

    def upload_files(
        self,
        files: Iterable[PdfPath],
        collection: str = "default",
        *,
        on_duplicate: str = "return",
        on_part: OnPart | None = None,
    ) -> FilesUploaded:
        """Uploads any number of files in several requests; returns what became of each file.

        Calls `on_part` with the result of each request. Raises PaperworksProblem if the service
        refuses the first request as a whole, and ServiceUnreachable if it does not answer; later
        problems are in `refused`.
        """
        upload = FilesUpload(files)
        while batch := upload.next_request():
            sources = [PdfFile.of(file.path, file.name) for file in batch]
            try:
                upload.accept(self.upload_many(sources, collection, on_duplicate=on_duplicate))
            except (PaperworksProblem, OSError) as error:
                upload.fail(batch, error)
            finally:
                upload.report(on_part)
        upload.report(on_part)
        return upload.result

    def wait(
        self,
        job_id: str,
        timeout_seconds: float | None = None,
        on_progress: Callable[[Job], object] | None = None,
    ) -> Job:
        """Returns the job when it has ended; calls `on_progress` with it twice a second.

        Raises TimeoutError.
        """
        deadline = time.monotonic() + (math.inf if timeout_seconds is None else timeout_seconds)
        poll_seconds = PROGRESS_POLL_SECONDS if on_progress else LONG_POLL_SECONDS
        while True:
            seconds_left = max(0.0, deadline - time.monotonic())
            job = self.job(job_id, min(poll_seconds, seconds_left))
            if on_progress:
                on_progress(job)
            if job.is_final:
                return job
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{job_id} is still {job.status} after {timeout_seconds:g} s.")

    def events(self, job_id: str, after: int = 0) -> Iterator[Event]:
        """Returns every state change of a job and of its tasks after event number `after`, live.

        Ends with the job. A connection that breaks is resumed after the last event received. Fails
        after `retries` connections in a row without an event.
        """
        return self._follow(EventStream(path_of("jobs", job_id, "/events"), Event, str(after)))

    def collection_events(self, collection: str, after: str = "") -> Iterator[CollectionEvent]:
        """Returns every state change of the jobs of a collection, live, and never ends.

        Begins now, or after the event with the id `after`. Resumes like `events`.
        """
        path = path_of("collections", collection, "/events")
        return self._follow(EventStream(path, CollectionEvent, after))

    def _follow(self, stream: EventStream[SomeEvent]) -> Iterator[SomeEvent]:
        policy = RetryPolicy(self.retries, resumes=True)
        while True:
            pause_seconds = RECONNECT_SECONDS
            try:
                with self._stream(stream.path, stream.headers) as response:
                    for line in response.iter_lines():
                        if event := stream.parse_line(line):
                            policy.retries_used = 0
                            yield event
            except PaperworksProblem as problem:
                pause_seconds = policy.backoff_seconds(problem, self._has_answered)
            if stream.is_closed:
                return
            time.sleep(pause_seconds)

    def download(self, document_id: str, target: Path | str) -> Path:
        """Writes the PDF of a document to `target`; returns that path."""
        target = Path(target)
        with self._stream(path_of("documents", document_id, "/original")) as response:
            chunks = response.iter_bytes()
            with target.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
        return target

    def send(self, request: ApiRequest[Body]) -> Body:
        """Returns the parsed response to a request. Raises PaperworksProblem, ServiceUnreachable.

        Retries as described in `RetryPolicy`.
        """
        policy = RetryPolicy(self.retries, repeatable=request.is_repeatable)
        while True:
            try:
                return request.parse(self._content(request))
            except PaperworksProblem as problem:
                pause_seconds = policy.backoff_seconds(problem, self._has_answered)
            time.sleep(pause_seconds)

    def _content(self, request: ApiRequest[Body]) -> bytes:
        with request.arguments() as arguments:
            path, method = request.path, request.method
            with self._stream(path, method=method, **arguments) as response:
                return response.read()

    @contextmanager
    def _stream(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET", **more: Any
    ) -> Iterator[httpx.Response]:
        """Yields a successful response before its body is read. Raises PaperworksProblem."""
        try:
            with self._http.stream(method, path, headers=headers, **more) as response:
                self._has_answered = True
                if response.is_error:
                    response.read()
                    raise PaperworksProblem.of(response)
                yield response
        except httpx.TransportError as error:
            raise ServiceUnreachable.after(error, self._http.base_url) from error

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
