"""Maps every error to RFC 9457 problem JSON: what happened, what was kept, what to do next."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from domain.errors import (
    BadDocument,
    Conflict,
    EmptyFile,
    Expired,
    FileTooLarge,
    InternalError,
    InvalidRequest,
    LeaseLost,
    NotAPdf,
    NotFound,
    OcrUnavailable,
    PaperworksError,
    QueueFull,
    RefusedUpload,
    SandboxUnavailable,
    StoresDoNotMatch,
    Unavailable,
)
from domain.identifiers import COLLECTION_RULE
from serve_app.http.errors import (
    BodyTooLarge,
    ClientDisconnected,
    CrossSiteRequest,
    HeadersTooLarge,
    HttpError,
    InsufficientStorage,
    InvalidHost,
    MalformedJson,
    MethodNotAllowed,
    Overloaded,
    RequestTimeout,
    UnknownHost,
    UnknownRoute,
)
from serve_app.schemas.core import Problem

LOG = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20  # bounds the size of a response with validation errors
MAX_SHOWN_CHARACTERS, MAX_SHOWN_DEPTH = 300, 10

# The message for a value that does not match its pattern, by parameter name.
PATTERN_HINTS = {
    "collection": f"a collection name is {COLLECTION_RULE}",
    "cursor": "the cursor is invalid; pass next_cursor of the previous page unchanged",
    "document_ids": "a document id is doc_ and 24 hexadecimal digits, as returned by searches",
    "highlight": "a chunk id is 32 hexadecimal digits, as returned by searches",
    "idempotency-key": "a key is 1 to 255 printable ASCII characters",
}


class MalformedRequest(InvalidRequest):
    """The body does not match its Content-Type. Nothing of it was kept; correct it and send it
    again."""

    code = "malformed_request"


class UnsupportedMediaType(InvalidRequest):
    """The Content-Type of the body is not supported. Send multipart/form-data with the PDF in the
    field `file`, or the PDF itself as application/pdf."""

    code = "unsupported_media_type"


class MissingFile(InvalidRequest):
    """The request contains no file; send the PDF in the field `file`."""

    code = "missing_file"


class TooManyFiles(InvalidRequest):
    """The request contains more files than the service accepts at once; nothing was admitted. Send
    fewer."""

    code = "too_many_files"


# The first match wins, so subclasses come before their base classes.
STATUS_OF: tuple[tuple[type[PaperworksError], int], ...] = (
    (NotFound, 404),
    (Expired, 410),
    (Conflict, 409),
    (NotAPdf, 415),
    (EmptyFile, 400),
    (FileTooLarge, 413),
    (RefusedUpload, 400),
    (MalformedRequest, 400),
    (UnsupportedMediaType, 415),
    (TooManyFiles, 413),
    (MalformedJson, 400),
    (HttpError, 400),
    (ClientDisconnected, 400),
    (InvalidHost, 400),
    (CrossSiteRequest, 403),
    (MethodNotAllowed, 405),
    (RequestTimeout, 408),
    (BodyTooLarge, 413),
    (UnknownHost, 421),
    (HeadersTooLarge, 431),
    (InvalidRequest, 422),
    (BadDocument, 422),
    (QueueFull, 429),
    (Overloaded, 503),
    (InsufficientStorage, 507),
    (Unavailable, 503),
    (OcrUnavailable, 503),
    (SandboxUnavailable, 503),
    (StoresDoNotMatch, 503),
    (LeaseLost, 409),
)


def status_of(error: PaperworksError) -> int:
    """Returns the HTTP status of an error; 500 for an internal error."""
    return next((status for kind, status in STATUS_OF if isinstance(error, kind)), 500)


def problem_response(
    request: Request,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Response:
    """Returns a problem JSON response; `retry_after_seconds` also sets the Retry-After header."""
    body = {
        "type": f"urn:paperworks:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request.scope.get("state", {}).get("request_id"),
        **extra,
    }
    all_headers = dict(headers or {})
    if "retry_after_seconds" in extra:
        all_headers["Retry-After"] = str(extra["retry_after_seconds"])
    return Response(json.dumps(body), status, all_headers, media_type=MEDIA_TYPE)


def error_response(
    request: Request,
    error: PaperworksError,
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Response:
    """Returns the response for a PaperworksError."""
    if error.retry_after_seconds is not None:
        extra["retry_after_seconds"] = error.retry_after_seconds
    return problem_response(request, status_of(error), error.code, error.message, headers, **extra)


def unexpected_error_response(request: Request, error: Exception) -> Response:
    """Returns the 500 response for an unexpected exception, and logs the traceback."""
    LOG.error(
        "Request failed with an unexpected %s",
        type(error).__name__,
        exc_info=error,
        extra={"action": "request_failed", "path": request.url.path},
    )
    return problem_response(
        request,
        500,
        InternalError.code,
        "The request failed with an internal error; the log of the service has the cause.",
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Registers the handlers that map errors of the routes to problems.

    RequestContext handles every other exception.
    """
    app.add_exception_handler(PaperworksError, _on_paperworks_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the OpenAPI problem responses of a route; 422, 500 and 503 apply to every route."""
    return {status: {"model": Problem} for status in sorted({*statuses, 422, 500, 503})}


async def _on_paperworks_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PaperworksError)
    return error_response(request, error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    json_error = next((detail for detail in found if detail["type"] == "json_invalid"), None)
    if json_error is not None:
        reason = (json_error.get("ctx") or {}).get("error", "it does not parse")
        place = f" at character {json_error['loc'][-1]}"
        return error_response(
            request,
            MalformedJson(
                f"The body is not valid JSON: {reason}{place}. Correct it and send it again."
            ),
        )
    errors = [
        {"field": _field_path(detail["loc"]), "message": _field_message(detail)}
        for detail in found[:MAX_ERRORS]
    ]
    extra: dict[str, Any] = {"errors": errors}
    message = "; ".join(f"{entry['field']}: {entry['message']}" for entry in errors)
    if omitted := len(found) - len(errors):
        extra["errors_left_out"] = omitted
        message += f"; and {omitted} more errors"
    return error_response(request, InvalidRequest(f"{message}."), **extra)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path[:MAX_SHOWN_CHARACTERS]
    match error.status_code:
        case 404:
            code, detail = (
                UnknownRoute.code,
                f"There is no route {path}; see /docs for the available routes.",
            )
        case 405:
            code, detail = MethodNotAllowed.code, f"{path} does not support {request.method}."
        case _:
            code, detail = HttpError.code, str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_of(request))
    return problem_response(request, error.status_code, code, detail, headers)


async def _on_disconnect(request: Request, error: Exception) -> Response:
    return error_response(request, ClientDisconnected())


def _methods_of(request: Request) -> list[str]:
    """Returns the methods of the path over all routes; Starlette reports those of one route."""
    return [
        method
        for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


def _field_path(location: tuple[int | str, ...]) -> str:
    """Returns `filters.page_first` for ("body", "filters", "page_first"), "body" for the body."""
    names = [str(name)[:MAX_SHOWN_CHARACTERS] for name in location[:MAX_SHOWN_DEPTH]]
    return ".".join(names[1:]) or names[0]


def _field_message(error: Mapping[str, Any]) -> str:
    message = str(error["msg"])[:MAX_SHOWN_CHARACTERS].removeprefix("Value error, ")
    match error["type"]:
        case "extra_forbidden":
            return "unknown field; remove it or correct its name"
        case "missing":
            return "this field is required"
        case "string_pattern_mismatch":
            return _pattern_hint(error["loc"]) or message[:1].lower() + message[1:]
        case _:
            return message[:1].lower() + message[1:]


def _pattern_hint(location: tuple[int | str, ...]) -> str | None:
    """Returns the pattern message for the innermost named field, None if there is none."""
    name = next((part for part in reversed(location) if isinstance(part, str)), "")
    return PATTERN_HINTS.get(name.lower())
