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

from domain import errors
from domain.errors import InvalidRequest, PaperworksError
from domain.identifiers import COLLECTION_RULE
from serve_app.access import errors as access_errors
from serve_app.http import errors as http_errors
from serve_app.schemas.core import Problem

LOG = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20  # bounds the size of a response with validation errors
MAX_SHOWN_CHARACTERS, MAX_SHOWN_DEPTH = 300, 10

# The message for a value that does not match its pattern, by parameter name.
PATTERN_HINTS = {
    "collection": f"a collection name is {COLLECTION_RULE}",
    "collections": f"a collection name is {COLLECTION_RULE}",
    "name": f"a collection name is {COLLECTION_RULE}",
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


ERRORS_BY_STATUS: Mapping[int, tuple[type[PaperworksError], ...]] = {
    400: (
        *(errors.EmptyFile, errors.RefusedUpload, MalformedRequest, http_errors.MalformedJson),
        *(http_errors.HttpError, http_errors.ClientDisconnected, http_errors.InvalidHost),
    ),
    401: (access_errors.Unauthenticated,),
    403: (
        *(http_errors.CrossSiteRequest, access_errors.Forbidden, access_errors.MissingCsrfToken),
    ),
    404: (errors.NotFound,),
    405: (http_errors.MethodNotAllowed,),
    408: (http_errors.RequestTimeout,),
    409: (errors.Conflict, errors.LeaseLost, errors.QuotaExceeded),
    410: (errors.Expired,),
    412: (errors.PreconditionFailed,),
    413: (errors.FileTooLarge, TooManyFiles, http_errors.BodyTooLarge),
    415: (errors.NotAPdf, UnsupportedMediaType),
    416: (http_errors.RangeNotSatisfiable,),
    421: (http_errors.UnknownHost,),
    422: (InvalidRequest, errors.BadDocument),
    429: (errors.QueueFull, access_errors.RateLimited),
    431: (http_errors.HeadersTooLarge,),
    503: (
        *(http_errors.Overloaded, errors.Unavailable, errors.OcrUnavailable),
        *(errors.SandboxUnavailable, errors.StoresDoNotMatch),
    ),
    507: (http_errors.InsufficientStorage,),
}
COMMON_STATUSES = (401, 403, 422, 429, 500, 503)
STATUS_OF = {kind: status for status, kinds in ERRORS_BY_STATUS.items() for kind in kinds}


def status_of(error: PaperworksError) -> int:
    """Returns the HTTP status of the error's class or of its nearest base; else 500."""
    return next((STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), 500)


def problem_body(status: int, code: str, detail: str, **extra: Any) -> str:
    """Returns the JSON of a problem."""
    body = {
        "type": f"urn:paperworks:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    return json.dumps({**body, **extra})


def request_id_of(request: Request) -> str | None:
    """Returns the id that RequestContext has assigned, None outside of it."""
    return request.scope.get("state", {}).get("request_id")


def problem_response(
    request: Request,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Response:
    """Returns a problem JSON response; `retry_after_seconds` also sets the Retry-After header."""
    body = problem_body(status, code, detail, request_id=request_id_of(request), **extra)
    all_headers = dict(headers or {})
    if "retry_after_seconds" in extra:
        all_headers["Retry-After"] = str(extra["retry_after_seconds"])
    return Response(body, status, all_headers, media_type=MEDIA_TYPE)


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
    message = "The request failed with an internal error; the log of the service has the cause."
    return error_response(request, errors.InternalError(message))


def add_problem_handlers(app: FastAPI) -> None:
    """Registers the handlers that map errors of the routes to problems.

    RequestContext handles every other exception.
    """
    app.add_exception_handler(PaperworksError, _on_paperworks_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the OpenAPI problem responses of a route, with those that every route has."""
    return {status: {"model": Problem} for status in sorted({*statuses, *COMMON_STATUSES})}


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
        message = f"The body is not valid JSON: {reason}{place}. Correct it and send it again."
        return error_response(request, http_errors.MalformedJson(message))
    fields = [
        {"field": _field_path(detail["loc"]), "message": _field_message(detail)}
        for detail in found[:MAX_ERRORS]
    ]
    extra: dict[str, Any] = {"errors": fields}
    message = "; ".join(f"{entry['field']}: {entry['message']}" for entry in fields)
    if omitted := len(found) - len(fields):
        extra["errors_left_out"] = omitted
        message += f"; and {omitted} more errors"
    return error_response(request, InvalidRequest(f"{message}."), **extra)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path[:MAX_SHOWN_CHARACTERS]
    headers = dict(error.headers or {})
    kind, detail = http_errors.HttpError, str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND:
        kind = http_errors.UnknownRoute
        detail = f"There is no route {path}; see /docs for the available routes."
    elif error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI could not parse the body
        kind, detail = MalformedRequest, MalformedRequest().message
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        kind, detail = http_errors.MethodNotAllowed, f"{path} does not support {request.method}."
        headers["Allow"] = ", ".join(_methods_of(request))
    return problem_response(request, error.status_code, kind.code, detail, headers)


async def _on_disconnect(request: Request, error: Exception) -> Response:
    return error_response(request, http_errors.ClientDisconnected())


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
        case "too_short" if (error.get("ctx") or {}).get("min_length") == 1:
            return "the list is empty; it needs at least one item"
        case "string_pattern_mismatch":
            return _pattern_hint(error["loc"]) or message[:1].lower() + message[1:]
        case _:
            return message[:1].lower() + message[1:]


def _pattern_hint(location: tuple[int | str, ...]) -> str | None:
    """Returns the pattern message for the innermost named field, None if there is none."""
    name = next((part for part in reversed(location) if isinstance(part, str)), "")
    return PATTERN_HINTS.get(name.lower())
