"""Receives uploads: stages the files of a request, then stores and admits them as a job.

Blobs are stored before the database rows are committed, so a job never refers to a missing blob.
A request is validated as a whole before its blobs are stored. Bytes are checked while they stream,
so a file that is too large is not read to its end. If the collection precedes the files in the
form and its queue is full, no file is read.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from fastapi import Request

from domain.collection_names import id_of
from domain.errors import (
    Expired,
    FileTooLarge,
    InvalidRequest,
    NotFound,
    QueueFull,
    RefusedUpload,
)
from domain.identifiers import COLLECTION_NAME, COLLECTION_RULE
from domain.jobs import Admission, Lane, OnDuplicate, Upload
from domain.labels import upload_label
from serve_app.access.middleware import access_of
from serve_app.access.requirements import require_collection
from serve_app.api.problems import MissingFile, TooManyFiles
from serve_app.api.services import Services
from serve_app.http.body_guard import content_length, file_too_large_message
from serve_app.uploads.multipart import FormReader
from stores.blobs.staged_blob import StagedBlob
from stores.blobs.upload_spool import MEMORY_BYTES

FILE_FIELDS = frozenset({"file", "files"})
IDEMPOTENCY_KEY = "idempotency-key"
FORM_OVERHEAD_BYTES = 64 * 1024  # of a form in addition to its file
MAX_INTERACTIVE_FILES = 5  # requests with more files go to the bulk lane
COMMIT_THREADS = 8  # per request; each commit waits for the disk or the object store


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rejected file and the reason."""

    filename: str
    error: RefusedUpload


@dataclass(slots=True)
class ParsedUpload:
    """The contents of an upload request: staged files, rejected files, and plain fields.

    As a context manager, discards staged files that were not committed.
    """

    uploads: list[Upload] = field(default_factory=list)
    staged: list[StagedBlob] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return len(self.uploads) + len(self.refusals)

    async def commit(self) -> None:
        """Stores all staged files durably. Raises BlobStoreUnavailable."""
        if self.staged:
            await asyncio.to_thread(_commit_all, self.staged)

    def __enter__(self) -> ParsedUpload:
        return self

    def __exit__(self, *_: object) -> None:
        for staged in self.staged:
            staged.discard()


def _commit_all(staged: Sequence[StagedBlob]) -> None:
    if len(staged) == 1:
        staged[0].commit()
        return
    with ThreadPoolExecutor(COMMIT_THREADS) as pool:
        for _ in pool.map(StagedBlob.commit, staged):
            pass


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """The target collection and the duplicate policy."""

    collection: str
    on_duplicate: OnDuplicate


async def receive_one(request: Request, parsed: ParsedUpload, services: Services) -> None:
    """Stages the single file of a request.

    Raises StoresDoNotMatch, RefusedUpload or QueueFull as early as possible.
    """
    await services.require_matching_stores()
    limit = services.http.upload_limit_bytes
    if content_length(request.headers) > limit + FORM_OVERHEAD_BYTES:
        raise FileTooLarge(file_too_large_message(limit))
    media_type = request.headers.get("content-type", "").split(";")[0]
    if media_type.strip().lower() == "application/pdf":
        await _check_queue_limit(request, parsed, services)
        name = request.query_params.get("filename")
        await _stage(request.stream(), upload_label(name), parsed, services, MEMORY_BYTES)
        return
    form = _form(request)
    async for part in form.parts():
        if part.name not in FILE_FIELDS:
            parsed.fields[part.name] = await form.text()
        elif parsed.uploads:
            raise InvalidRequest(
                "This route accepts one file. Send several files to POST /api/v1/documents."
            )
        else:
            await _check_queue_limit(request, parsed, services)
            label = upload_label(part.filename)
            await _stage(form.chunks(), label, parsed, services, MEMORY_BYTES)
    if not parsed.uploads:
        raise MissingFile


async def receive_many(request: Request, parsed: ParsedUpload, services: Services) -> None:
    """Stages the files of a form; each is accepted or rejected independently.

    Raises StoresDoNotMatch, TooManyFiles, MissingFile, QueueFull.
    """
    await services.require_matching_stores()
    limits = services.http
    form = _form(request)
    async for part in form.parts():
        if part.name not in FILE_FIELDS:
            parsed.fields[part.name] = await form.text()
            continue
        if parsed.files >= limits.max_files:
            raise TooManyFiles(
                f"The request contains more than {limits.max_files} files; nothing was admitted. "
                "Send them in several requests."
            )
        if form.skipped_bytes > limits.upload_limit_bytes:
            # bounds the bytes read of rejected files
            raise FileTooLarge(file_too_large_message(limits.upload_limit_bytes))
        if not parsed.files:
            await _check_queue_limit(request, parsed, services)
        label = upload_label(part.filename)
        try:
            await _stage(form.chunks(), label, parsed, services)
        except RefusedUpload as error:
            parsed.refusals.append(Refusal(label, error))
    if not parsed.files:
        raise MissingFile("The request contains no file; send PDFs in the field `files`.")


async def admit(
    parsed: ParsedUpload, options: UploadOptions, services: Services, key: str | None = None
) -> list[Admission]:
    """Stores the files, admits them as a job, wakes the JobManager, and returns the admissions.

    A repeated request with the same Idempotency-Key and collection returns the admissions of the
    first request. Raises IdempotencyKeyReused, Expired if the job of the key was cleaned up, and
    the errors of `JobStore.admit`. After an error, nothing of the request is kept.
    """
    is_interactive = len(parsed.uploads) <= MAX_INTERACTIVE_FILES
    lane = Lane.INTERACTIVE if is_interactive else Lane.BULK
    admit_files: Callable[..., Awaitable[list[Admission]]] = services.jobs.admit
    if key:
        admit_files = partial(
            services.jobs.admit_once,
            job_id=keyed_job_id(options.collection, key),
            request_digest=request_digest(parsed, options),
        )
    try:
        admissions = await admit_files(
            options.collection,
            parsed.uploads,
            lane=lane,
            on_duplicate=options.on_duplicate,
            before_commit=parsed.commit,
        )
    except Expired as error:
        raise Expired(
            "The job of this Idempotency-Key has been cleaned up; its papers are still in the "
            "library. Nothing of this request was admitted; send it with a new key."
        ) from error
    services.wake(lane)
    return admissions


def request_digest(parsed: ParsedUpload, options: UploadOptions) -> str:
    """Returns a SHA-256 that identifies the request, to detect a reused Idempotency-Key.

    Rejected files enter with their filename and error code only, because they were not read.
    """
    files = [[upload.filename, upload.sha256] for upload in parsed.uploads]
    refused = [[refusal.filename, refusal.error.code] for refusal in parsed.refusals]
    content = [options.collection, options.on_duplicate, files, refused]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def parse_options(request: Request, fields: dict[str, str]) -> UploadOptions:
    """Returns the options from the form, or else from the query.

    Raises InvalidRequest, and UnknownCollection for a collection of other keys.
    """
    given = {**request.query_params, **fields}
    collection = given.get("collection", "").strip() or "default"
    if not COLLECTION_NAME.fullmatch(collection):
        raise InvalidRequest(
            f"collection: {collection[:140]!r} is not a valid name; use {COLLECTION_RULE}."
        )
    collection = id_of(collection)
    require_collection(access_of(request), collection)
    policy = given.get("on_duplicate") or OnDuplicate.RETURN
    if policy not in set(OnDuplicate):
        raise InvalidRequest(f"on_duplicate: use return, reprocess or reject, not {policy[:40]!r}.")
    return UploadOptions(collection, OnDuplicate(policy))


def keyed_job_id(collection: str, key: str) -> str:
    """Returns the job id for an Idempotency-Key in a collection."""
    digest = hashlib.sha256(f"{collection}\x1f{key}".encode()).hexdigest()
    return f"job_{digest[:16]}"


async def _check_queue_limit(request: Request, parsed: ParsedUpload, services: Services) -> None:
    """Raises QueueFull if the collection is already known and its queue is full.

    Repetitions of an admitted request pass, because they add no work.
    """
    if "collection" not in {**request.query_params, **parsed.fields}:
        return  # it may follow the files; `admit` checks the limit again
    collection = parse_options(request, parsed.fields).collection
    try:
        await services.jobs.check_queue_limit(collection)
    except QueueFull:
        key = request.headers.get(IDEMPOTENCY_KEY)
        if not key or not await _job_exists(keyed_job_id(collection, key), services):
            raise


async def _job_exists(job_id: str, services: Services) -> bool:
    try:
        await services.jobs.job(job_id)
    except NotFound:
        return False
    except Expired:
        pass
    return True


async def _stage(
    chunks: AsyncIterator[bytes],
    label: str,
    parsed: ParsedUpload,
    services: Services,
    memory_bytes: int = 0,
) -> None:
    limit = services.http.upload_limit_bytes
    staged = await services.blobs.stage_stream(chunks, limit, memory_bytes)
    parsed.staged.append(staged)
    parsed.uploads.append(Upload(label, staged.blob.sha256, staged.blob.bytes))


def _form(request: Request) -> FormReader:
    return FormReader(request.headers.get("content-type", ""), request.stream())
