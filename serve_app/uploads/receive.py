"""Receives uploads: streams the request into spool files, then stores and admits them as a job.

Blobs are stored before the database rows are committed, so a job never refers to a missing blob.
A request is validated as a whole before its blobs are stored. Bytes are checked while they stream,
so a file that is too large is not read to its end. If the collection precedes the files in the
form and its queue is full, no file is read.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from fastapi import Request

from domain.errors import (
    Expired,
    FileTooLarge,
    InvalidRequest,
    NotFound,
    QueueFull,
    RefusedUpload,
)
from domain.identifiers import COLLECTION_RULE
from domain.jobs import Admission, Lane, OnDuplicate, Upload
from domain.labels import filename_label
from serve_app.api.names import DEFAULT_COLLECTION, is_collection_name
from serve_app.api.problems import MissingFile, TooManyFiles
from serve_app.api.services import Services
from serve_app.library.library_identity import require_matching_stores
from serve_app.uploads.multipart import MAX_FIELDS, FormReader, Part
from stores.blobs.staged_blob import StagedBlob

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

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
    await require_matching_stores(services)
    limit = services.limits.upload_bytes
    if _content_length(request) > limit + FORM_OVERHEAD_BYTES:
        raise too_large(limit)
    if _is_raw_pdf(request):
        await _check_queue_limit(request, parsed, services)
        name = request.query_params.get("filename")
        await _stage(request.stream(), filename_label(name), parsed, services)
        return
    form = _form(request)
    async for part in form.parts():
        if not _is_file(part):
            await _receive_field(form, part, parsed)
        elif parsed.uploads:
            raise InvalidRequest(
                "This route accepts one file. Send several files to POST /api/v1/documents."
            )
        else:
            await _check_queue_limit(request, parsed, services)
            label = filename_label(part.filename)
            await _stage(form.chunks(), label, parsed, services)
    if not parsed.uploads:
        raise MissingFile


async def receive_many(request: Request, parsed: ParsedUpload, services: Services) -> None:
    """Stages the files of a form; each is accepted or rejected independently.

    Raises StoresDoNotMatch, TooManyFiles, MissingFile, QueueFull.
    """
    await require_matching_stores(services)
    limits = services.limits
    form = _form(request)
    async for part in form.parts():
        if not _is_file(part):
            await _receive_field(form, part, parsed)
            continue
        if parsed.files >= limits.files:
            raise TooManyFiles(
                f"The request contains more than {limits.files} files; nothing was admitted. "
                "Send them in several requests."
            )
        if form.skipped_bytes > limits.upload_bytes:
            raise too_large(limits.upload_bytes)  # bounds the bytes read of rejected files
        if not parsed.files:
            await _check_queue_limit(request, parsed, services)
        await _receive_file(form, part, parsed, services)
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
    arguments = {
        "lane": lane,
        "on_duplicate": options.on_duplicate,
        "before_commit": parsed.commit,
    }
    if key:
        admissions = await _admit_once(parsed, options, services, key, arguments)
    else:
        admissions = await services.jobs.admit(options.collection, parsed.uploads, **arguments)
    services.wake(lane)
    return admissions


async def _admit_once(
    parsed: ParsedUpload,
    options: UploadOptions,
    services: Services,
    key: str,
    arguments: dict[str, Any],
) -> list[Admission]:
    try:
        return await services.jobs.admit_once(
            options.collection,
            parsed.uploads,
            job_id=keyed_job_id(options.collection, key),
            request_digest=request_digest(parsed, options),
            **arguments,
        )
    except Expired as error:
        raise Expired(
            "The job of this Idempotency-Key has been cleaned up; its papers are still in the "
            "library. Nothing of this request was admitted; send it with a new key."
        ) from error


def request_digest(parsed: ParsedUpload, options: UploadOptions) -> str:
    """Returns a SHA-256 that identifies the request, to detect a reused Idempotency-Key.

    Rejected files enter with their filename and error code only, because they were not read.
    """
    files = [[upload.filename, upload.sha256] for upload in parsed.uploads]
    refused = [[refusal.filename, refusal.error.code] for refusal in parsed.refusals]
    content = [options.collection, options.on_duplicate, files, refused]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def parse_options(request: Request, fields: dict[str, str]) -> UploadOptions:
    """Returns the options from the form, or else from the query. Raises InvalidRequest."""
    given = {**request.query_params, **fields}
    collection = given.get("collection", "").strip() or DEFAULT_COLLECTION
    if not is_collection_name(collection):
        raise InvalidRequest(
            f"collection: {collection[:140]!r} is not a valid name; use {COLLECTION_RULE}."
        )
    policy = given.get("on_duplicate") or OnDuplicate.RETURN
    if policy not in set(OnDuplicate):
        raise InvalidRequest(f"on_duplicate: use return, reprocess or reject, not {policy[:40]!r}.")
    return UploadOptions(collection, OnDuplicate(policy))


def keyed_job_id(collection: str, key: str) -> str:
    """Returns the job id for an Idempotency-Key in a collection."""
    digest = hashlib.sha256(f"{collection}\x1f{key}".encode()).hexdigest()
    return f"job_{digest[:16]}"


def too_large(limit_bytes: int) -> FileTooLarge:
    """Returns the error for a file above the limit."""
    return FileTooLarge(
        f"The file is larger than {limit_bytes:,} bytes, the maximum of this service. "
        "Nothing was kept."
    )


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
        return True
    return True


async def _receive_file(
    form: FormReader, part: Part, parsed: ParsedUpload, services: Services
) -> None:
    label = filename_label(part.filename)
    try:
        await _stage(form.chunks(), label, parsed, services)
    except RefusedUpload as error:
        parsed.refusals.append(Refusal(label, error))


async def _receive_field(form: FormReader, part: Part, parsed: ParsedUpload) -> None:
    if len(parsed.fields) >= MAX_FIELDS:
        raise InvalidRequest(
            f"The form has more than {MAX_FIELDS} fields in addition to its files."
        )
    parsed.fields[part.name] = await form.text()


async def _stage(
    chunks: AsyncIterator[bytes], label: str, parsed: ParsedUpload, services: Services
) -> None:
    limit = services.limits.upload_bytes
    staged = await services.blobs.stage_stream(chunks, limit_bytes=limit)
    parsed.staged.append(staged)
    parsed.uploads.append(Upload(label, staged.blob.sha256, staged.blob.bytes))


def _form(request: Request) -> FormReader:
    return FormReader(request.headers.get("content-type", ""), request.stream())


def _is_file(part: Part) -> bool:
    return part.name in FILE_FIELDS


def _is_raw_pdf(request: Request) -> bool:
    return (
        request.headers.get("content-type", "").split(";")[0].strip().lower() == "application/pdf"
    )


def _content_length(request: Request) -> int:
    given = request.headers.get("content-length", "")
    return int(given) if given.isdecimal() else 0
