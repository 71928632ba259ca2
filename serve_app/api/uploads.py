"""Uploads: one file with a response in milliseconds, or many files as one job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, Request, Response

from domain.errors import NotFound, QueueFull, RefusedUpload
from domain.jobs import Admission, Lane, OnDuplicate, Upload
from serve_app.access.requirements import CHANGES
from serve_app.api.metrics import Metrics
from serve_app.api.parameters import DocumentId, IdempotencyKey
from serve_app.api.problems import error_response, problem_responses
from serve_app.api.services import PREFIX, MetricsDep, Services, ServicesDep
from serve_app.library.moves import require_original
from serve_app.schemas.core import UploadAccepted, UploadsAccepted
from serve_app.uploads.receive import (
    ParsedUpload,
    Refusal,
    admit,
    parse_options,
    receive_many,
    receive_one,
)

router = APIRouter(prefix=PREFIX, tags=["uploads"], dependencies=[CHANGES])

_TEXT = {"type": "string"}
_BINARY = {"type": "string", "format": "binary"}
_OPTION_FIELDS = {
    "collection": {**_TEXT, "default": "default"},
    "on_duplicate": {
        **_TEXT,
        "enum": ["return", "reprocess", "reject"],
        "default": "return",
        "description": "What to do with a file whose bytes are already in the collection.",
    },
}


def _form(required: str, **files: Any) -> dict[str, Any]:
    properties = {**files, **_OPTION_FIELDS}
    return {"schema": {"type": "object", "properties": properties, "required": [required]}}


_ONE_FILE = {
    "multipart/form-data": _form("file", file=_BINARY),
    "application/pdf": {"schema": _BINARY},
}
_MANY_FILES = {"multipart/form-data": _form("files", files={"type": "array", "items": _BINARY})}


@router.post(
    "/upload-async",
    status_code=202,
    response_model=UploadAccepted,
    responses=problem_responses(404, 408, 409, 410, 413, 415, 429, 507),
    openapi_extra={"requestBody": {"required": True, "content": _ONE_FILE}},
)
async def upload_async(
    request: Request,
    services: ServicesDep,
    metrics: MetricsDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Accepts one PDF and responds at once. The job reports when the paper is searchable.

    The form may also contain `collection` and `on_duplicate`, before or after the file. If the
    body is the PDF itself, they are query parameters, and so is `filename`. A repeated request
    with the same `Idempotency-Key` returns the job of the first request.
    """
    with _count_refusal(metrics), ParsedUpload() as parsed:
        await receive_one(request, parsed, services)
        options = parse_options(request, parsed.fields)
        [admission] = await admit(parsed, options, services, idempotency_key)
    _count_files(metrics, [admission], [])
    return _accepted(_single_body(admission), admission.job_id)


@router.post(
    "/documents",
    status_code=202,
    response_model=UploadsAccepted,
    responses=problem_responses(404, 408, 409, 410, 413, 415, 429, 507),
    openapi_extra={"requestBody": {"required": True, "content": _MANY_FILES}},
)
async def upload_many(
    request: Request,
    services: ServicesDep,
    metrics: MetricsDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Accepts many PDFs as one job and lists the result of each file.

    A rejected file does not affect the others. If all files are rejected, the response is the
    problem of the first one. A repeated request with the same `Idempotency-Key` returns the job of
    the first request; a different request with the same key is rejected.
    """
    with _count_refusal(metrics), ParsedUpload() as parsed:
        await receive_many(request, parsed, services)
        options = parse_options(request, parsed.fields)
        if not parsed.uploads:
            _count_files(metrics, [], parsed.refusals)
            refused = list(map(_refused_file, parsed.refusals))
            return error_response(request, parsed.refusals[0].error, refused=refused)
        admissions = await admit(parsed, options, services, idempotency_key)
    _count_files(metrics, admissions, parsed.refusals)
    job_id = admissions[0].job_id
    body = {
        "job_id": job_id,
        "status_endpoint": f"/jobs/{job_id}",
        "accepted": list(map(_accepted_file, admissions)),
        "refused": list(map(_refused_file, parsed.refusals)),
    }
    return _accepted(body, job_id)


@router.post(
    "/documents/{document_id}/reingest",
    status_code=202,
    response_model=UploadAccepted,
    responses=problem_responses(404, 409, 429),
)
async def reingest(document_id: DocumentId, services: ServicesDep, metrics: MetricsDep) -> Response:
    """Reads a document again as a new version. Until it is complete, searches return the current
    version."""
    with _count_refusal(metrics):
        admission = await _admit_again(document_id, services)
    metrics.uploads.labels("accepted").inc()
    message = (
        "Accepted. The paper is read again; until that is complete, searches return the current "
        "version."
    )
    return _accepted({**_single_body(admission), "message": message}, admission.job_id)


async def _admit_again(document_id: str, services: Services) -> Admission:
    """Queues a task that reads the document as its next version.

    Raises NotFound if the document or its PDF does not exist, StoresDoNotMatch.
    """
    document = await services.documents.get(document_id)
    await require_original(document, services)
    admitted = await services.jobs.admit(
        document.collection,
        [Upload(document.filename, document.sha256, document.bytes)],
        on_duplicate=OnDuplicate.REPROCESS,
        known_only=True,
    )
    if not admitted:
        raise NotFound(f"There is no document {document_id}; it was deleted during the request.")
    services.wake(Lane.INTERACTIVE)
    return admitted[0]


def _single_body(admission: Admission) -> dict[str, Any]:
    message = "Accepted. Follow status_endpoint; the paper is searchable when the job is completed."
    if admission.duplicate_of:
        message = "The collection already has this file as duplicate_of; no second copy was stored."
    return {
        "success": True,
        "message": message,
        "job_id": admission.job_id,
        "status_endpoint": f"/jobs/{admission.job_id}",
        **_accepted_file(admission),
    }


def _accepted_file(admission: Admission) -> dict[str, Any]:
    return {
        "task_id": str(admission.task_id),
        "document_id": admission.document_id,
        "filename": admission.filename,
        "duplicate_of": admission.duplicate_of,
    }


def _refused_file(refusal: Refusal) -> dict[str, Any]:
    error = refusal.error
    return {"filename": refusal.filename, "code": error.code, "detail": error.message}


def _accepted(body: dict[str, Any], job_id: str) -> Response:
    # Plain JSON: validating our own response would cost more than the rest of this code path.
    headers = {"Location": f"{PREFIX}/jobs/{job_id}"}
    return Response(json.dumps(body), 202, headers, media_type="application/json")


@contextmanager
def _count_refusal(metrics: Metrics) -> Iterator[None]:
    try:
        yield
    except (RefusedUpload, QueueFull) as error:
        metrics.uploads.labels(error.code).inc()
        raise


def _count_files(metrics: Metrics, admissions: list[Admission], refusals: list[Refusal]) -> None:
    for admission in admissions:
        metrics.uploads.labels("duplicate" if admission.duplicate_of else "accepted").inc()
    for refusal in refusals:
        metrics.uploads.labels(refusal.error.code).inc()
