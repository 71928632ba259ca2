"""Takes files in: streamed from the request into the blob store, then admitted as a job.

The blob before the row: a job never points at nothing. The blob store checks bytes as they pass, so
a file that is refused is never stored, and one that is too large is not read to its end. Where the
collection is named before the files, none is read for a collection that is full.
"""

from __future__ import annotations

import hashlib
from asyncio import Lock
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

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
from domain.jobs import Admission, Lane, OnDuplicate, Task, Upload
from domain.labels import filename_label
from serve_app.labels import DEFAULT_COLLECTION, is_collection_name
from serve_app.multipart import FIELDS_BESIDE_FILES, FormReader, Part
from serve_app.problems import MissingFile, TooManyFiles
from serve_app.services import Services

FILE_FIELDS = frozenset({"file", "files"})
IDEMPOTENCY_KEY = "idempotency-key"
FORM_OVERHEAD = 64 * 1024  # what a form may add to the bytes of its file
INTERACTIVE_FILES = 5  # somebody waits for so few; more are a folder

_replay_locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not accepted, and why."""

    filename: str
    error: RefusedUpload


@dataclass(slots=True)
class Received:
    """What a request brought: files at rest in the blob store, refused ones, and plain fields."""

    uploads: list[Upload] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return len(self.uploads) + len(self.refusals)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Where the files shall go, and what to do with those that are there already."""

    collection: str
    on_duplicate: OnDuplicate


async def receive_one(request: Request, services: Services) -> Received:
    """The single file of a request, stored. Raises RefusedUpload, QueueFull as soon as known."""
    limit = services.limits.upload_bytes
    if _content_length(request) > limit + FORM_OVERHEAD:
        raise too_large(limit)
    received = Received()
    if _is_raw_pdf(request):
        await _check_room(request, received, services)
        name = request.query_params.get("filename")
        received.uploads.append(await _store(request.stream(), filename_label(name), services))
        return received
    form = _form(request)
    async for part in form.parts():
        if not _is_file(part):
            await _take_field(form, part, received)
        elif received.uploads:
            raise InvalidRequest("Send one file here; POST /api/v1/documents takes many.")
        else:
            await _check_room(request, received, services)
            label = filename_label(part.filename)
            received.uploads.append(await _store(form.chunks(), label, services))
    if not received.uploads:
        raise MissingFile
    return received


async def receive_many(request: Request, services: Services) -> Received:
    """The files of a form, each stored or refused by itself.

    Raises TooManyFiles, MissingFile, QueueFull.
    """
    limits = services.limits
    form, received = _form(request), Received()
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
    return received


async def admit(
    received: Received, wishes: Wishes, services: Services, job_id: str | None = None
) -> list[Admission]:
    """What became of each stored file; the JobManager is woken after the commit."""
    few = len(received.uploads) <= INTERACTIVE_FILES
    lane = Lane.INTERACTIVE if few else Lane.BULK
    admissions = await services.jobs.admit(
        wishes.collection,
        received.uploads,
        kind="upload",
        lane=lane,
        on_duplicate=wishes.on_duplicate,
        job_id=job_id,
    )
    services.wake(lane)
    return admissions


async def admit_once(
    received: Received, wishes: Wishes, services: Services, key: str
) -> list[Admission]:
    """As `admit`, but the same key in the same collection gives the first answer again.

    Raises Expired when the job of the key has been cleaned up.
    """
    job_id = keyed_job_id(wishes.collection, key)
    lock = _replay_locks.setdefault(job_id, Lock())
    async with lock:
        try:
            await services.jobs.job(job_id)
        except NotFound:
            return await admit(received, wishes, services, job_id)
        except Expired as error:
            raise Expired(
                "The job of that Idempotency-Key has been cleaned up, its papers are still here. "
                "Nothing of this request was admitted; send it with a new key."
            ) from error
        tasks = await services.jobs.tasks(job_id, limit=services.limits.files)
        return list(map(_replayed, tasks))


def wishes_of(request: Request, fields: dict[str, str]) -> Wishes:
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
    return Wishes(collection, OnDuplicate(policy))


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


async def _check_room(request: Request, received: Received, services: Services) -> None:
    """Raises QueueFull when the collection is known already and takes no more work now.

    A request that repeats one which was admitted gets that one's answer all the same.
    """
    if "collection" not in {**request.query_params, **received.fields}:
        return  # it may stand behind the files; `admit` looks again
    collection = wishes_of(request, received.fields).collection
    try:
        await services.jobs.check_room(collection)
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


async def _take_file(form: FormReader, part: Part, received: Received, services: Services) -> None:
    label = filename_label(part.filename)
    try:
        received.uploads.append(await _store(form.chunks(), label, services))
    except RefusedUpload as error:
        received.refusals.append(Refusal(label, error))


async def _take_field(form: FormReader, part: Part, received: Received) -> None:
    if len(received.fields) >= FIELDS_BESIDE_FILES:
        raise InvalidRequest(
            f"The form has more than {FIELDS_BESIDE_FILES} fields beside its files."
        )
    received.fields[part.name] = await form.text()


async def _store(chunks: AsyncIterator[bytes], label: str, services: Services) -> Upload:
    limit = services.limits.upload_bytes
    stored = await services.blobs.put_stream(chunks, limit_bytes=limit)
    return Upload(label, stored.sha256, stored.bytes)


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


def _replayed(task: Task) -> Admission:
    """The admission that made a task; one that ended without a start was a duplicate."""
    was_there = task.finished_at is not None and task.started_at is None
    duplicate_of = task.document_id if was_there else None
    return Admission(task.job_id, task.task_id, task.document_id, task.filename, duplicate_of)
