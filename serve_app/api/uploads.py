"""Uploads: one file with an answer in milliseconds, or many as one job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, Request, Response

from domain.errors import QueueFull, RefusedUpload
from domain.jobs import Admission
from serve_app.api.context import PREFIX, MetricsHere, ServicesHere
from serve_app.api.metrics import Metrics
from serve_app.api.parameters import DocumentId, IdempotencyKey
from serve_app.api.problems import documented, problem, status_of
from serve_app.library.reingest import read_again
from serve_app.schemas.core import UploadAccepted, UploadsAccepted
from serve_app.uploads.receive import (
    ParsedUpload,
    Refusal,
    admit,
    parse_options,
    receive_many,
    receive_one,
)

router = APIRouter(prefix=PREFIX, tags=["uploads"])

_TEXT = {"type": "string"}
_BINARY = {"type": "string", "format": "binary"}
_WISHES = {
    "collection": {**_TEXT, "default": "default"},
    "on_duplicate": {
        **_TEXT,
        "enum": ["return", "reprocess", "reject"],
        "default": "return",
        "description": "What to do with bytes that the collection has already.",
    },
}


def _form(required: str, **files: Any) -> dict[str, Any]:
    properties = {**files, **_WISHES}
    return {"schema": {"type": "object", "properties": properties, "required": [required]}}


_ONE = {"multipart/form-data": _form("file", file=_BINARY), "application/pdf": {"schema": _BINARY}}
_MANY = {"multipart/form-data": _form("files", files={"type": "array", "items": _BINARY})}


@router.post(
    "/upload-async",
    status_code=202,
    response_model=UploadAccepted,
    responses=documented(400, 409, 410, 413, 415, 429),
    openapi_extra={"requestBody": {"required": True, "content": _ONE}},
)
async def upload_async(
    request: Request,
    services: ServicesHere,
    metrics: MetricsHere,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Accepts one PDF and answers at once; the job tells when it can be searched.

    The form may also carry `collection` and `on_duplicate`, before or after the file. A PDF as the
    body itself takes them, and `filename`, from the query. With an `Idempotency-Key` a repeated
    request gets the job of the first one.
    """
    with _refusal_counted(metrics), ParsedUpload() as received:
        await receive_one(request, received, services)
        wishes = parse_options(request, received.fields)
        [admission] = await admit(received, wishes, services, idempotency_key)
    _count(metrics, [admission], [])
    return _accepted(_one_answer(admission), admission.job_id)


@router.post(
    "/documents",
    status_code=202,
    response_model=UploadsAccepted,
    responses=documented(400, 409, 410, 413, 415, 429),
    openapi_extra={"requestBody": {"required": True, "content": _MANY}},
)
async def upload_many(
    request: Request,
    services: ServicesHere,
    metrics: MetricsHere,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Accepts many PDFs as one job and lists what became of each; a refused one stops no other.

    When all are refused the answer is the first one's problem. With an `Idempotency-Key` a repeated
    request gets the job of the first one; another request with the same key is refused.
    """
    with _refusal_counted(metrics), ParsedUpload() as received:
        await receive_many(request, received, services)
        wishes = parse_options(request, received.fields)
        if not received.uploads:
            _count(metrics, [], received.refusals)
            return _all_refused(request, received)
        admissions = await admit(received, wishes, services, idempotency_key)
    _count(metrics, admissions, received.refusals)
    return _accepted(_many_answer(admissions, received.refusals), admissions[0].job_id)


@router.post(
    "/documents/{document_id}/reingest",
    status_code=202,
    response_model=UploadAccepted,
    responses=documented(404, 429),
)
async def reingest(
    document_id: DocumentId, services: ServicesHere, metrics: MetricsHere
) -> Response:
    """Reads a document again, as a new version; until that is done, searches show the old one."""
    with _refusal_counted(metrics):
        admission = await read_again(document_id, services)
    metrics.upload("accepted")
    message = "Accepted. The paper is read again; until that is done, searches show it as it was."
    return _accepted({**_one_answer(admission), "message": message}, admission.job_id)


def _one_answer(admission: Admission) -> dict[str, Any]:
    message = (
        "Accepted. Follow status_endpoint; the paper can be searched when the job is completed."
    )
    if admission.duplicate_of:
        message = (
            "The collection has these bytes already, as duplicate_of; no second copy was made."
        )
    return {
        "success": True,
        "message": message,
        "job_id": admission.job_id,
        "status_endpoint": f"/jobs/{admission.job_id}",
        **_file(admission),
    }


def _many_answer(admissions: list[Admission], refusals: list[Refusal]) -> dict[str, Any]:
    job_id = admissions[0].job_id
    return {
        "job_id": job_id,
        "status_endpoint": f"/jobs/{job_id}",
        "accepted": list(map(_file, admissions)),
        "refused": list(map(_refused, refusals)),
    }


def _file(admission: Admission) -> dict[str, Any]:
    return {
        "task_id": str(admission.task_id),
        "document_id": admission.document_id,
        "filename": admission.filename,
        "duplicate_of": admission.duplicate_of,
    }


def _refused(refusal: Refusal) -> dict[str, Any]:
    error = refusal.error
    return {"filename": refusal.filename, "code": error.code, "detail": error.message}


def _all_refused(request: Request, received: ParsedUpload) -> Response:
    error, refused = received.refusals[0].error, list(map(_refused, received.refusals))
    return problem(request, status_of(error), error.code, error.message, refused=refused)


def _accepted(answer: dict[str, Any], job_id: str) -> Response:
    # Plain JSON: validating our own answer would cost more than everything else on this path.
    headers = {"Location": f"{PREFIX}/jobs/{job_id}"}
    return Response(json.dumps(answer), 202, headers, media_type="application/json")


@contextmanager
def _refusal_counted(metrics: Metrics) -> Iterator[None]:
    try:
        yield
    except (RefusedUpload, QueueFull) as error:
        metrics.upload(error.code)
        raise


def _count(metrics: Metrics, admissions: list[Admission], refusals: list[Refusal]) -> None:
    for admission in admissions:
        metrics.upload("duplicate" if admission.duplicate_of else "accepted")
    for refusal in refusals:
        metrics.upload(refusal.error.code)
