"""Takes files in: streamed from the request into spool files, then stored and admitted as a job.

The blob before the row: a job never points at nothing. The refusal before the blob: a request is
checked as a whole, and only one that nothing refuses any more is stored. Bytes are checked as they
pass, so a file that is too large is not read to its end. Where the collection is named before the
files, none is read for a collection that is full.
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
from serve_app.uploads.multipart import FIELDS_BESIDE_FILES, FormReader, Part
from stores.blobs.staged_blob import StagedBlob

FILE_FIELDS = frozenset({"file", "files"})
IDEMPOTENCY_KEY = "idempotency-key"
FORM_OVERHEAD = 64 * 1024  # what a form may add to the bytes of its file
INTERACTIVE_FILES = 5  # somebody waits for so few; more are a folder

COMMITS_AT_ONCE = 8  # files of one request; each waits for the disk, or for a bucket


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not accepted, and why."""

    filename: str
    error: RefusedUpload


@dataclass(slots=True)
class ParsedUpload:
    """What a request brought: staged files, refused ones, and plain fields.

    As a context it discards at the end what was staged and not committed, however it ends.
    """

    uploads: list[Upload] = field(default_factory=list)
    staged: list[StagedBlob] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return len(self.uploads) + len(self.refusals)

    async def commit(self) -> None:
        """Every file is stored and durable. Raises BlobStoreUnavailable."""
        if self.staged:
            await asyncio.to_thread(_commit_all, self.staged)

    def __enter__(self) -> ParsedUpload:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for staged in self.staged:
            staged.discard()


def _commit_all(staged: Sequence[StagedBlob]) -> None:
    if len(staged) == 1:
        staged[0].commit()
        return
    with ThreadPoolExecutor(COMMITS_AT_ONCE) as pool:
        for _ in pool.map(StagedBlob.commit, staged):
            pass


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """Where the files shall go, and what to do with those that are there already."""

    collection: str
    on_duplicate: OnDuplicate


async def receive_one(request: Request, received: ParsedUpload, services: Services) -> None:
    """Stages the single file of a request.

    Raises StoresDoNotMatch, RefusedUpload, QueueFull as soon as known.
    """
    await require_matching_stores(services)
    limit = services.limits.upload_bytes
    if _content_length(request) > limit + FORM_OVERHEAD:
        raise too_large(limit)
    if _is_raw_pdf(request):
        await _check_room(request, received, services)
        name = request.query_params.get("filename")
        await _stage(request.stream(), filename_label(name), received, services)
        return
    form = _form(request)
    async for part in form.parts():
        if not _is_file(part):
            await _take_field(form, part, received)
        elif received.uploads:
            raise InvalidRequest("Send one file here; POST /api/v1/documents takes many.")
        else:
            await _check_room(request, received, services)
            label = filename_label(part.filename)
            await _stage(form.chunks(), label, received, services)
    if not received.uploads:
        raise MissingFile


async def receive_many(request: Request, received: ParsedUpload, services: Services) -> None:
    """Stages the files of a form, each accepted or refused by itself.

    Raises StoresDoNotMatch, TooManyFiles, MissingFile, QueueFull.
    """
    await require_matching_stores(services)
    limits = services.limits
    form = _form(request)
    async for part in form.parts():
        if not _is_file(part):
            await _take_field(form, part, received)
            continue
        if received.files >= limits.files:
            raise TooManyFiles(
                f"The request holds more than {limits.files} files; nothing was admitted. "
                "Send them in several requests."
            )
        if form.skipped_bytes > limits.upload_bytes:
            raise too_large(limits.upload_bytes)  # refused files have cost enough reading
        if not received.files:
            await _check_room(request, received, services)
        await _take_file(form, part, received, services)
    if not received.files:
        raise MissingFile("The request holds no file; send PDFs in the field `files`.")


async def admit(
    received: ParsedUpload, wishes: UploadOptions, services: Services, key: str | None = None
) -> list[Admission]:
    """What became of each file; the files are stored, and the JobManager is woken after the commit.

    With an Idempotency-Key a request that repeats another one in the same collection gets that
    one's answer. Raises IdempotencyKeyReused, Expired when the job of the key was cleaned up, and
    as `JobStore.admit`: nothing of the request is kept then.
    """
    few = len(received.uploads) <= INTERACTIVE_FILES
    lane = Lane.INTERACTIVE if few else Lane.BULK
    options = {
        "lane": lane,
        "on_duplicate": wishes.on_duplicate,
        "before_commit": received.commit,
    }
    if key:
        admissions = await _admit_once(received, wishes, services, key, options)
    else:
        admissions = await services.jobs.admit(wishes.collection, received.uploads, **options)
    services.wake(lane)
    return admissions


async def _admit_once(
    received: ParsedUpload,
    wishes: UploadOptions,
    services: Services,
    key: str,
    options: dict[str, Any],
) -> list[Admission]:
    try:
        return await services.jobs.admit_once(
            wishes.collection,
            received.uploads,
            job_id=keyed_job_id(wishes.collection, key),
            request_digest=request_digest(received, wishes),
            **options,
        )
    except Expired as error:
        raise Expired(
            "The job of that Idempotency-Key has been cleaned up, its papers are still here. "
            "Nothing of this request was admitted; send it with a new key."
        ) from error


def request_digest(received: ParsedUpload, wishes: UploadOptions) -> str:
    """The SHA-256 of what the request asks for; the same for a repetition and for no other.

    Of a file that was refused only the name and the reason are known.
    """
    files = [[upload.filename, upload.sha256] for upload in received.uploads]
    refused = [[refusal.filename, refusal.error.code] for refusal in received.refusals]
    asked = [wishes.collection, wishes.on_duplicate, files, refused]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def parse_options(request: Request, fields: dict[str, str]) -> UploadOptions:
    """Collection and duplicate policy from the form or else the query. Raises InvalidRequest."""
    given = {**request.query_params, **fields}
    collection = given.get("collection", "").strip() or DEFAULT_COLLECTION
    if not is_collection_name(collection):
        raise InvalidRequest(
            f"collection: {collection[:140]!r} is no collection name; use {COLLECTION_RULE}."
        )
    policy = given.get("on_duplicate") or OnDuplicate.RETURN
    if policy not in set(OnDuplicate):
        raise InvalidRequest(f"on_duplicate: use return, reprocess or reject, not {policy[:40]!r}.")
    return UploadOptions(collection, OnDuplicate(policy))


def keyed_job_id(collection: str, key: str) -> str:
    """The job id that belongs to an Idempotency-Key in a collection."""
    digest = hashlib.sha256(f"{collection}\x1f{key}".encode()).hexdigest()
    return f"job_{digest[:16]}"


def too_large(limit_bytes: int) -> FileTooLarge:
    """The error of a file above the limit, which it names."""
    return FileTooLarge(
        f"The file is larger than {limit_bytes:,} bytes, the most that this service accepts. "
        "Nothing was kept."
    )


async def _check_room(request: Request, received: ParsedUpload, services: Services) -> None:
    """Raises QueueFull when the collection is known already and takes no more work now.

    A request that repeats one which was admitted gets that one's answer all the same.
    """
    if "collection" not in {**request.query_params, **received.fields}:
        return  # it may stand behind the files; `admit` looks again
    collection = parse_options(request, received.fields).collection
    try:
        await services.jobs.check_queue_limit(collection)
    except QueueFull:
        key = request.headers.get(IDEMPOTENCY_KEY)
        if not key or not await _is_known(keyed_job_id(collection, key), services):
            raise


async def _is_known(job_id: str, services: Services) -> bool:
    try:
        await services.jobs.job(job_id)
    except NotFound:
        return False
    except Expired:
        return True
    return True


async def _take_file(
    form: FormReader, part: Part, received: ParsedUpload, services: Services
) -> None:
    label = filename_label(part.filename)
    try:
        await _stage(form.chunks(), label, received, services)
    except RefusedUpload as error:
        received.refusals.append(Refusal(label, error))


async def _take_field(form: FormReader, part: Part, received: ParsedUpload) -> None:
    if len(received.fields) >= FIELDS_BESIDE_FILES:
        raise InvalidRequest(
            f"The form has more than {FIELDS_BESIDE_FILES} fields beside its files."
        )
    received.fields[part.name] = await form.text()


async def _stage(
    chunks: AsyncIterator[bytes], label: str, received: ParsedUpload, services: Services
) -> None:
    limit = services.limits.upload_bytes
    staged = await services.blobs.stage_stream(chunks, limit_bytes=limit)
    received.staged.append(staged)
    received.uploads.append(Upload(label, staged.blob.sha256, staged.blob.bytes))


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
